//! Running a call: the first look, every later one, and what follows.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sync_proto::message::{OneWay, Request};
use sync_proto::{
    Data, ErrorKind, Handle, MethodId, ObjectId, Refusal, SessionId, ThreadId, Token,
};

use super::calls::{Blocked, CallKey, Route, Stance};
use super::memory::{brief, waiting_cost};
use super::table::{Body, gone};
use super::timers::Timer;
use super::{Core, Note, Via};
use crate::cx::{Caller, Cx, Look, Place};
use crate::object::Gone;
use crate::{Channel, Flow, Time};

impl Core {
    /// Gives a request its first look. Its time has begun when it arrived.
    pub(super) fn begin(&mut self, session: SessionId, via: Via, request: Request, arrived: Time) {
        let route = Route { session, via, call: request.call };
        let caller = Caller { session, thread: request.thread };
        let (object, method) = (request.object, request.method);
        let due = request.timeout.map(|timeout| arrived + timeout);
        let mut data = match self.admit(session, request) {
            Ok(data) => data,
            Err(refusal) => return self.answer(route, Err(refusal)),
        };
        let look = Look::first(caller);
        let (stance, channel, note) = match self.look(object, look, method, &mut data) {
            Ok(Flow::Done(answer)) => {
                self.next_commit();
                return self.answer(route, Ok(answer));
            }
            Ok(Flow::Refuse(refusal)) | Err(refusal) => return self.answer(route, Err(refusal)),
            Ok(Flow::Wait(_)) if due.is_some_and(|due| due <= self.now()) => {
                return self.answer(route, Err(ErrorKind::TimedOut.into()));
            }
            Ok(Flow::Wait(channel)) => {
                // A call that waits in another way has changed something, and cannot be sent away.
                match self.check_line(channel.object(object), waiting_cost(&data)) {
                    Ok(()) => (Stance::Wait, channel, 0),
                    Err(refusal) => return self.answer(route, Err(refusal)),
                }
            }
            Ok(Flow::WaitThen(channel, note)) => (Stance::Then, channel, note),
            Ok(Flow::Must(channel, note)) => (Stance::Must, channel, note),
        };
        let (target, line) = match (self.keep(object), self.keep(channel.object(object))) {
            (Ok(target), Ok(line)) => (target, line),
            (Err(refusal), _) | (_, Err(refusal)) => return self.answer(route, Err(refusal)),
        };
        let (deadline, place) = (None, self.place_at_end(object, channel));
        let charge = self.count_waiting(&data);
        let key = self.keep_call(Blocked {
            route,
            caller,
            target,
            line,
            method,
            data,
            stance,
            note,
            deadline,
            place: Some(place),
            since: self.now(),
            _charge: charge,
        });
        if let (Some(at), true) = (due, stance != Stance::Must) {
            let deadline = self.timers.set(at, Timer::Deadline(key));
            if let Some(call) = self.call_mut(key) {
                call.deadline = Some(deadline);
            }
        }
        self.look_for_deadlock(key);
    }

    /// Checks a request against what the manager can take, and resolves its handles.
    fn admit(&mut self, session: SessionId, request: Request) -> Result<Data, Refusal> {
        if self.stopping {
            return Err(ErrorKind::ShuttingDown.into());
        }
        self.check_call(session, request.call)?;
        self.check_handles(session)?;
        let mut data = request.data.map_handles(|wire| self.resolve(wire))?;
        self.count_values(&mut data)?;
        Ok(data)
    }

    /// Carries out a call that wants no answer.
    pub(super) fn run_one_way(&mut self, session: SessionId, mut message: OneWay) {
        let (object, method) = (message.object, message.method);
        let caller = Caller { session, thread: message.thread };
        let look = Look { is_one_way: true, ..Look::first(caller) };
        let flow = std::mem::take(&mut message.data)
            .map_handles(|wire| self.resolve(wire))
            .and_then(|mut data| self.count_values(&mut data).map(|()| data))
            .and_then(|mut data| self.look(object, look, method, &mut data));
        let refusal = match flow {
            Ok(Flow::Done(_)) => {
                self.next_commit();
                return;
            }
            Ok(Flow::Refuse(refusal)) | Err(refusal) => refusal,
            Ok(Flow::Wait(_) | Flow::WaitThen(..) | Flow::Must(..)) => {
                // Nobody would give it back.
                let granted = std::mem::take(&mut self.granted);
                self.lose_grants(session, granted);
                cannot_wait()
            }
        };
        self.fail_one_way(session, &message, refusal);
    }

    /// Notes that a call which wants no answer came to nothing.
    pub(super) fn fail_one_way(&mut self, session: SessionId, message: &OneWay, refusal: Refusal) {
        let (object, method) = (message.object, message.method);
        self.one_way_failures += 1;
        let method = self.slot(object).map_or_else(
            || format!("method {}", method.0),
            |slot| format!("{}.{}", slot.interface.name, slot.interface.method_name(method)),
        );
        let refusal = brief(refusal);
        self.notes.push_back(Note::OneWayFailed { session, object, method, refusal });
    }

