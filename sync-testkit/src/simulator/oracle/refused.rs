//! What calls are refused with: the object's model must agree, and where the kernel refuses for a
//! reason of its own, that must be so, as far as the door shows it.

use sync_objects::Time;
use sync_proto::message::OneWay;
use sync_proto::{CallId, ErrorKind, Refusal, SessionId};

use super::{Asked, Oracle};
use crate::models::Step;

impl Oracle {
    /// A client gives a call up, which may be answered already.
    pub(crate) fn cancelled(&mut self, session: SessionId, call: CallId) {
        let state = self.sessions.get_mut(&session);
        let open = state.and_then(|state| state.open.get_mut(&call));
        open.into_iter().flatten().for_each(|asked| asked.is_cancelled = true);
    }

    /// Checks why a call is refused; `is_first` is for who stood behind nobody in its line.
    pub(super) fn refused(
        &mut self,
        now: Time,
        session: SessionId,
        asked: &Asked,
        is_first: bool,
        refusal: &Refusal,
    ) {
        let (request, kind) = (&asked.request, refusal.kind);
        let call = request.call;
        let is_over = asked.is_cancelled || asked.deadline.is_some_and(|deadline| deadline <= now);
        assert!(kind != ErrorKind::TimedOut || is_over, "{call} of {session} has time, {refusal}");
        let is_stopping = kind != ErrorKind::ShuttingDown || self.is_stopping;
        assert!(is_stopping, "{call} of {session}: nobody has told the manager to end, {refusal}");
        let Some(object) = self.objects.get_mut(&request.object) else { return };
        let method = object.interface.method_name(request.method);
        let is_known = kind != ErrorKind::UnknownMethod || method == "?";
        assert!(is_known, "{call} of {session}: there is a method {method}, {refusal}");
        let Some(model) = &mut object.model else { return };
        if is_the_kernels(kind) || asked.number.is_none() {
            return;
        }
        let (thread, args) = (request.thread, &request.data);
        let step = Step { session, thread, method, args, answer: None };
        let mut agreed = model.refused(&step, kind);
        if kind == ErrorKind::TimedOut && is_first && model.could_serve(method, args) {
            agreed = Err("it is the first in line and could be served".to_owned());
        }
        if let Err(why) = agreed {
            panic!("{call} of {session}, {}.{method} ({refusal}): {why}", object.interface.name);
        }
        self.agreed += 1;
    }

    /// Checks why a one-way message failed.
    pub(super) fn one_way_refused(&mut self, of: SessionId, message: &OneWay, kind: ErrorKind) {
        let Some(object) = self.objects.get_mut(&message.object) else { return };
        let Some(model) = object.model.as_mut().filter(|_| !is_the_kernels(kind)) else { return };
        let method = object.interface.method_name(message.method);
        let (thread, args) = (message.thread, &message.data);
        let step = Step { session: of, thread, method, args, answer: None };
        // What would have to wait cannot: nobody is there to be answered.
        let kind = if kind == ErrorKind::InvalidInput { ErrorKind::TimedOut } else { kind };
        if let Err(why) = model.refused(&step, kind) {
            panic!("one-way {} of {of}, {method}, is refused ({kind}): {why}", message.number);
        }
    }
}

/// Returns whether the kernel refuses with this whatever the object is: for its limits, or for a
/// call that is none. The models do not know of either.
const fn is_the_kernels(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::LimitReached
            | ErrorKind::Malformed
            | ErrorKind::NotFound
            | ErrorKind::OutOfMemory
            | ErrorKind::ShuttingDown
            | ErrorKind::UnknownMethod
    )
}
