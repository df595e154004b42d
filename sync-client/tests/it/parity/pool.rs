//! Pool and what it answers with: not here.

use super::Row::Not;
use super::Rows;

/// Why there is no Pool.
const EXECUTES: &str = "a pool runs the caller's functions in the manager, and a manager of ours \
    never executes what a client sends: worker processes take jobs from a Queue and acknowledge \
    them, and one that dies loses none";

/// Why a pool's end is not here either.
const ENDS: &str = "there is no pool to end: Queue::close tells the workers that no more jobs \
    come, and Queue::join waits until all are done";

/// Why nothing answers later.
const LATER: &str = "only a pool's calls answer later: workers put results into a Queue, a Dict \
    or an Event";

pub(super) const POOL: Rows = &[
    ("apply", Not(EXECUTES)),
    ("apply_async", Not(EXECUTES)),
    ("close", Not(ENDS)),
    ("imap", Not(EXECUTES)),
    ("imap_unordered", Not(EXECUTES)),
    ("join", Not(ENDS)),
    ("map", Not(EXECUTES)),
    ("map_async", Not(EXECUTES)),
    ("starmap", Not(EXECUTES)),
    ("starmap_async", Not(EXECUTES)),
    ("terminate", Not(ENDS)),
];

pub(super) const ASYNC_RESULT: Rows =
    &[("get", Not(LATER)), ("ready", Not(LATER)), ("successful", Not(LATER)), ("wait", Not(LATER))];
