//! A value of another type than its reader asked for: an error, never a silently wrong number, and
//! the value stays where it was.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use sync_client::{Dict, Error, ErrorKind, List, Manager, Queue, Received, Set, Shared, Value};
use sync_server::{Limits, Server};
use sync_testkit::{Cast, Role, roles};

roles![writer];

/// How long a turn is waited for that somebody may have kept.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

/// Another process, that thinks of other types.
fn writer(role: &Role) {
    let items = role.manager().named("items").create_queue::<String>(10).unwrap();
    items.put("three").unwrap();
    items.put("four").unwrap();
    let value = role.manager().named("value").create_value(1e300).unwrap();
    value.set(&1e300).unwrap();
    role.say("written");
    role.hear();
}

/// A session over a socket, as another program would have it.
fn client(cast: &Cast) -> Manager {
    Manager::connect(cast.server().address().clone()).unwrap()
}

fn reread<T: DeserializeOwned + std::fmt::Debug>(value: &impl Shared) {
    let other = Value::<T>::attach(value.handle().clone()).unwrap();
    let error = other.get().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
    assert_eq!((error.interface(), error.method()), (Some("sync.value"), Some("get")));
    let wanted = std::any::type_name::<T>();
    assert!(error.message().contains(&format!("is not of type {wanted}")), "{error}");
}

#[test]
fn a_number_that_does_not_fit_exactly_is_not_read() {
    let cast = Cast::new();
    let manager = client(&cast);
    let number = manager.create_value(300u64).unwrap();
    reread::<u8>(&number);
    reread::<i8>(&number);
    reread::<String>(&number);
    reread::<bool>(&number);
    let negative = manager.create_value(-1i64).unwrap();
    reread::<u64>(&negative);
    let large = manager.create_value(1e300).unwrap();
    reread::<f32>(&large);
    reread::<u64>(&large);
    let half = manager.create_value(0.5).unwrap();
    reread::<i32>(&half);
    assert_eq!((number.get().unwrap(), negative.get().unwrap()), (300, -1));
    assert_eq!((large.get().unwrap(), half.get().unwrap()), (1e300, 0.5));
}

#[test]
fn a_shape_that_is_another_is_not_read() {
    let cast = Cast::new();
    let manager = client(&cast);
    let point = manager.create_value(Point { x: 1, y: 2 }).unwrap();
    reread::<(i32, i32)>(&point);
    reread::<Vec<i32>>(&point);
    let pair = manager.create_value(vec![1, 2]).unwrap();
    reread::<Point>(&pair);
    reread::<[i32; 3]>(&pair);
    assert_eq!(point.get().unwrap(), Point { x: 1, y: 2 });
    assert_eq!(pair.get().unwrap(), [1, 2]);
}

#[test]
fn a_swap_and_an_update_that_cannot_read_leave_the_value_as_it_was() {
    let cast = Cast::new();
    let manager = client(&cast);
    let text = manager.create_value("old".to_owned()).unwrap();
    let number = Value::<u64>::attach(text.handle().clone()).unwrap();
    assert_eq!(number.swap(&5).unwrap_err().kind(), ErrorKind::WrongType);
    assert_eq!(text.get().unwrap(), "old");
    let error = number.update(|_| panic!("there is nothing to change")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType);
    assert_eq!(text.update(|text| text.clone()).unwrap(), "old");
    assert_eq!(number.compare_exchange(&1, &2).unwrap_err().kind(), ErrorKind::WrongType);
    assert_eq!(number.fetch_add(1).unwrap_err().kind(), ErrorKind::WrongType);
    assert_eq!(text.get().unwrap(), "old");
}

#[test]
fn an_item_that_its_getter_cannot_read_stays_for_the_next() {
    let cast = Cast::new();
    let mut writer = cast.start(writer);
    writer.expect("written");
    let manager = client(&cast);
    let texts: Queue<String> = manager.named("items").open().unwrap();
    let numbers: Queue<u64> = manager.named("items").open().unwrap();
    for _ in 0..2 {
        let error = numbers.get().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
        assert_eq!(error.interface(), Some("sync.queue"));
        assert!(error.message().contains("is not of type u64"), "{error}");
        assert_eq!(numbers.try_get().unwrap_err().kind(), ErrorKind::WrongType);
        assert_eq!(numbers.get_leased().unwrap_err().kind(), ErrorKind::WrongType);
        assert_eq!(numbers.iter().count(), 1, "an iterator ends after its error");
        assert_eq!(texts.len().unwrap(), 2);
    }
    assert_eq!(texts.get().unwrap().unwrap(), "three");
    assert_eq!(numbers.get_leased().unwrap_err().kind(), ErrorKind::WrongType);
    let delivery = texts.get_leased().unwrap().unwrap();
    assert_eq!((delivery.as_str(), delivery.id()), ("four", 2));
    delivery.ack().unwrap();
    assert_eq!(texts.try_get().unwrap(), Received::Empty);
    let value: Value<f32> = manager.named("value").open().unwrap();
    assert_eq!(value.get().unwrap_err().kind(), ErrorKind::WrongType);
}

