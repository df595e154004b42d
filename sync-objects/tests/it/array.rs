//! Array: what each method does, and its edges.

#![expect(clippy::unwrap_used, reason = "what a helper of a test finds wrong fails the test")]

use serde::Serialize;
use sync_objects::Typecode::{
    self, Char, Double, Float, Int, Long, LongLong, Short, UnsignedChar, WideChar,
};
use sync_objects::{ArrayStart, ErrorKind, NumberOp, PackedElements, Payload, Slice, array};
use sync_testkit::sim::{Sim, SimClient};

mod model;
mod updates;

const ALL: Slice = Slice { start: None, end: None, step: None };

/// Encodes a value.
fn p<T: Serialize + ?Sized>(value: &T) -> Payload {
    Payload::pack(value).unwrap()
}

fn bytes(elements: &[i32]) -> Vec<u8> {
    elements.iter().flat_map(|element| element.to_le_bytes()).collect()
}

fn packed(elements: &[i32]) -> PackedElements {
    PackedElements::new(&bytes(elements)).unwrap()
}

fn unpacked(elements: &PackedElements) -> Vec<i32> {
    let bytes = elements.to_bytes().unwrap();
    bytes.chunks_exact(4).map(|bytes| i32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

fn new(client: &SimClient, elements: &[i32]) -> array::Proxy {
    array::Proxy::new(client, Int, ArrayStart::Elements(packed(elements))).unwrap()
}

fn zeros(client: &SimClient, of: Typecode, count: u64) -> array::Proxy {
    array::Proxy::new(client, of, ArrayStart::Zeros(count)).unwrap()
}

fn elements(a: &array::Proxy) -> Vec<i32> {
    unpacked(&a.slice(Int, ALL).unwrap())
}

fn part(start: i64, end: i64, step: i64) -> Slice {
    Slice { start: Some(start), end: Some(end), step: Some(step) }
}

#[test]
fn elements_are_read_and_written_by_an_index_from_either_end() {
    let sim = Sim::new();
    let a = new(&sim.client(), &[10, 20, 30]);
    assert_eq!((a.len().unwrap(), a.typecode().unwrap()), (3, Int));
    assert_eq!(a.get(Int, 0).unwrap(), p(&10));
    assert_eq!(a.get(Int, -1).unwrap(), p(&30));
    a.set(Int, -3, p(&11)).unwrap();
    a.swap(1, -1).unwrap();
    assert_eq!(elements(&a), [11, 30, 20]);
    let refusals = [
        a.get(Int, 3).unwrap_err(),
        a.get(Int, -4).unwrap_err(),
        a.get(Int, i64::MIN).unwrap_err(),
        a.set(Int, i64::MAX, p(&0)).unwrap_err(),
        a.swap(0, 3).unwrap_err(),
        a.fetch(Int, 3, NumberOp::Add, p(&1)).unwrap_err(),
        a.compare_exchange(Int, 3, p(&1), p(&1)).unwrap_err(),
    ];
    for error in refusals {
        assert_eq!(error.kind(), ErrorKind::OutOfRange);
    }
    let message = a.get(Int, 3).unwrap_err().message().to_owned();
    assert_eq!(message, "index 3 is out of range: the array has 3 elements");
    assert_eq!(elements(&a), [11, 30, 20]);
}

#[test]
fn slices_are_cut_as_in_python_and_may_have_a_step() {
    let sim = Sim::new();
    let a = new(&sim.client(), &[0, 1, 2, 3, 4, 5]);
    let get = |slice| unpacked(&a.slice(Int, slice).unwrap());
    assert_eq!(get(part(1, 3, 1)), [1, 2]);
    assert_eq!(get(part(-2, 100, 1)), [4, 5]);
    assert_eq!(get(part(4, 2, 1)), [0; 0]);
    assert_eq!(get(part(0, 6, 2)), [0, 2, 4]);
    assert_eq!(get(Slice { step: Some(-2), ..ALL }), [5, 3, 1]);
    a.set_slice(Int, part(5, 0, -2), packed(&[50, 30, 10])).unwrap();
    a.fill(Int, part(-2, 100, 1), p(&7)).unwrap();
    assert_eq!(elements(&a), [0, 10, 2, 30, 7, 7]);
    let error = a.slice(Int, part(0, 1, 0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_slice_takes_as_many_elements_as_it_has() {
    let sim = Sim::new();
    let a = new(&sim.client(), &[1, 2, 3]);
    for (slice, new) in [(ALL, &[9, 9][..]), (part(0, 2, 1), &[9, 9, 9]), (part(3, 3, 1), &[9])] {
        let error = a.set_slice(Int, slice, packed(new)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.message().starts_with("an array's length never changes"), "{error}");
    }
    a.set_slice(Int, part(3, 3, 1), packed(&[])).unwrap();
    assert_eq!(elements(&a), [1, 2, 3]);
}

#[test]
fn every_typecode_has_its_letter_its_size_and_its_type() {
    let known = "b1i8 B1u8 h2i16 H2u16 i4i32 I4u32 l8i64 L8u64 q8i64 Q8u64 f4f32 d8f64 u4char \
                 w4char";
    let found = Typecode::ALL.map(|code| format!("{}{}{}", code.code(), code.size(), code.name()));
    assert_eq!(found.join(" "), known);
    for code in Typecode::ALL {
        assert_eq!(Typecode::try_from(code.code()).unwrap(), code);
    }
    let error = Typecode::try_from('x').unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        error.message(),
        "unknown typecode 'x': it must be one of b, B, h, H, i, I, l, L, q, Q, f, d, u, w"
    );
}

#[test]
fn an_element_keeps_the_whole_range_of_its_type_and_nothing_else() {
    let sim = Sim::new();
    let client = sim.client();
    for of in Typecode::ALL.into_iter().filter(|of| !matches!(of, Float | Double | Char | WideChar))
    {
        let a = zeros(&client, of, 2);
        let bits = 8 * of.size() as u32;
        let (min, max) = match of.code().is_uppercase() {
            true => (0, (1i128 << bits) - 1),
            false => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        };
        for (at, edge, beyond) in [(0, min, min - 1), (1, max, max + 1)] {
            a.set(of, at, p(&edge)).unwrap();
            for error in [
                a.set(of, at, p(&beyond)).unwrap_err(),
                a.fill(of, ALL, p(&beyond)).unwrap_err(),
                a.set(of, at, p("x")).unwrap_err(),
                a.set(of, at, p(&0.5)).unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::WrongType, "{of}");
            }
            assert_eq!(a.get(of, at).unwrap().unpack::<i128>().unwrap(), edge, "{of}");
        }
        let error = a.fetch(of, 1, NumberOp::Add, p(&1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Overflow, "{of}");
        assert_eq!(a.get(of, 1).unwrap().unpack::<i128>().unwrap(), max);
    }
}

#[test]
fn floats_keep_their_bits_and_characters_are_unicode() {
    let sim = Sim::new();
    let client = sim.client();
    let a = zeros(&client, Float, 2);
    a.set(Float, 0, p(&0.1f32)).unwrap();
    assert_eq!(a.get(Float, 0).unwrap().unpack::<f32>().unwrap(), 0.1);
    assert_eq!(a.set(Float, 0, p(&1e300)).unwrap_err().kind(), ErrorKind::WrongType);
    let odd = 0x7ff8_0000_dead_beef_u64.to_le_bytes();
    let a = zeros(&client, Double, 1);
    a.set_slice(Double, ALL, PackedElements::new(&odd).unwrap()).unwrap();
    assert_eq!(a.slice(Double, ALL).unwrap().to_bytes().unwrap(), odd);
    let nan = a.compare_exchange(Double, 0, p(&f64::NAN), p(&1.0)).unwrap();
    assert!(nan.unwrap_err().unpack::<f64>().unwrap().is_nan(), "a NaN equals nothing");
    let a = zeros(&client, Char, 2);
    a.set(Char, 1, p(&'é')).unwrap();
    assert_eq!(a.get(Char, 1).unwrap(), p(&'é'));
    assert_eq!(a.get(Char, 0).unwrap(), p(&'\0'));
    assert_eq!(a.set(Char, 0, p("no")).unwrap_err().kind(), ErrorKind::WrongType);
    for no_character in [0xd800u32, 0x11_0000] {
        let new = [u32::from('a').to_le_bytes(), no_character.to_le_bytes()].concat();
        let new = PackedElements::new(&new).unwrap();
        let error = a.set_slice(Char, ALL, new).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(a.get(Char, 0).unwrap(), p(&'\0'), "nothing is half done");
    let error = a.fetch(Char, 0, NumberOp::Add, p(&1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType);
}

#[test]
fn bytes_that_are_no_elements_are_refused() {
    let sim = Sim::new();
    let client = sim.client();
    let a = new(&client, &[1, 2]);
    let odd = || PackedElements::new(&[0; 7]).unwrap();
    let made = array::Proxy::new(&client, Int, ArrayStart::Elements(odd())).unwrap_err();
    for error in [made, a.set_slice(Int, ALL, odd()).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(
            error.message(),
            "7 bytes are not whole elements of typecode 'i' (i32), 4 bytes each"
        );
    }
    let list = PackedElements::from(p(&[1, 2]));
    let error = a.set_slice(Int, ALL, list).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType);
    assert_eq!(elements(&a), [1, 2]);
}

#[test]
fn who_thinks_that_the_elements_are_of_another_type_is_told_both() {
    let sim = Sim::new();
    let a = new(&sim.client(), &[1, 2]);
    let packed = || PackedElements::new(&[0; 8]).unwrap();
    let refusals = [
        a.get(Float, 0).unwrap_err(),
        a.slice(Float, ALL).unwrap_err(),
        a.set(Float, 0, p(&1)).unwrap_err(),
        a.set_slice(Float, ALL, packed()).unwrap_err(),
        a.fill(Float, ALL, p(&1)).unwrap_err(),
        a.fetch(Float, 0, NumberOp::Add, p(&1)).unwrap_err(),
        a.compare_exchange(Float, 0, p(&1), p(&2)).unwrap_err(),
        a.begin_update(Float, ALL).unwrap_err(),
    ];
    for error in refusals {
        assert_eq!(error.kind(), ErrorKind::WrongType);
        assert_eq!(error.message(), "the array's elements are 'i' (i32), not 'f' (f32)");
    }
    assert_eq!(elements(&a), [1, 2]);
}

#[test]
fn long_and_long_long_are_one_type_and_two_shapes() {
    let sim = Sim::new();
    let client = sim.client();
    let a = array::Proxy::new(client.named("a"), Long, ArrayStart::Zeros(2)).unwrap();
    a.set(LongLong, 0, p(&5)).unwrap();
    assert_eq!(a.get(Long, 0).unwrap(), p(&5));
    let found = array::Proxy::new(client.named("a"), Long, ArrayStart::Zeros(2)).unwrap();
    assert_eq!(found, a);
    for (of, count) in [(LongLong, 2), (Long, 3), (Short, 8)] {
        let error = array::Proxy::new(client.named("a"), of, ArrayStart::Zeros(count)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch);
        assert!(error.message().contains("2 elements of typecode 'l' (i64)"), "{error}");
    }
}

#[test]
fn zeros_cost_a_call_of_a_few_bytes_and_have_a_bound() {
    let sim = Sim::new();
    let client = sim.client();
    assert_eq!(zeros(&client, UnsignedChar, 0).len().unwrap(), 0);
    assert_eq!(zeros(&client, Double, 1000).get(Double, 999).unwrap(), p(&0.0));
    for (of, count) in [(UnsignedChar, (1 << 30) + 1), (Double, u64::MAX), (Double, 1 << 61)] {
        let error = array::Proxy::new(&client, of, ArrayStart::Zeros(count)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}

#[test]
fn a_slice_that_no_answer_can_take_is_refused_before_it_is_copied() {
    const LEN: u64 = (64 << 20) + 1;
    let sim = Sim::new();
    let client = sim.client();
    let a = zeros(&client, UnsignedChar, LEN);
    let error = a.slice(UnsignedChar, ALL).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    let error = a.begin_update(UnsignedChar, ALL).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    client.on_thread(2, || a.set(UnsignedChar, 0, p(&1))).expect("nobody has the turn");
    sim.kernel(|kernel, _| kernel.set_session_answer_max(client.session(), 65 << 20));
    assert_eq!(a.slice(UnsignedChar, ALL).unwrap().to_bytes().unwrap().len() as u64, LEN);
}

#[test]
fn arithmetic_and_exchange_take_one_call() {
    let sim = Sim::new();
    let a = new(&sim.client(), &[10, 6]);
    for (op, operand, before) in [
        (NumberOp::Add, 5, 10),
        (NumberOp::Sub, 3, 15),
        (NumberOp::Mul, 2, 12),
        (NumberOp::Max, 30, 24),
        (NumberOp::Min, 29, 30),
        (NumberOp::And, 28, 29),
        (NumberOp::Or, 1, 28),
        (NumberOp::Xor, 2, 29),
    ] {
        assert_eq!(a.fetch(Int, 0, op, p(&operand)).unwrap(), p(&before), "{op:?}");
    }
    assert_eq!(elements(&a), [31, 6]);
    assert_eq!(a.compare_exchange(Int, 1, p(&7), p(&8)).unwrap(), Err(p(&6)));
    assert_eq!(a.compare_exchange(Int, 1, p(&6), p(&8)).unwrap(), Ok(p(&6)));
    let error = a.compare_exchange(Int, 1, p(&8), p(&(1i64 << 40))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType);
    assert_eq!(elements(&a), [31, 8]);
}
