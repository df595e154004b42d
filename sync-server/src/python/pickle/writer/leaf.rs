//! Writes what contains nothing else.

use num_bigint::BigInt;

use crate::python::pickle::graph::Node;
use crate::python::pickle::opcode as op;

/// Appends a value that has no parts.
pub(super) fn put(out: &mut Vec<u8>, leaf: &Node) {
    match leaf {
        Node::Bool(true) => out.push(op::NEWTRUE),
        Node::Bool(false) => out.push(op::NEWFALSE),
        Node::Int(value) => integer(out, *value),
        Node::BigInt(value) => big_integer(out, value),
        Node::Float(value) => {
            out.push(op::BINFLOAT);
            out.extend(value.to_be_bytes());
        }
        Node::Str(text) => put_text(out, text.as_bytes()),
        Node::WideStr(text) => put_text(out, text.as_bytes()),
        Node::Bytes(bytes) => put_bytes(out, bytes),
        Node::ByteArray(bytes) => {
            // Protocol 4 has no opcode for it.
            global(out, "builtins", "bytearray");
            if bytes.is_empty() {
                out.push(op::EMPTY_TUPLE);
            } else {
                put_bytes(out, bytes);
                out.push(op::TUPLE1);
            }
            out.push(op::REDUCE);
        }
        Node::Global(name) => global(out, &name.module, &name.name),
        // All others have parts, or are none.
        _ => out.push(op::NONE),
    }
}

fn integer(out: &mut Vec<u8>, value: i64) {
    if let Ok(value) = u8::try_from(value) {
        out.extend([op::BININT1, value]);
    } else if let Ok(value) = u16::try_from(value) {
        out.push(op::BININT2);
        out.extend(value.to_le_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        out.push(op::BININT);
        out.extend(value.to_le_bytes());
    } else {
        big_integer(out, &value.into());
    }
}

fn big_integer(out: &mut Vec<u8>, value: &BigInt) {
    let bytes = value.to_signed_bytes_le();
    match u8::try_from(bytes.len()) {
        Ok(length) => out.extend([op::LONG1, length]),
        Err(_) => {
            out.push(op::LONG4);
            out.extend((bytes.len() as u32).to_le_bytes());
        }
    }
    out.extend(bytes);
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    sized(out, [op::SHORT_BINUNICODE, op::BINUNICODE, op::BINUNICODE8], text);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    sized(out, [op::SHORT_BINBYTES, op::BINBYTES, op::BINBYTES8], bytes);
}

/// Appends bytes after an opcode and their length in one, four or eight bytes.
fn sized(out: &mut Vec<u8>, [short, medium, long]: [u8; 3], bytes: &[u8]) {
    if let Ok(length) = u8::try_from(bytes.len()) {
        out.extend([short, length]);
    } else if let Ok(length) = u32::try_from(bytes.len()) {
        out.push(medium);
        out.extend(length.to_le_bytes());
    } else {
        out.push(long);
        out.extend((bytes.len() as u64).to_le_bytes());
    }
    out.extend_from_slice(bytes);
}

fn global(out: &mut Vec<u8>, module: &str, name: &str) {
    put_text(out, module.as_bytes());
    put_text(out, name.as_bytes());
    out.push(op::STACK_GLOBAL);
}
