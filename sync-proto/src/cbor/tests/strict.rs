//! What is not exactly the type that was asked for is refused, and the error says why.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};

use super::{Distinct, Meters, Proxy, Shape, encode, hex};
use crate::cbor::{HANDLE, SET, from_slice, to_vec, validate};

fn refuses<'de, T: Deserialize<'de> + Debug>(bytes: &'de [u8], message: &str) {
    assert_eq!(from_slice::<T>(bytes).unwrap_err().to_string(), message);
}

#[test]
fn an_integer_is_read_from_nothing_but_an_integer_that_fits() {
    refuses::<i64>(&encode("abc"), "found string \"abc\" where i64 was expected");
    refuses::<i64>(&encode(2.0), "found float 2.0 where i64 was expected");
    refuses::<u8>(&encode(true), "found bool true where u8 was expected");
    refuses::<u8>(&encode(300), "found integer 300 where u8 was expected");
    refuses::<u8>(&encode(-1), "found integer -1 where u8 was expected");
    refuses::<i64>(&encode(u64::MAX), "found integer 18446744073709551615 where i64 was expected");
    refuses::<i128>(
        &encode(u128::MAX),
        "found integer 340282366920938463463374607431768211455 where i128 was expected",
    );
    refuses::<u128>(&encode(-1), "found integer -1 where u128 was expected");
    refuses::<u8>(&encode(None::<u8>), "found null where u8 was expected");
    refuses::<u32>(&encode(Proxy(1)), "found a shared object's handle where u32 was expected");
    refuses::<Meters>(&encode(Proxy(1)), "found a shared object's handle where u32 was expected");
    refuses::<u8>(&hex("d820 01"), "found tagged value 32 where u8 was expected");
    // A bignum that fits is an integer like any other.
    assert_eq!(from_slice::<u8>(&hex("c2 43 000007")), Ok(7));
    assert_eq!(from_slice::<i8>(&hex("c3 40")), Ok(-1));
    assert_eq!(from_slice::<u16>(&hex("1b 0000000000000007")), Ok(7));
}

#[test]
fn a_float_is_read_from_what_it_holds_exactly() {
    assert_eq!(from_slice::<f64>(&hex("f9 3e00")), Ok(1.5));
    assert_eq!(from_slice::<f64>(&hex("f9 0001")), Ok(2.0_f64.powi(-24)));
    assert_eq!(from_slice::<f64>(&hex("f9 fbff")), Ok(-65504.0));
    assert_eq!(from_slice::<f64>(&hex("f9 fc00")), Ok(f64::NEG_INFINITY));
    assert_eq!(from_slice::<f64>(&encode(1.5_f32)), Ok(1.5));
    assert_eq!(from_slice::<f64>(&encode(1_u64 << 63)), Ok(2.0_f64.powi(63)));
    assert_eq!(from_slice::<f64>(&encode(i128::MIN)), Ok(-2.0_f64.powi(127)));
    assert_eq!(from_slice::<f64>(&encode(1_u128 << 127)), Ok(2.0_f64.powi(127)));
    assert_eq!(from_slice::<f32>(&encode(16_777_216)), Ok(16_777_216.0));
    assert_eq!(from_slice::<f32>(&encode(0.5_f64)), Ok(0.5));
    refuses::<f64>(
        &encode((1_i64 << 53) + 1),
        "found integer 9007199254740993 where f64 was expected",
    );
    refuses::<f32>(&encode(16_777_217), "found integer 16777217 where f32 was expected");
    refuses::<f32>(&encode(0.1), "found float 0.1 where f32 was expected");
    refuses::<f32>(&encode(1e300), "found float 1e300 where f32 was expected");
    refuses::<f64>(&encode("1"), "found string \"1\" where f64 was expected");
    refuses::<f64>(&encode(true), "found bool true where f64 was expected");
    assert!(from_slice::<f64>(&encode(i128::MAX)).is_err());
    assert!(from_slice::<f64>(&encode(u128::MAX)).is_err());
}

