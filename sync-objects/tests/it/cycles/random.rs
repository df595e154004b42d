//! Random containers that hold each other, and are let go while searches go on: what stays is what
//! can be reached.

use proptest::collection::vec;
use proptest::prelude::*;
use sync_objects::list;
use sync_testkit::sim::{Sim, SimClient};

use super::rest;
use crate::support::pack;

/// Few, so that they come to hold each other; what makes a search take many steps is how often.
const LISTS: usize = 6;

/// As many entries as one step looks at.
const A_STEP: usize = 1024;

#[derive(Clone, Debug)]
enum Op {
    /// One list comes to hold another, once or so often that a look at it takes a whole step.
    Link(usize, usize, bool),
    /// A list lets go of all that it holds.
    Clear(usize),
    /// The client lets go of a list.
    Drop(usize),
    /// The client gets hold of what is first in a list.
    Fetch(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let at = || 0..LISTS;
    prop_oneof![
        4 => (at(), at(), any::<bool>()).prop_map(|(from, to, often)| Op::Link(from, to, often)),
        1 => at().prop_map(Op::Clear),
        4 => at().prop_map(Op::Drop),
        1 => at().prop_map(Op::Fetch),
    ]
}

struct World {
    client: SimClient,
    /// What the client has.
    proxies: Vec<Option<list::Proxy>>,
    /// Who holds whom, in order.
    edges: Vec<Vec<usize>>,
}

impl World {
    fn new(sim: &Sim) -> Self {
        let client = sim.client();
        let new = |_| Some(list::Proxy::new(&client, Vec::new()).unwrap());
        let proxies = (0..LISTS).map(new).collect();
        Self { client, proxies, edges: vec![Vec::new(); LISTS] }
    }

    fn step(&mut self, op: &Op) {
        match *op {
            Op::Link(from, to, often) => {
                if let (Some(list), Some(other)) = (&self.proxies[from], &self.proxies[to]) {
                    let count = if often { A_STEP } else { 1 };
                    list.extend(vec![pack(other); count]).unwrap();
                    self.edges[from].extend(vec![to; count]);
                }
            }
            Op::Clear(at) => {
                if let Some(list) = &self.proxies[at] {
                    list.clear().unwrap();
                    self.edges[at].clear();
                }
            }
            Op::Drop(at) => self.proxies[at] = None,
            Op::Fetch(from) => {
                let first = self.edges[from].first();
                if let (Some(list), Some(&to)) = (&self.proxies[from], first) {
                    self.proxies[to] = Some(list.get(0).unwrap().unpack().unwrap());
                }
            }
        }
    }

    fn reachable(&self) -> usize {
        let mut to_see: Vec<usize> = (0..LISTS).filter(|&at| self.proxies[at].is_some()).collect();
        let mut seen = [false; LISTS];
        while let Some(at) = to_see.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                to_see.extend(&self.edges[at]);
            }
        }
        seen.into_iter().filter(|&seen| seen).count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn whatever_is_let_go_while_searches_go_on_what_stays_is_what_can_be_reached(
        ops in vec(op(), 0..40),
    ) {
        let sim = Sim::new();
        let mut world = World::new(&sim);
        for op in &ops {
            world.step(op);
        }
        rest(&sim);
        assert_eq!(sim.object_count(), world.reachable());
        for (proxy, edges) in world.proxies.iter().zip(&world.edges) {
            let len = proxy.as_ref().map_or(edges.len() as u64, |list| list.len().unwrap());
            assert_eq!(len, edges.len() as u64, "what is in use is whole");
        }
        // One after the other: each goes while what the one before left behind is searched.
        world.proxies.iter_mut().for_each(|proxy| *proxy = None);
        rest(&sim);
        assert_eq!(sim.object_count(), 0);
        drop(world.client);
    }
}
