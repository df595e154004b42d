//! Barrier: a number of parties wait for each other, again and again.
//!
//! A party that waits has a record, under the token of what it holds of the barrier; its call's
//! note is that token. The outcome of its round is written into the record before it is woken, so
//! that rounds never mix. Unlike in Python the action is run by a party, in its own process, and a
//! party that dies while it waits, or while it runs the action, breaks the barrier.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_proto::{ErrorKind, Refusal, Token};

use crate::{Channel, Cx, Flow, Gone, Time, interface};

/// The outcome of a party's wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "a party goes on, or acts first")]
pub enum Arrival {
    /// All are here: the party goes on. Its index: how many of its round arrived before it.
    Released(u32),
    /// All are here, and this party runs its action before anyone goes on; it reports under this
    /// token how that ended.
    Elected(Token),
}

interface! {
    /// A number of parties wait for each other, again and again.
    pub mod barrier = "sync.barrier" {
        new(parties: u32, timeout: Option<Duration>);
        /// Waits until all are here. A party that `acts` has an action, and may be elected to run
        /// it; one with a time of its own is not bound by the barrier's.
        fn wait(acts: bool, own_time: bool) -> Arrival;
        /// Ends the elected party's action: all go on. Returns the party's index.
        fn finish(token: Token) -> u32;
        /// Reports that the elected party's action failed: the barrier breaks.
        fn fail(token: Token, why: String);
        /// Breaks the barrier, until it is reset.
        fn abort();
        /// Resets the barrier to its initial state; parties that wait get an error that it broke.
        fn reset();
        /// Returns how many parties there are.
        fn parties() -> u32;
        /// Returns how many of them are here.
        fn n_waiting() -> u32;
        /// Returns whether the barrier is broken.
        fn is_broken() -> bool;
    }
}

/// Where parties wait for the others, and for the end of the action.
const HERE: Channel = Channel::new(0);

/// Where the parties of the next round wait while the action of this one runs.
const NEXT_ROUND: Channel = Channel::new(1);

#[derive(Debug)]
pub(crate) struct Barrier {
    count: u32,
    timeout: Option<Duration>,
    /// Those of this round, and those of earlier ones that are still to be answered.
    parties: BTreeMap<Token, Party>,
    /// How many of this round are here.
    here: u32,
    /// Who runs the action of this round.
    elected: Option<Token>,
    /// When this round breaks by the barrier's own timeout.
    due: Option<Time>,
    broken: Option<String>,
}

#[derive(Debug)]
struct Party {
    index: u32,
    acts: bool,
    fate: Fate,
}

#[derive(Debug)]
enum Fate {
    Open,
    Elected,
    Released,
    Broken(String),
}

impl Barrier {
    fn arrive(&mut self, cx: &mut Cx<'_>, acts: bool, own_time: bool) -> Flow<Arrival> {
        if let Some(why) = &self.broken {
            return broken(why);
        }
        if self.elected.is_some() || cx.is_behind(NEXT_ROUND) {
            return Flow::Wait(NEXT_ROUND);
        }
        // The last to come makes room for itself, also if it waits for another's action.
        let is_last = self.here + 1 == self.count;
        let room = if is_last { cx.check_answered() } else { cx.check_line() };
        if let Err(refusal) = room {
            return Flow::Refuse(refusal);
        }
        let me = cx.hold(1);
        self.parties.insert(me, Party { index: self.here, acts, fate: Fate::Open });
        self.here += 1;
        if self.here == self.count {
            self.complete(cx);
        } else if let (Some(timeout), None, false) = (self.timeout, self.due, own_time) {
            let due = cx.now() + timeout;
            self.due = Some(due);
            cx.wake_at(HERE, due);
        }
        self.look(cx, me)
    }

    /// All are here: the last to come that has an action runs it; without any they go on.
    fn complete(&mut self, cx: &mut Cx<'_>) {
        let is_open = |party: &Party| matches!(party.fate, Fate::Open);
        let mut latest_first = self.parties.iter_mut().rev();
        let actor = latest_first.find(|(_, party)| is_open(party) && party.acts);
        if let Some((&token, party)) = actor {
            party.fate = Fate::Elected;
            self.elected = Some(token);
            cx.wake(HERE, usize::MAX);
        } else {
            self.end_round(cx, || Fate::Released);
        }
    }

    /// Polls a party that is here.
    fn look(&mut self, cx: &mut Cx<'_>, me: Token) -> Flow<Arrival> {
        let fate = self.parties.get(&me).map(|party| &party.fate);
        match fate {
            Some(Fate::Elected) => return Flow::Done(Arrival::Elected(me)),
            Some(Fate::Open) if cx.timed_out() => {
                self.leave(cx, me);
                self.break_up(cx, "a party's time was up before all were here");
                let why = "the time was up before all parties were here: the barrier is broken";
                return Flow::refuse(ErrorKind::TimedOut, why);
            }
            Some(Fate::Open) if self.due.is_some_and(|due| cx.now() >= due) => {
                self.break_up(cx, "its timeout passed before all parties were here");
            }
            Some(Fate::Open) => return Flow::WaitThen(HERE, me.0),
            _ => {}
        }
        match self.leave(cx, me) {
            Some(Party { index, fate: Fate::Released, .. }) => Flow::Done(Arrival::Released(index)),
            Some(Party { fate: Fate::Broken(why), .. }) => broken(&why),
            _ => broken("it does not know this party"),
        }
    }

