//! The types of `SyncManager`, each method as requests of a native object.

use serde::Serialize;
use sync_objects::{DebugInfo, manager};
use sync_proto::{ErrorKind, Handle, MethodId, ObjectId, Refusal};

use super::args::Args;
use super::desk::{Desk, Next, Outcome, Undo};
use super::exceptions::{Raise, trouble};
use super::face::Face;
use super::reply::Reply;
use super::request::ident_of;
use super::shown::{BRIEF, Extent};

pub(crate) mod array;
pub(crate) mod barrier;
pub(crate) mod condition;
pub(crate) mod dict;
pub(crate) mod event;
pub(crate) mod iterable;
pub(crate) mod iterator;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod namespace;
pub(crate) mod queue;
pub(crate) mod rlock;
pub(crate) mod semaphore;
pub(crate) mod set;
mod sort;
pub(crate) mod value;
mod waiting;

/// Carries out a method of a type; `None` when it has no such method.
pub(crate) type Method = fn(&mut Desk<'_>, ObjectId, &str, Args<'_>) -> Option<Outcome>;

/// Creates an object of a type, or finds the one that was published under that name.
pub(crate) fn create(desk: &mut Desk<'_>, typeid: &str, args: Args<'_>) -> Result<Handle, Raise> {
    match typeid {
        "Lock" => lock::create(desk, args),
        "RLock" => rlock::create(desk, args),
        "Semaphore" => semaphore::create(desk, args, false),
        "BoundedSemaphore" => semaphore::create(desk, args, true),
        "Condition" => condition::create(desk, args),
        "Event" => event::create(desk, args),
        "Barrier" => barrier::create(desk, args),
        "Queue" | "JoinableQueue" => queue::create(desk, args),
        "Namespace" => namespace::create(desk, args),
        "Value" => value::create(desk, args),
        "Array" => array::create(desk, args),
        "list" => list::create(desk, args),
        "dict" => dict::create(desk, args),
        "set" => set::create(desk, args),
        "Pool" => Err(trouble(
            "NotImplementedError",
            "this manager runs no Python code, so it has no Pool: use multiprocessing.Pool in the \
             program itself, and share what its workers need",
        )),
        name => published(desk, name, args),
    }
}

fn published(desk: &mut Desk<'_>, name: &str, args: Args<'_>) -> Result<Handle, Raise> {
    let Some(object) = desk.kernel.named(name) else {
        let why = format!(
            "'{name}': this manager has no such type, and no object was published under that name"
        );
        return Err(trouble("KeyError", &why));
    };
    args.all::<0>(name, [])?;
    Ok(desk.name(object)?)
}

/// Returns what the manager holds, as CPython's `_debug_info` words it.
pub(crate) fn debug_info(desk: &mut Desk<'_>) -> Result<String, Raise> {
    let method = const { manager::method("debug_info") };
    desk.extent = Extent::Brief { looked_at: 0 };
    let info: DebugInfo = desk.ask(ObjectId::MANAGER, method, &(u32::MAX,))?;
    let mut lines: Vec<(String, String)> = Vec::new();
    for object in info.objects {
        let (id, count) = (ident_of(desk.kernel.id(), object.object), object.references);
        let shown = shown(desk, object.object).unwrap_or(object.interface);
        let shown: String = shown.chars().take(BRIEF).collect();
        lines.push((id.clone(), format!("  {id}:       refcount={count}\n    {shown}")));
    }
    lines.sort_unstable();
    Ok(lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n"))
}

/// Returns an object as `str` shows it, if that needs no waiting.
fn shown(desk: &mut Desk<'_>, object: ObjectId) -> Option<String> {
    let face = Face::of(desk.kernel.interface_of(object)?.fingerprint)?;
    let graph = super::pickle::Graph::new();
    let args = Args { graph: &graph, positional: &[], named: &[] };
    let mut next = (face.call)(desk, object, "__repr__", args)?.ok()?;
    loop {
        match next {
            Next::Return(Reply::Text(text)) => return Some(text),
            Next::Return(_) | Next::Hand(..) => return None,
            Next::Ask(ask) => {
                let answer = desk.ask_data(ask.object, ask.method, ask.data);
                next = (ask.then)(desk, answer).ok()?;
            }
        }
    }
}

/// Answers with nothing.
fn none<T>(_: &mut Desk<'_>, _: T) -> Outcome {
    Ok(Next::Return(Reply::None))
}

/// Answers with a truth.
fn bool(_: &mut Desk<'_>, answer: bool) -> Outcome {
    Ok(Next::Return(Reply::Bool(answer)))
}

fn text(text: impl Into<String>) -> Outcome {
    Ok(Next::Return(Reply::Text(text.into())))
}

fn done(reply: Reply) -> Outcome {
    Ok(Next::Return(reply))
}

/// Looks at what came of looking for a key. One that cannot be a key of an object is equal to none
/// that is there: NaN, for what has no hash does not come so far.
fn if_key<R: Default>(answer: Result<R, Refusal>) -> Result<R, Raise> {
    match answer {
        Err(Refusal { kind: ErrorKind::InvalidInput, .. }) => Ok(R::default()),
        answer => Ok(answer?),
    }
}

/// Answers with what was taken out, which `put_back` of the object undoes.
fn taken(reply: Reply, of: ObjectId, put_back: MethodId, args: &impl Serialize) -> Outcome {
    Ok(Next::Hand(reply, Undo::new(of, put_back, args)?))
}

/// Returns where CPython would say that an object is: its identity serves.
fn at(object: ObjectId) -> String {
    format!("0x{:012x}", object.0)
}

/// Refuses to hand out what cannot leave the manager.
fn unserializable(class: &str) -> Outcome {
    Err(Raise::Unserializable(format!("cannot pickle '{class}' object")))
}
