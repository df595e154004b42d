//! set, which CPython's manager has since 3.14.

use std::collections::BTreeSet;

use sync_objects::{OtherSet, SetMember, SetOp, SetPage, set};
use sync_proto::{Handle, MethodId, ObjectId, Payload, Refusal};

use super::{bool, done, if_key, iterable, none, taken, text};
use crate::python::args::Args;
use crate::python::desk::{Desk, Outcome, ask, ask_within};
use crate::python::exceptions::{KEY_ERROR, Raise, TYPE_ERROR};
use crate::python::pickle::Node;
use crate::python::reply::Reply;
use crate::python::shown::Shown;

const REMOVE: MethodId = set::method("remove");

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    let [iterable] = args.optional("set", ["iterable"])?;
    let members = match iterable {
        Some(iterable) => iterable::hashable_items(desk, iterable)?,
        None => Vec::new(),
    };
    Ok(desk.create(&set::INTERFACE, &(members,))?)
}

pub(crate) fn call(
    desk: &mut Desk<'_>,
    set: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    Some(match method {
        "__len__" => ask(set, const { set::method("len") }, &(), |_, len| done(Reply::Int(len))),
        "__contains__" => wanted(desk, method, args).and_then(|member| {
            let contains = const { set::method("contains") };
            ask_within(None, set, contains, &(member,), |desk, found| bool(desk, if_key(found)?))
        }),
        "__iter__" => all(set, |members| done(Reply::Iterator(members))),
        "copy" | "#GETVALUE" => all(set, |members| done(Reply::Set(members))),
        "__repr__" | "__str__" => {
            let none: Option<u64> = None;
            let args = (none, none, desk.extent.bytes());
            ask(set, const { set::method("page") }, &args, |desk, page: SetPage| {
                match &page.members[..] {
                    [] => text("set()"),
                    members => Shown::new(desk, "{").items(members, Shown::key).end("}"),
                }
            })
        }
        "add" => args.all(method, ["elem"]).and_then(|[member]| {
            let member = (member.hashable(desk)?.payload(desk)?,);
            ask(set, const { set::method("insert") }, &member, none::<bool>)
        }),
        "discard" => wanted(desk, method, args).and_then(|member| {
            ask_within(None, set, REMOVE, &(member,), |desk, found| {
                none::<bool>(desk, if_key(found)?)
            })
        }),
        "remove" => wanted(desk, method, args).and_then(|member| remove(set, member)),
        "pop" => pop(set),
        "clear" => ask(set, const { set::method("clear") }, &(), none::<()>),
        _ => return algebra(desk, set, method, args),
    })
}

/// The operators, which know only sets, and the methods, which take what can be iterated over.
fn algebra(desk: &mut Desk<'_>, set: ObjectId, method: &str, args: Args<'_>) -> Option<Outcome> {
    use SetOp::{Difference, Intersection, SymmetricDifference, Union};
    const SUBSET: MethodId = set::method("is_subset");
    const SUPERSET: MethodId = set::method("is_superset");
    Some(match method {
        "__or__" | "__ror__" => operator(desk, set, args, Union, false),
        "__and__" | "__rand__" => operator(desk, set, args, Intersection, false),
        "__sub__" => operator(desk, set, args, Difference, false),
        "__rsub__" => from_the_left(desk, set, args),
        "__xor__" | "__rxor__" => operator(desk, set, args, SymmetricDifference, false),
        "__ior__" => operator(desk, set, args, Union, true),
        "__iand__" => operator(desk, set, args, Intersection, true),
        "__isub__" => operator(desk, set, args, Difference, true),
        "__ixor__" => operator(desk, set, args, SymmetricDifference, true),
        "union" => combine(desk, set, method, args, Union, false),
        "intersection" => combine(desk, set, method, args, Intersection, false),
        "difference" => combine(desk, set, method, args, Difference, false),
        "symmetric_difference" => combine(desk, set, method, args, SymmetricDifference, false),
        "update" => combine(desk, set, method, args, Union, true),
        "intersection_update" => combine(desk, set, method, args, Intersection, true),
        "difference_update" => combine(desk, set, method, args, Difference, true),
        "symmetric_difference_update" => {
            combine(desk, set, method, args, SymmetricDifference, true)
        }
        "isdisjoint" => compared(desk, set, args, const { set::method("is_disjoint") }),
        "issubset" => compared(desk, set, args, SUBSET),
        "issuperset" => compared(desk, set, args, SUPERSET),
        "__le__" => ordered(desk, set, args, SUBSET, false),
        "__lt__" => ordered(desk, set, args, SUBSET, true),
        "__ge__" => ordered(desk, set, args, SUPERSET, false),
        "__gt__" => ordered(desk, set, args, SUPERSET, true),
        _ => return None,
    })
}

/// Takes a member that is looked for, a set as a frozen one.
fn wanted(desk: &Desk<'_>, method: &str, args: Args<'_>) -> Result<Payload, Raise> {
    let [member] = args.all(method, ["elem"])?;
    let member = if let Node::Set(_) = member.node() { member } else { member.hashable(desk)? };
    member.payload(desk)
}

