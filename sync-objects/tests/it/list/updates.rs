//! Updates of a list: who waits for whom.

use std::time::Duration;

use sync_objects::{ErrorKind, list};
use sync_testkit::sim::{Sim, SimClient};

use super::{items, slice};
use crate::dict::p;

fn clients<const N: usize>(sim: &Sim) -> [(SimClient, list::Proxy); N] {
    std::array::from_fn(|_| {
        let client = sim.client();
        let list = list::Proxy::new(client.named("l"), vec![p(&1), p(&2)]).unwrap();
        (client, list)
    })
}

#[test]
fn writers_wait_for_the_update_in_their_order_and_readers_do_not() {
    let sim = Sim::new();
    let [a, b, c] = clients(&sim);
    let update = a.1.begin_update().unwrap();
    assert_eq!(update.items, [p(&1), p(&2)]);
    let start = |(client, list): &(SimClient, list::Proxy)| {
        let list = list.clone();
        client.start(move || list.begin_update())
    };
    let (second, third) = (start(&b), start(&c));
    let push = b.0.start({
        let list = b.1.clone();
        move || list.push(p(&9))
    });
    assert_eq!(items(&c.1), [1, 2]);
    assert!(c.1.contains(p(&2)).unwrap());
    a.1.commit_update(update.token, vec![p(&5)]).unwrap();
    let second = second.answer().unwrap();
    assert!(third.is_waiting() && push.is_waiting());
    assert_eq!(second.items, [p(&5)]);
    b.1.cancel_update(second.token).unwrap();
    assert_eq!(b.1.cancel_update(second.token).unwrap_err().kind(), ErrorKind::NotOwner);
    let third = third.answer().unwrap();
    assert_eq!(third.items, [p(&5)]);
    c.0.kill();
    push.answer().unwrap();
    assert_eq!(items(&a.1), [5, 9], "the dead one changed nothing");
}

#[test]
fn a_callers_own_write_makes_its_commit_fail() {
    let sim = Sim::new();
    let [a] = clients(&sim);
    let l = &a.1;
    let update = l.begin_update().unwrap();
    l.push(p(&3)).unwrap();
    let error = l.commit_update(update.token, vec![]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    assert_eq!(items(l), [1, 2, 3]);
    let update = l.begin_update().unwrap();
    assert_eq!(l.set(9, p(&0)).unwrap_err().kind(), ErrorKind::OutOfRange);
    assert_eq!(l.begin_update().unwrap_err().kind(), ErrorKind::InvalidInput);
    l.commit_update(update.token, vec![p(&4)]).unwrap();
    assert_eq!(items(l), [4], "a refused write is none");
}

#[test]
fn a_writer_whose_time_is_up_does_nothing() {
    let sim = Sim::new();
    let [a, b, c] = clients(&sim);
    let update = a.1.begin_update().unwrap();
    let second = Duration::from_secs(1);
    let delete = b.0.start({
        let list = b.1.within(second);
        move || list.delete_slice(slice(None, None, None))
    });
    let sort = c.0.start({
        let list = c.1.within(second * 3);
        move || list.sort(true)
    });
    sim.advance(second);
    assert_eq!(delete.answer().unwrap_err().kind(), ErrorKind::TimedOut);
    a.1.cancel_update(update.token).unwrap();
    sort.answer().unwrap();
    assert_eq!(items(&a.1), [2, 1]);
}
