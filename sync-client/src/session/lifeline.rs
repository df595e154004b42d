//! What a session over TCP keeps in order to survive broken connections: what the manager may not
//! have got, which connections are given up, and how long ago the manager last answered.
//!
//! The client goes by its own clock here, and by the earliest possible moment: what it holds counts
//! as lost once the grace period has passed since it sent the last ping that was answered. The
//! manager, which got that ping later, gives nothing away before.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use sync_proto::handshake::Resumption;
use sync_proto::message::OneWay;
use sync_proto::{CallId, Epoch, ErrorKind, OneWayId, Refusal};

use super::AHEAD_MAX;
use super::exchange::Outcome;

/// Bytes of one-way messages that are kept before the manager is asked which of them it has
/// carried out.
const KEPT_BYTES_MAX: usize = 8 << 20;

/// Answers that are acknowledged by one message.
const ACKNOWLEDGED_AT_ONCE: usize = 1024;

/// The shortest heartbeat: to the system, a timeout of zero means no timeout at all.
const HEARTBEAT_MIN: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Lifeline {
    began: Instant,
    heartbeat: Duration,
    grace: Duration,
    /// From the beginning to the last moment at which the manager was there, in nanoseconds.
    contact: AtomicU64,
    /// A copy of the one in `sent`, read without the lock.
    epoch: AtomicU64,
    sent: Mutex<Sent>,
    /// Answers that arrived on connections that are gone, to be acknowledged on another.
    arrived: Mutex<Vec<CallId>>,
    bell: Bell,
}

/// One-way messages that the manager may not have got.
#[derive(Debug)]
struct Sent {
    epoch: Epoch,
    /// They are to be sent again, on the next connection of this epoch.
    is_due: bool,
    /// The keeper is connecting, and takes along what is due.
    is_away: bool,
    messages: VecDeque<OneWay>,
    /// How many bytes they are.
    bytes: usize,
    last: OneWayId,
}

/// Ends pauses early.
#[derive(Debug, Default)]
struct Bell {
    has_rung: Mutex<bool>,
    rings: Condvar,
}

/// A point in time, as the time since the session began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(Duration);

impl Lifeline {
    /// Begins; `began` is before the session was asked for.
    pub(super) fn new(resumption: Resumption, began: Instant) -> Self {
        let sent = Sent {
            epoch: Epoch(0),
            is_due: false,
            is_away: false,
            messages: VecDeque::new(),
            bytes: 0,
            last: OneWayId::NONE,
        };
        Self {
            began,
            // Otherwise an idle session would be over between two of them. A broken connection is
            // noticed after three, which leaves one to reconnect.
            heartbeat: resumption.heartbeat.min(resumption.grace / 4).max(HEARTBEAT_MIN),
            grace: resumption.grace,
            contact: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            sent: Mutex::new(sent),
            arrived: Mutex::default(),
            bell: Bell::default(),
        }
    }

    /// Reads the clock before a session is asked for.
    pub(super) fn clock() -> Instant {
        Instant::now()
    }

    pub(super) fn now(&self) -> Moment {
        Moment(self.began.elapsed())
    }

    pub(super) const fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    /// Notes that the manager has answered what was sent at that moment.
    pub(super) fn note_contact(&self, sent: Moment) {
        let nanos = u64::try_from(sent.0.as_nanos()).unwrap_or(u64::MAX);
        self.contact.fetch_max(nanos, Ordering::Relaxed);
    }

    /// Returns how long the session can still be resumed.
    pub(super) fn left(&self) -> Duration {
        let contact = Duration::from_nanos(self.contact.load(Ordering::Relaxed));
        self.grace.saturating_sub(self.now().0.saturating_sub(contact))
    }

    /// Returns how long ago that moment was.
    pub(super) fn since(&self, moment: Moment) -> Duration {
        self.now().0.saturating_sub(moment.0)
    }

    /// Returns whether the grace period has passed since that moment.
    pub(super) fn is_long_ago(&self, moment: Moment) -> bool {
        self.since(moment) >= self.grace
    }

    /// Returns the error for a session that could not be resumed in time.
    pub(super) fn expired(&self) -> Refusal {
        let grace = self.grace;
        let why = format!(
            "the manager could not be reached for {grace:?}, or no longer accepts this client's \
             key: the session is over, and what it held is lost"
        );
        Refusal::new(ErrorKind::Disconnected, why)
    }

