//! An update under way: given up unless it is committed.

use sync_proto::{Error, ErrorKind, Token};

use crate::process::Process;

/// The turn to write, held. Dropped before [`commit`](Self::commit) (by an error, or a panic of
/// the user's closure), it is given up without waiting, and nothing is changed.
pub(crate) struct Update<F: FnMut(Token)> {
    token: Token,
    process: Process,
    cancel: F,
    committed: bool,
}

impl<F: FnMut(Token)> Update<F> {
    pub(crate) fn new(token: Token, cancel: F) -> Self {
        Self { token, process: Process::current(), cancel, committed: false }
    }

    /// Commits by a call. If it fails, the turn is given up all the same, unless the object has
    /// ended it: a value that is too large, say, is not even sent.
    ///
    /// # Errors
    /// Those of the call.
    pub(crate) fn commit<R>(
        mut self,
        call: impl FnOnce(Token) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let result = call(self.token);
        let ends = [ErrorKind::Changed, ErrorKind::NotOwner, ErrorKind::Broken];
        self.committed = result.as_ref().err().is_none_or(|error| ends.contains(&error.kind()));
        result
    }
}

impl<F: FnMut(Token)> Drop for Update<F> {
    fn drop(&mut self) {
        if !self.committed && self.process.is_surely_current() {
            (self.cancel)(self.token);
        }
    }
}

/// Gives back, by a call, a turn whose beginning was too large an answer to be sent: its token
/// did not arrive, so nothing else would end it.
pub(crate) fn give_back(error: &Error, abandon: impl FnOnce() -> Result<(), Error>) {
    if error.kind() == ErrorKind::TooLarge {
        // The first error is the one to tell.
        let _ = abandon();
    }
}

/// Makes an [`Update`] of a turn that this proxy has begun.
macro_rules! update {
    ($proxy:expr, $token:expr) => {{
        let proxy = &$proxy;
        crate::update::Update::new($token, move |token| {
            // A number always encodes; a session that is over has given the turn back.
            let _ = proxy.one_way().cancel_update(token);
        })
    }};
}

pub(crate) use update;
