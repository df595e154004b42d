//! What connections said and what was not carried out yet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use sync_objects::Time;

use super::{KeySet, Said};
use crate::limits::READ_PER_TURN;

/// What was said, by connection, each in order.
///
/// However many connections wait here, a turn costs what is carried out in it.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    letters: Vec<Letters>,
    /// Who said something.
    talkers: KeySet,
    /// Clients that sent something, the one that took the least time of late first: a client with
    /// few requests does not wait for all those with many.
    line: BTreeSet<(Duration, usize)>,
    /// Strangers that said something, in the order in which they did. They have a line of their
    /// own: each is new, and would come before everybody who was worked for.
    strangers: VecDeque<usize>,
    /// Connections that were taken out of a line and have not come back: what they send meanwhile
    /// waits for that.
    at_work: KeySet,
    /// Connections that had more to read, and will have when their inbox is empty.
    unread: KeySet,
    /// How long each connection was worked for of late.
    worked: BTreeMap<usize, Duration>,
    /// When all of that was last halved.
    halved: Time,
    /// The memory of an inbox that is empty, for the next one: most hold one message.
    spare: VecDeque<Said>,
}

/// What one connection said.
#[derive(Debug, Default)]
struct Letters {
    /// What was read already and had to wait: it comes first.
    released: VecDeque<Said>,
    said: VecDeque<Said>,
    /// How many bytes the values in it have.
    bytes: usize,
    /// Its place in the line.
    place: Duration,
    /// It was not let in when it said the first of it.
    is_strange: bool,
}

/// An empty inbox with room for more is not kept.
const SPARE_MAX: usize = 256;

/// The time after which work that was done counts half.
const HALF_LIFE: Duration = Duration::from_millis(250);

impl Inbox {
    /// Takes in what a connection said, which was let in already or is a stranger.
    pub(super) fn push(&mut self, key: usize, said: Said, is_strange: bool) {
        let letters = self.letters_of(key, is_strange);
        letters.bytes += said.bytes();
        letters.said.push_back(said);
    }

    /// Takes in what a client said before all that waits here but for what was released earlier.
    pub(super) fn push_released(&mut self, key: usize, said: Said) {
        let letters = self.letters_of(key, false);
        letters.bytes += said.bytes();
        letters.released.push_back(said);
    }

    /// Returns how much waits here of what was released on a connection.
    pub(super) fn released(&self, key: usize) -> usize {
        self.letters.get(key).map_or(0, |letters| letters.released.len())
    }

    /// Returns where to put what a connection says. It has a place in the line from now on, or
    /// when it [comes back](Self::line_up).
    fn letters_of(&mut self, key: usize, is_strange: bool) -> &mut Letters {
        if !self.has(key) {
            if key >= self.letters.len() {
                self.letters.resize_with(key + 1, Letters::default);
            }
            let spare = std::mem::take(&mut self.spare);
            let (released, bytes, place) = (VecDeque::new(), 0, Duration::ZERO);
            self.letters[key] = Letters { released, said: spare, bytes, place, is_strange };
            self.talkers.insert(key);
            if !self.at_work.contains(key) {
                self.stand(key);
            }
        }
        &mut self.letters[key]
    }

    /// Returns how many bytes of a connection's messages wait here, if it is worth counting: what
    /// is read at once is not much.
    pub(super) fn bytes(&self, key: usize) -> usize {
        let bytes = self.letters.get(key).map_or(0, |letters| letters.bytes);
        if bytes > READ_PER_TURN { bytes } else { 0 }
    }

    pub(super) fn has(&self, key: usize) -> bool {
        self.talkers.contains(key)
    }

    /// Returns whether a connection sent something that is not among these.
    pub(super) fn has_others(&self, than: &KeySet) -> bool {
        self.talkers.iter().any(|key| !than.contains(key))
    }

    /// Notes that a connection has more to read: nobody will say so again.
    pub(super) fn read_later(&mut self, key: usize) {
        self.unread.insert(key);
    }

    /// Returns whether a connection is to be read now, which it was not before its inbox was
    /// empty.
    pub(super) fn is_to_be_read(&mut self, key: usize) -> bool {
        !self.has(key) && self.unread.remove(key)
    }