#[test]
fn bools_characters_text_bytes_and_null_are_nothing_else() {
    refuses::<bool>(&encode(1), "found integer 1 where a boolean was expected");
    refuses::<char>(&encode("ab"), "found string \"ab\" where a character was expected");
    refuses::<char>(&encode(""), "found string \"\" where a character was expected");
    refuses::<char>(&encode(97), "found integer 97 where a character was expected");
    refuses::<String>(&hex("41 61"), "found bytes of 1 where a string was expected");
    refuses::<&[u8]>(&encode("a"), "found string \"a\" where a borrowed byte array was expected");
    refuses::<()>(&encode(0), "found integer 0 where unit was expected");
    refuses::<()>(&hex("f7"), "found undefined where unit was expected");
    refuses::<()>(&encode(Some(())), "found nested option where unit was expected");
}

#[test]
fn a_struct_is_read_from_nothing_but_a_map_with_text_keys() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it is never read successfully")]
    struct Point {
        x: u8,
        y: u8,
    }

    refuses::<Point>(&encode(vec![1, 2]), "found list of 2 where struct Point was expected");
    refuses::<Point>(&encode((1, 2)), "found tuple of 2 where struct Point was expected");
    refuses::<Point>(
        &encode(BTreeMap::from([(0, 1)])),
        "found integer 0 where field identifier was expected",
    );
    refuses::<Point>(&encode(BTreeMap::from([("x", 1)])), "found no field `y` in the map");
    refuses::<Point>(&hex("a2 6178 01 6178 01"), "found field `x` twice in the map");
}

#[test]
fn sequences_are_read_from_arrays_of_every_form_and_maps_from_maps() {
    for bytes in [encode(vec![1, 2]), encode((1, 2)), encode(Distinct(vec![1, 2]))] {
        assert_eq!(from_slice::<Vec<u8>>(&bytes), Ok(vec![1, 2]));
    }
    refuses::<Vec<u8>>(&hex("42 0102"), "found bytes of 2 where a sequence was expected");
    refuses::<Vec<u8>>(&hex("a0"), "found map of 0 where a sequence was expected");
    refuses::<BTreeMap<u8, u8>>(&hex("80"), "found list of 0 where a map was expected");
    refuses::<Distinct<u8>>(&encode(vec![1]), "found list of 1 where a set was expected");
    refuses::<Proxy>(&encode(1), "found integer 1 where a shared object's handle was expected");
}

#[test]
fn a_tuple_has_exactly_its_length() {
    type Pair = (u8, u8);
    assert_eq!(from_slice::<Pair>(&encode(vec![1, 2])), Ok((1, 2)));
    assert_eq!(from_slice::<Pair>(&hex("9f 01 02 ff")), Ok((1, 2)));
    refuses::<Pair>(
        &encode((1, 2, 3)),
        "found tuple of 3 where a tuple of size 2 (2 elements) was expected",
    );
    refuses::<[u8; 2]>(
        &encode(vec![1]),
        "found list of 1 where an array of length 2 (2 elements) was expected",
    );
    refuses::<Pair>(&hex("9f 01 ff"), "found 1 elements where a tuple of size 2 was expected");
    refuses::<Pair>(&hex("9f 010203 ff"), "found list of 3 where what has 2 elements was expected");
    refuses::<Pair>(
        &encode(Distinct(vec![1, 2])),
        "found set of 2 where a tuple of size 2 was expected",
    );
}

#[test]
fn an_enum_is_read_from_a_name_or_a_map_of_one_as_its_variant_demands() {
    const WANTED: &str = "where a variant's name or a map of one was expected";
    refuses::<Shape>(&hex("a0"), &format!("found map of 0 {WANTED}"));
    refuses::<Shape>(&hex("bf ff"), &format!("found map of 0 {WANTED}"));
    refuses::<Shape>(&hex("a2 6161 01 6162 01"), &format!("found map of 2 {WANTED}"));
    refuses::<Shape>(
        &hex("bf 65 4d61796265 01 65 4d61796265 01 ff"),
        &format!("found map of 2 {WANTED}"),
    );
    refuses::<Shape>(&encode(0), "found integer 0 where enum Shape was expected");
    refuses::<Shape>(
        &encode("Square"),
        "found variant \"Square\" \
         where one of `Empty`, `Circle`, `Maybe`, `Box`, `Named` was expected",
    );
    refuses::<Shape>(
        &encode("Maybe"),
        "found a variant's name alone where a variant with content was expected",
    );
    refuses::<Shape>(
        &encode(BTreeMap::from([("Empty", None::<u8>)])),
        "found a variant with null where a variant without content was expected",
    );
    assert!(from_slice::<Shape>(&encode(BTreeMap::from([("Named", vec![1])]))).is_err());
    assert!(from_slice::<Shape>(&encode(BTreeMap::from([(0, 1)]))).is_err());
    assert_eq!(from_slice::<Shape>(&encode(Shape::Maybe(None))), Ok(Shape::Maybe(None)));
}

