//! Updates of entries: who waits for whom.

use std::time::Duration;

use sync_objects::{ErrorKind, NumberKind, dict};
use sync_testkit::sim::{Pending, Sim, SimClient};

use super::{items, keys, p};

/// So many clients, each with its proxy of one dict.
fn clients<const N: usize>(sim: &Sim) -> [(SimClient, dict::Proxy); N] {
    std::array::from_fn(|_| {
        let client = sim.client();
        let dict = dict::Proxy::new(client.named("d"), vec![]).unwrap();
        (client, dict)
    })
}

/// Begins a call of a proxy that may wait.
fn start<R>(
    (client, dict): &(SimClient, dict::Proxy),
    call: impl Fn(&dict::Proxy) -> Result<R, sync_objects::Error> + 'static,
) -> Pending<R> {
    let dict = dict.clone();
    client.start(move || call(&dict))
}

#[test]
fn an_update_commits_cancels_or_deletes() {
    let sim = Sim::new();
    let [(_, d)] = clients(&sim);
    let update = d.begin_update(p("a")).unwrap();
    assert_eq!(update.value, None);
    d.commit_update(update.token, Some(p(&1))).unwrap();
    let error = d.commit_update(update.token, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotOwner);
    let update = d.begin_update(p("a")).unwrap();
    assert_eq!(update.value, Some(p(&1)));
    d.cancel_update(update.token).unwrap();
    assert_eq!(items(&d), [("a".into(), 1)]);
    assert_eq!(d.cancel_update(update.token).unwrap_err().kind(), ErrorKind::NotOwner);
    let update = d.begin_update(p("a")).unwrap();
    d.commit_update(update.token, None).unwrap();
    let update = d.begin_update(p("a")).unwrap();
    d.commit_update(update.token, None).unwrap();
    assert!(d.is_empty().unwrap());
}

#[test]
fn writers_of_an_entry_wait_for_its_update_in_their_order() {
    let sim = Sim::new();
    let [a, b, c, e] = clients(&sim);
    a.1.set(p("k"), p(&0)).unwrap();
    let first = a.1.begin_update(p("k")).unwrap();
    let second = start(&b, |d| d.begin_update(p("k")));
    let added = start(&c, |d| d.add(p("k"), NumberKind::I64, p(&10)));
    let third = start(&e, |d| d.begin_update(p("k")));
    assert_eq!(a.1.get(p("k")).unwrap(), Some(p(&0)), "readers don't wait");
    assert_eq!(c.1.get_or_insert(p("k"), p(&7)).unwrap(), p(&0));
    c.1.set(p("other"), p(&1)).unwrap();
    let other = c.1.begin_update(p("free")).unwrap();
    c.1.cancel_update(other.token).unwrap();
    a.1.commit_update(first.token, Some(p(&1))).unwrap();
    let second = second.answer().unwrap();
    assert_eq!(second.value, Some(p(&1)));
    assert!(added.is_waiting() && third.is_waiting());
    b.1.commit_update(second.token, Some(p(&2))).unwrap();
    assert_eq!(added.answer().unwrap(), p(&12));
    let third = third.answer().unwrap();
    assert_eq!(third.value, Some(p(&12)));
    e.1.commit_update(third.token, None).unwrap();
    assert_eq!(keys(&a.1), "other");
    assert_eq!(sim.blocked_count(), 0);
}

#[test]
fn a_callers_own_write_makes_its_commit_fail() {
    let sim = Sim::new();
    let [a, b] = clients(&sim);
    let d = &a.1;
    let update = |write: &dyn Fn()| {
        let update = d.begin_update(p("k")).unwrap();
        write();
        d.commit_update(update.token, Some(p(&5)))
    };
    for write in [
        &(|| d.set(p("k"), p(&1)).unwrap()) as &dyn Fn(),
        &|| drop(d.pop_last().unwrap()),
        &|| d.extend(vec![(p("j"), p(&1)), (p("k"), p(&1))]).unwrap(),
        &|| d.clear().unwrap(),
        &|| assert_eq!(d.delete_many(vec![p("k")]).unwrap(), 0),
        &|| drop(d.add(p("k"), NumberKind::I64, p(&1)).unwrap()),
    ] {
        assert_eq!(update(write).unwrap_err().kind(), ErrorKind::Changed);
    }
    assert_eq!(items(d), [("k".into(), 1)], "its own write stands");
    update(&|| d.set(p("other"), p(&1)).unwrap()).unwrap();
    update(&|| drop(d.add(p("k"), NumberKind::I8, p(&500)).unwrap_err())).unwrap();
    let error = update(&|| {
        a.0.on_thread(2, || {
            a.0.start({
                let d = d.clone();
                move || d.set(p("k"), p(&6))
            })
        });
        let error = d.begin_update(p("k")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "it would wait for itself");
    });
    error.unwrap();
    assert_eq!(d.get(p("k")).unwrap(), Some(p(&6)), "the other thread waited");
    let open = d.begin_update(p("k")).unwrap();
    d.set(p("k"), p(&7)).unwrap();
    let error = b.1.commit_update(open.token, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotOwner);
    d.cancel_update(open.token).unwrap();
}

