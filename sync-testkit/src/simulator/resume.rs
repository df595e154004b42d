//! How a client over TCP comes back when its connections break.

use sync_proto::Epoch;
use sync_proto::handshake::Purpose;

use super::counts::Fault;
use super::process::{bytes_of, hello};
use super::server::WireId;
use super::world::{ProcessId, World};

impl World {
    /// A connection ended that the client did not close: over TCP it connects anew, else the
    /// manager has ended the session.
    pub(crate) fn break_off(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(&id) else { return };
        let (Some(lifeline), Some((_, token))) = (&mut process.lifeline, process.session) else {
            return self.lose_session(id);
        };
        lifeline.give_up();
        let mut epoch = lifeline.epoch;
        let ends = std::mem::take(&mut process.ends);
        let count = process.tasks.len().max(1);
        for wire in ends.into_keys() {
            self.hang_up(wire);
        }
        if self.chance.once_in(4) {
            // Given up before anything is heard, and the manager may see it later than the next.
            let wire = self.lay(hello(Purpose::Join(token, epoch)), true);
            self.hang_up(wire);
            epoch = Epoch(epoch.0 + 1);
            if let Some(lifeline) = self.lifeline(id) {
                lifeline.give_up();
            }
            self.ghost.fired(Fault::DuplicateResume);
        }
        for _ in 0..count {
            self.connect(id, hello(Purpose::Join(token, epoch)));
        }
        self.note(|| format!("process {id} connects anew, {epoch:?}"));
    }

    /// The first connection of a generation says again what may not have arrived.
    pub(crate) fn say_again(&mut self, id: ProcessId, wire: WireId) {
        let Some(due) = self.lifeline(id).and_then(super::lifeline::Lifeline::take_due) else {
            return;
        };
        self.ghost.fired(Fault::Resume);
        self.note(|| format!("process {id} is back on wire {wire} and says {} again", due.len()));
        let Some(process) = self.processes.get_mut(&id) else { return };
        for message in due {
            if let (sync_proto::message::ClientMessage::Request(request), Some(end)) =
                (&message, process.ends.get_mut(&wire))
            {
                end.calls.insert(request.call);
            }
            if let Some(wire) = self.wires.get_mut(&wire) {
                wire.up.write(self.now.get(), bytes_of(&message));
            }
        }
        self.send(id);
        self.close_if_done(id);
    }

    fn lifeline(&mut self, id: ProcessId) -> Option<&mut super::lifeline::Lifeline> {
        self.processes.get_mut(&id).and_then(|process| process.lifeline.as_mut())
    }
}
