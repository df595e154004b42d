//! Array: elements of Rust's types.

use sync_client::{Array, Element, ErrorKind, Exchange, Slice};

use crate::support::sessions;

#[track_caller]
fn comes_back<T: Element + PartialEq + core::fmt::Debug>(elements: Vec<T>) {
    let (_server, [manager]) = sessions();
    let array = manager.create_array(elements.iter().copied()).unwrap();
    assert_eq!(array.typecode().unwrap(), T::TYPECODE);
    assert_eq!(array.to_vec().unwrap(), elements);
    assert_eq!(array.iter().collect::<Result<Vec<_>, _>>().unwrap(), elements);
    array.set_slice(.., &elements).unwrap();
    for (at, &element) in elements.iter().enumerate() {
        array.set(at, element).unwrap();
        assert_eq!(array.get(at).unwrap(), element);
    }
    let (first, last) = (elements[0], elements[elements.len() - 1]);
    array.fill(.., last).unwrap();
    assert_eq!(array.compare_exchange(0, last, first).unwrap(), Exchange::Done);
    assert_eq!(array.get(0).unwrap(), first);
}

#[test]
fn elements_of_every_type_come_back_as_they_were() {
    comes_back(vec![i8::MIN, 0, i8::MAX]);
    comes_back(vec![u8::MIN, 1, u8::MAX]);
    comes_back(vec![i16::MIN, 0, i16::MAX]);
    comes_back(vec![u16::MIN, 1, u16::MAX]);
    comes_back(vec![i32::MIN, 0, i32::MAX]);
    comes_back(vec![u32::MIN, 1, u32::MAX]);
    comes_back(vec![i64::MIN, 0, i64::MAX]);
    comes_back(vec![u64::MIN, 1, u64::MAX]);
    comes_back(vec![isize::MIN, 0, isize::MAX]);
    comes_back(vec![usize::MIN, 1, usize::MAX]);
    comes_back(vec![f32::MIN, 0.1, f32::INFINITY]);
    comes_back(vec![f64::MIN_POSITIVE, -0.0, 1e300]);
    comes_back(vec!['a', '\0', char::MAX]);
}

#[test]
fn an_array_of_another_type_is_told_at_first_use_however_it_was_come_by() {
    let (_server, [manager]) = sessions();
    let ints = manager.named("a").create_array([1i32, 2]).unwrap();
    let opened: Array<f32> = manager.named("a").open().unwrap();
    let boxed = manager.create_value(ints.clone()).unwrap();
    let inside: Array<u32> = {
        let list = manager.create_list::<Array<u32>>().unwrap();
        list.push(&opened_as(&ints)).unwrap();
        list.get(0).unwrap()
    };
    assert_eq!(boxed.get().unwrap(), ints);
    for error in [opened.to_vec().unwrap_err(), opened.get(0).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::WrongType);
        assert_eq!(error.message(), "the array's elements are 'i' (i32), not 'f' (f32)");
    }
    assert_eq!(inside.set(0, 7).unwrap_err().kind(), ErrorKind::WrongType);
    assert_eq!(inside.update(.., |_| ()).unwrap_err().kind(), ErrorKind::WrongType);
    assert!(opened.iter().next().unwrap().is_err());
    assert_eq!(ints.to_vec().unwrap(), [1, 2]);
    let error = manager.named("a").create_array([1i32]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
}

/// Returns the same array as one of another type, which nothing but its use can tell.
fn opened_as<T, U>(array: &Array<T>) -> Array<U> {
    use sync_client::Shared as _;
    Array::attach(array.handle().clone()).unwrap()
}

#[test]
fn slices_are_ranges_and_slices_with_steps() {
    let (_server, [manager]) = sessions();
    let array = manager.create_array(0..6).unwrap();
    assert_eq!(array.slice(1..=2).unwrap(), [1, 2]);
    assert_eq!(array.slice(-2..).unwrap(), [4, 5]);
    let odd = Slice { start: Some(1), step: Some(2), ..Slice::default() };
    array.update(odd, |odd| odd.sort_by_key(|element| -element)).unwrap();
    array.swap(0, -1).unwrap();
    assert_eq!(array.to_vec().unwrap(), [1, 5, 2, 3, 4, 0]);
    let error = array.set_slice(..2, &[1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!((array.len().unwrap(), array.is_empty().unwrap()), (6, false));
}

#[test]
fn an_array_of_many_pages_is_made_of_zeros_written_in_bulk_and_iterated() {
    let (_server, [manager]) = sessions();
    let array = manager.create_array_zeroed::<u32>(200_000).unwrap();
    let elements: Vec<u32> = (0..200_000).collect();
    array.set_slice(.., &elements).unwrap();
    assert!((&array).into_iter().map(Result::unwrap).eq(0..200_000));
    assert_eq!(manager.create_array_zeroed::<char>(0).unwrap().iter().count(), 0);
    let exact = manager.create_array_zeroed::<u8>(256 * 1024).unwrap();
    assert_eq!(exact.iter().count(), 256 * 1024);
}

#[test]
fn arithmetic_from_many_threads_loses_nothing() {
    let (_server, [manager]) = sessions();
    let array = manager.create_array_zeroed::<i64>(2).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    array.fetch_add(0, 1).unwrap();
                    array.update(.., |both| both[1] += 1).unwrap();
                }
            });
        }
    });
    assert_eq!(array.to_vec().unwrap(), [400, 400]);
    array.set(0, i64::MAX).unwrap();
    assert_eq!(array.fetch_add(0, 1).unwrap_err().kind(), ErrorKind::Overflow);
    assert_eq!(array.fetch_sub(0, 1).unwrap(), i64::MAX);
}

#[test]
fn an_update_of_more_than_a_message_holds_is_refused_and_gives_its_turn_back() {
    let mut limits = sync_server::Limits::default();
    limits.message = 4096;
    let server = sync_server::Server::builder().limits(limits).spawn().unwrap();
    let manager = sync_client::Manager::connect(server.address().clone()).unwrap();
    let array = manager.create_array_zeroed::<u64>(1000).unwrap();
    let list = manager.create_list::<String>().unwrap();
    for _ in 0..5 {
        list.push(&"x".repeat(1000)).unwrap();
    }
    assert_eq!(array.update(.., |_| ()).unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(list.update(|_| ()).unwrap_err().kind(), ErrorKind::TooLarge);
    let other = std::thread::scope(|scope| {
        let writer = scope.spawn(|| array.set(0, 7).and_then(|()| list.pop()));
        writer.join().unwrap()
    });
    assert_eq!(other.unwrap().map(|item| item.len()), Some(1000));
    array.update(..100, |part| part[1] = part[0]).unwrap();
    assert_eq!(array.slice(..3).unwrap(), [7, 7, 0]);
}
