//! Array: machine numbers, as the module `array` has them.

use sync_objects::{ArrayStart, PackedElements, Slice, Typecode, array};
use sync_proto::{ErrorKind, Handle, ObjectId, Payload, Refusal};

use super::{done, iterable, none, text};
use crate::python::args::{Arg, Args};
use crate::python::desk::{Desk, Outcome, ask, ask_within};
use crate::python::exceptions::{INDEX_ERROR, OVERFLOW_ERROR, Raise, TYPE_ERROR, VALUE_ERROR};
use crate::python::pickle::Node;
use crate::python::reply::Reply;
use crate::python::shown::{LETTERS_MAX, Shown, too_long};
use crate::python::value;

const INDICES: &str = "array indices must be integers";
const BAD_TYPECODE: &str = "bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)";

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    let ([code, sequence], [_lock]) = args.bind("Array", ["typecode", "sequence"], ["lock"])?;
    let mut letters = code.text().unwrap_or_default().chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return Err(VALUE_ERROR.with(BAD_TYPECODE));
    };
    let of = Typecode::try_from(letter).map_err(|_| VALUE_ERROR.with(BAD_TYPECODE))?;
    let bytes = match sequence.node() {
        Node::Bytes(bytes) | Node::ByteArray(bytes) if bytes.len() % of.size() == 0 => {
            bytes.clone()
        }
        Node::Bytes(_) | Node::ByteArray(_) => {
            return Err(VALUE_ERROR.with("bytes length not a multiple of item size"));
        }
        // Of many numbers not each is brought as a value of its own.
        Node::List(items) | Node::Tuple(items) => {
            let mut bytes = Vec::with_capacity(items.len() * of.size());
            for &item in items {
                bytes.extend_from_slice(&checked(of, &desk.glance(sequence.graph, item)?)?);
            }
            bytes
        }
        // One of the same typecode needs not be unrolled.
        _ => match elements(of, sequence) {
            Ok(bytes) => bytes,
            Err(_) => packed(of, &iterable::items(desk, sequence)?)?,
        },
    };
    let start = ArrayStart::Elements(PackedElements::new(&bytes)?);
    Ok(desk.create(&array::INTERFACE, &(of, start))?)
}

/// Packs numbers, with the errors of the module `array`.
fn packed(of: Typecode, items: &[Payload]) -> Result<Vec<u8>, Raise> {
    let mut bytes = Vec::with_capacity(items.len() * of.size());
    for item in items {
        bytes.extend_from_slice(&checked(of, item)?);
    }
    Ok(bytes)
}

/// Returns one element's bytes, or says why it is none.
fn checked(of: Typecode, item: &Payload) -> Result<Vec<u8>, Raise> {
    match of {
        Typecode::Float => return Ok((real(item)? as f32).to_le_bytes().to_vec()),
        Typecode::Double => return Ok(real(item)?.to_le_bytes().to_vec()),
        Typecode::Char | Typecode::WideChar => {
            let c: char = item
                .unpack()
                .map_err(|_| TYPE_ERROR.with("array item must be unicode character"))?;
            return Ok(u32::from(c).to_le_bytes().to_vec());
        }
        _ => {}
    }
    let number = integer(item)?;
    match misfit(of, number) {
        Some(why) => Err(OVERFLOW_ERROR.with(why)),
        None => Ok(number.to_le_bytes()[..of.size()].to_vec()),
    }
}

