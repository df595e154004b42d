//! What one turn of the loop takes of all that there is to do; the rest comes first in the next.

use std::collections::BTreeSet;

use rustix::process::Pid;
use sync_objects::Via;

use super::Front;
use super::connection::Stage;
use super::turn::Said;
use crate::limits::{OUTPUT_PER_TURN, READS_PER_TURN, REQUESTS_PER_TURN, STRANGERS_PER_TURN};

/// Where the turns are.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// What was read and is not carried out yet.
    unheard: Vec<(usize, Via, Said)>,
    /// The connections from this one on are read next.
    from: usize,
    /// Connections of processes that have ended, which were not read since.
    pub(super) last: BTreeSet<usize>,
    /// Bytes of requests that were read in this turn.
    pub(super) read: usize,
    /// Bytes of answers that were made in this turn.
    pub(super) answered: usize,
}

impl Rounds {
    /// Returns whether the next turn has something to carry out.
    pub(super) fn has_more(&self) -> bool {
        !self.unheard.is_empty()
    }

    /// Returns whether this turn has made answers enough.
    pub(super) fn is_over(&self) -> bool {
        self.answered > OUTPUT_PER_TURN
    }
}

impl Front {
    /// Reads what connections say in this turn. What the last one left is carried out before more
    /// is read: what is read takes memory, and a connection has one request at a time.
    pub(super) fn read_some(&mut self) -> Vec<(usize, Said)> {
        (self.rounds.read, self.rounds.answered) = (0, 0);
        let unheard = std::mem::take(&mut self.rounds.unheard);
        // Its place may be another connection's by now.
        let is_there = |key, via| self.connections.get(key).is_some_and(|of| of.via == via);
        let mut said: Vec<_> = unheard
            .into_iter()
            .filter(|&(key, via, _)| is_there(key, via))
            .map(|(key, _, said)| (key, said))
            .collect();
        if said.is_empty() {
            self.read_next(&mut said);
        }
        said
    }

    fn read_next(&mut self, said: &mut Vec<(usize, Said)>) {
        self.set_strangers_apart();
        // Each in its turn, round and round: none that has ever more to say keeps others out.
        let mut later = std::mem::take(&mut self.ready);
        let mut keys = later.split_off(&self.rounds.from);
        // Callers that wait for what they held are not kept waiting by live processes.
        let all = self.rounds.last.iter().chain(&keys).chain(&later).copied();
        for key in all.take(READS_PER_TURN).collect::<Vec<_>>() {
            if self.rounds.read >= REQUESTS_PER_TURN {
                break;
            }
            let is_last = self.rounds.last.remove(&key);
            if !(keys.remove(&key) || later.remove(&key)) {
                continue;
            }
            if !is_last {
                self.rounds.from = key + 1;
            }
            self.read(key, said);
        }
        self.ready.append(&mut keys);
        self.ready.append(&mut later);
        // Beside the others: no crowd of clients keeps newcomers out, nor one of strangers clients
        // waiting.
        for _ in 0..STRANGERS_PER_TURN {
            let Some(key) = self.knocking.pop() else { break };
            self.read(key, said);
        }
    }

    /// Has those who have not shown the key stand in a line of their own.
    fn set_strangers_apart(&mut self) {
        if self.half_open.is_empty() {
            return;
        }
        let stage = |key| self.connections.get(key).map(|connection| &connection.stage);
        self.ready.retain(|&key| {
            let is_stranger = matches!(stage(key), Some(Stage::Auth { .. }));
            if is_stranger {
                self.knocking.push(key);
            }
            !is_stranger
        });
    }

    /// Leaves what this turn has no time for to the next.
    pub(super) fn leave(&mut self, said: impl Iterator<Item = (usize, Said)>) {
        for (key, said) in said {
            if let Some(connection) = self.connections.get(key) {
                self.rounds.unheard.push((key, connection.via, said));
            }
        }
    }

    /// Returns whether the sockets of a process that ended were read once more, and what came of it
    /// is carried out.
    pub(super) fn has_spoken(&self, pid: Pid) -> bool {
        !super::ends::connections_of(&self.connections, pid)
            .any(|key| self.rounds.last.contains(&key))
    }
}

#[cfg(test)]
mod tests;
