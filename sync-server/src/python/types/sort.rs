//! Sorting by what a builtin makes of each item: the keys that need no Python code.

use num_bigint::BigInt;
use sync_objects::{ListUpdate, list, sort_order};
use sync_proto::{ErrorKind, ObjectId, Payload, Refusal};

use super::none;
use crate::python::args::Arg;
use crate::python::desk::{Desk, Outcome, ask_within};
use crate::python::exceptions::{
    MEMORY_ERROR, NOT_IMPLEMENTED_ERROR, OVERFLOW_ERROR, Raise, TYPE_ERROR, VALUE_ERROR,
};
use crate::python::pickle::Node;
use crate::python::reply;
use crate::python::value::{self, type_name_of};

mod getter;

use getter::ItemGetter;

/// The most bytes of all keys: a list that was repeated is little to the manager, and its keys are
/// made one by one, while others wait.
const KEYS_MAX: usize = 64 << 20;

/// The most digits that are read as an integer, as in Python since 3.11 (and 3.8 by a patch): the
/// time that it takes grows with their square.
const DIGITS_MAX: usize = 4300;

/// A function that this manager knows.
#[derive(Clone, Debug)]
pub(super) enum Key {
    Abs,
    Float,
    Int,
    Items(ItemGetter),
    Len,
    Lower,
    Neg,
    Repr,
    Str,
    Upper,
}

impl Key {
    /// Returns the function that a program has named.
    ///
    /// # Errors
    /// `NotImplementedError` for every other.
    pub(super) fn of(arg: Arg<'_>) -> Result<Self, Raise> {
        if let Some(getter) = ItemGetter::of(arg) {
            return Ok(Self::Items(getter));
        }
        let method = match arg.graph.call(arg.id) {
            Some((("builtins", "getattr"), &[class, name])) => {
                let is_str = arg.graph.global(class) == Some(("builtins", "str"));
                arg.graph.text(name).filter(|_| is_str)
            }
            _ => None,
        };
        match (arg.graph.global(arg.id), method) {
            (Some(("builtins", "abs")), _) => Ok(Self::Abs),
            (Some(("builtins", "float")), _) => Ok(Self::Float),
            (Some(("builtins", "int")), _) => Ok(Self::Int),
            (Some(("builtins", "len")), _) => Ok(Self::Len),
            (Some(("builtins", "repr")), _) => Ok(Self::Repr),
            (Some(("builtins", "str")), _) => Ok(Self::Str),
            (Some(("_operator" | "operator", "neg")), _) => Ok(Self::Neg),
            (_, Some("lower")) => Ok(Self::Lower),
            (_, Some("upper")) => Ok(Self::Upper),
            _ => Err(NOT_IMPLEMENTED_ERROR.with(
                "this manager runs no Python code: the key of sort() may be abs, float, int, len, \
                 repr, str, str.lower, str.upper, operator.neg, or an operator.itemgetter with \
                 integers and strings; for others sort a copy in the program itself and set l[:] \
                 to it",
            )),
        }
    }

    /// Returns what the function makes of an item, and whether that is in an order with others of
    /// its class.
    fn key(&self, item: &Payload) -> Result<(Payload, bool), Raise> {
        match self {
            Self::Items(getter) => getter.key(item),
            _ => Ok((value::alone(self.apply(item)?)?, true)),
        }
    }