#[test]
fn a_dead_updater_changes_nothing_and_the_next_goes_on() {
    let sim = Sim::new();
    let [a, b, c, e] = clients(&sim);
    b.1.extend(vec![(p("j"), p(&1)), (p("k"), p(&2))]).unwrap();
    a.1.begin_update(p("j")).unwrap();
    a.1.begin_update(p("k")).unwrap();
    let update = start(&b, |d| d.begin_update(p("k")));
    let set = start(&c, |d| d.set(p("j"), p(&3)));
    let clear = start(&e, |d| d.clear());
    a.0.kill();
    set.answer().unwrap();
    let update = update.answer().unwrap();
    assert_eq!(update.value, Some(p(&2)));
    assert!(clear.is_waiting(), "it came later");
    b.0.kill();
    clear.answer().unwrap();
    assert!(c.1.is_empty().unwrap());
}

#[test]
fn whole_dict_writers_wait_for_the_entries_they_touch() {
    let sim = Sim::new();
    let [a, b, other] = clients(&sim);
    let source = dict::Proxy::new(&b.0, vec![(p("k"), p(&1))]).unwrap();
    let source = source.remote().handle().clone();
    type Write = Box<dyn Fn(&dict::Proxy) -> Result<(), sync_objects::Error>>;
    let writes: Vec<(&str, Write)> = vec![
        ("clear", Box::new(|d| d.clear())),
        ("pop_last", Box::new(|d| d.pop_last().map(drop))),
        ("delete_many", Box::new(|d| d.delete_many(vec![p("j"), p("k")]).map(drop))),
        ("extend", Box::new(|d| d.extend(vec![(p("j"), p(&1)), (p("k"), p(&1))]))),
        ("add_all", Box::new(|d| d.add_all(NumberKind::I8, vec![(p("k"), p(&1))]))),
        ("extend_from", Box::new(move |d| d.extend_from(source.clone()))),
    ];
    for (name, write) in writes {
        a.1.extend(vec![(p("j"), p(&0)), (p("k"), p(&0))]).unwrap();
        let update = a.1.begin_update(p("k")).unwrap();
        other.1.extend(vec![(p("h"), p(&0))]).unwrap();
        other.1.delete_many(vec![p("h")]).unwrap();
        let waiting = start(&b, write);
        assert!(waiting.is_waiting(), "{name}");
        assert_eq!(keys(&other.1), "jk", "{name} does nothing before its turn");
        a.1.commit_update(update.token, Some(p(&9))).unwrap();
        waiting.answer().unwrap();
        a.1.clear().unwrap();
    }
    let update = a.1.begin_update(p("absent")).unwrap();
    b.1.clear().unwrap();
    a.1.commit_update(update.token, Some(p(&1))).unwrap();
    assert_eq!(keys(&b.1), "absent", "clear leaves what is not there alone");
}

#[test]
fn nobody_who_would_hold_it_up_overtakes_a_whole_dict_writer() {
    let sim = Sim::new();
    let [a, b, c, e, f] = clients(&sim);
    a.1.extend(vec![(p("j"), p(&0)), (p("k"), p(&0))]).unwrap();
    let update = a.1.begin_update(p("k")).unwrap();
    let earlier = start(&b, |d| d.begin_update(p("k")));
    let clear = start(&c, |d| d.clear());
    let later = start(&e, |d| d.begin_update(p("j")));
    let extend = start(&f, |d| d.extend(vec![(p("x"), p(&1))]));
    assert!(later.is_waiting() && extend.is_waiting());
    assert!(a.1.delete(p("j")).unwrap(), "a write of one entry is over at once");
    a.1.commit_update(update.token, Some(p(&1))).unwrap();
    let earlier = earlier.answer().unwrap();
    assert!(clear.is_waiting(), "who stood in the entry's line before it goes before it");
    b.1.commit_update(earlier.token, Some(p(&2))).unwrap();
    clear.answer().unwrap();
    assert_eq!(later.answer().unwrap().value, None);
    extend.answer().unwrap();
    assert_eq!(keys(&a.1), "x");
}

