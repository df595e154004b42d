//! The listeners of one event loop: who is accepted in a turn, and who makes room when the system
//! has no file descriptor left.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use sync_objects::Time;

use crate::hub::{Hub, Side};
use crate::limits::ACCEPTS_PER_TURN;
use crate::listener::{Listener, is_of_one_connection, is_out_of_files};
use crate::source::Source;
use crate::stream::Stream;

/// How long to wait before accepting again when the system has no file descriptor left.
const OUT_OF_FILES_PAUSE: Duration = Duration::from_millis(100);

/// Up to this many that are not let in yet are no crowd.
const FEW: usize = 8;

/// How long nobody is accepted after room was made for the other event loop.
const WAY_GIVEN: Duration = Duration::from_millis(1);

/// Listeners, and those of them at which somebody waits.
#[derive(Debug)]
pub(crate) struct Door {
    side: Side,
    listeners: Vec<Listener>,
    /// Listeners that may have more connections than were accepted.
    accepting: BTreeSet<usize>,
    /// Nobody is accepted before then.
    again: Option<Time>,
    /// The listeners are listened to.
    is_open: bool,
}

/// What the event loop does next.
#[derive(Debug)]
pub(crate) enum Knock {
    /// Takes a connection in.
    Come(Stream),
    /// Drops the oldest connection that is not let in yet, for this reason.
    MakeRoom(&'static str),
}

/// Where a turn at the door is.
#[derive(Debug)]
pub(crate) enum Round {
    Begun,
    /// A stranger is dropped for the other event loop.
    GaveWay,
    Accepting {
        listeners: BTreeSet<usize>,
        /// How many came in at the first of them.
        accepted: usize,
        /// Whether this is after a pause, and nobody came in since.
        has_waited: bool,
    },
}

impl Door {
    pub(crate) fn new(side: Side, listeners: Vec<Listener>) -> Self {
        Self { side, listeners, accepting: BTreeSet::new(), again: None, is_open: false }
    }

    /// Begins to listen once the server says so.
    pub(crate) fn open(&mut self, hub: &Hub, registry: &mio::Registry) {
        if self.is_open || !hub.is_open() {
            return;
        }
        self.is_open = true;
        for (at, listener) in self.listeners.iter_mut().enumerate() {
            if let Err(error) = listener.register(registry, Source::Listener(at).token()) {
                tracing::error!(%error, "nobody can connect to {}", listener.address());
            }
        }
    }

    /// Notes that somebody waits at a listener.
    pub(crate) fn knocked(&mut self, listener: usize) {
        self.accepting.insert(listener);
    }

    /// Returns whether somebody may be accepted at once.
    pub(crate) fn is_due(&self) -> bool {
        !self.accepting.is_empty() && self.again.is_none()
    }

    /// Returns until when nobody is accepted.
    pub(crate) const fn again(&self) -> Option<Time> {
        self.again
    }

    /// Returns what is to be done next, until the turn is over; `strangers` are not let in yet.
    pub(crate) fn next(&mut self, round: &mut Round, hub: &Hub, strangers: usize) -> Option<Knock> {
        match round {
            Round::Begun if hub.is_asked_for_room(self.side) && strangers > 0 => {
                *round = Round::GaveWay;
                return Some(Knock::MakeRoom("no file descriptor is left for other clients"));
            }
            Round::Begun => {}
            Round::GaveWay => {
                hub.give_room(self.side);
                // It is the other's to take.
                self.again = Some(hub.now() + WAY_GIVEN);
                return None;
            }
            Round::Accepting { listeners, accepted, has_waited } => {
                return self.accept(listeners, accepted, has_waited, hub, strangers);
            }
        }
        if hub.has_room(self.side) {
            self.again = None;
        }
        if self.again.is_some_and(|at| at > hub.now()) {
            return None;
        }
        let has_waited = self.again.take().is_some();
        let listeners = std::mem::take(&mut self.accepting);
        *round = Round::Accepting { listeners, accepted: 0, has_waited };
        self.next(round, hub, strangers)
    }

    fn accept(
        &mut self,
        listeners: &mut BTreeSet<usize>,
        accepted: &mut usize,
        has_waited: &mut bool,
        hub: &Hub,
        strangers: usize,
    ) -> Option<Knock> {
        while let Some(&at) = listeners.first() {
            if *accepted == ACCEPTS_PER_TURN {
                self.accepting.insert(at);
            } else {
                *accepted += 1;
                match self.listeners[at].accept() {
                    Ok(stream) => {
                        // A client accepted now does not make room for the next.
                        *has_waited = false;
                        return Some(Knock::Come(stream));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) if is_of_one_connection(&error) => continue,
                    // The oldest of those that are not let in yet makes room for the next one. If
                    // they are few, they may be about to be let in: the other event loop is asked
                    // first. (The system reports this even if nobody is there to be accepted.)
                    Err(error)
                        if is_out_of_files(&error)
                            && (strangers > FEW || *has_waited && strangers > 0) =>
                    {
                        return Some(Knock::MakeRoom("no file descriptor is left"));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "no connection can be accepted for now");
                        if is_out_of_files(&error) {
                            hub.ask_for_room(self.side);
                        }
                        self.accepting.insert(at);
                        self.again = Some(hub.now() + OUT_OF_FILES_PAUSE);
                    }
                }
            }
            listeners.pop_first();
            *accepted = 0;
        }
        None
    }
}