fn all(set: ObjectId, then: impl FnOnce(Vec<Payload>) -> Outcome + Send + 'static) -> Outcome {
    let none: Option<u64> = None;
    let page = const { set::method("page") };
    ask(set, page, &(none, none, u64::MAX), |_, page: SetPage| then(page.members))
}

fn remove(set: ObjectId, member: Payload) -> Outcome {
    ask_within(None, set, REMOVE, &(member.clone(),), move |desk, was_there| {
        if if_key(was_there)? { none(desk, ()) } else { Err(KEY_ERROR.of(member)) }
    })
}

fn pop(set: ObjectId) -> Outcome {
    ask(set, const { set::method("pop") }, &(), move |_, member: Option<SetMember>| match member {
        Some(member) => {
            let reply = Reply::Key(member.member.clone());
            taken(reply, set, const { set::method("restore") }, &(member,))
        }
        None => Err(KEY_ERROR.with("pop from an empty set")),
    })
}

/// Returns an operator's operand, which is a set and nothing else.
fn operand(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Option<Vec<Payload>>, Raise> {
    let [other] = args.all("operator", ["value"])?;
    match other.node() {
        Node::Set(_) | Node::FrozenSet(_) => iterable::items(desk, other).map(Some),
        _ => Ok(None),
    }
}

fn operator(
    desk: &mut Desk<'_>,
    set: ObjectId,
    args: Args<'_>,
    op: SetOp,
    in_place: bool,
) -> Outcome {
    match operand(desk, args)? {
        None => done(Reply::NotImplemented),
        Some(other) => operate(set, op, other, in_place),
    }
}

fn operate(set: ObjectId, op: SetOp, other: Vec<Payload>, in_place: bool) -> Outcome {
    let args = (op, OtherSet::Values(other));
    if in_place {
        ask(set, const { set::method("combine") }, &args, none::<()>)
    } else {
        ask(set, const { set::method("combined") }, &args, |_, members| done(Reply::Set(members)))
    }
}

/// Returns what is in the operand and not in this set.
fn from_the_left(desk: &mut Desk<'_>, set: ObjectId, args: Args<'_>) -> Outcome {
    let Some(theirs) = operand(desk, args)? else { return done(Reply::NotImplemented) };
    all(set, move |ours| {
        let ours: BTreeSet<_> = ours.iter().map(|member| member.normalize_key().ok()).collect();
        let keep = |member: &Payload| !ours.contains(&member.normalize_key().ok());
        done(Reply::Set(theirs.into_iter().filter(keep).collect()))
    })
}

/// Combines a set with any number of operands in one step, as with a single one that stands for
/// all: what one of them is refused for has not changed it.
fn combine(
    desk: &mut Desk<'_>,
    set: ObjectId,
    method: &str,
    args: Args<'_>,
    op: SetOp,
    in_place: bool,
) -> Outcome {
    let given = args.positional().len();
    if op == SetOp::SymmetricDifference && given != 1 {
        let why = format!("set.{method}() takes exactly one argument ({given} given)");
        return Err(TYPE_ERROR.with(why));
    }
    let mut all: Option<Vec<Payload>> = None;
    for other in args.positional() {
        let other = iterable::hashable_items(desk, other)?;
        match &mut all {
            None => all = Some(other),
            Some(all) if op == SetOp::Intersection => *all = common(desk, all, other)?,
            Some(all) => all.extend(other),
        }
    }
    match all {
        Some(all) => operate(set, op, all, in_place),
        // No operand changes nothing.
        None => operate(set, SetOp::Union, Vec::new(), in_place),
    }
}

/// Returns those of the second that are in the first, too.
fn common(
    desk: &Desk<'_>,
    first: &[Payload],
    second: Vec<Payload>,
) -> Result<Vec<Payload>, Refusal> {
    let normal = |member: &Payload| {
        let normal = member.normalize_key()?;
        desk.charge(0, normal.as_bytes().len()).map(|()| normal)
    };
    let first = first.iter().map(normal).collect::<Result<BTreeSet<_>, _>>()?;
    let mut both = Vec::new();
    for member in second {
        if first.contains(&normal(&member)?) {
            both.push(member);
        }
    }
    Ok(both)
}

fn compared(desk: &mut Desk<'_>, set: ObjectId, args: Args<'_>, method: MethodId) -> Outcome {
    let [other] = args.all("set", ["other"])?;
    let other = OtherSet::Values(iterable::hashable_items(desk, other)?);
    ask(set, method, &(other,), bool)
}

/// Compares with a set; a strict comparison also wants another number of members.
fn ordered(
    desk: &mut Desk<'_>,
    set: ObjectId,
    args: Args<'_>,
    method: MethodId,
    strict: bool,
) -> Outcome {
    let Some(theirs) = operand(desk, args)? else { return done(Reply::NotImplemented) };
    let ours: u64 = desk.ask(set, const { set::method("len") }, &())?;
    let equal_size = ours == theirs.len() as u64;
    ask(set, method, &(OtherSet::Values(theirs),), move |desk, holds| {
        bool(desk, holds && !(strict && equal_size))
    })
}