/// Says why a typecode has no such number: CPython tries ever narrower types of C, and each has
/// words of its own.
fn misfit(of: Typecode, number: i128) -> Option<String> {
    use Typecode::{Int, LongLong, Short, SignedChar, UnsignedChar, UnsignedInt};
    use Typecode::{UnsignedLong, UnsignedLongLong, UnsignedShort};
    let within = |least: i128, most: i128, name: &str| match number {
        _ if number < least => Some(format!("{name} is less than minimum")),
        _ if number > most => Some(format!("{name} is greater than maximum")),
        _ => None,
    };
    let (least, most) = match of {
        UnsignedInt | UnsignedLong | UnsignedLongLong => (0, u64::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    };
    if number < least || number > most {
        let why = match of {
            UnsignedInt | UnsignedLong if number < 0 => {
                "can't convert negative value to unsigned int"
            }
            UnsignedInt | UnsignedLong => "Python int too large to convert to C unsigned long",
            UnsignedLongLong if number < 0 => "can't convert negative int to unsigned",
            LongLong | UnsignedLongLong => "int too big to convert",
            _ => "Python int too large to convert to C long",
        };
        return Some(why.to_owned());
    }
    let short = || within(i16::MIN.into(), i16::MAX.into(), "signed short integer");
    let int = || within(i32::MIN.into(), i32::MAX.into(), "signed integer");
    match of {
        SignedChar => short().or_else(|| within(i8::MIN.into(), i8::MAX.into(), "signed char")),
        UnsignedChar => within(0, u8::MAX.into(), "unsigned byte integer"),
        Short => short(),
        UnsignedShort => int().or_else(|| within(0, u16::MAX.into(), "unsigned short")),
        Int => int(),
        UnsignedInt => within(0, u32::MAX.into(), "unsigned int"),
        _ => None,
    }
}

/// Returns an integer; one beyond all typecodes is cut.
fn integer(item: &Payload) -> Result<i128, Raise> {
    let number = value::plain(item).and_then(value::whole).ok_or_else(|| {
        let found = value::type_name_of(item);
        TYPE_ERROR.with(format!("'{found}' object cannot be interpreted as an integer"))
    })?;
    Ok(i128::try_from(&number).unwrap_or_else(|_| {
        if number.sign() == num_bigint::Sign::Minus { i128::MIN } else { i128::MAX }
    }))
}

fn real(item: &Payload) -> Result<f64, Raise> {
    if let Ok(real) = item.unpack::<f64>() {
        return Ok(real);
    }
    // An integer is rounded, as everywhere in Python.
    let number = value::plain(item).and_then(value::whole).ok_or_else(|| {
        let found = value::type_name_of(item);
        TYPE_ERROR.with(format!("must be real number, not {found}"))
    })?;
    value::nearest_float(&number)
        .ok_or_else(|| OVERFLOW_ERROR.with("int too large to convert to float"))
}

pub(crate) fn call(
    desk: &mut Desk<'_>,
    array: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    Some(match method {
        "__len__" => {
            ask(array, const { array::method("len") }, &(), |_, len| done(Reply::Int(len)))
        }
        "__getitem__" => get(desk, array, args),
        "__setitem__" => set(desk, array, args),
        "__repr__" | "__str__" => shown(desk, array),
        "#GETVALUE" => of(desk, array).and_then(|of| slice(array, of, Slice::default())),
        _ => return None,
    })
}

fn of(desk: &mut Desk<'_>, array: ObjectId) -> Result<Typecode, Raise> {
    Ok(desk.ask(array, const { array::method("typecode") }, &())?)
}

fn slice(array: ObjectId, of: Typecode, slice: Slice) -> Outcome {
    let method = const { array::method("slice") };
    ask(array, method, &(of, slice), move |_, elements: PackedElements| {
        done(Reply::Array(of, elements.to_bytes()?))
    })
}

fn get(desk: &mut Desk<'_>, array: ObjectId, args: Args<'_>) -> Outcome {
    let [index] = args.all("__getitem__", ["index"])?;
    let of = of(desk, array)?;
    if let Some(wanted) = index.slice() {
        return slice(array, of, wanted?);
    }
    let get = const { array::method("get") };
    ask_within(None, array, get, &(of, index.index(INDICES)?), |_, element| match element {
        Err(Refusal { kind: ErrorKind::OutOfRange, .. }) => {
            Err(INDEX_ERROR.with("array index out of range"))
        }
        element => done(Reply::Value(element?)),
    })
}

fn set(desk: &mut Desk<'_>, array: ObjectId, args: Args<'_>) -> Outcome {
    let [index, value] = args.all("__setitem__", ["index", "value"])?;
    let of = of(desk, array)?;
    if let Some(slice) = index.slice() {
        let slice = slice?;
        let elements = PackedElements::new(&elements(of, value)?)?;
        let set_slice = const { array::method("set_slice") };
        return ask(array, set_slice, &(of, slice, elements), none::<()>);
    }
    let index = index.index(INDICES)?;
    let bytes = checked(of, &value.payload(desk)?)?;
    let element = PackedElements::new(&bytes)?;
    let len: u64 = desk.ask(array, const { array::method("len") }, &())?;
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    if index >= len || index < -len {
        return Err(INDEX_ERROR.with("array assignment index out of range"));
    }
    let end = if index == -1 { None } else { Some(index + 1) };
    let one = Slice { start: Some(index), end, step: None };
    ask(array, const { array::method("set_slice") }, &(of, one, element), none::<()>)
}

/// Returns the bytes of an `array.array` that is assigned to a slice.
fn elements(of: Typecode, value: Arg<'_>) -> Result<Vec<u8>, Raise> {
    let (code, bytes) = match value.graph.call(value.id) {
        Some((("array", "array"), &[code, bytes])) => (code, bytes),
        Some((("array", "_array_reconstructor"), &[_, code, _, bytes])) => (code, bytes),
        _ => {
            let found = value.type_name();
            let why = format!("can only assign array (not \"{found}\") to array slice");
            return Err(TYPE_ERROR.with(why));
        }
    };
    let same = value.graph.text(code).is_some_and(|code| *code == of.code().to_string());
    match value.graph.get(bytes) {
        Node::Bytes(bytes) if same => Ok(bytes.clone()),
        Node::List(items) if same && items.is_empty() => Ok(Vec::new()),
        _ => Err(TYPE_ERROR.with("bad argument type for built-in operation")),
    }
}

/// Returns the elements of a shared array.
pub(super) fn items(desk: &mut Desk<'_>, array: ObjectId) -> Result<Vec<Payload>, Raise> {
    let of = of(desk, array)?;
    let slice = const { array::method("slice") };
    let elements: PackedElements = desk.ask(array, slice, &(of, Slice::default()))?;
    iterable::elements(desk, &of.code().to_string(), &elements.to_bytes()?)
        .unwrap_or_else(|| Err(TYPE_ERROR.with("the shared array's elements are not known")))
}

fn shown(desk: &mut Desk<'_>, array: ObjectId) -> Outcome {
    let (of, slice) = (of(desk, array)?, const { array::method("slice") });
    ask(array, slice, &(of, desk.extent.items()), move |desk, elements: PackedElements| {
        let (bytes, code) = (elements.to_bytes()?, of.code());
        if bytes.is_empty() {
            return text(format!("array('{code}')"));
        }
        let elements = bytes.chunks_exact(of.size());
        if of.number().is_none() {
            if elements.len() > LETTERS_MAX {
                return Err(too_long());
            }
            let letters = elements.map(|element| char::from_u32(number(element, false) as u32));
            let letters: String =
                letters.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
            let mut shown = Shown::new(desk, &format!("array('{code}', "));
            shown.text(&value::repr_of_str(&letters));
            return shown.end(")");
        }
        let begin = format!("array('{code}', [");
        let shown = Shown::new(desk, &begin).items(elements, |shown, element| {
            shown.text(&shown_number(of, element));
        });
        shown.end("])")
    })
}

/// Returns how Python shows an element that is a number.
fn shown_number(of: Typecode, element: &[u8]) -> String {
    use Typecode::{Double, Float, UnsignedLong, UnsignedLongLong};
    match of {
        Float => value::repr_of_float(f32::from_bits(number(element, false) as u32).into()),
        Double => value::repr_of_float(f64::from_bits(number(element, false))),
        UnsignedLong | UnsignedLongLong => number(element, false).to_string(),
        _ => {
            let is_signed = of.code().is_ascii_lowercase();
            number(element, is_signed).cast_signed().to_string()
        }
    }
}

/// Returns an element's bits, those before it as its sign has them.
fn number(element: &[u8], is_signed: bool) -> u64 {
    let is_negative = is_signed && element.last().is_some_and(|last| last & 0x80 != 0);
    let mut bits = [if is_negative { 0xff } else { 0 }; 8];
    bits[..element.len()].copy_from_slice(element);
    u64::from_le_bytes(bits)
}