    /// Polls a call that waits. Returns whether it stands where it stood.
    pub(super) fn poll(&mut self, key: CallKey, timed_out: bool) -> bool {
        let Some(call) = self.call_mut(key) else {
            return false;
        };
        let mut data = std::mem::take(&mut call.data);
        let (object, method, before) = (call.target.object(), call.method, call.place);
        let (note, place, counted) = (call.note, before, waiting_cost(&data));
        let look = Look { note, timed_out, place, counted, ..Look::first(call.caller) };
        let flow = self.look(object, look, method, &mut data);
        let Some(call) = self.call_mut(key) else {
            return false;
        };
        call.data = data;
        let (stance, channel, note) = match flow {
            Ok(Flow::Done(answer)) => {
                self.next_commit();
                self.finish(key, Ok(answer));
                return false;
            }
            Ok(Flow::Refuse(refusal)) | Err(refusal) => {
                self.finish(key, Err(refusal));
                return false;
            }
            Ok(Flow::Wait(_) | Flow::WaitThen(..)) if timed_out => {
                self.finish(key, Err(ErrorKind::TimedOut.into()));
                return false;
            }
            Ok(Flow::Wait(channel)) => (Stance::Wait, channel, 0),
            Ok(Flow::WaitThen(channel, note)) => (Stance::Then, channel, note),
            Ok(Flow::Must(channel, note)) => (Stance::Must, channel, note),
        };
        (call.stance, call.note) = (stance, note);
        let deadline = if stance == Stance::Must { call.deadline.take() } else { None };
        if let Some(deadline) = deadline {
            self.timers.clear(deadline);
        }
        self.keep_or_move(key, before, object, channel)
    }

    /// A call keeps its place if it waits in the same line, else it goes to the end of another.
    fn keep_or_move(
        &mut self,
        key: CallKey,
        before: Option<Place>,
        object: ObjectId,
        channel: Channel,
    ) -> bool {
        let (of, number) = (channel.object(object), channel.number());
        if before.is_some_and(|place| place.object == of && place.channel == number) {
            return true;
        }
        let line = match self.keep(of) {
            Ok(line) => line,
            Err(refusal) => {
                self.finish(key, Err(refusal));
                return false;
            }
        };
        if let Some(place) = before {
            self.unstand(place);
        }
        let (place, now) = (self.place_at_end(object, channel), self.now());
        if let Some(call) = self.call_mut(key) {
            (call.line, call.place, call.since) = (line, Some(place), now);
        }
        self.stand(key, place);
        self.look_for_deadlock(key);
        false
    }

    fn keep(&self, object: ObjectId) -> Result<Handle, Refusal> {
        let handle = self.slot(object).and_then(|slot| slot.handle.upgrade());
        handle.ok_or_else(|| gone(object))
    }

    fn place_at_end(&mut self, object: ObjectId, channel: Channel) -> Place {
        self.next_place += 1;
        Place { object: channel.object(object), channel: channel.number(), number: self.next_place }
    }

    pub(super) fn finish(&mut self, key: CallKey, outcome: Result<Data, Refusal>) {
        if let Some(call) = self.take_call(key) {
            self.answer(call.route, outcome);
        }
    }

    /// A call's time is up: it is answered, or polled once more if it asked for that. The call
    /// behind it is polled.
    pub(super) fn time_out(&mut self, key: CallKey) {
        let Some(call) = self.call_mut(key) else {
            return;
        };
        let place = call.place;
        match call.stance {
            Stance::Wait => self.finish(key, Err(ErrorKind::TimedOut.into())),
            Stance::Then => {
                self.poll(key, true);
            }
            Stance::Must => return,
        }
        if let Some(place) = place {
            self.wake_in_turn(place.object, place.channel);
        }
    }

    /// Takes a call out of its line without an answer: its caller is gone.
    pub(super) fn leave(&mut self, key: CallKey) {
        if let Some(place) = self.take_call(key).and_then(|call| call.place) {
            self.wake_in_turn(place.object, place.channel);
        }
    }

    /// Lets a call look at its object; what it is granted is noted.
    fn look(
        &mut self,
        object: ObjectId,
        look: Look,
        method: MethodId,
        data: &mut Data,
    ) -> Result<Flow<Data>, Refusal> {
        self.granted.clear();
        self.call_object(object, look, method, data)
    }

    /// Runs an object's method.
    pub(crate) fn call_object(
        &mut self,
        object: ObjectId,
        look: Look,
        method: MethodId,
        data: &mut Data,
    ) -> Result<Flow<Data>, Refusal> {
        self.at_work(object, look, |body, cx| body.call(cx, method, data))?
    }