#[test]
fn an_error_names_the_method_that_was_called() {
    let cast = Cast::new();
    let manager = client(&cast);
    let texts = manager.create_dict::<u8, String>().unwrap();
    texts.set(&1, "one").unwrap();
    let numbers: Dict<u8, u8> = Dict::attach(texts.handle().clone()).unwrap();
    let words = manager.create_set::<String>().unwrap();
    words.insert("one").unwrap();
    let digits: Set<u8> = Set::attach(words.handle().clone()).unwrap();
    let called = |error: Error, method| assert_eq!(error.method(), Some(method), "{error}");
    called(numbers.items().unwrap_err(), "items");
    called(numbers.to_map::<HashMap<_, _>>().unwrap_err(), "to_map");
    called(digits.to_vec().unwrap_err(), "to_vec");
    called(digits.to_set::<HashSet<_>>().unwrap_err(), "to_set");
}

thread_local! {
    /// What is done while a value is read that cannot be read.
    static MEANWHILE: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

fn meanwhile(what: impl FnOnce() + 'static) {
    MEANWHILE.set(Some(Box::new(what)));
}

/// Reads no value, and does something else meanwhile.
#[derive(Debug, PartialEq, Serialize)]
struct Unreadable(u8);

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        if let Some(what) = MEANWHILE.take() {
            what();
        }
        Err(D::Error::custom("it is not meant to be read"))
    }
}

#[test]
fn a_reader_that_panics_loses_nothing() {
    let cast = Cast::new();
    let manager = client(&cast);
    let texts = manager.create_list_from(["a".to_owned()]).unwrap();
    let jobs = manager.create_queue::<String>(10).unwrap();
    jobs.put("a job").unwrap();
    let unread: List<Unreadable> = List::attach(texts.handle().clone()).unwrap();
    let undone: Queue<Unreadable> = Queue::attach(jobs.handle().clone()).unwrap();
    let panics = |read: &dyn Fn()| {
        meanwhile(|| panic!("it can't be read"));
        catch_unwind(AssertUnwindSafe(read)).expect_err("it goes on");
    };
    panics(&|| drop(unread.pop()));
    panics(&|| drop(undone.get()));
    panics(&|| drop(undone.get_many(9)));
    panics(&|| drop(undone.get_leased()));
    assert_eq!(texts.to_vec().unwrap(), ["a"]);
    assert_eq!(jobs.try_get().unwrap(), Received::Item("a job".to_owned()));
}

#[test]
fn a_leased_item_that_cannot_be_read_goes_back_also_where_no_connection_can_be_had() {
    let mut limits = Limits::default();
    limits.connections = 1;
    let cast = Cast::with(Server::builder().limits(limits));
    let manager = client(&cast);
    let jobs = cast.manager().named("jobs").create_queue::<Unreadable>(1).unwrap();
    jobs.put(&Unreadable(7)).unwrap();
    let event = cast.manager().named("event").create_event().unwrap();
    let theirs: Queue<Unreadable> = manager.named("jobs").open().unwrap();
    let waiting = manager.named("event").create_event().unwrap();
    let local = cast.manager().clone();
    meanwhile(move || {
        // It has the only connection from here on.
        thread::spawn(move || waiting.wait().unwrap());
        while local.blocked_count().unwrap() == 0 {
            thread::yield_now();
        }
    });
    assert_eq!(theirs.get_leased().unwrap_err().kind(), ErrorKind::WrongType);
    assert_eq!(jobs.len().unwrap(), 0, "it cannot be said yet");
    event.set().unwrap();
    cast.until("the item is back", || jobs.len().unwrap() == 1);
}

