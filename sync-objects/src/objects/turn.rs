//! Whose turn it is to write: the basis of `update` of Value, dict and list.
//!
//! An update is two calls: one takes the turn and the value, one commits. In between other writers
//! of the same thing wait in line, first come, first served; readers don't. The updater itself may
//! write (in a closure that uses the proxy); then the commit is refused, because what the closure
//! saw is out of date. A session that dies loses its turn and changes nothing.

use sync_proto::{ErrorKind, Refusal, Token};

use crate::{Channel, Cx, Flow, Gone, Owner};

/// The turn to write one thing: a value, a list, an entry of a dict.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    token: Token,
    touched: bool,
}

impl Turn {
    /// Returns whether the caller may write now; if not, it stands in line on the channel.
    pub(crate) fn may_write(&self, cx: &Cx<'_>, line: Channel) -> bool {
        match &self.open {
            None => !cx.is_behind(line),
            Some(_) => self.is_callers(cx),
        }
    }

    /// Notes that the caller wrote: its own update, if it has one open, is out of date.
    pub(crate) fn touch(&mut self, cx: &Cx<'_>) {
        let own = self.is_callers(cx);
        if let Some(open) = &mut self.open {
            open.touched |= own;
        }
    }

    /// Returns whether the update under way is the caller's own.
    pub(crate) fn is_callers(&self, cx: &Cx<'_>) -> bool {
        self.token().is_some_and(|token| cx.owner(token) == Some(cx.caller()))
    }

    /// Returns whether the caller may take the turn now. Taking its own turn twice is refused: it
    /// would wait for itself.
    pub(crate) fn is_free(&self, cx: &Cx<'_>, line: Channel) -> Result<bool, Refusal> {
        match &self.open {
            None => Ok(!cx.is_behind(line)),
            Some(open) if cx.owner(open.token) == Some(cx.caller()) => Err(Refusal::new(
                ErrorKind::InvalidInput,
                "an update inside an update of the same thing would wait for itself",
            )),
            Some(_) => Ok(false),
        }
    }

    /// Takes the turn.
    pub(crate) fn take(&mut self, cx: &mut Cx<'_>, line: Channel) -> Token {
        // The closure between the two calls runs on the caller's thread: no other one commits.
        let token = cx.own(line, Owner::Thread);
        self.open = Some(Open { token, touched: false });
        token
    }

    /// Ends the turn; the callers in line are served.
    ///
    /// # Errors
    /// `NotOwner` when it is no longer the caller's; `Changed` when the caller wrote meanwhile (the
    /// turn is ended all the same).
    pub(crate) fn end(
        &mut self,
        cx: &mut Cx<'_>,
        token: Token,
        line: Channel,
    ) -> Result<(), Refusal> {
        let ours = cx.owner(token).is_some_and(|owner| owner.session == cx.caller().session);
        let open = self.open.take_if(|open| open.token == token && ours).ok_or_else(not_open)?;
        cx.let_go(token);
        cx.wake_in_turn(line);
        if open.touched {
            let why = "the caller wrote to it inside its own update";
            return Err(Refusal::new(ErrorKind::Changed, why));
        }
        Ok(())
    }

    /// Ends the caller's own turn, if it has it: the answer that began the turn, with the token,
    /// was too large to reach the caller.
    pub(crate) fn abandon(&mut self, cx: &mut Cx<'_>, line: Channel) {
        if let Some(token) = self.token().filter(|_| self.is_callers(cx)) {
            // That the caller wrote meanwhile does not matter: nothing is committed.
            let _ = self.end(cx, token, line);
        }
    }

    /// Ends the turn of a session that is gone, of an object that has one turn.
    pub(crate) fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone, line: Channel) {
        gone.held.iter().for_each(|&(token, _)| self.lose(cx, token, line));
    }

    /// Ends the turn if it is the one under this token, which its session has lost.
    pub(crate) fn lose(&mut self, cx: &mut Cx<'_>, token: Token, line: Channel) {
        if self.open.take_if(|open| open.token == token).is_some() {
            cx.wake_in_turn(line);
        }
    }

    /// Returns the token of the update under way.
    pub(crate) fn token(&self) -> Option<Token> {
        self.open.as_ref().map(|open| open.token)
    }
}

/// Answers a caller that gives its update up: that it wrote meanwhile does not matter.
pub(crate) fn given_up<T>(ended: Result<T, Refusal>) -> Flow<()> {
    match ended {
        Err(refusal) if refusal.kind != ErrorKind::Changed => Flow::Refuse(refusal),
        _ => Flow::Done(()),
    }
}

/// Refuses an update that is not the caller's, or not under way.
pub(crate) fn not_open() -> Refusal {
    let why = "the update is not this caller's, or ended before";
    Refusal::new(ErrorKind::NotOwner, why)
}
