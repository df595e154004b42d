//! Containers that only hold each other are found and dropped, and what is alive is not.

use std::time::Duration;

use sync_objects::{
    Cx, Flow, Handle, Limits, Payload, Refusal, Shared, dict, interface, list, lock, registry,
};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::pack;

mod random;

fn new_dict(client: &SimClient) -> dict::Proxy {
    dict::Proxy::new(client, Vec::new()).unwrap()
}

fn put(into: &dict::Proxy, key: &str, value: &impl serde::Serialize) {
    into.set(pack(key), pack(value)).unwrap();
}

/// Lets searches come to their end.
fn rest(sim: &Sim) {
    sim.advance(Duration::from_nanos(1));
}

#[test]
fn a_container_that_holds_itself_goes_with_its_last_user() {
    let sim = Sim::new();
    let client = sim.client();
    let own = list::Proxy::new(&client, Vec::new()).unwrap();
    own.push(pack(&own)).unwrap();
    rest(&sim);
    assert_eq!(sim.object_count(), 1);
    drop(own);
    rest(&sim);
    assert_eq!(sim.object_count(), 0);
}

#[test]
fn a_cycle_goes_with_all_that_only_it_holds() {
    let sim = Sim::new();
    let client = sim.client();
    let (a, b) = (new_dict(&client), new_dict(&client));
    let leaf = lock::Proxy::new(&client).unwrap();
    put(&a, "b", &b);
    put(&b, "a", &a);
    put(&b, "leaf", &leaf);
    drop((a, leaf));
    rest(&sim);
    assert_eq!(sim.object_count(), 3, "one of them is still in use");
    drop(b);
    rest(&sim);
    assert_eq!(sim.object_count(), 0);
}

#[test]
fn a_cycle_that_a_name_a_session_or_a_container_in_use_reaches_stays() {
    let sim = Sim::new();
    let (client, other) = (sim.client(), sim.client());
    let (a, b, outer) = (new_dict(&client), new_dict(&client), new_dict(&client));
    put(&a, "b", &b);
    put(&b, "a", &a);
    put(&outer, "a", &a);
    client.manager().publish("outer".to_owned(), outer.handle().clone()).unwrap();
    drop((a, b, outer));
    rest(&sim);
    assert_eq!(sim.object_count(), 3, "a name reaches it");
    client.kill();
    rest(&sim);
    assert_eq!(sim.object_count(), 3);
    let outer = dict::Proxy::new(other.named("outer"), Vec::new()).unwrap();
    let a: dict::Proxy = outer.get(pack("a")).unwrap().unwrap().unpack().unwrap();
    assert!(outer.delete(pack("a")).unwrap());
    rest(&sim);
    assert_eq!(sim.object_count(), 3, "a session reaches it");
    drop(a);
    rest(&sim);
    assert_eq!(sim.object_count(), 1);
}

#[test]
fn a_cycle_of_a_killed_client_goes() {
    let sim = Sim::new();
    let client = sim.client();
    let ring: Vec<_> = (0..100).map(|_| new_dict(&client)).collect();
    for (at, dict) in ring.iter().enumerate() {
        put(dict, "next", &ring[(at + 1) % ring.len()]);
    }
    client.kill();
    rest(&sim);
    assert_eq!(sim.object_count(), 0);
    drop(ring);
}

#[test]
fn a_search_goes_in_steps_and_what_changes_meanwhile_is_alive() {
    let sim = Sim::new();
    let client = sim.client();
    let keep = new_dict(&client);
    let ring: Vec<_> = (0..1000).map(|_| new_dict(&client)).collect();
    for (at, dict) in ring.iter().enumerate() {
        put(dict, "next", &ring[(at + 1) % ring.len()]);
    }
    put(&keep, "ring", &ring[500]);
    drop(ring);
    assert_eq!(sim.object_count(), 1001);
    // Each input goes a step; in the middle of the search one of the ring is fetched and used.
    let mut fetched: dict::Proxy = keep.get(pack("ring")).unwrap().unwrap().unpack().unwrap();
    assert!(keep.delete(pack("ring")).unwrap());
    for _ in 0..50 {
        fetched = fetched.get(pack("next")).unwrap().unwrap().unpack().unwrap();
    }
    rest(&sim);
    assert_eq!(sim.object_count(), 1001);
    drop(fetched);
    rest(&sim);
    assert_eq!(sim.object_count(), 1);
}

