//! The kernel's events for an operator, on their way to the log.

use sync_objects::{Note, Time};

use crate::ration::{Ration, Share};

/// Picks what is worth a line. It is picked while the kernel is locked, and written afterwards: a
/// slow reader of the log holds nobody up.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    one_ways: Ration,
    deadlocks: Ration,
    broken: Ration,
}

/// A line for the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Note(Note),
    /// The number of events of one kind that were left out.
    More(u64, &'static str),
}

impl Journal {
    /// Adds what is to be logged of a note.
    pub(crate) fn pick(&mut self, now: Time, note: Note, lines: &mut Vec<Line>) {
        let (ration, what) = match note {
            Note::OneWayFailed { .. } => (&mut self.one_ways, "messages failed like that"),
            Note::Deadlock { .. } => (&mut self.deadlocks, "deadlocks were found"),
            Note::ObjectBroke { .. } => (&mut self.broken, "objects broke"),
            // There are no more of these than of connections.
            _ => return lines.push(Line::Note(note)),
        };
        let Share { is_worth_a_line, unsaid } = ration.meet(now);
        if unsaid > 0 {
            lines.push(Line::More(unsaid, what));
        }
        if is_worth_a_line {
            lines.push(Line::Note(note));
        }
    }
}

impl Line {
    pub(crate) fn log(self) {
        match self {
            Self::Note(note @ Note::SessionEnded { .. }) => tracing::debug!("{note}"),
            Self::Note(note) => tracing::warn!("{note}"),
            Self::More(count, what) => tracing::warn!("{count} more {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use sync_proto::{ErrorKind, ObjectId, SessionId};

    use super::*;

    #[test]
    fn a_flood_of_messages_that_fail_hides_no_object_that_broke() {
        let mut journal = Journal::default();
        let failed = || Note::OneWayFailed {
            session: SessionId(1),
            object: ObjectId(1),
            method: "sync.lock.release_held".to_owned(),
            refusal: ErrorKind::NotOwner.into(),
        };
        let why = "a bug".to_owned();
        let broke =
            || Note::ObjectBroke { object: ObjectId(1), interface: "app.new", why: why.clone() };
        let mut lines = Vec::new();
        (0..1000).for_each(|_| journal.pick(Time::ZERO, failed(), &mut lines));
        assert_eq!(lines.len(), 10);
        journal.pick(Time::ZERO, broke(), &mut lines);
        assert_eq!(lines.pop(), Some(Line::Note(broke())));
        journal.pick(Time::from_nanos(u64::MAX), failed(), &mut lines);
        assert_eq!(
            lines[10..],
            [Line::More(990, "messages failed like that"), Line::Note(failed())]
        );
    }
}
