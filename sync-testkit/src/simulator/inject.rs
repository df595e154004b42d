//! Faults that befall clients and connections.

use std::time::Duration;

use sync_proto::handshake::Purpose;
use sync_proto::message::ClientMessage;
use sync_proto::{CallId, Epoch};

use super::counts::Fault;
use super::process::{bytes_of, hello};
use super::server::WireId;
use super::world::{ProcessId, World};

/// The client that has no faults.
pub(crate) const KEEPER: ProcessId = 0;

impl World {
    /// Injects a fault, if there is something that it can befall.
    pub(crate) fn inject(&mut self) {
        match self.chance.below(18) {
            0 => self.inject_death(),
            1 | 2 => self.inject_freeze(),
            3 => self.slow_down(Fault::Stall),
            4 => self.slow_down(Fault::Delay),
            5 => self.slow_down(Fault::ByteAtATime),
            6 => self.cut_idle(),
            7 => self.cut_in_call(),
            8 | 9 => self.cancel(),
            10 => self.jump(),
            11 => {
                self.ghost.fired(Fault::SpuriousTimeout);
                self.server.handle_timeout(self.now.get(), &mut self.wires);
            }
            12 => self.end_a_rogue(),
            13 => self.fall_silent(),
            14 => self.cut_in_call(),
            _ => self.start_a_rogue(),
        }
    }

    fn victim(&self) -> Option<ProcessId> {
        let victims: Vec<_> = self.processes.keys().copied().filter(|&id| id != KEEPER).collect();
        self.chance.pick(&victims).copied()
    }

    fn inject_death(&mut self) {
        let Some(id) = self.victim() else { return };
        let Some(process) = self.processes.get(&id) else { return };
        let wires: Vec<_> = process.ends.keys().copied().collect();
        let (session, is_unix) = (process.session(), process.lifeline.is_none());
        for fault in self.what_a_death_is(id) {
            self.ghost.fired(fault);
        }
        self.note(|| format!("process {id} is killed"));
        self.kill(id);
        match self.chance.below(4) {
            0 => self.tear(&wires),
            // The process at the other end of a connection over TCP is on another machine.
            1 if is_unix => {
                let Some(session) = session else { return };
                // A forked child keeps the sockets open; only the pidfd tells.
                for wire in &wires {
                    if let Some(wire) = self.wires.get_mut(wire) {
                        wire.up.is_closed = false;
                    }
                }
                self.ghost.fired(Fault::DeathByPidfd);
                if self.server.process_ended(self.now.get(), &mut self.wires, session) {
                    self.kept_open.insert(session, wires);
                } else {
                    wires.into_iter().for_each(|wire| self.hang_up(wire));
                }
            }
            _ => {}
        }
    }

    fn what_a_death_is(&self, id: ProcessId) -> Vec<Fault> {
        let mut faults = Vec::new();
        let Some(process) = self.processes.get(&id) else { return faults };
        let session = process.session();
        let is = |what| session.is_some_and(|session| self.ghost.is_doing(session, what));
        if session.is_some_and(|session| self.ghost.is_inside(session)) {
            faults.push(Fault::KillHolding);
        }
        if process.link.waiting() > 0 {
            faults.push(Fault::KillWaiting);
        }
        if is("barrier") {
            faults.push(Fault::KillInBarrier);
        }
        if is("lease") {
            faults.push(Fault::KillLeasing);
        }
        if is("bomb") {
            faults.push(Fault::PanicOnDeath);
        }
        if faults.is_empty() {
            faults.push(Fault::KillIdle);
        }
        if process.frozen_until.is_some() {
            faults.push(Fault::KillFrozen);
        }
        faults
    }

    /// Loses the end of what a dead process wrote.
    fn tear(&mut self, wires: &[WireId]) {
        let Some(wire) = self.chance.pick(wires).and_then(|id| self.wires.get_mut(id)) else {
            return;
        };
        let under_way = wire.up.bytes_under_way();
        if under_way > 0 && wire.up.lose(1 + self.chance.below(under_way)) {
            self.ghost.fired(Fault::TornFrame);
        }
    }

    fn inject_freeze(&mut self) {
        let Some(id) = self.victim() else { return };
        let until = self.now.get() + Duration::from_millis(self.chance.next() % 500);
        let Some(process) = self.processes.get_mut(&id) else { return };
        process.frozen_until = Some(until);
        self.ghost.fired(Fault::Freeze);
        self.note(|| format!("process {id} is frozen"));
    }

    fn slow_down(&mut self, how: Fault) {
        let Some(id) = self.victim() else { return };
        let ends = self.processes.get(&id).map(|process| &process.ends);
        let wires: Vec<_> = ends.into_iter().flat_map(|ends| ends.keys().copied()).collect();
        let Some(wire) = self.chance.pick(&wires).and_then(|id| self.wires.get_mut(id)) else {
            return;
        };
        let pipe = if self.chance.once_in(2) { &mut wire.up } else { &mut wire.down };
        let time = Duration::from_micros(self.chance.next() % 50_000);
        match how {
            Fault::Stall => pipe.stalled_until = self.now.get() + time,
            Fault::Delay => pipe.delay = time,
            _ => pipe.narrow = 1 + self.chance.below(100),
        }
        self.ghost.fired(how);
        self.note(|| format!("{how} of process {id}"));
    }