    /// Tells an object that a session that held something of it is gone.
    pub(super) fn tell_gone(&mut self, object: ObjectId, session: SessionId, tokens: &[Token]) {
        let held = tokens.iter().filter_map(|&token| Some((token, self.let_go(object, token)?)));
        let gone = Gone { session, held: held.collect() };
        self.collector.note_end(object);
        let caller = Caller { session, thread: ThreadId(0) };
        let look = Look::first(caller);
        if self.at_work(object, look, |body, cx| body.session_gone(cx, &gone)).is_ok() {
            self.next_commit();
        }
    }

    /// Takes back what a call was granted whose caller will never know of it.
    pub(super) fn lose_grants(&mut self, session: SessionId, granted: Vec<(ObjectId, Token)>) {
        for (object, token) in granted {
            if self.owner(object, token).is_some() {
                self.tell_gone(object, session, &[token]);
            }
        }
    }

    /// Takes an object out of its slot, has it work, and puts it back; one that panics is broken.
    fn at_work<R>(
        &mut self,
        object: ObjectId,
        look: Look,
        work: impl FnOnce(&mut dyn crate::Object, &mut Cx<'_>) -> R,
    ) -> Result<R, Refusal> {
        let mut body = self.take_body(object)?;
        let mut cx = Cx::new(self, object, look);
        let worked = catch_unwind(AssertUnwindSafe(|| {
            let result = work(&mut *body, &mut cx);
            (result, body.weight())
        }));
        match worked {
            Ok((result, weight)) => {
                self.put_body(object, body, weight);
                Ok(result)
            }
            Err(panic) => {
                let why = panic_text(&*panic);
                // What is left of the object may panic again as it is dropped.
                let _ = catch_unwind(AssertUnwindSafe(move || drop(body)));
                self.break_object(object, why.clone());
                Err(broken(object, &why))
            }
        }
    }

    fn take_body(&mut self, object: ObjectId) -> Result<Box<dyn crate::Object>, Refusal> {
        self.collector.note_call(object);
        let slot = self.slot_mut(object).ok_or_else(|| gone(object))?;
        match std::mem::replace(&mut slot.body, Body::AtWork) {
            Body::Here(body) => Ok(body),
            Body::AtWork => Err(Refusal::new(
                ErrorKind::InvalidInput,
                format!("object {object} is already at work in this step: it calls itself"),
            )),
            Body::Broken(why) => {
                let refusal = broken(object, &why);
                slot.body = Body::Broken(why);
                Err(refusal)
            }
        }
    }

    fn put_body(&mut self, object: ObjectId, body: Box<dyn crate::Object>, weight: usize) {
        if let Some(slot) = self.objects.get_mut(object) {
            slot.body = Body::Here(body);
            slot.weigh(weight, &self.meter);
        }
    }

    /// Marks an object as broken and tells its callers, also those in a peer's line, which might
    /// not be polled for long. Callers of other objects in its lines are polled.
    pub(super) fn break_object(&mut self, object: ObjectId, why: String) {
        let Some(slot) = self.objects.get_mut(object) else {
            return;
        };
        slot.body = Body::Broken(why.clone());
        slot.weigh(0, &self.meter);
        let (interface, channels) = (slot.interface.name, slot.lines.channels());
        for (place, key) in self.callers_of(object) {
            self.finish(key, Err(broken(object, &why)));
            self.wake_in_turn(place.object, place.channel);
        }
        for channel in channels {
            self.wake_count(object, channel, usize::MAX);
        }
        self.notes.push_back(Note::ObjectBroke { object, interface, why });
    }
}

/// Refuses a call that nobody would hear the end of.
pub(crate) fn cannot_wait() -> Refusal {
    Refusal::new(ErrorKind::InvalidInput, "a call without an answer cannot wait")
}

fn broken(object: ObjectId, why: &str) -> Refusal {
    let why = format!("object {object} is broken, its code panicked: {why}");
    Refusal::new(ErrorKind::Broken, why)
}

/// Runs code of an object that is in no slot: a panic becomes a refusal.
pub(super) fn guarded<T>(
    run: impl FnOnce() -> Result<T, Refusal>,
    interface: &str,
) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let why = format!("the code of {interface} panicked: {}", panic_text(&*panic));
        Err(Refusal::new(ErrorKind::Broken, why))
    })
}

/// Returns what an object says that it keeps, if it can say it.
pub(super) fn weight_of(object: &dyn crate::Object) -> usize {
    catch_unwind(AssertUnwindSafe(|| object.weight())).unwrap_or_default()
}

/// Drops an object. A user's `Drop` may panic; the manager goes on.
pub(super) fn discard<T>(object: T, interface: &str) {
    let _ = guarded(
        move || {
            drop(object);
            Ok(())
        },
        interface,
    );
}

fn panic_text(panic: &(dyn core::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}