#[test]
fn a_container_of_very_many_is_looked_at_in_pieces() {
    let sim = Sim::new();
    let client = sim.client();
    let (all, back) = (list::Proxy::new(&client, Vec::new()).unwrap(), new_dict(&client));
    for _ in 0..5000 {
        all.push(pack(&lock::Proxy::new(&client).unwrap())).unwrap();
    }
    for at in 0..5000u32 {
        put(&back, &at.to_string(), &lock::Proxy::new(&client).unwrap());
    }
    all.push(pack(&back)).unwrap();
    put(&back, "all", &all);
    rest(&sim);
    assert_eq!(sim.object_count(), 10_002);
    drop((all, back));
    assert_eq!(sim.object_count(), 10_002, "no single step did it all");
    rest(&sim);
    assert_eq!(sim.object_count(), 0);
}

#[test]
fn many_small_cycles_are_dropped_while_the_manager_serves() {
    let sim = Sim::new();
    let client = sim.client();
    let busy = lock::Proxy::new(&client).unwrap();
    for _ in 0..500 {
        let (a, b) = (new_dict(&client), new_dict(&client));
        put(&a, "b", &b);
        put(&b, "a", &a);
        drop((a, b));
        let grant = busy.acquire().unwrap();
        busy.release(grant.token).unwrap();
        assert!(sim.object_count() < 100, "they do not pile up");
    }
    rest(&sim);
    assert_eq!(sim.object_count(), 1);
}

#[test]
fn a_value_that_was_never_a_proxy_costs_no_search() {
    let sim = Sim::new();
    let client = sim.client();
    let plain = new_dict(&client);
    for at in 0..100u32 {
        plain.set(Payload::pack(&at).unwrap(), Payload::pack(&at).unwrap()).unwrap();
    }
    assert!(sim.kernel(|kernel, _| kernel.poll_timeout()).is_none());
}

#[test]
fn what_becomes_garbage_while_a_search_has_looked_past_it_goes_too() {
    let sim = Sim::new();
    let client = sim.client();
    // Each is looked at while it is in use still, or who held it was.
    let (nodes, parent) = ((0..100).map(|_| new_dict(&client)), new_dict(&client));
    let nodes: Vec<_> = nodes.collect();
    for (at, node) in nodes.iter().enumerate() {
        put(node, "parent", &parent);
        if at > 0 {
            put(node, "previous", &nodes[at - 1]);
        }
    }
    put(&parent, "last", &nodes[99]);
    nodes.into_iter().for_each(drop);
    drop(parent);
    rest(&sim);
    assert_eq!(sim.object_count(), 0);
}

#[test]
fn what_is_dropped_between_two_steps_of_a_search_is_searched_once_more() {
    let sim = Sim::new();
    let client = sim.client();
    let (y, h) = (new_dict(&client), new_dict(&client));
    // So many entries that a look at them is all that a step does.
    let mut entries = vec![pack(&h)];
    entries.resize(1024, pack(&y));
    let l = list::Proxy::new(&client, entries).unwrap();
    put(&y, "h", &h);
    put(&h, "l", &l);
    drop(y);
    drop(l);
    drop(h);
    rest(&sim);
    assert_eq!(sim.object_count(), 0);
}

interface! {
    /// Keeps an object, and does not say so.
    pub(crate) mod silent = "test.silent" {
        new(keeps: Handle);
        /// Does nothing.
        fn rest();
    }
}

struct Silent {
    _keeps: Handle,
}

impl silent::Service for Silent {
    fn new(keeps: Handle) -> Result<Self, Refusal> {
        Ok(Self { _keeps: keeps })
    }

    fn rest(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        Flow::Done(())
    }
}

#[test]
fn what_only_garbage_kept_is_searched_though_no_further_input_comes() {
    // With one of these lengths, dropping the ring is the last thing that a step does.
    for length in 1..100 {
        let mut registry = registry();
        silent::register::<Silent>(&mut registry);
        let sim = Sim::with(registry, Limits::default());
        let client = sim.client();
        let own = list::Proxy::new(&client, Vec::new()).unwrap();
        own.push(pack(&own)).unwrap();
        let silent = silent::Proxy::new(&client, own.handle().clone()).unwrap();
        let ring: Vec<_> = (0..length).map(|_| new_dict(&client)).collect();
        for (at, dict) in ring.iter().enumerate() {
            put(dict, "next", &ring[(at + 1) % ring.len()]);
        }
        put(&ring[0], "silent", &silent);
        drop((own, silent, ring));
        while sim.kernel(|kernel, _| kernel.poll_timeout()).is_some() {
            sim.kernel(|kernel, now| kernel.handle_timeout(now));
        }
        assert_eq!(sim.object_count(), 0, "with a ring of {length}");
    }
}
