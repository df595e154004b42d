//! The simulator itself: it replays, no fault is forgotten, and what is broken is found out.
//!
//! Ten thousand seeds are run by `cargo xtask ci`; here are some, as a debug build runs them.

use sync_objects::{
    Channel, Cx, Flow, Gone, Grant, Refusal, Registry, Token, event, lock, semaphore,
};
use sync_testkit::simulator::{Campaign, run, run_with};

#[test]
fn some_storms_pass_and_no_fault_is_missing() {
    let outcome = Campaign::new(0, 150).run();
    if let Some(failure) = outcome.failure {
        panic!("{failure}");
    }
    assert_eq!(outcome.runs, 150);
    let missing: Vec<_> = outcome.counts().missing().collect();
    assert_eq!(missing, [], "these faults never came about");
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in [1, 77, 4711] {
        assert_eq!(run(seed).unwrap(), run(seed).unwrap(), "seed {seed}");
    }
    assert_ne!(run(1).unwrap(), run(2).unwrap());
}

#[test]
fn a_lock_that_has_two_holders_is_found_out() {
    let register = |registry: &mut Registry| lock::register::<Broken<TWO_HOLDERS>>(registry);
    is_found(0..40, &register, "holds it already");
}

#[test]
fn a_lock_that_is_not_passed_on_is_found_out() {
    let register = |registry: &mut Registry| lock::register::<Broken<NOT_PASSED_ON>>(registry);
    is_found(0..40, &register, "forgotten");
}

#[test]
fn a_lock_that_a_dead_process_keeps_is_found_out() {
    let register = |registry: &mut Registry| lock::register::<Broken<KEPT_BY_THE_DEAD>>(registry);
    is_found(0..40, &register, "forgotten");
}

#[test]
fn a_lock_that_does_not_tell_of_a_death_is_found_out() {
    let register = |registry: &mut Registry| lock::register::<Broken<SILENT>>(registry);
    is_found(0..40, &register, "abandoned is false where it should be true");
}

#[test]
fn a_lock_that_refuses_its_holder_is_found_out() {
    let register = |registry: &mut Registry| lock::register::<Broken<REFUSES>>(registry);
    is_found(0..40, &register, "it is refused: NotOwner");
}

#[test]
fn a_lock_that_sends_callers_away_before_their_time_is_up_is_found_out() {
    let register = |registry: &mut Registry| lock::register::<Broken<IMPATIENT>>(registry);
    is_found(0..40, &register, "has time");
}

#[test]
fn a_semaphore_that_lets_newcomers_overtake_is_found_out() {
    let register = |registry: &mut Registry| semaphore::register::<Permits<true>>(registry);
    is_found(0..100, &register, "overtakes in its line");
}

#[test]
fn an_event_that_wakes_nobody_is_found_out() {
    let register = |registry: &mut Registry| event::register::<Signal<true>>(registry);
    is_found(0..40, &register, "forgotten");
}

#[test]
fn types_made_by_the_same_rules_are_not_called_broken() {
    for seed in 0..20 {
        let sound = run_with(seed, &|registry| {
            lock::register::<Broken<NOT_BROKEN>>(registry);
            semaphore::register::<Permits<false>>(registry);
            event::register::<Signal<false>>(registry);
        });
        sound.unwrap_or_else(|failure| panic!("{failure}"));
    }
}

/// Looks for a run that finds this wrong: what else fails is not taken for it.
fn is_found(seeds: core::ops::Range<u64>, register: &dyn Fn(&mut Registry), wrong: &str) {
    let mut others = Vec::new();
    for failure in seeds.filter_map(|seed| run_with(seed, register).err()) {
        let what = failure.what.lines().next().unwrap_or_default();
        if what.contains(wrong) {
            return;
        }
        others.push(what.to_owned());
    }
    panic!("no run finds that {wrong:?}, but {others:#?}");
}

const NOT_BROKEN: u8 = 0;
const TWO_HOLDERS: u8 = 1;
const NOT_PASSED_ON: u8 = 2;
const KEPT_BY_THE_DEAD: u8 = 3;
const SILENT: u8 = 4;
const REFUSES: u8 = 5;
const IMPATIENT: u8 = 6;

const FREE: Channel = Channel::new(0);

/// A lock that is broken in one way.
#[derive(Debug, Default)]
struct Broken<const HOW: u8> {
    holder: Option<Token>,
    abandoned: bool,
}

impl<const HOW: u8> Broken<HOW> {
    fn give_up(&mut self, cx: &mut Cx<'_>, token: Token, abandoned: bool) -> Flow<()> {
        let is_ours = cx.owner(token).is_some_and(|owner| owner.session == cx.caller().session);
        if !is_ours || HOW == REFUSES && token.0.is_multiple_of(5) {
            return Flow::refuse(sync_objects::ErrorKind::NotOwner, "not held");
        }
        cx.let_go(token);
        self.holder = None;
        self.abandoned |= abandoned;
        if HOW != NOT_PASSED_ON {
            cx.wake_in_turn(FREE);
        }
        Flow::Done(())
    }
}