    fn apply(&self, item: &Payload) -> Result<Node, Raise> {
        let found = type_name_of(item);
        let no_method = |method: &str| {
            let why = "for 'str' objects doesn't apply to a";
            TYPE_ERROR.with(format!("descriptor '{method}' {why} '{found}' object"))
        };
        match (self, value::plain(item)) {
            (Self::Str, Some(text @ (Node::Str(_) | Node::WideStr(_)))) => Ok(text),
            (Self::Str | Self::Repr, _) if value::is_plain(item) => {
                Ok(Node::Str(reply::try_repr(item)?))
            }
            (Self::Str | Self::Repr, _)
            | (
                Self::Abs | Self::Float | Self::Int | Self::Len | Self::Neg,
                Some(Node::Object(_)),
            )
            | (Self::Items(_), _) => {
                let why =
                    format!("this manager runs no Python code and has no such key of a '{found}'");
                Err(NOT_IMPLEMENTED_ERROR.with(why))
            }
            (Self::Lower, Some(Node::Str(text))) => Ok(Node::Str(text.to_lowercase())),
            (Self::Upper, Some(Node::Str(text))) => Ok(Node::Str(text.to_uppercase())),
            (Self::Lower | Self::Upper, Some(Node::WideStr(_))) => Err(NOT_IMPLEMENTED_ERROR
                .with("this manager does not change the case of a string with lone surrogates")),
            (Self::Lower, _) => Err(no_method("lower")),
            (Self::Upper, _) => Err(no_method("upper")),
            (Self::Len, node) => match node.and_then(|node| node.length()) {
                Some(len) => Ok(Node::Int(len as i64)),
                None => Err(TYPE_ERROR.with(format!("object of type '{found}' has no len()"))),
            },
            (Self::Abs, Some(Node::Float(number))) => Ok(Node::Float(number.abs())),
            (Self::Abs, number) => match number.and_then(value::whole) {
                Some(number) => Ok(integer(number.magnitude().clone().into())),
                None => Err(TYPE_ERROR.with(format!("bad operand type for abs(): '{found}'"))),
            },
            (Self::Neg, Some(Node::Float(number))) => Ok(Node::Float(-number)),
            (Self::Neg, number) => match number.and_then(value::whole) {
                Some(number) => Ok(integer(-number)),
                None => Err(TYPE_ERROR.with(format!("bad operand type for unary -: '{found}'"))),
            },
            (Self::Int, number) => int(item, number),
            (Self::Float, number) => Ok(Node::Float(float(item, number)?)),
        }
    }
}

/// Sorts a list by a key, in its turn among those who write to it: in one step, and not at all if
/// an item has no key, or keys no order.
pub(super) fn by_key(list: ObjectId, key: Key, descending: bool) -> Outcome {
    let begin = const { list::method("begin_update") };
    ask_within(None, list, begin, &(), move |desk, begun: Result<ListUpdate, Refusal>| {
        let sorted = begun.map_err(Raise::from).and_then(|ListUpdate { token, items, .. }| {
            let commit = (token, sorted(desk, &items, &key, descending)?);
            Ok(desk.ask::<()>(list, const { list::method("commit_update") }, &commit)?)
        });
        if sorted.is_err() {
            // Also of a list that was too long to be looked at the turn has begun.
            desk.ask::<()>(list, const { list::method("abandon_update") }, &())?;
        }
        none(desk, sorted?)
    })
}

fn sorted(
    desk: &mut Desk<'_>,
    items: &[Payload],
    key: &Key,
    descending: bool,
) -> Result<Vec<Payload>, Raise> {
    desk.charge_parts(items)?;
    let (mut keys, mut bytes, mut are_ordered) = (Vec::with_capacity(items.len()), 0, true);
    for item in items {
        let (key, has_order) = key.key(item)?;
        bytes += key.bytes.len();
        are_ordered &= has_order;
        if bytes > KEYS_MAX {
            let why = format!("the keys take more than {KEYS_MAX} bytes: sort a copy yourself");
            return Err(MEMORY_ERROR.with(why));
        }
        keys.push(key);
    }
    let order = if are_ordered || items.len() < 2 {
        sort_order(&keys, descending)
    } else {
        Err(ErrorKind::WrongType.into())
    };
    let order = order
        .map_err(|refusal| unsortable(keys.iter().map(value::class_of), descending, refusal))?;
    Ok(order.into_iter().map(|at| items[at].clone()).collect())
}