#[test]
fn what_others_wrote_meanwhile_is_not_replaced_by_what_is_put_back() {
    let cast = Cast::new();
    let manager = client(&cast);
    let text = manager.create_value("old".to_owned()).unwrap();
    let unreadable = Value::<Unreadable>::attach(text.handle().clone()).unwrap();
    let theirs = text.clone();
    meanwhile(move || theirs.set("theirs").unwrap());
    let error = unreadable.swap(&Unreadable(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType);
    assert!(error.message().contains("something else is in its place"), "{error}");
    assert_eq!(text.get().unwrap(), "theirs");

    let texts = manager.create_dict::<u8, String>().unwrap();
    texts.set(&1, "old").unwrap();
    let unreadable = Dict::<u8, Unreadable>::attach(texts.handle().clone()).unwrap();
    let theirs = texts.clone();
    meanwhile(move || assert_eq!(theirs.remove(&1).unwrap_err().kind(), ErrorKind::WrongType));
    unreadable.insert(&1, &Unreadable(1)).unwrap_err();
    assert_eq!(texts.get(&1).unwrap().unwrap(), "old", "nobody wrote");
    let numbers = Dict::<u8, f64>::attach(texts.handle().clone()).unwrap();
    numbers.insert(&1, &f64::NAN).unwrap_err();
    assert_eq!(
        texts.get(&1).unwrap().unwrap(),
        "old",
        "a NaN equals nothing, and is its own still"
    );
    let theirs = texts.clone();
    meanwhile(move || assert!(theirs.delete(&1).unwrap()));
    unreadable.insert(&1, &Unreadable(1)).unwrap_err();
    assert!(!texts.contains_key(&1).unwrap(), "it was deleted");
}

#[test]
fn what_is_put_back_waits_its_turn_whatever_deadline_its_reader_had() {
    let cast = Cast::new();
    let manager = client(&cast);
    let texts = manager.create_list::<String>().unwrap();
    texts.push("first").unwrap();
    let unreadable = List::<Unreadable>::attach(texts.handle().clone()).unwrap();
    let theirs = texts.clone();
    meanwhile(move || {
        let ((begun, has_begun), other) = (channel(), theirs.clone());
        let update = move |_: &mut Vec<String>| {
            begun.send(()).unwrap();
            while manager.blocked_on(&theirs).unwrap() == 0 {
                thread::yield_now();
            }
        };
        thread::spawn(move || other.update(update).unwrap());
        has_begun.recv().unwrap();
    });
    let error = unreadable.within(Duration::from_millis(1)).pop().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType);
    assert_eq!(texts.to_vec().unwrap(), ["first"]);
}

#[test]
fn who_cannot_put_back_what_he_could_not_read_keeps_no_turn() {
    let mut limits = Limits::default();
    limits.kernel.memory = 1 << 20;
    let cast = Cast::with(Server::builder().limits(limits));
    let (manager, other) = (client(&cast), client(&cast));
    let long = "x".repeat(2048);
    let text = manager.named("text").create_value(long.clone()).unwrap();
    let texts = manager.named("texts").create_dict::<u8, String>().unwrap();
    texts.set(&1, &long).unwrap();
    let hoard = manager.create_list::<String>().unwrap();
    let fill = |hoard: &List<String>| while hoard.push(&"x".repeat(2048)).is_ok() {};

    let (unreadable, full) =
        (Value::<Unreadable>::attach(text.handle().clone()).unwrap(), hoard.clone());
    meanwhile(move || fill(&full));
    let error = unreadable.swap(&Unreadable(1)).unwrap_err();
    assert!(error.message().contains("it could not be put back"), "{error}");
    let theirs: Value<String> = other.named("text").open().unwrap();
    theirs.within(PATIENCE).set("theirs").unwrap();

    let (unreadable, full) =
        (Dict::<u8, Unreadable>::attach(texts.handle().clone()).unwrap(), hoard.clone());
    meanwhile(move || fill(&full));
    let error = unreadable.insert(&1, &Unreadable(1)).unwrap_err();
    assert!(error.message().contains("it could not be put back"), "{error}");
    let theirs: Dict<u8, String> = other.named("texts").open().unwrap();
    theirs.within(PATIENCE).set(&1, "theirs").unwrap();
}

#[test]
fn inside_an_update_of_his_own_a_value_that_cannot_be_read_is_put_back_as_well() {
    let cast = Cast::new();
    let manager = client(&cast);
    let text = manager.create_value("old".to_owned()).unwrap();
    let unreadable = Value::<Unreadable>::attach(text.handle().clone()).unwrap();
    let texts = manager.create_dict::<u8, String>().unwrap();
    texts.set(&1, "old").unwrap();
    let entry = Dict::<u8, Unreadable>::attach(texts.handle().clone()).unwrap();
    let changed = text.update(|_| unreadable.swap(&Unreadable(1)).unwrap_err());
    assert_eq!(changed.unwrap_err().kind(), ErrorKind::Changed);
    assert_eq!(text.get().unwrap(), "old");
    let changed = texts.update(&1, |_| entry.insert(&1, &Unreadable(1)).unwrap_err());
    assert_eq!(changed.unwrap_err().kind(), ErrorKind::Changed);
    assert_eq!(texts.get(&1).unwrap().unwrap(), "old");
}
