//! Payloads: users' values, which only the users understand.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_proto::{Blob, Encoding, Payload, SmallBytes, cbor};

/// Checks that a value's bytes are refused or have one meaning: a normal form is its own normal
/// form, a value that can be read is written back as an equal value, and nothing panics. The first
/// byte is the number of handles that come with the value.
///
/// # Panics
/// When it does not hold.
pub fn payload(input: &[u8]) {
    let Some((&count, bytes)) = input.split_first() else { return };
    // Each handle's object has the handle's own number: normalizing changes no handle.
    let handles: Vec<u64> = (0..u64::from(count)).collect();
    let _ = (cbor::show(bytes, 80), cbor::describe(bytes), cbor::kind(bytes));
    let valid = cbor::validate(bytes, handles.len());
    for normalize in [cbor::normalize, cbor::normalize_key] {
        let Ok(normal) = normalize(bytes, &handles) else { continue };
        assert_eq!(valid, Ok(()), "what is malformed has no normal form");
        let again = normalize(normal.as_bytes(), &handles);
        assert_eq!(again.as_ref(), Ok(&normal), "a normal form is its own");
        // Some kinds have no order; what has one equals itself.
        let order = cbor::compare(&normal, &normal);
        assert!(order.is_err() || order.is_ok_and(std::cmp::Ordering::is_eq));
    }
    is_the_same_in_both_encodings(bytes);
    read_back::<i64>(bytes);
    read_back::<u128>(bytes);
    read_back::<f64>(bytes);
    read_back::<Option<Option<bool>>>(bytes);
    read_back::<(char, String)>(bytes);
    read_back::<Vec<Shape>>(bytes);
    read_back::<BTreeMap<String, Vec<i8>>>(bytes);
}

/// Takes the input for a byte string, with and without its head in CBOR.
fn is_the_same_in_both_encodings(content: &[u8]) {
    let whole = cbor::to_vec(serde_bytes::Bytes::new(content)).expect("bytes can be written");
    let bare = Payload::new(Encoding::Bytes, SmallBytes::copy_from_slice(content), Vec::new());
    let whole = Payload::new(Encoding::Cbor, whole.into(), Vec::new());
    assert_eq!((bare.kind(), bare.normalize()), (whole.kind(), whole.normalize()));
    assert_eq!(bare.normalize_key(), whole.normalize_key());
    assert_eq!(bare.unpack::<Blob>(), whole.unpack::<Blob>());
    assert_eq!(bare.unpack::<Vec<u8>>(), whole.unpack::<Vec<u8>>());
    assert_eq!(bare.unpack::<Shape>().err(), whole.unpack::<Shape>().err());
}

/// One of each form in which serde gives a type's parts.
#[derive(Debug, Serialize, serde::Deserialize)]
enum Shape {
    Unit,
    Newtype(u32),
    Tuple(i16, f32),
    Struct { name: String, size: Option<u8> },
}

/// The head of a set's tag.
const SET: [u8; 3] = [0xd9, 0x01, 0x02];

fn read_back<T: Serialize + DeserializeOwned + Debug>(bytes: &[u8]) {
    let Ok(value) = cbor::from_slice::<T>(bytes) else { return };
    let written = cbor::to_vec(&value).expect("what was read can be written");
    // A list, a tuple and a set read as each other, so they count as one here.
    let normal = |bytes| cbor::normalize_key(bytes, &[]);
    if let (Ok(read), Ok(written)) = (normal(bytes), normal(&written)) {
        let has_set = read.as_bytes().windows(SET.len()).any(|bytes| bytes == SET);
        assert!(has_set || read == written, "{value:?} is not what was read: {read:?} {written:?}");
    }
}