impl<const HOW: u8> lock::Service for Broken<HOW> {
    fn new() -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn acquire(&mut self, cx: &mut Cx<'_>) -> Flow<Grant> {
        let is_free = self.holder.is_none() || HOW == TWO_HOLDERS;
        if !is_free && HOW == IMPATIENT {
            return Flow::refuse(sync_objects::ErrorKind::TimedOut, "somebody has it");
        }
        if !is_free || cx.is_behind(FREE) {
            return Flow::Wait(FREE);
        }
        let token = cx.hold(1);
        self.holder = Some(token);
        // A `Grant` is the crate's own to make: it is read from its parts.
        let abandoned = std::mem::take(&mut self.abandoned);
        Flow::Done(grant(token, abandoned))
    }

    fn release(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        self.give_up(cx, token, false)
    }

    fn release_held(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        match cx.held_by_session().first() {
            Some(&token) => self.give_up(cx, token, false),
            None => Flow::refuse(sync_objects::ErrorKind::NotOwner, "not held"),
        }
    }

    fn release_any(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        Flow::refuse(sync_objects::ErrorKind::NotOwner, "nobody here releases what is another's")
    }

    fn holding(&mut self, _: &mut Cx<'_>) -> Flow<Option<Token>> {
        Flow::Done(self.holder)
    }

    fn abandon(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        self.give_up(cx, token, true)
    }

    fn is_locked(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.holder.is_some())
    }

    fn holds(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<bool> {
        Flow::Done(cx.owner(token).is_some_and(|owner| owner.session == cx.caller().session))
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, _: &Gone) {
        if HOW == KEPT_BY_THE_DEAD {
            return;
        }
        self.holder = None;
        self.abandoned = HOW != SILENT;
        cx.wake_in_turn(FREE);
    }
}

fn grant(token: Token, abandoned: bool) -> Grant {
    let data = sync_proto::Data::encode(&(token, abandoned)).unwrap();
    data.decode().unwrap()
}

/// An event; a silent one wakes nobody.
#[derive(Debug, Default)]
struct Signal<const IS_SILENT: bool> {
    is_set: bool,
}

impl<const IS_SILENT: bool> event::Service for Signal<IS_SILENT> {
    fn new() -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn set(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.is_set = true;
        if !IS_SILENT {
            cx.wake(FREE, usize::MAX);
        }
        Flow::Done(())
    }

    fn clear(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        self.is_set = false;
        Flow::Done(())
    }

    fn is_set(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.is_set)
    }

    fn wait(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        if self.is_set { Flow::Done(()) } else { Flow::Wait(FREE) }
    }
}

/// A semaphore; an unfair one gives permits to whoever asks for as many as are free, without a
/// look at who stands in line for more.
#[derive(Debug)]
struct Permits<const IS_UNFAIR: bool> {
    free: u32,
}

impl<const IS_UNFAIR: bool> semaphore::Service for Permits<IS_UNFAIR> {
    fn new(permits: u32, _: bool) -> Result<Self, Refusal> {
        Ok(Self { free: permits })
    }

    fn acquire(&mut self, cx: &mut Cx<'_>, count: u32) -> Flow<Token> {
        if self.free < count || !IS_UNFAIR && cx.is_behind(FREE) {
            return Flow::Wait(FREE);
        }
        self.free -= count;
        Flow::Done(cx.hold(count))
    }

    fn release(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        let ours = cx.owner(token).is_some_and(|owner| owner.session == cx.caller().session);
        match ours.then(|| cx.let_go(token)).flatten() {
            Some(count) => self.add(cx, count),
            None => Flow::refuse(sync_objects::ErrorKind::NotOwner, "not held"),
        }
    }

    fn add(&mut self, cx: &mut Cx<'_>, count: u32) -> Flow<()> {
        self.free += count;
        cx.wake_in_turn(FREE);
        Flow::Done(())
    }

    fn release_any(&mut self, _: &mut Cx<'_>, _: u32) -> Flow<()> {
        Flow::refuse(sync_objects::ErrorKind::NotOwner, "nobody here releases what is another's")
    }

    fn bound(&mut self, _: &mut Cx<'_>) -> Flow<Option<u32>> {
        Flow::Done(None)
    }

    fn forget(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        cx.let_go(token);
        Flow::Done(())
    }

    fn available(&mut self, _: &mut Cx<'_>) -> Flow<u32> {
        Flow::Done(self.free)
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        self.free += gone.held.iter().map(|&(_, count)| count).sum::<u32>();
        cx.wake_in_turn(FREE);
    }

    fn shape(&self) -> String {
        "3 permits".to_owned()
    }
}
