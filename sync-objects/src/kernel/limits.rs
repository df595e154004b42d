//! The kernel's bounds.

/// What the kernel refuses to exceed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Objects alive at once. Each costs some hundred bytes before it holds anything; the default
    /// of a million keeps an idle manager under a gigabyte whatever its clients do.
    pub objects: usize,
    /// Sessions at once. A session is a process; a machine rarely runs more than some thousand.
    pub sessions: usize,
    /// Bytes in an object's name. Names are read by people and kept in an index.
    pub name_len: usize,
    /// Names at once: each keeps an object for ever.
    pub names: usize,
    /// Calls that wait, of one session: each is a thread of the client, or a pipelined call.
    pub calls_per_session: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            objects: 1_000_000,
            sessions: 10_000,
            name_len: 255,
            names: 100_000,
            calls_per_session: 65_536,
        }
    }
}
