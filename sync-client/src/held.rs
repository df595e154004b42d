//! What guards, permits and deliveries have in common: something held, under a token.

use std::time::Duration;

use sync_proto::{Error, ErrorKind, Refusal, Remote, Token};

use crate::process::Process;

/// Something that this process holds of an object. In a forked child it is its parent's, and
/// nothing that happens to it there counts.
#[derive(Debug)]
pub(crate) struct Held {
    token: Token,
    process: Process,
    /// It was taken while its thread panicked: by what cleans up.
    by_cleanup: bool,
    given_up: bool,
}

impl Held {
    pub(crate) fn new(token: Token) -> Self {
        let by_cleanup = std::thread::panicking();
        Self { token, process: Process::current(), by_cleanup, given_up: false }
    }

    pub(crate) fn token(&self) -> Token {
        self.token
    }

    /// Notes that what is held was given up, and was granted anew.
    pub(crate) fn regrant(&mut self, token: Token) {
        self.token = token;
    }

    /// Returns the token to drop it with, the first time and in the process that holds it.
    pub(crate) fn give_up(&mut self) -> Option<Token> {
        let first = !std::mem::replace(&mut self.given_up, true);
        (first && self.process.is_surely_current()).then_some(self.token)
    }

    /// Returns whether it is dropped by a panic that began while it was held: what it protects may
    /// be half done.
    pub(crate) fn is_abandoned(&self) -> bool {
        !self.by_cleanup && std::thread::panicking()
    }

    /// Gives up by a call, after which dropping it does nothing; if the call fails, what is held
    /// is given up when it is dropped: it may not even have been sent.
    ///
    /// # Errors
    /// Those of the call; [`ErrorKind::NotOwner`] in a forked child.
    pub(crate) fn hand_back(
        &mut self,
        remote: &Remote,
        method: &'static str,
        call: impl FnOnce(Token) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let result = if self.is_own() {
            call(self.token)
        } else {
            let why =
                "the parent process holds it: this one is a forked child, and only has a copy";
            Err(Refusal::new(ErrorKind::NotOwner, why).during(remote.interface().name, method))
        };
        let is_gone = |error: &Error| error.kind() == ErrorKind::NotOwner;
        self.given_up = result.as_ref().err().is_none_or(is_gone);
        result
    }

    fn is_own(&self) -> bool {
        self.process.is_current()
    }

    /// Returns whether what was held is lost to this process: the session is over, or it is the
    /// parent's.
    pub(crate) fn is_lost(&self, remote: &Remote) -> bool {
        if !self.is_own() {
            return true;
        }
        remote.handle().keeper().transport().is_none_or(sync_proto::Transport::is_over)
    }
}

/// Makes a call that answers when its own time is up (`None`), and fails only when the proxy's
/// deadline, set with `within`, is the shorter one.
pub(crate) fn attempt<R>(
    remote: &Remote,
    time: Duration,
    call: impl FnOnce() -> Result<R, Error>,
) -> Result<Option<R>, Error> {
    match call() {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_timeout() && remote.deadline().is_none_or(|set| time <= set) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_drops_that_nobody_told_the_library_of_is_its_parents() {
        let held = |process| Held { process, ..Held::new(Token(7)) };
        assert_eq!(held(Process::current()).give_up(), Some(Token(7)));
        assert_eq!(held(Process::of_another_pid()).give_up(), None);
    }
}