    pub(super) fn remove(&mut self, key: usize) {
        if self.talkers.remove(key) {
            let letters = std::mem::take(&mut self.letters[key]);
            self.line.remove(&(letters.place, key));
            if letters.is_strange {
                self.strangers.retain(|&of| of != key);
            }
        }
        self.at_work.remove(key);
        self.unread.remove(key);
        self.worked.remove(&key);
    }

    /// Puts a connection that has said something to its place in the line.
    fn stand(&mut self, key: usize) {
        let letters = &mut self.letters[key];
        if letters.is_strange {
            self.strangers.push_back(key);
        } else {
            letters.place = self.worked.get(&key).copied().unwrap_or_default();
            self.line.insert((letters.place, key));
        }
    }

    /// Lets work that was done long ago count less.
    pub(super) fn forget_some(&mut self, now: Time) {
        if now.since(self.halved) < HALF_LIFE {
            return;
        }
        self.halved = now;
        self.worked.retain(|_, worked| {
            *worked /= 2;
            !worked.is_zero()
        });
        for (_, key) in std::mem::take(&mut self.line) {
            self.stand(key);
        }
    }

    /// Takes the first client out of the line, which is to [come back](Self::line_up).
    pub(super) fn next(&mut self) -> Option<usize> {
        let (_, key) = self.line.pop_first()?;
        self.at_work.insert(key);
        Some(key)
    }

    /// Takes the first stranger out of the strangers' line, likewise.
    pub(super) fn next_stranger(&mut self) -> Option<usize> {
        let key = self.strangers.pop_front()?;
        self.at_work.insert(key);
        Some(key)
    }

    /// Puts a connection that still has something to say back into line, after this work.
    pub(super) fn line_up(&mut self, key: usize, worked: Duration) {
        if !self.letters[key].is_strange && !worked.is_zero() {
            *self.worked.entry(key).or_default() += worked;
        }
        self.at_work.remove(key);
        if self.has(key) {
            self.stand(key);
        }
    }

