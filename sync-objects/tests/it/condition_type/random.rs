//! Random schedules: no notification is lost, whoever dies and whatever times out.

use proptest::prelude::*;

use super::*;

const PARTIES: usize = 5;

#[derive(Clone, Copy, Debug)]
enum Act {
    Wait {
        party: usize,
        timed: bool,
    },
    Take(usize),
    Notify(u32),
    Free,
    Cancel(usize),
    Kill(usize),
    /// Half of a timed wait's time passes.
    Pass,
}

fn act() -> impl Strategy<Value = Act> {
    let party = 0..PARTIES;
    prop_oneof![
        9 => (party.clone(), any::<bool>()).prop_map(|(party, timed)| Act::Wait { party, timed }),
        4 => party.clone().prop_map(Act::Take),
        4 => (0..3u32).prop_map(Act::Notify),
        1 => Just(Act::Free),
        1 => party.clone().prop_map(Act::Cancel),
        3 => party.prop_map(Act::Kill),
        1 => Just(Act::Pass),
    ]
}

/// Processes of which each waits or does not, and what a condition should make of them.
struct Model {
    sim: Sim,
    parties: [Party; PARTIES],
    waits: [Option<Pending<Woken>>; PARTIES],
    /// Who waits for a notification, the first to come first, and at which `Pass` it ends.
    waiting: Vec<(usize, Option<u32>)>,
    /// Who is to have the lock back, in this order, and whether its time was up.
    retaking: Vec<(usize, bool)>,
    holder: Option<(usize, Token)>,
    passed: u32,
}

impl Model {
    fn new() -> Self {
        let sim = Sim::new();
        let (parties, waits) = (Party::all(&sim), [const { None }; PARTIES]);
        let (waiting, retaking) = (Vec::new(), Vec::new());
        Self { sim, parties, waits, waiting, retaking, holder: None, passed: 0 }
    }

    fn run(&mut self, act: Act) {
        let idle = |party: usize| self.holder.is_none() && self.waits[party].is_none();
        match act {
            Act::Wait { party, timed } if idle(party) => {
                let this = &self.parties[party];
                self.waits[party] = Some(if timed { this.wait_for(TIME) } else { this.wait() });
                self.waiting.push((party, timed.then_some(self.passed + 2)));
            }
            Act::Take(party) if idle(party) => {
                self.holder = Some((party, self.parties[party].take()));
            }
            Act::Notify(count) => self.notify(count),
            Act::Free => {
                if let Some((party, token)) = self.holder.take() {
                    self.parties[party].lock.release(token).unwrap();
                }
            }
            Act::Cancel(party) => {
                if let Some(wait) = &self.waits[party] {
                    wait.cancel();
                    self.end_waits(|waits, _| waits == party);
                }
            }
            Act::Kill(party) => self.kill(party),
            Act::Pass => {
                self.sim.advance(TIME / 2);
                self.passed += 1;
                let now = self.passed;
                self.end_waits(|_, due| due.is_some_and(|due| due <= now));
            }
            Act::Wait { .. } | Act::Take(_) => {}
        }
        self.serve();
        self.sim.kernel(|kernel, _| kernel.assert_settled());
    }

    fn notify(&mut self, count: u32) {
        if let Some((party, token)) = self.holder {
            self.parties[party].condition.notify(token, count).unwrap();
            self.pass_on(count as usize);
        }
    }

    fn pass_on(&mut self, count: usize) {
        let count = count.min(self.waiting.len());
        self.retaking.extend(self.waiting.drain(..count).map(|(party, _)| (party, false)));
    }

    fn end_waits(&mut self, ends: impl Fn(usize, Option<u32>) -> bool) {
        let ended = self.waiting.extract_if(.., |(party, due)| ends(*party, *due));
        self.retaking.extend(ended.map(|(party, _)| (party, true)));
    }

    fn kill(&mut self, party: usize) {
        self.parties[party].client.kill();
        self.waits[party] = None;
        self.holder.take_if(|(holder, _)| *holder == party);
        self.waiting.retain(|&(waits, _)| waits != party);
        let dead = self.retaking.iter().position(|&(waits, _)| waits == party);
        if dead.is_some_and(|dead| !self.retaking.remove(dead).1) {
            self.pass_on(1);
        }
        self.parties[party] = Party::new(&self.sim);
    }

    /// Who is to have the lock has it, one after the other, and nobody else was woken.
    fn serve(&mut self) {
        while self.holder.is_none() && !self.retaking.is_empty() {
            let (party, timed_out) = self.retaking.remove(0);
            let wait = self.waits[party].take().unwrap();
            assert_eq!(self.parties[party].finish(wait), timed_out);
        }
        assert!(self.waits.iter().flatten().all(Pending::is_waiting));
        let info = self.parties[0].client.manager().debug_info(2).unwrap();
        let condition = info.objects.iter().find(|object| object.interface == "sync.condition");
        let (holders, waits) = (&condition.unwrap().holders, self.waits.iter().flatten());
        assert_eq!(holders.len(), waits.count(), "who waits holds a place");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn no_schedule_loses_a_notification_or_the_lock(
        acts in prop::collection::vec(act(), 0..80)
    ) {
        let mut model = Model::new();
        for act in acts {
            model.run(act);
        }
    }
}
