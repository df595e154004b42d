//! A schedule's run: really, and in the reference beside it.

use sync_objects::Token;
use sync_testkit::sim::{Pending, Sim, SimClient};

use crate::reference::{Held, Model, Reference};
use crate::support::millis;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Input<Op> {
    /// A party calls, and waits for so many milliseconds, or for ever.
    Call(usize, Op, Option<u64>),
    /// A call that waits is given up.
    Cancel(usize),
    /// A party dies.
    Kill(usize),
    /// So many milliseconds pass.
    Advance(u64),
}

struct Party<M: Model> {
    client: SimClient,
    proxy: M::Proxy,
    held: Vec<Held>,
    is_alive: bool,
}

type Call = Pending<(i64, Option<Token>)>;

pub(crate) struct World<M: Model> {
    sim: Sim,
    parties: Vec<Party<M>>,
    /// By number: whose, and the call itself until it is answered.
    calls: Vec<(usize, Option<Call>)>,
    greatest: Token,
    reference: Reference<M>,
}

impl<M: Model> World<M> {
    pub(crate) fn new(parties: usize) -> Self {
        let sim = Sim::new();
        let party = |_| {
            let client = sim.client();
            let proxy = M::attach(&client);
            Party { client, proxy, held: Vec::new(), is_alive: true }
        };
        let parties = (0..parties).map(party).collect();
        let (calls, greatest) = (Vec::new(), Token(0));
        Self { sim, parties, calls, greatest, reference: Reference::new() }
    }

    /// Returns what can happen next, when a party has at most so many calls that wait.
    pub(crate) fn inputs(&self, threads: usize, waits: &[Option<u64>]) -> Vec<Input<M::Op>> {
        let mut inputs = Vec::new();
        let waiting = &self.reference.waiting;
        for (who, party) in self.parties.iter().enumerate().filter(|(_, party)| party.is_alive) {
            let mine: Vec<_> = waiting.iter().filter(|waiter| waiter.who == who).collect();
            if mine.len() < threads {
                for &op in M::ops(!party.held.is_empty()) {
                    let waits = if M::line(op).is_some() { waits } else { &[None] };
                    inputs.extend(waits.iter().map(|&wait| Input::Call(who, op, wait)));
                }
            }
            inputs.extend(mine.iter().map(|waiter| Input::Cancel(waiter.call)));
            inputs.push(Input::Kill(who));
        }
        if waiting.iter().any(|waiter| waiter.deadline.is_some()) {
            inputs.push(Input::Advance(1));
        }
        inputs
    }

    /// Lets something happen, and compares.
    pub(crate) fn step(&mut self, input: Input<M::Op>) {
        match input {
            Input::Call(who, op, wait) => {
                self.reference.call(self.calls.len(), who, op, wait);
                let pending = self.call(who, op, wait);
                self.calls.push((who, Some(pending)));
            }
            Input::Cancel(call) => {
                self.reference.cancel(call);
                self.calls[call].1.as_ref().expect("it waits").cancel();
            }
            Input::Kill(who) => {
                let party = &mut self.parties[who];
                party.is_alive = false;
                let holds = !std::mem::take(&mut party.held).is_empty();
                self.reference.kill(who, holds);
                party.client.kill();
                self.calls.iter_mut().filter(|(whose, _)| *whose == who).for_each(|c| c.1 = None);
            }
            Input::Advance(by) => {
                self.reference.advance(by);
                self.sim.advance(millis(by));
            }
        }
        self.compare();
    }

    fn call(&mut self, who: usize, op: M::Op, wait: Option<u64>) -> Call {
        let party = &mut self.parties[who];
        let held = M::gives_back(op).then(|| party.held.remove(0));
        let proxy = match wait {
            Some(wait) => M::within(&party.proxy, millis(wait)),
            None => party.proxy.clone(),
        };
        party.client.start(move || M::call(&proxy, op, held))
    }

    fn compare(&mut self) {
        let mut granted = Vec::new();
        for (number, (who, call)) in self.calls.iter_mut().enumerate() {
            if call.as_ref().is_none_or(Pending::is_waiting) {
                continue;
            }
            let answer = call.take().expect("it is there").answer();
            if let Ok((answer, Some(token))) = answer {
                granted.push((token, *who, answer));
            }
            let answer = answer.map(|(answer, _)| answer).map_err(|error| error.kind());
            assert_eq!(Some(answer), self.reference.answers.remove(&number), "call {number}");
        }
        assert!(self.reference.answers.is_empty(), "still wait: {:?}", self.reference.answers);
        assert_eq!(self.sim.blocked_count(), self.reference.waiting.len());
        granted.sort();
        for (token, who, answer) in granted {
            assert!(token > self.greatest, "tokens only grow");
            self.greatest = token;
            self.parties[who].held.push((token, answer));
        }
    }
}