    pub(super) fn pop(&mut self, key: usize) -> Option<Said> {
        let Letters { released, said, bytes, .. } = self.letters.get_mut(key)?;
        let first = released.pop_front().or_else(|| said.pop_front())?;
        *bytes -= first.bytes();
        if released.is_empty() && said.is_empty() {
            self.talkers.remove(key);
            *released = VecDeque::new();
            let emptied = std::mem::take(said);
            if emptied.capacity() <= SPARE_MAX {
                self.spare = emptied;
            }
        }
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use sync_proto::{ErrorKind, ManagerId, Refusal};

    use super::*;

    const NOW: Time = Time::ZERO;

    /// Works for the first connection; returns its key.
    fn work(inbox: &mut Inbox, millis: u64) -> usize {
        let first = inbox.next().unwrap();
        inbox.line_up(first, Duration::from_millis(millis));
        first
    }

    fn inbox(said: impl IntoIterator<Item = usize>) -> Inbox {
        let mut inbox = Inbox::default();
        said.into_iter().for_each(|key| inbox.push(key, Said::End, false));
        inbox
    }

    #[test]
    fn who_asks_little_comes_before_all_who_ask_much() {
        let mut inbox = inbox(1..=9);
        for _ in 0..9 {
            work(&mut inbox, 50);
        }
        inbox.push(99, Said::End, false);
        for _ in 0..20 {
            assert_eq!(work(&mut inbox, 1), 99);
        }
    }

    #[test]
    fn what_was_released_comes_first_and_in_order_and_leaves_nobody_in_line() {
        let word = |word: &str| Said::Nonsense(Refusal::new(ErrorKind::Malformed, word));
        let mut inbox = inbox([]);
        inbox.push(7, word("later"), false);
        assert_eq!(inbox.next(), Some(7));
        inbox.push_released(7, word("first"));
        inbox.push_released(7, word("second"));
        let heard = std::iter::from_fn(|| inbox.pop(7)).map(|said| match said {
            Said::Nonsense(refusal) => refusal.message,
            other => panic!("{other:?}"),
        });
        assert_eq!(heard.collect::<Vec<_>>(), ["first", "second", "later"]);
        // Its last word released two more: it is asked for one at once, and for the other when
        // its turn comes again.
        inbox.push_released(7, word("next"));
        inbox.push_released(7, word("last"));
        assert_eq!(inbox.next(), None, "each has its turn once");
        inbox.pop(7).unwrap();
        inbox.line_up(7, Duration::from_millis(1));
        assert_eq!(inbox.next(), Some(7));
        inbox.pop(7).unwrap();
        inbox.line_up(7, Duration::from_millis(1));
        assert_eq!((inbox.next(), inbox.has(7), inbox.letters[7].bytes), (None, false, 0));
    }

    #[test]
    fn strangers_are_served_in_their_order_and_from_nobody_elses_place() {
        let mut inbox = inbox(1..=1);
        [12, 10, 11].into_iter().for_each(|key| inbox.push(key, Said::End, true));
        inbox.remove(10);
        assert_eq!(inbox.next(), Some(1));
        assert_eq!(inbox.next(), None);
        assert_eq!(inbox.next_stranger(), Some(12));
        inbox.line_up(12, Duration::ZERO);
        assert_eq!([inbox.next_stranger(), inbox.next_stranger()], [Some(11), Some(12)]);
        assert_eq!(inbox.next_stranger(), None);
    }

    #[test]
    fn all_who_ask_as_much_are_served_in_turn() {
        let mut inbox = inbox(1..=3);
        let order = [(); 6].map(|()| work(&mut inbox, 50));
        assert_eq!(order, [1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn long_messages_count_until_they_are_carried_out() {
        use sync_proto::message::WireHandle;
        use sync_proto::message::{ClientMessage, OneWay};
        use sync_proto::{Data, MethodId, ObjectId, OneWayId, Payload, ThreadId};

        let said = |data: Data<WireHandle>| {
            let (number, thread) = (OneWayId(1), ThreadId(1));
            let (object, method) = (ObjectId(1), MethodId(1));
            Said::Message(ClientMessage::OneWay(OneWay { number, thread, object, method, data }))
        };
        let bytes = |len: usize| said(Data { args: vec![0; len].into(), ..Data::default() });
        let (mut inbox, long) = (Inbox::default(), READ_PER_TURN + 1);
        let [short, whole] = [1, long].map(|len| size_of::<Said>() + len);
        [1, long, long, 1].into_iter().for_each(|len| inbox.push(1, bytes(len), false));
        inbox.push(2, bytes(READ_PER_TURN - size_of::<Said>()), false);
        assert_eq!([inbox.bytes(1), inbox.bytes(2), inbox.bytes(3)], [2 * (whole + short), 0, 0]);
        let left = [(); 4].map(|()| {
            inbox.pop(1).unwrap();
            inbox.bytes(1)
        });
        assert_eq!(left, [2 * whole + short, whole + short, 0, 0]);
        inbox.push(1, bytes(long), false);
        inbox.remove(1);
        assert_eq!(inbox.bytes(1), 0);
        let none = Data::encode(&Payload::pack(&()).unwrap()).unwrap();
        let none = none.into_wire(ManagerId(1)).unwrap().payloads.remove(0);
        let payloads = vec![none; READ_PER_TURN / 8];
        inbox.push(1, said(Data { payloads, ..Data::default() }), false);
        assert!(inbox.bytes(1) > 8 * READ_PER_TURN, "short values take more than their bytes");
    }

    #[test]
    fn what_was_long_ago_counts_little() {
        let mut inbox = inbox(1..=2);
        for key in [1, 2] {
            assert_eq!(work(&mut inbox, if key == 1 { 100_000 } else { 0 }), key);
        }
        let mut now = NOW;
        for _ in 0..20 {
            now = now + HALF_LIFE;
            inbox.forget_some(now);
        }
        assert_eq!(work(&mut inbox, 50), 2);
        assert_eq!(work(&mut inbox, 0), 1);
    }

    #[test]
    fn who_is_gone_or_has_said_all_is_not_in_line() {
        let mut inbox = inbox(1..=3);
        assert_eq!(work(&mut inbox, 5), 1);
        inbox.remove(2);
        assert_eq!(inbox.next(), Some(3));
        assert!(inbox.pop(3).is_some());
        inbox.line_up(3, Duration::ZERO);
        assert_eq!(work(&mut inbox, 0), 1);
        inbox.remove(1);
        assert_eq!((inbox.next(), inbox.has_others(&KeySet::default())), (None, false));
    }

    #[test]
    fn what_is_left_to_read_is_read_when_the_inbox_is_empty_and_once() {
        let mut inbox = inbox([1]);
        inbox.read_later(1);
        assert!(!inbox.is_to_be_read(1));
        assert!(inbox.pop(1).is_some());
        assert!(inbox.is_to_be_read(1));
        assert!(!inbox.is_to_be_read(1));
    }
}