/// Says which two classes do not compare, as far as they show it.
pub(super) fn unsortable(
    names: impl DoubleEndedIterator<Item = String>,
    descending: bool,
    refusal: Refusal,
) -> Raise {
    if refusal.kind != ErrorKind::WrongType {
        return refusal.into();
    }
    let mut names: Vec<String> = names.collect();
    if descending {
        // Python sorts what is turned around.
        names.reverse();
    }
    let Some(last) = names.last() else { return refusal.into() };
    let are_numbers = |name: &str| matches!(name, "bool" | "int" | "float");
    let differ =
        |two: &&[String]| two[0] != two[1] && !(are_numbers(&two[0]) && are_numbers(&two[1]));
    // It compares each with the one before it.
    let (left, right) =
        names.windows(2).find(differ).map_or((last, last), |two| (&two[1], &two[0]));
    TYPE_ERROR.with(format!("'<' not supported between instances of '{left}' and '{right}'"))
}

/// Returns an integer as a value.
fn integer(number: BigInt) -> Node {
    i64::try_from(&number).map_or_else(|_| Node::BigInt(Box::new(number)), Node::Int)
}

/// Takes the underscores out that Python lets stand between digits.
fn digits(text: &str) -> Option<String> {
    let text = text.trim();
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let mut kept = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if c != '_' {
            kept.push(c);
        } else if !is_digit(text[..at].chars().next_back())
            || !is_digit(text[at + 1..].chars().next())
        {
            return None;
        }
    }
    Some(kept)
}

/// Reads an integer; `None` where the text is none.
fn read_integer(text: &str) -> Result<Option<BigInt>, Raise> {
    let Some(digits) = digits(text) else { return Ok(None) };
    let bare = digits.trim_start_matches(['+', '-']);
    let count = bare.len();
    if count > DIGITS_MAX && bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(VALUE_ERROR.with(format!(
            "Exceeds the limit ({DIGITS_MAX} digits) for integer string conversion: value has \
             {count} digits; use sys.set_int_max_str_digits() to increase the limit"
        )));
    }
    Ok(digits.parse().ok())
}

/// Does what `int(item)` does.
fn int(item: &Payload, number: Option<Node>) -> Result<Node, Raise> {
    let number = match number {
        Some(Node::Float(number)) if number.is_nan() => {
            return Err(VALUE_ERROR.with("cannot convert float NaN to integer"));
        }
        Some(Node::Float(number)) if number.is_infinite() => {
            return Err(OVERFLOW_ERROR.with("cannot convert float infinity to integer"));
        }
        // Without its fraction a float is written as the integer that it is.
        Some(Node::Float(number)) => format!("{:.0}", number.trunc()).parse().ok(),
        Some(Node::Str(text)) => read_integer(&text)?,
        Some(Node::Bytes(text) | Node::ByteArray(text)) => {
            read_integer(&String::from_utf8_lossy(&text))?
        }
        number => {
            let number = number.and_then(value::whole).ok_or_else(|| {
                let found = type_name_of(item);
                TYPE_ERROR.with(format!(
                    "int() argument must be a string, a bytes-like object or a real number, not \
                     '{found}'"
                ))
            })?;
            Some(number)
        }
    };
    let number: BigInt = number.ok_or_else(|| {
        // As much of it as CPython shows.
        let shown: String = reply::repr(item).chars().take(200).collect();
        VALUE_ERROR.with(format!("invalid literal for int() with base 10: {shown}"))
    })?;
    Ok(integer(number))
}

/// Reads a float from what an item says.
fn read_float(item: &Payload, text: &str) -> Result<f64, Raise> {
    digits(text).and_then(|digits| digits.parse().ok()).ok_or_else(|| {
        let shown = reply::repr(item);
        VALUE_ERROR.with(format!("could not convert string to float: {shown}"))
    })
}

/// Does what `float(item)` does.
fn float(item: &Payload, number: Option<Node>) -> Result<f64, Raise> {
    match number {
        Some(Node::Float(number)) => Ok(number),
        Some(Node::Str(text)) => read_float(item, &text),
        Some(Node::Bytes(text) | Node::ByteArray(text)) => {
            read_float(item, &String::from_utf8_lossy(&text))
        }
        number => {
            let number = number.and_then(value::whole).ok_or_else(|| {
                let found = type_name_of(item);
                TYPE_ERROR.with(format!(
                    "float() argument must be a string or a real number, not '{found}'"
                ))
            })?;
            value::nearest_float(&number)
                .ok_or_else(|| OVERFLOW_ERROR.with("int too large to convert to float"))
        }
    }
}
