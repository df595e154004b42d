//! Random schedules of locks and callers: what the kernel finds by one walk from a new wait is
//! what a search of the whole graph finds, each time.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sync_objects::{Deadlocks, Error, ErrorKind, Grant, lock, rlock};
use sync_proto::SessionId;
use sync_testkit::sim::{Pending, Sim, SimClient};

use super::told;
use crate::support::{millis, start};

const PARTIES: usize = 5;
const LOCKS: usize = 5;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A party that does not wait takes a lock, with a deadline or without.
    Take {
        party: usize,
        lock: usize,
        patient: bool,
    },
    /// A party that does not wait gives a lock back.
    GiveBack {
        party: usize,
        lock: usize,
    },
    Kill {
        party: usize,
    },
    Pass,
}

fn step() -> impl Strategy<Value = Step> {
    let (party, lock) = (0..PARTIES, 0..LOCKS);
    prop_oneof![
        12 => (party.clone(), lock.clone(), prop::bool::weighted(0.15))
            .prop_map(|(party, lock, patient)| Step::Take { party, lock, patient }),
        5 => (party.clone(), lock).prop_map(|(party, lock)| Step::GiveBack { party, lock }),
        1 => party.prop_map(|party| Step::Kill { party }),
        1 => Just(Step::Pass),
    ]
}

/// Every other lock may be taken again by its thread.
#[derive(Clone)]
enum Any {
    Lock(lock::Proxy),
    RLock(rlock::Proxy),
}

impl Any {
    fn new(client: &SimClient, number: usize) -> Self {
        let name = number.to_string();
        if number.is_multiple_of(2) {
            Self::Lock(lock::Proxy::new(client.named(&name)).unwrap())
        } else {
            Self::RLock(rlock::Proxy::new(client.named(&name)).unwrap())
        }
    }

    fn acquire(&self, patient: bool) -> Result<Grant, Error> {
        match (self, patient) {
            (Self::Lock(lock), false) => lock.acquire(),
            (Self::Lock(lock), true) => lock.within(millis(10)).acquire(),
            (Self::RLock(lock), false) => lock.acquire(),
            (Self::RLock(lock), true) => lock.within(millis(10)).acquire(),
        }
    }

    fn release(&self) -> Result<(), Error> {
        match self {
            Self::Lock(lock) => lock.release_held(),
            Self::RLock(lock) => lock.release(),
        }
    }
}

struct Party {
    client: SimClient,
    locks: Vec<Any>,
    wait: Option<Pending<Grant>>,
}

impl Party {
    fn new(sim: &Sim) -> Self {
        let client = sim.client();
        let locks = (0..LOCKS).map(|number| Any::new(&client, number)).collect();
        Self { client, locks, wait: None }
    }
}

struct World {
    sim: Sim,
    /// Looks, and does nothing else.
    observer: SimClient,
    parties: Vec<Party>,
}

/// Who waits for whom, drawn from nothing but who holds and who stands in line.
type Graph = BTreeSet<(SessionId, SessionId)>;

impl World {
    fn new(policy: Deadlocks) -> Self {
        let sim = Sim::new();
        sim.kernel(|kernel, _| kernel.set_deadlocks(policy));
        let (observer, parties) = (sim.client(), (0..PARTIES).map(|_| Party::new(&sim)).collect());
        Self { sim, observer, parties }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Take { party, lock, patient } if self.parties[party].wait.is_none() => {
                let party = &mut self.parties[party];
                let wait = start(&party.client, &party.locks[lock], move |l| l.acquire(patient));
                party.wait = Some(wait);
            }
            Step::GiveBack { party, lock } if self.parties[party].wait.is_none() => {
                // It may not hold it: then it is refused.
                let _ = self.parties[party].locks[lock].release();
            }
            Step::Kill { party } => {
                self.parties[party].client.kill();
                self.parties[party] = Party::new(&self.sim);
            }
            Step::Pass => self.sim.advance(millis(10)),
            Step::Take { .. } | Step::GiveBack { .. } => {}
        }
    }

    /// Takes the answers that have come; returns who was refused for a deadlock.
    fn refused(&mut self) -> Vec<SessionId> {
        let mut refused = Vec::new();
        for party in &mut self.parties {
            if let Some(wait) = party.wait.take_if(|wait| !wait.is_waiting())
                && wait.answer().is_err_and(|error| error.kind() == ErrorKind::Deadlock)
            {
                refused.push(party.client.session());
            }
        }
        refused
    }

    /// Returns who would be in a circle if it waited as the step lets it.
    fn would_close(&self, step: Step) -> Option<SessionId> {
        let Step::Take { party, lock, patient: false } = step else { return None };
        let party = &self.parties[party];
        let who = party.client.session();
        let info = self.observer.manager().debug_info(100).unwrap();
        let object = info.objects.iter().find(|object| object.names == [lock.to_string()])?;
        let owner = object.holders.first()?.caller.session;
        let takes_again = owner == who && matches!(party.locks[lock], Any::RLock(_));
        let mut graph = self.graph(false);
        graph.insert((who, owner));
        let waits = party.wait.is_none() && !takes_again;
        (waits && in_circles(&graph).contains(&who)).then_some(who)
    }

    fn graph(&self, deadlines: bool) -> Graph {
        let info = self.observer.manager().debug_info(100).unwrap();
        let mut graph = Graph::new();
        for object in &info.objects {
            let waiters = object.waiters.iter();
            for waiter in waiters.filter(|waiter| deadlines || waiter.gives_up_in.is_none()) {
                for holder in &object.holders {
                    graph.insert((waiter.caller.session, holder.caller.session));
                }
            }
        }
        graph
    }
}

/// Returns who reaches itself, by a closure over all pairs.
fn in_circles(graph: &Graph) -> BTreeSet<SessionId> {
    let mut reached = graph.clone();
    loop {
        let further: Vec<_> = reached
            .iter()
            .flat_map(|&(from, via)| {
                graph.iter().filter(move |(at, _)| *at == via).map(move |&(_, to)| (from, to))
            })
            .collect();
        let before = reached.len();
        reached.extend(further);
        if reached.len() == before {
            return reached.iter().filter(|(from, to)| from == to).map(|&(who, _)| who).collect();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_told_is_what_a_full_search_finds(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(Deadlocks::Report);
        let mut known = BTreeSet::new();
        for step in steps {
            world.run(step);
            world.refused();
            let circles = in_circles(&world.graph(false));
            let told: BTreeSet<_> = told(&world.sim)
                .iter()
                .flat_map(|(deadlock, _)| &deadlock.waits)
                .map(|wait| wait.waiter.caller.session)
                .collect();
            let new: BTreeSet<_> = circles.difference(&known).copied().collect();
            prop_assert_eq!(&told, &new, "after {:?}", step);
            known = circles;
            let info = world.observer.manager().debug_info(0).unwrap();
            let waits = info.deadlocks.iter().flat_map(|deadlock| &deadlock.waits);
            let standing: BTreeSet<_> = waits.map(|wait| wait.waiter.caller.session).collect();
            prop_assert_eq!(standing, in_circles(&world.graph(true)));
        }
    }

    #[test]
    fn who_is_refused_would_have_closed_a_circle_and_none_ever_stands(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(Deadlocks::Refuse);
        for step in steps {
            let closes = world.would_close(step);
            world.run(step);
            prop_assert_eq!(world.refused(), closes.into_iter().collect::<Vec<_>>());
            prop_assert!(in_circles(&world.graph(false)).is_empty());
        }
    }
}
