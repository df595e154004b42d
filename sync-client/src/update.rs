//! An update under way: given up unless it is committed.

use sync_proto::Token;

/// The turn to write, held. Dropped before [`commit`](Self::commit) (by an error, or a panic of
/// the user's closure), it is given up without waiting, and nothing is changed.
pub(crate) struct Update<F: FnMut(Token)> {
    token: Token,
    pid: u32,
    cancel: F,
    committed: bool,
}

impl<F: FnMut(Token)> Update<F> {
    pub(crate) fn new(token: Token, cancel: F) -> Self {
        Self { token, pid: std::process::id(), cancel, committed: false }
    }

    /// Returns the token to commit with; from here on the turn ends by that.
    pub(crate) fn commit(mut self) -> Token {
        self.committed = true;
        self.token
    }
}

impl<F: FnMut(Token)> Drop for Update<F> {
    fn drop(&mut self) {
        if !self.committed && self.pid == std::process::id() {
            (self.cancel)(self.token);
        }
    }
}
