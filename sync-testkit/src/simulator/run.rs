//! One run: a storm, the calm after it, and what is left.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sync_objects::Registry;

use super::counts::{Counts, Fault};
use super::inject::KEEPER;
use super::programs::{self, Make};
use super::thread::{Task, Thread};
use super::world::World;

/// How many usual clients there are at once.
const CLIENTS: usize = 4;

/// How many threads a client has at most.
const THREADS: usize = 3;

/// How many steps a storm has.
const STORM: u64 = 1000;

/// How many steps the calm may have before a client counts as stuck.
const CALM: u64 = 20_000;

/// The result of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// How often each fault came about.
    pub counts: Counts,
    /// How many steps there were.
    pub steps: u64,
    /// How many answers and refusals a model has agreed with.
    pub agreed: u64,
}

/// A run that found something: what, with the last events.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed that shows it.
    pub seed: u64,
    /// What is wrong, and what happened before.
    pub what: String,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { seed, what } = self;
        write!(f, "seed {seed}: {what}\nto see it again: cargo xtask sim --seed {seed}")
    }
}

/// Runs what a seed decides.
///
/// # Errors
/// What was found wrong.
pub fn run(seed: u64) -> Result<Run, Failure> {
    run_with(seed, &|_| ())
}

/// Runs what a seed decides, with types that take the place of built-in ones, to check that broken
/// ones are found out.
///
/// # Errors
/// What was found wrong.
pub fn run_with(seed: u64, register: &dyn Fn(&mut Registry)) -> Result<Run, Failure> {
    let mut registry = sync_objects::registry();
    register(&mut registry);
    let mut world = World::new(seed, registry);
    match catch_unwind(AssertUnwindSafe(|| world.run())) {
        Ok(()) => Ok(Run {
            counts: world.counts(),
            steps: world.steps,
            agreed: world.server.oracle.agreed,
        }),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            let text = text.unwrap_or_else(|| "a panic without words".to_owned());
            let what = format!("{text}\nwhat happened last:\n{}", world.log);
            // What is left of it may panic again as it is dropped.
            std::mem::forget(world);
            Err(Failure { seed, what })
        }
    }
}

impl World {
    fn run(&mut self) {
        let keeper = self.start(vec![("open", |thread| Box::pin(programs::open(thread)))]);
        assert_eq!(keeper, KEEPER, "the keeper comes first");
        self.run_until("the keeper opens", |world| world.is_idle(KEEPER));
        let shutdown = self.chance.once_in(20).then(|| self.chance.next() % STORM);
        let cast = self.cast();
        let by_tcp = self.chance.once_in(2);
        for step in 0..STORM {
            while self.processes.len() <= CLIENTS {
                let threads = 1 + self.chance.below(THREADS);
                let plan = (0..threads).filter_map(|_| self.chance.pick(&cast).copied());
                let plan = plan.collect();
                self.tcp = by_tcp && self.chance.once_in(2);
                self.start(plan);
            }
            if self.chance.once_in(24) {
                self.inject();
            }
            if shutdown == Some(step) {
                return self.shut_down();
            }
            self.step();
        }
        self.calm_down();
        self.play("close", |thread| Box::pin(programs::close(thread)));
        self.run_until("the clients come to their end", |world| {
            let alone = world.processes.len() == 1 && world.server.session_count() == 1;
            alone && world.is_idle(KEEPER) && world.wires.len() == 1
        });
        self.play("verify", |thread| Box::pin(programs::verify(thread)));
        self.run_until("the keeper looks at what is left", |world| world.is_idle(KEEPER));
        self.close(KEEPER);
        self.run_until("the keeper leaves", |world| world.wires.is_empty());
        self.look_at_what_is_left();
    }

    /// Returns the programs of this run: all, or a few that meet the more often.
    fn cast(&self) -> Vec<(&'static str, Make)> {
        if self.chance.once_in(3) {
            return programs::ALL.to_vec();
        }
        let few = 1 + self.chance.below(4);
        (0..few).filter_map(|_| self.chance.pick(&programs::ALL).copied()).collect()
    }

    fn look_at_what_is_left(&mut self) {
        // A search for cycles goes on in steps.
        while self.server.kernel.poll_timeout().is_some() {
            self.step();
        }
        let kernel = &self.server.kernel;
        assert_eq!(self.server.session_count(), 0, "every session is over");
        assert_eq!(kernel.blocked_count(), 0, "no call waits");
        assert_eq!(self.server.oracle.open_count(), 0, "every request is answered");
        assert_eq!(kernel.object_count(), 0, "no object is left");
    }

    /// The manager is asked to end: calls that wait get an error, and everyone leaves.
    fn shut_down(&mut self) {
        self.note(|| "the manager shuts down".to_owned());
        self.ghost.fired(Fault::Shutdown);
        self.server.handle_shutdown(self.now.get(), &mut self.wires);
        assert_eq!(self.server.kernel.blocked_count(), 0, "no call waits");
        assert_eq!(self.server.oracle.open_count(), 0, "every request is answered");
        self.calm_down();
        self.server.hang_up_all(&mut self.wires);
        self.run_until("everyone hears of it", |world| world.processes.is_empty());
    }

    /// Runs a program on the keeper.
    fn play(&mut self, name: &'static str, make: Make) {
        let now = std::rc::Rc::clone(&self.now);
        let (chance, ghost) = (std::rc::Rc::clone(&self.chance), std::rc::Rc::clone(&self.ghost));
        let keeper = self.processes.get_mut(&KEEPER).expect("the keeper stays");
        let session = keeper.session().expect("it has a session");
        let thread = sync_proto::ThreadId(1);
        let thread = Thread::new(thread, session, keeper.link.clone(), chance, ghost, now);
        keeper.tasks.push(Task::new(name, thread.clone(), make(thread)));
    }

    fn is_idle(&self, id: super::world::ProcessId) -> bool {
        self.processes.get(&id).is_none_or(super::process::Process::is_done)
    }

    fn run_until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let end = self.steps + CALM;
        while !is_so(self) {
            if !self.step() {
                panic!("stuck before {what}: nothing can happen any more\n{}", self.state());
            }
            if self.steps >= end {
                panic!("stuck before {what}: no end is seen\n{}", self.state());
            }
        }
    }

    /// Returns a description of where each client is, for a run that is stuck.
    fn state(&mut self) -> String {
        let mut state = String::new();
        for (id, process) in &self.processes {
            state += &format!("process {id}: {:?}, {:?}\n", process.session(), process.tasks);
        }
        let Some(info) = self.server.debug_info() else { return state };
        for object in info.objects {
            state += &format!("{object:?}\n");
        }
        state
    }
}