#[test]
fn ever_new_updates_do_not_starve_a_whole_dict_writer() {
    let sim = Sim::new();
    let [a, b, c] = clients(&sim);
    a.1.extend(vec![(p("j"), p(&0)), (p("k"), p(&0))]).unwrap();
    let mut open = [a.1.begin_update(p("j")).unwrap(), b.1.begin_update(p("k")).unwrap()];
    let clear = start(&c, |d| d.clear());
    let mut rounds = 0;
    while clear.is_waiting() {
        rounds += 1;
        for (client, key, update) in [(&a, "j", 0), (&b, "k", 1)] {
            let token = open[update].token;
            client.1.commit_update(token, Some(p(&rounds))).unwrap();
            let next = start(client, move |d| d.begin_update(p(key)));
            if next.is_waiting() {
                continue;
            }
            open[update] = next.answer().unwrap();
        }
        assert!(rounds < 3, "the writer starves");
    }
    clear.answer().unwrap();
}

#[test]
fn a_caller_inside_an_update_passes_those_who_wait_for_it() {
    let sim = Sim::new();
    let [a, b, c] = clients(&sim);
    a.1.extend(vec![(p("j"), p(&0)), (p("k"), p(&0))]).unwrap();
    let outer = a.1.begin_update(p("k")).unwrap();
    let clear = start(&b, |d| d.clear());
    let inner = a.1.begin_update(p("j")).unwrap();
    a.1.commit_update(inner.token, Some(p(&1))).unwrap();
    a.1.extend(vec![(p("j"), p(&2)), (p("l"), p(&3))]).unwrap();
    assert!(clear.is_waiting());
    a.1.commit_update(outer.token, Some(p(&4))).unwrap();
    clear.answer().unwrap();

    let outer = a.1.begin_update(p("k")).unwrap();
    let others = c.1.begin_update(p("j")).unwrap();
    let blocked = start(&b, |d| d.extend(vec![(p("j"), p(&0)), (p("k"), p(&0))]));
    let inner = start(&a, |d| d.delete_many(vec![p("j"), p("m")]));
    assert!(blocked.is_waiting() && inner.is_waiting());
    c.1.commit_update(others.token, Some(p(&1))).unwrap();
    assert_eq!(inner.answer().unwrap(), 1, "it stood in the entry's line");
    assert!(blocked.is_waiting());
    a.1.commit_update(outer.token, None).unwrap();
    blocked.answer().unwrap();
    assert_eq!(sim.blocked_count(), 0);
}

#[test]
fn a_pop_goes_on_when_another_entry_becomes_the_last() {
    let sim = Sim::new();
    let [a, b, c] = clients(&sim);
    a.1.set(p("k"), p(&0)).unwrap();
    a.1.begin_update(p("k")).unwrap();
    let pops = [start(&b, |d| d.pop_last()), start(&c, |d| d.pop_last())];
    assert!(pops.iter().all(Pending::is_waiting));
    a.1.set(p("l"), p(&1)).unwrap();
    let [first, second] = pops;
    assert_eq!(first.answer().unwrap().unwrap().key, p("l"));
    assert!(second.is_waiting());
    assert!(a.1.delete(p("k")).unwrap(), "by the updater itself");
    assert_eq!(second.answer().unwrap(), None);
}

#[test]
fn who_leaves_a_line_lets_the_next_one_go() {
    let sim = Sim::new();
    let [a, b, c, e] = clients(&sim);
    a.1.extend(vec![(p("j"), p(&0)), (p("k"), p(&0))]).unwrap();
    let update = a.1.begin_update(p("k")).unwrap();
    let within = |seconds| Duration::from_secs(seconds);
    let set = start(&b, move |d| d.within(within(1)).set(p("k"), p(&1)));
    let clear = start(&c, move |d| d.within(within(2)).clear());
    let later = start(&e, |d| d.begin_update(p("j")));
    let never = a.1.within(Duration::ZERO).begin_update(p("j")).unwrap();
    a.1.cancel_update(never.token).unwrap();
    sim.advance(within(1));
    assert_eq!(set.answer().unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(clear.is_waiting() && later.is_waiting());
    sim.advance(within(1));
    assert_eq!(clear.answer().unwrap_err().kind(), ErrorKind::TimedOut);
    let later = later.answer().unwrap();
    let zero = b.1.within(Duration::ZERO).set(p("j"), p(&1)).unwrap_err();
    assert_eq!(zero.kind(), ErrorKind::TimedOut);
    let clear = start(&b, |d| d.clear());
    let behind = start(&c, |d| d.begin_update(p("new")));
    clear.cancel();
    assert_eq!(clear.answer().unwrap_err().kind(), ErrorKind::TimedOut);
    behind.answer().unwrap();
    let clear = start(&b, |d| d.clear());
    let behind = start(&e, |d| d.extend(vec![(p("x"), p(&1))]));
    b.0.kill();
    assert!(clear.is_waiting(), "nobody is there to be answered");
    behind.answer().unwrap();
    e.1.commit_update(later.token, None).unwrap();
    a.1.commit_update(update.token, None).unwrap();
    assert_eq!(keys(&a.1), "x");
}
