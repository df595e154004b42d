//! Byte strings with and without their heads are the same values.

use postcard::ser_flavors::Flavor;
use serde_bytes::{ByteBuf, Bytes};

use super::*;
use crate::message::WireHandle;
use crate::{Blob, Data};

/// A byte string in both encodings.
fn both(content: &[u8]) -> [Payload; 2] {
    let bare = Payload::new(Encoding::Bytes, SmallBytes::copy_from_slice(content), Vec::new());
    let whole = cbor::to_vec(Bytes::new(content)).unwrap();
    [bare, Payload::new(Encoding::Cbor, whole.into(), Vec::new())]
}

#[test]
fn it_is_no_larger_than_a_cache_line() {
    assert!(size_of::<Payload>() <= 64 && size_of::<Payload<WireHandle>>() <= 64);
}

#[test]
fn a_byte_string_is_the_same_value_in_both_encodings() {
    for length in [1, 23, 24, LARGE - 1, LARGE, 70_000] {
        let content: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let [bare, whole] = both(&content);
        assert_eq!(cbor::of_bytes(&bare.bytes), *whole.bytes);
        assert_eq!((bare.kind(), bare.check_depth(1)), (whole.kind(), whole.check_depth(1)));
        assert_eq!(bare.normalize().unwrap(), whole.normalize().unwrap());
        assert_eq!(bare.normalize_key().unwrap(), whole.normalize_key().unwrap());
        assert_eq!(format!("{bare:?}"), format!("{whole:?}"));
        for payload in [bare, whole] {
            assert_eq!(payload.unpack::<ByteBuf>().unwrap(), content);
            assert_eq!(payload.unpack::<Option<Blob>>().unwrap(), Some(content.clone().into()));
            assert_eq!(payload.clone().into_value::<ByteBuf>().unwrap(), content);
            assert_eq!(payload.into_value::<Blob>().unwrap(), content.clone().into());
        }
    }
}

#[test]
fn a_byte_string_is_refused_in_the_same_words_in_both_encodings() {
    refused::<u64>();
    refused::<i128>();
    refused::<f64>();
    refused::<Option<bool>>();
    refused::<char>();
    refused::<String>();
    refused::<()>();
    refused::<Vec<u8>>();
    refused::<(u8, u8)>();
    refused::<Named>();
    refused::<std::collections::BTreeMap<String, u8>>();
    refused::<Result<u8, u8>>();
    refused::<Handle>();
    refused::<Members>();
    for payload in both(&[7; 20_000]) {
        payload.unpack::<serde::de::IgnoredAny>().unwrap();
        let either = payload.unpack::<Either>().unwrap();
        assert_eq!(either, Either::Bytes(ByteBuf::from([7; 20_000])));
    }
}

/// Reads bytes, small and large, as a type that is something else.
fn refused<T: DeserializeOwned + fmt::Debug>() {
    for length in [3, 20_000] {
        let [bare, whole] = both(&vec![7; length]).map(|payload| {
            let refusal = payload.unpack::<T>().unwrap_err();
            assert_eq!(payload.into_value::<T>().unwrap_err(), refusal);
            refusal
        });
        assert_eq!(bare, whole);
        assert!(bare.message.contains("found bytes of"), "{bare}");
        assert_eq!(bare.kind, ErrorKind::WrongType);
    }
}

/// A set's members.
#[derive(Debug)]
struct Members;

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl serde::de::Visitor<'_> for Any {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("members")
            }
        }

        deserializer.deserialize_newtype_struct(cbor::SET, Any)
    }
}

#[derive(Debug, serde::Deserialize)]
struct Endless(#[expect(dead_code, reason = "it is never read to its end")] Option<Box<Self>>);

#[test]
fn a_type_that_nests_without_a_byte_reads_no_byte_string_for_ever() {
    let [bare, whole] = both(b"abc").map(|of| of.unpack::<Endless>().unwrap_err());
    assert_eq!(bare, whole);
    assert!(bare.message.contains("nested deeper"), "{bare}");
}

/// A type that reads bytes where they are.
#[derive(Debug, PartialEq)]
struct Sum(u64);

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: &'de [u8] = serde_bytes::deserialize(deserializer)?;
        Ok(Self(bytes.iter().map(|&byte| u64::from(byte)).sum()))
    }
}

#[test]
fn bytes_can_be_borrowed_whatever_their_number() {
    for length in [3, LARGE] {
        for payload in both(&vec![2; length]) {
            assert_eq!(payload.unpack::<Sum>().unwrap(), Sum(2 * length as u64));
            assert_eq!(payload.into_value::<Sum>().unwrap(), Sum(2 * length as u64));
        }
    }
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u64),
    Bytes(ByteBuf),
}

