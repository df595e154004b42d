//! Random schedules of clients that update one dict: nothing is lost, and nobody sleeps who could
//! be served.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use sync_objects::{DictUpdate, ErrorKind, NumberKind, Token, dict};
use sync_testkit::sim::{Pending, Sim, SimClient};

use super::p;

const KEYS: u8 = 4;
const PATIENCE: Duration = Duration::from_secs(5);

enum Call {
    Begin(u8, Pending<DictUpdate>),
    /// Adds 1 to each of the keys.
    Add(Vec<u8>, Pending<()>),
    Other(Pending<()>),
}

struct Client {
    client: SimClient,
    dict: dict::Proxy,
    call: Option<Call>,
    /// Open updates: key, token, and the value to commit.
    open: Vec<(u8, Token, i64)>,
}

struct World {
    sim: Sim,
    clients: Vec<Client>,
    /// What each key's number must be, when nothing is ever deleted.
    counts: [i64; KEYS as usize],
    destructive: bool,
}

fn connect(sim: &Sim) -> Client {
    let client = sim.client();
    let dict = dict::Proxy::new(client.named("d"), vec![]).unwrap();
    let (call, open) = (None, vec![]);
    Client { client, dict, call, open }
}

impl World {
    /// Takes the client's answer, if there is one; returns whether it still waits.
    fn collect(&mut self, at: usize) -> bool {
        let client = &mut self.clients[at];
        let waits = match &client.call {
            None => return false,
            Some(Call::Begin(_, call)) => call.is_waiting(),
            Some(Call::Add(_, call) | Call::Other(call)) => call.is_waiting(),
        };
        if waits {
            return true;
        }
        let failure = match client.call.take() {
            Some(Call::Begin(key, call)) => match call.answer() {
                Ok(update) => {
                    let value = update.value.map_or(0, |value| value.unpack().unwrap());
                    client.open.push((key, update.token, value + 1));
                    None
                }
                Err(error) => Some(error),
            },
            Some(Call::Add(keys, call)) => match call.answer() {
                Ok(()) => {
                    keys.iter().for_each(|key| self.counts[usize::from(*key)] += 1);
                    None
                }
                Err(error) => Some(error),
            },
            Some(Call::Other(call)) => call.answer().err(),
            None => None,
        };
        assert!(failure.is_none_or(|error| error.kind() == ErrorKind::TimedOut));
        false
    }

    fn commit(&mut self, at: usize) {
        let client = &mut self.clients[at];
        if let Some((key, token, value)) = client.open.pop() {
            client.dict.commit_update(token, Some(p(&value))).unwrap();
            self.counts[usize::from(key)] += 1;
        }
    }

    fn step(&mut self, (at, action, key): (usize, u8, u8)) {
        if action == 0 {
            self.clients[at].client.kill();
            self.clients[at] = connect(&self.sim);
        } else if action == 1 {
            self.sim.advance(PATIENCE / 3);
        }
        if self.collect(at) || action < 2 {
            return;
        }
        if action < 6 {
            return self.commit(at);
        }
        let client = &mut self.clients[at];
        // Locks are taken in the order of the keys: what then deadlocks is the dict's doing.
        let lowest = client.open.iter().map(|open| open.0 + 1).max().unwrap_or(0);
        if lowest >= KEYS {
            return;
        }
        let key = lowest + key % (KEYS - lowest);
        let d = client.dict.within(if action % 2 == 0 { PATIENCE } else { PATIENCE * 100 });
        let one = p(&1);
        client.call = Some(match action {
            6..=9 => {
                let call = client.client.start(move || d.begin_update(p(&key)));
                Call::Begin(key, call)
            }
            10..=11 => {
                let add = move || d.add(p(&key), NumberKind::I64, one.clone()).map(drop);
                Call::Add(vec![key], client.client.start(add))
            }
            12..=13 => {
                let keys: Vec<u8> = (key..KEYS).collect();
                let amounts: Vec<_> = keys.iter().map(|key| (p(key), one.clone())).collect();
                let add = move || d.add_all(NumberKind::I64, amounts.clone());
                Call::Add(keys, client.client.start(add))
            }
            _ if !self.destructive || lowest > 0 => return,
            14 => Call::Other(client.client.start(move || d.clear())),
            15 => Call::Other(client.client.start(move || d.pop_last().map(drop))),
            16 => Call::Other(client.client.start(move || d.delete(p(&key)).map(drop))),
            _ => {
                let delete = move || d.delete_many(vec![p(&key), p(&0)]).map(drop);
                Call::Other(client.client.start(delete))
            }
        });
    }

    fn check(&mut self) {
        let waiting = (0..self.clients.len()).filter(|at| self.collect(*at)).count();
        if self.clients.iter().all(|client| client.open.is_empty()) {
            assert_eq!(waiting, 0, "no update is open, and yet somebody waits");
        }
        assert_eq!(self.sim.blocked_count(), waiting);
    }

    fn finish(mut self) {
        for _ in 0..100 {
            for at in 0..self.clients.len() {
                if !self.collect(at) {
                    while !self.clients[at].open.is_empty() {
                        self.commit(at);
                    }
                }
            }
        }
        assert_eq!(self.sim.blocked_count(), 0, "a deadlock");
        if !self.destructive {
            for (key, count) in (0..KEYS).zip(self.counts) {
                let value = self.clients[0].dict.get(p(&key)).unwrap();
                let value = value.map_or(0, |value| value.unpack::<i64>().unwrap());
                assert_eq!(value, count, "key {key} lost or gained something");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_schedule_loses_an_update_or_leaves_a_caller_asleep(
        steps in vec((0..6usize, 0..18u8, 0..KEYS), 1..200),
        destructive: bool,
    ) {
        let sim = Sim::new();
        let clients = (0..6).map(|_| connect(&sim)).collect();
        let keeper = connect(&sim);
        let mut world = World { sim, clients, counts: [0; KEYS as usize], destructive };
        for step in steps {
            world.step(step);
            world.check();
        }
        world.finish();
        drop(keeper);
    }
}