    /// A client closes a connection on which no call waits, and opens another.
    fn cut_idle(&mut self) {
        let Some(id) = self.victim() else { return };
        let Some(process) = self.processes.get(&id) else { return };
        let Some((_, token)) = process.session else { return };
        let usable = process.usable();
        // One that is broken already is none that a client would close by itself.
        let is_sound = |wire: &WireId| {
            let up = self.wires.get(wire).map(|wire| &wire.up);
            up.is_some_and(|up| !up.is_closed && !up.is_over)
        };
        let is_idle = |wire: &&_| process.ends[wire].calls.is_empty() && is_sound(wire);
        let idle: Vec<_> = usable.iter().filter(is_idle).copied().collect();
        if usable.len() < 2 {
            return;
        }
        let Some(&wire) = self.chance.pick(&idle) else { return };
        if let Some(process) = self.processes.get_mut(&id) {
            process.ends.remove(&wire);
        }
        self.hang_up(wire);
        let lifeline = self.processes.get(&id).and_then(|process| process.lifeline.as_ref());
        let epoch = lifeline.map_or(Epoch(0), |lifeline| lifeline.epoch);
        self.connect(id, hello(Purpose::Join(token, epoch)));
        self.ghost.fired(Fault::CutIdle);
        self.note(|| format!("process {id} closes its idle wire {wire}"));
    }

    /// A connection breaks on which a call waits, wholly or in one direction; over TCP any may.
    fn cut_in_call(&mut self) {
        let Some(id) = self.victim() else { return };
        let Some(process) = self.processes.get(&id) else { return };
        if process.lifeline.is_some() {
            return self.break_tcp(id);
        }
        let busy = process.ends.iter().filter(|(_, end)| !end.calls.is_empty());
        let busy: Vec<_> = busy.map(|(&wire, _)| wire).collect();
        let Some(&id) = self.chance.pick(&busy) else { return };
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.up.is_closed = true;
        if self.chance.once_in(2) {
            self.ghost.fired(Fault::HalfClose);
        } else {
            wire.down.is_closed = true;
            self.ghost.fired(Fault::CutInCall);
        }
        self.note(|| format!("wire {id} is cut"));
    }

    /// A connection over TCP breaks: some of what was under way is lost, at both ends.
    fn break_tcp(&mut self, id: ProcessId) {
        let ends = self.processes.get(&id).map(|process| &process.ends);
        let wires: Vec<_> = ends.into_iter().flat_map(|ends| ends.keys().copied()).collect();
        let Some(wire) = self.chance.pick(&wires).and_then(|id| self.wires.get_mut(id)) else {
            return;
        };
        for pipe in [&mut wire.up, &mut wire.down] {
            pipe.is_closed = true;
            pipe.lose(self.chance.below(pipe.bytes_under_way() + 1));
        }
        self.ghost.fired(Fault::Break);
        self.note(|| format!("a connection of process {id} breaks"));
    }

    /// A frozen process over TCP sends no heartbeats: the manager gives its connections up.
    fn fall_silent(&mut self) {
        let frozen = self.processes.values().filter(|process| process.frozen_until.is_some());
        let silent = frozen.filter(|process| process.lifeline.is_some());
        let silent: Vec<_> = silent.filter_map(|process| process.session()).collect();
        if let Some(&session) = self.chance.pick(&silent) {
            self.ghost.fired(Fault::Silence);
            self.server.miss_heartbeats(self.now.get(), &mut self.wires, session);
            self.note(|| format!("{session} is silent for too long"));
        }
    }

    fn cancel(&mut self) {
        let Some(id) = self.victim() else { return };
        let Some(process) = self.processes.get(&id) else { return };
        if let Some(&call) = self.chance.pick(&process.link.revocable()) {
            self.ghost.fired(Fault::Cancel);
            self.send_cancel(id, call);
        } else if let Some(call) = process.link.last_answered() {
            self.ghost.fired(Fault::LateCancel);
            self.send_cancel(id, call);
        }
    }

    fn send_cancel(&mut self, id: ProcessId, call: CallId) {
        let Some(process) = self.processes.get(&id) else { return };
        let wire = self.chance.pick(&process.usable()).and_then(|id| self.wires.get_mut(id));
        if let Some(wire) = wire {
            wire.up.write(self.now.get(), bytes_of(&ClientMessage::Cancel(call)));
            self.note(|| format!("process {id} gives {call} up"));
        }
    }

    fn jump(&mut self) {
        let ahead = Duration::from_millis(1 << self.chance.below(22));
        self.now.set(self.now.get() + ahead);
        self.ghost.fired(Fault::ClockJump);
        self.note(|| format!("the clock jumps ahead by {ahead:?}"));
    }

    /// Ends the storm: nothing is slow or frozen any more, and the rogues are gone.
    pub(crate) fn calm_down(&mut self) {
        for wire in self.wires.values_mut() {
            wire.up.heal();
            wire.down.heal();
        }
        for process in self.processes.values_mut() {
            process.frozen_until = None;
        }
        while !self.rogues.is_empty() {
            self.end_a_rogue();
        }
        self.note(|| "the storm is over".to_owned());
    }
}