    fn leave(&mut self, cx: &mut Cx<'_>, me: Token) -> Option<Party> {
        cx.let_go(me);
        self.parties.remove(&me)
    }

    fn end_round(&mut self, cx: &mut Cx<'_>, fate: impl Fn() -> Fate) {
        for party in self.parties.values_mut() {
            if matches!(party.fate, Fate::Open | Fate::Elected) {
                party.fate = fate();
            }
        }
        (self.here, self.elected, self.due) = (0, None, None);
        cx.wake(HERE, usize::MAX);
        cx.wake_in_turn(NEXT_ROUND);
    }

    /// Breaks the barrier for all parties that are here and all that come, until it is reset.
    fn break_up(&mut self, cx: &mut Cx<'_>, why: &str) {
        let why = self.broken.get_or_insert_with(|| why.to_owned()).clone();
        self.end_elected(cx);
        self.end_round(cx, || Fate::Broken(why.clone()));
    }

    /// Forgets who runs the action: its call is answered, nobody looks after it any more.
    fn end_elected(&mut self, cx: &mut Cx<'_>) {
        if let Some(elected) = self.elected.filter(|elected| self.acts_now(*elected)) {
            self.leave(cx, elected);
        }
    }

    fn acts_now(&self, token: Token) -> bool {
        self.elected == Some(token) && self.parties.contains_key(&token)
    }

    fn end_action(&mut self, cx: &mut Cx<'_>, token: Token) -> Result<Party, Refusal> {
        let ours = cx.owner(token).is_some_and(|owner| owner.session == cx.caller().session);
        let acted = if self.acts_now(token) && ours { self.leave(cx, token) } else { None };
        acted.ok_or_else(|| {
            let why = self.broken.as_deref().unwrap_or("it was reset");
            broken_refusal(&format!("{why}, while this party ran its action"))
        })
    }
}

impl barrier::Service for Barrier {
    fn new(parties: u32, timeout: Option<Duration>) -> Result<Self, Refusal> {
        if parties == 0 {
            let why = "a barrier has at least one party, 0 were asked for";
            return Err(Refusal::new(ErrorKind::InvalidInput, why));
        }
        let waiting = BTreeMap::new();
        let (here, elected, due, broken) = (0, None, None, None);
        Ok(Self { count: parties, timeout, parties: waiting, here, elected, due, broken })
    }

    fn wait(&mut self, cx: &mut Cx<'_>, acts: bool, own_time: bool) -> Flow<Arrival> {
        match cx.note() {
            // Tokens are counted from 1: the party is not here yet.
            0 => self.arrive(cx, acts, own_time),
            me => self.look(cx, Token(me)),
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<u32> {
        let acted = self.end_action(cx, token);
        acted
            .map(|party| {
                self.end_round(cx, || Fate::Released);
                party.index
            })
            .into()
    }

    fn fail(&mut self, cx: &mut Cx<'_>, token: Token, why: String) -> Flow<()> {
        let acted = self.end_action(cx, token);
        let why: String = why.chars().take(WHY_MAX).collect();
        acted.map(|_| self.break_up(cx, &format!("the action failed: {why}"))).into()
    }

    fn abort(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.break_up(cx, "it was aborted");
        Flow::Done(())
    }

    fn reset(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.broken = None;
        self.end_elected(cx);
        self.end_round(cx, || Fate::Broken("it was reset".to_owned()));
        Flow::Done(())
    }

    fn parties(&mut self, _: &mut Cx<'_>) -> Flow<u32> {
        Flow::Done(self.count)
    }

    fn n_waiting(&mut self, _: &mut Cx<'_>) -> Flow<u32> {
        Flow::Done(self.here)
    }

    fn is_broken(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.broken.is_some())
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        let acted = gone.held.iter().any(|&(token, _)| self.acts_now(token));
        let before = self.parties.len();
        for (token, _) in &gone.held {
            self.parties.remove(token);
        }
        // Once for all of them: it looks after everybody who is here.
        if self.parties.len() < before {
            self.break_up(cx, if acted { "the party that ran its action died" } else { DIED });
        }
    }

    fn weight(&self) -> usize {
        self.broken.as_ref().map_or(0, String::len)
    }

    fn shape(&self) -> String {
        let parties = self.count;
        match self.timeout {
            Some(timeout) => format!("{parties} parties and a timeout of {timeout:?}"),
            None => format!("{parties} parties"),
        }
    }
}

/// How much of an action's failure the others get, in characters: each of them is sent it, and the
/// barrier keeps it.
const WHY_MAX: usize = 500;

const DIED: &str = "a party died while it waited";

fn broken<T>(why: &str) -> Flow<T> {
    Flow::Refuse(broken_refusal(why))
}

fn broken_refusal(why: &str) -> Refusal {
    Refusal::new(ErrorKind::Broken, format!("the barrier is broken: {why}"))
}
