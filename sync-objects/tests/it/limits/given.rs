//! Reading gives handles, for which the manager keeps a row each: no more than it may.

use sync_objects::{
    DictPart, Error, ErrorKind, Limits, Order, OtherSet, Payload, SetOp, Slice, dict, list, lock,
    namespace, queue, registry, set, value,
};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::pack;

/// More proxies than a session may have in any case.
const PROXIES: usize = 5000;

/// One object of each type that keeps values, each with the same value.
struct Readers {
    value: value::Proxy,
    list: list::Proxy,
    dict: dict::Proxy,
    set: set::Proxy,
    names: namespace::Proxy,
    queue: queue::Proxy,
}

impl Readers {
    fn new(client: &SimClient, kept: &Payload) -> Self {
        let (at, kept) = (|name| client.named(name), || kept.clone());
        let this = Self {
            value: value::Proxy::new(at("value"), None, kept()).unwrap(),
            list: list::Proxy::new(at("list"), vec![kept()]).unwrap(),
            dict: dict::Proxy::new(at("dict"), vec![(pack(&1), kept())]).unwrap(),
            set: set::Proxy::new(at("set"), vec![kept()]).unwrap(),
            names: namespace::Proxy::new(at("names"), vec![("a".into(), kept())]).unwrap(),
            queue: queue::Proxy::new(at("queue"), None, Order::Fifo).unwrap(),
        };
        this.queue.put(kept(), 0).unwrap();
        this
    }
}

type Read = fn(&Readers) -> Result<(), Error>;

/// All that answers with values and leaves them where they are.
const READS: [(&str, Read); 20] = [
    ("value.get", |of| of.value.get().map(drop)),
    ("value.compare_exchange", |of| of.value.compare_exchange(pack(&1), pack(&2)).map(drop)),
    ("value.begin_update", |of| of.value.cancel_update(of.value.begin_update()?.token)),
    ("list.get", |of| of.list.get(-1).map(drop)),
    ("list.to_vec", |of| of.list.to_vec().map(drop)),
    ("list.page", |of| of.list.page(0, None, 1).map(drop)),
    ("list.slice", |of| of.list.slice(Slice::every(-1)).map(drop)),
    ("list.concat", |of| of.list.concat(vec![pack(&1)]).map(drop)),
    ("list.begin_update", |of| of.list.cancel_update(of.list.begin_update()?.token)),
    ("dict.get", |of| of.dict.get(pack(&1)).map(drop)),
    ("dict.get_many", |of| of.dict.get_many(vec![pack(&1)]).map(drop)),
    ("dict.page", |of| of.dict.page(DictPart::Values, false, None, None, 1).map(drop)),
    ("dict.get_or_insert", |of| of.dict.get_or_insert(pack(&1), pack(&2)).map(drop)),
    ("dict.compare_exchange", |of| of.dict.compare_exchange(pack(&1), None, None).map(drop)),
    ("dict.begin_update", |of| of.dict.cancel_update(of.dict.begin_update(pack(&1))?.token)),
    ("set.page", |of| of.set.page(None, None, 1).map(drop)),
    ("set.combined", |of| of.set.combined(SetOp::Union, OtherSet::Values(vec![])).map(drop)),
    ("namespace.get", |of| of.names.get("a".into()).map(drop)),
    ("namespace.begin_update", |of| {
        of.names.cancel_update(of.names.begin_update("a".into())?.token)
    }),
    ("queue.get_leased", |of| {
        of.queue.requeue(of.queue.get_leased()?.expect("it is not closed").token)
    }),
];

#[test]
fn what_brings_more_handles_than_may_be_kept_is_not_read_by_whatever_method() {
    let mut limits = Limits::default();
    limits.memory = 2 << 20;
    let sim = Sim::with(registry(), limits);
    let client = sim.client();
    let lock = lock::Proxy::new(&client).unwrap();
    let of = Readers::new(&client, &pack(&vec![&lock; PROXIES]));
    let rest = list::Proxy::new(&client, Vec::new()).unwrap();
    while rest.push(pack(&"x".repeat(100_000))).is_ok() {}
    let used = || sim.kernel(|kernel, _| kernel.memory_used());
    let before = used();
    let refused = |(_, read): &(_, Read)| {
        read(&of).is_err_and(|error| error.kind() == ErrorKind::OutOfMemory)
    };
    let names = |reads: Vec<(&'static str, Read)>| reads.into_iter().map(|(name, _)| name);
    let (_, read) = READS.into_iter().partition(refused);
    assert_eq!(names(read).collect::<Vec<_>>(), [""; 0], "these were read");
    assert_eq!(used(), before, "no turn, no lease and no handle is left");
    rest.clear().unwrap();
    let (refused, _) = READS.into_iter().partition(refused);
    assert_eq!(names(refused).collect::<Vec<_>>(), [""; 0], "there is room again");
}

#[test]
fn what_is_taken_out_is_given_in_a_full_manager_too() {
    let mut limits = Limits::default();
    limits.memory = 2 << 20;
    let sim = Sim::with(registry(), limits);
    let client = sim.client();
    let lock = lock::Proxy::new(&client).unwrap();
    let kept = pack(&vec![&lock; PROXIES]);
    let of = Readers::new(&client, &kept);
    let rest = list::Proxy::new(&client, Vec::new()).unwrap();
    while rest.push(pack(&"x".repeat(100_000))).is_ok() {}
    assert_eq!(of.value.swap(pack(&1)).unwrap(), kept);
    assert_eq!(of.list.remove(0).unwrap(), kept);
    assert_eq!(of.dict.remove(pack(&1)).unwrap().unwrap().value, kept);
    assert_eq!(of.set.pop().unwrap().unwrap().member, kept);
    assert_eq!(of.names.remove("a".into()).unwrap().unwrap().value, kept);
    assert_eq!(of.queue.get().unwrap().unwrap().payload, kept);
}
