//! Random schedules: a round goes on with all its parties or breaks for all of them.

use proptest::prelude::*;

use super::*;

const COUNT: u32 = 3;

#[derive(Clone, Copy, Debug)]
enum Act {
    Wait { party: usize, acts: bool, timed: bool },
    Finish,
    Fail,
    Kill(usize),
    Abort,
    Reset,
    Pass,
}

fn act() -> impl Strategy<Value = Act> {
    let wait = (0..6usize, any::<bool>(), any::<bool>());
    prop_oneof![
        10 => wait.prop_map(|(party, acts, timed)| Act::Wait { party, acts, timed }),
        3 => Just(Act::Finish),
        1 => Just(Act::Fail),
        1 => (0..6usize).prop_map(Act::Kill),
        1 => Just(Act::Abort),
        3 => Just(Act::Reset),
        1 => Just(Act::Pass),
    ]
}

struct Play {
    sim: Sim,
    parties: [Party; 6],
    waits: [Option<Pending<Arrival>>; 6],
    elected: Option<(usize, Token)>,
    /// The indices of those that went on in this step.
    released: Vec<u32>,
}

impl Play {
    fn new() -> Self {
        let sim = Sim::new();
        let parties = Party::all(&sim, COUNT, None);
        let waits = [const { None }; 6];
        Self { sim, parties, waits, elected: None, released: Vec::new() }
    }

    fn run(&mut self, act: Act) {
        let watcher = &self.parties[0].barrier;
        match act {
            Act::Wait { party, acts, timed } => {
                let acting = self.elected.is_some_and(|(elected, _)| elected == party);
                if self.waits[party].is_none() && !acting {
                    let barrier = &self.parties[party].barrier;
                    let barrier = if timed { barrier.within(TIME) } else { barrier.clone() };
                    let wait = move || barrier.wait(acts, timed);
                    self.waits[party] = Some(self.parties[party].client.start(wait));
                }
            }
            Act::Finish => {
                if let Some((party, token)) = self.elected.take() {
                    match self.parties[party].barrier.finish(token) {
                        Ok(index) => self.released.push(index),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Broken),
                    }
                }
            }
            Act::Fail => {
                if let Some((party, token)) = self.elected.take() {
                    // Refused if the barrier broke meanwhile; broken it is then in any case.
                    let _ = self.parties[party].barrier.fail(token, "random".to_owned());
                }
            }
            Act::Kill(party) => {
                self.parties[party].client.kill();
                self.waits[party] = None;
                self.elected.take_if(|(elected, _)| *elected == party);
                self.parties[party] = Party::new(&self.sim, COUNT, None);
            }
            Act::Abort => watcher.abort().unwrap(),
            Act::Reset => watcher.reset().unwrap(),
            Act::Pass => self.sim.advance(TIME),
        }
        self.collect();
        self.check();
    }

    fn collect(&mut self) {
        for (party, wait) in self.waits.iter_mut().enumerate() {
            let Some(answered) = wait.take_if(|wait| !wait.is_waiting()) else { continue };
            match answered.answer() {
                Ok(Arrival::Released(index)) => self.released.push(index),
                Ok(Arrival::Elected(token)) => self.elected = Some((party, token)),
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::Broken | ErrorKind::TimedOut));
                }
            }
        }
    }

    fn check(&mut self) {
        // Several rounds may end in one step: all that came while an action ran.
        for index in 0..COUNT {
            let parties = self.released.iter().filter(|&&released| released == index).count();
            assert_eq!(parties * 3, self.released.len(), "{:?}", self.released);
        }
        self.released.clear();
        let barrier = &self.parties[0].barrier;
        let (here, blocked) = (barrier.n_waiting().unwrap(), self.sim.blocked_count());
        if barrier.is_broken().unwrap() {
            assert_eq!((here, blocked), (0, 0), "nobody waits at a broken barrier");
        } else if here == COUNT {
            assert!(self.elected.is_some(), "who is elected is told");
        } else {
            assert_eq!(here as usize, blocked, "who waits is here");
        }
        let info = self.parties[0].client.manager().debug_info(1).unwrap();
        assert_eq!(info.objects[0].holders.len(), here as usize, "who is here holds a place");
        self.sim.kernel(|kernel, _| kernel.assert_settled());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn no_schedule_mixes_rounds_or_leaves_a_party_behind(
        acts in prop::collection::vec(act(), 0..80)
    ) {
        let mut play = Play::new();
        for act in acts {
            play.run(act);
        }
    }
}