#[test]
fn only_large_byte_strings_lose_their_heads() {
    let encoding = |length: usize| {
        let value = ByteBuf::from(vec![7; length]);
        let payload = Payload::pack(&value).unwrap();
        assert_eq!(payload.unpack::<ByteBuf>().unwrap(), value);
        payload.encoding
    };
    assert_eq!(encoding(0), Encoding::Cbor);
    assert_eq!(encoding(LARGE - 100), Encoding::Cbor);
    assert_eq!(encoding(LARGE), Encoding::Bytes);
    let text = Payload::pack(&"x".repeat(2 * LARGE)).unwrap();
    let numbers = Payload::pack(&vec![300; LARGE]).unwrap();
    let two = Payload::pack(&[Bytes::new(&[7; LARGE]); 2]).unwrap();
    for other in [text, numbers, two] {
        assert_eq!(other.encoding, Encoding::Cbor, "{other:?}");
    }
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Frame(Option<Blob>);

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Named {
    name: String,
    first: Blob,
    second: Blob,
}

#[test]
fn a_large_blob_that_is_all_of_a_value_is_not_copied() {
    let blob = Blob::from(vec![7; LARGE]);
    let values = [Payload::pack(&blob), Payload::pack(&Frame(Some(blob.clone())))];
    for payload in values.map(Result::unwrap) {
        assert_eq!((payload.encoding, payload.bytes.as_ptr()), (Encoding::Bytes, blob.as_ptr()));
        assert_eq!(payload.unpack::<Frame>().unwrap(), Frame(Some(blob.clone())));
        // Whoever shares it.
        assert_eq!(payload.unpack::<Blob>().unwrap().as_ptr(), blob.as_ptr());
        let Frame(Some(read)) = payload.clone().into_value().unwrap() else { panic!() };
        assert_eq!(read.as_ptr(), blob.as_ptr());
    }
    let sole = Payload::pack(&Blob::from(vec![7; LARGE])).unwrap();
    let place = sole.bytes.as_ptr();
    assert_eq!(sole.into_value::<Blob>().unwrap().as_ptr(), place);
}

#[test]
fn a_blob_in_something_else_is_bytes() {
    let blob = |byte| Blob::from(vec![byte; LARGE]);
    let value = Named { name: "both".to_owned(), first: blob(1), second: blob(2) };
    let payload = Payload::pack(&value).unwrap();
    assert_eq!(payload.unpack::<Named>().unwrap(), value);
    let value = (blob(3), 4);
    assert_eq!(Payload::pack(&value).unwrap().unpack::<(Blob, u8)>().unwrap(), value);
    let small = Blob::from(vec![5; 10]);
    assert_eq!(Payload::pack(&small).unwrap(), Payload::pack(Bytes::new(&[5; 10])).unwrap());
    // Among a call's arguments, and in another format.
    let data = Data::encode(&(blob(6), 7_u8)).unwrap();
    assert_eq!(data.decode::<(Blob, u8)>().unwrap(), (blob(6), 7));
    assert_eq!(cbor::to_vec(&blob(8)).unwrap(), cbor::to_vec(Bytes::new(&[8; LARGE])).unwrap());
}

/// A value that encodes another by the way.
struct Hidden(Blob);

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = postcard::to_allocvec(&self.0).unwrap();
        serializer.serialize_u64(inner.len() as u64)
    }
}

#[test]
fn a_blob_that_is_not_part_of_the_value_is_not_taken_for_it() {
    let payload = Payload::pack(&Hidden(Blob::from(vec![7; LARGE]))).unwrap();
    assert!(payload.unpack::<u64>().unwrap() > LARGE as u64);
}

/// Packs what it is given, piece by piece, as blobs of their own.
struct Packing(Vec<Payload>);

impl Flavor for Packing {
    type Output = Vec<Payload>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        let pieces = bytes.chunks(LARGE / 4).map(|piece| Blob::from(piece.to_vec()));
        self.0.extend(pieces.map(|piece| Payload::pack(&piece).unwrap()));
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<Payload>> {
        Ok(self.0)
    }
}

#[test]
fn a_blob_that_is_packed_as_another_is_written_is_not_taken_for_that() {
    let large = Blob::from(vec![7; 4 * LARGE]);
    let pieces = postcard::serialize_with_flavor(&large, Packing(Vec::new())).unwrap();
    let sizes = pieces.iter().map(|piece| piece.unpack::<Blob>().unwrap().len());
    assert!(sizes.clone().all(|size| size <= LARGE / 4), "{:?}", sizes.collect::<Vec<_>>());
}

#[test]
fn a_blob_is_read_by_deserializers_that_know_no_newtypes() {
    use serde::de::value::{BytesDeserializer, Error, SeqDeserializer};

    let bytes = BytesDeserializer::<Error>::new(b"abc");
    assert_eq!(Blob::deserialize(bytes).unwrap(), Blob::from(&b"abc"[..]));
    let items = SeqDeserializer::<_, Error>::new([1_u8, 2].into_iter());
    assert_eq!(Blob::deserialize(items).unwrap(), Blob::from(&[1, 2][..]));
}