#[test]
fn nothing_may_follow_a_value() {
    refuses::<u8>(&hex("01 02 03"), "found 2 more bytes after the value");
    refuses::<u8>(&[], "the encoded value ends too early");
    assert!(validate(&hex("01 02"), 0).is_err());
}

#[test]
fn malformed_bytes_are_refused_and_named() {
    for (bytes, found) in [
        ("62 61", "the encoded value ends too early"),
        ("82 01", "the encoded value ends too early"),
        ("fb 00", "the encoded value ends too early"),
        (
            "c2 01",
            "the encoded value is malformed at byte 0: tag 2 around a value that it is not for",
        ),
        (
            "d99903 01",
            "the encoded value is malformed at byte 0: tag 39171 around a value that it is not for",
        ),
        (
            "d90102 a0",
            "the encoded value is malformed at byte 0: tag 258 around a value that it is not for",
        ),
        (
            "d99905 20",
            "the encoded value is malformed at byte 0: tag 39173 around a value that it is not for",
        ),
        ("ff", "the encoded value is malformed at byte 0: a break instead of a value"),
        ("bf 01 ff", "the encoded value is malformed at byte 2: a break instead of a value"),
        ("f8 14", "the encoded value is malformed at byte 0: a simple value in two bytes"),
    ] {
        assert_eq!(validate(&hex(bytes), 9).unwrap_err().to_string(), found, "{bytes}");
    }
    for bytes in ["1c", "3f", "5c", "62 c328", "7f 41 61 ff", "5f 5f ff ff", "df 01", "fc"] {
        let message = validate(&hex(bytes), 9).unwrap_err().to_string();
        assert!(message.starts_with("the encoded value is malformed"), "{bytes}: {message}");
    }
}

#[test]
fn a_handle_beyond_those_that_came_is_refused() {
    let bytes = encode(vec![Proxy(0), Proxy(2)]);
    assert_eq!(validate(&bytes, 3), Ok(()));
    let error = validate(&bytes, 2).unwrap_err();
    assert_eq!(error.to_string(), "found handle 2 in a value that comes with 2 handles");
}

#[test]
fn a_serialize_that_breaks_its_word_is_an_error() {
    struct Sequence(usize);

    impl Serialize for Sequence {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut sequence = serializer.serialize_seq(Some(self.0))?;
            sequence.serialize_element(&1)?;
            sequence.serialize_element(&2)?;
            sequence.end()
        }
    }

    struct KeyAlone;

    impl Serialize for KeyAlone {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_key(&1)?;
            map.end()
        }
    }

    struct Marked(&'static str);

    impl Serialize for Marked {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_newtype_struct(self.0, &"text")
        }
    }

    assert!(to_vec(&Sequence(2)).is_ok());
    for announced in [1, 3] {
        let message = format!("a `Serialize` announced {announced} elements and wrote 2");
        assert_eq!(to_vec(&Sequence(announced)).unwrap_err().to_string(), message);
    }
    assert!(to_vec(&KeyAlone).is_err());
    assert!(to_vec(&Marked(HANDLE)).is_err());
    assert!(to_vec(&Marked(SET)).is_err());
}

#[test]
fn errors_go_where_errors_go() {
    fn check<E: std::error::Error + Send + Sync + 'static>() {}
    check::<crate::cbor::DecodeError>();
    check::<crate::cbor::EncodeError>();
    check::<crate::cbor::NormalizeError>();
    check::<crate::cbor::Incomparable>();
}