    pub(super) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::SeqCst))
    }

    /// Gives up all connections of an epoch; returns whether that is news.
    pub(super) fn give_up(&self, broken: Epoch) -> bool {
        let mut sent = self.sent.lock();
        if sent.epoch != broken {
            return false;
        }
        sent.epoch = Epoch(broken.0 + 1);
        sent.is_due = true;
        self.epoch.store(sent.epoch.0, Ordering::SeqCst);
        true
    }

    /// Numbers a one-way message and keeps it.
    pub(super) fn keep(&self, message: impl FnOnce(OneWayId) -> OneWay) -> OneWay {
        self.sent.lock().keep(message)
    }

    /// Keeps a one-way message for the keeper, if that is connecting; returns it if not.
    pub(super) fn leave<M: FnOnce(OneWayId) -> OneWay>(&self, message: M) -> Option<M> {
        let mut sent = self.sent.lock();
        if !sent.is_away {
            return Some(message);
        }
        sent.keep(message);
        sent.is_due = true;
        None
    }

    /// Notes that the keeper connects, or that it has a connection, for what is due.
    pub(super) fn set_away(&self, is_away: bool) {
        self.sent.lock().is_away = is_away;
    }

    /// Returns the number of the last one-way message.
    pub(super) fn last_one_way(&self) -> OneWayId {
        self.sent.lock().last
    }

    /// Has all one-way messages that are kept sent again, because one was not sent.
    pub(super) fn set_due(&self) {
        self.sent.lock().is_due = true;
    }

    /// Takes the one-way messages that a connection of this epoch must send first.
    pub(super) fn take_due(&self, epoch: Epoch) -> Vec<OneWay> {
        let mut sent = self.sent.lock();
        // A caller with a connection that is given up has nobody to send them to.
        if sent.epoch != epoch || !std::mem::take(&mut sent.is_due) {
            return Vec::new();
        }
        sent.messages.iter().cloned().collect()
    }

    /// Forgets the one-way messages up to here: they are carried out.
    pub(super) fn note_done(&self, done: OneWayId) {
        let mut sent = self.sent.lock();
        let done = sent.messages.partition_point(|message| message.number <= done);
        let bytes: usize = sent.messages.drain(..done).map(|message| message.data.len()).sum();
        sent.bytes -= bytes;
    }

    /// Notes the answer to a call that was to be carried out after this one-way message. That it
    /// was carried out shows that the message was. A refusal shows nothing: the manager may have
    /// had no room to keep a call that came too early.
    pub(super) fn note_answered(&self, after: OneWayId, outcome: &Outcome) {
        if outcome.is_ok() {
            self.note_done(after);
        }
    }

    /// Returns whether the one-way messages up to here are carried out, as far as is known.
    pub(super) fn is_done(&self, number: OneWayId) -> bool {
        self.first_kept().is_none_or(|first| first > number)
    }

    /// Returns the first message that is kept.
    pub(super) fn first_kept(&self) -> Option<OneWayId> {
        self.sent.lock().messages.front().map(|message| message.number)
    }

    /// Returns whether so much is kept that the manager should report what it has.
    pub(super) fn is_full(&self) -> bool {
        self.sent.lock().messages.len() as u64 >= AHEAD_MAX
    }

    /// Returns whether so many bytes are kept that a large message should not add to them.
    pub(super) fn is_heavy(&self) -> bool {
        self.sent.lock().bytes >= KEPT_BYTES_MAX
    }

    /// Notes answers that have arrived and were not acknowledged.
    pub(super) fn note_arrived(&self, calls: &mut Vec<CallId>) {
        self.arrived.lock().append(calls);
    }

    /// Adds answers to acknowledge to those of a connection.
    pub(super) fn take_arrived(&self, calls: &mut Vec<CallId>) {
        let mut arrived = self.arrived.lock();
        let from = arrived.len().saturating_sub(ACKNOWLEDGED_AT_ONCE);
        calls.extend(arrived.drain(from..));
    }

    /// Waits; not so long if the session ends.
    pub(super) fn pause(&self, time: Duration) {
        let mut has_rung = self.bell.has_rung.lock();
        self.bell.rings.wait_while_for(&mut has_rung, |has_rung| !*has_rung, time);
    }

    /// Ends every pause: the session is over.
    pub(super) fn ring(&self) {
        *self.bell.has_rung.lock() = true;
        self.bell.rings.notify_all();
    }
}

impl Sent {
    fn keep(&mut self, message: impl FnOnce(OneWayId) -> OneWay) -> OneWay {
        self.last = OneWayId(self.last.0 + 1);
        let message = message(self.last);
        self.bytes += message.data.len();
        self.messages.push_back(message.clone());
        message
    }
}

#[cfg(test)]
mod tests {
    use sync_proto::{Data, MethodId, ObjectId, ThreadId};

    use super::*;

    fn lifeline() -> Lifeline {
        let minute = Duration::from_secs(60);
        Lifeline::new(Resumption { heartbeat: minute, grace: minute }, Lifeline::clock())
    }

    fn message(number: OneWayId, bytes: usize) -> OneWay {
        OneWay {
            number,
            thread: ThreadId(1),
            object: ObjectId(1),
            method: MethodId(1),
            data: Data { args: std::iter::repeat_n(0, bytes).collect(), ..Data::default() },
        }
    }

    #[test]
    fn few_messages_of_many_bytes_are_heavy_until_they_are_done() {
        let lifeline = lifeline();
        let message = |number| message(number, 1 << 20);
        let kept =
            std::iter::from_fn(|| (!lifeline.is_heavy()).then(|| lifeline.keep(message).number));
        let last = kept.last().unwrap();
        assert_eq!(last, OneWayId(8));
        lifeline.note_done(OneWayId(1));
        assert!(!lifeline.is_heavy(), "there is room again");
        lifeline.keep(message);
        assert!(lifeline.is_heavy() && !lifeline.is_full(), "small ones are not held up");
        lifeline.note_done(OneWayId(9));
        assert_eq!(lifeline.sent.lock().bytes, 0);
    }

    #[test]
    fn a_refused_call_does_not_show_that_what_was_sent_before_it_has_arrived() {
        let lifeline = lifeline();
        let message = |number| message(number, 0);
        let number = lifeline.keep(message).number;
        // Of a call that came before the message and found no room to wait for it.
        lifeline.note_answered(number, &Err(ErrorKind::LimitReached.into()));
        lifeline.give_up(Epoch(0));
        assert_eq!(lifeline.take_due(Epoch(1)), [message(number)], "it is sent again");
        lifeline.note_answered(number, &Ok(Data::default()));
        assert!(lifeline.is_done(number));
    }
}
