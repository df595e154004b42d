//! How long a caller waits, as each of Python's types takes it.

use std::time::Duration;

use crate::python::args::{Arg, Args, SECONDS_MAX};
use crate::python::exceptions::{OVERFLOW_ERROR, Raise, VALUE_ERROR};

/// Takes a time of which none means for ever.
pub(super) fn timeout(arg: Option<Arg<'_>>) -> Result<Option<Duration>, Raise> {
    arg.filter(|arg| !arg.is_none()).map(Arg::duration).transpose()
}

/// Takes the arguments of a lock's `acquire(blocking=True, timeout=-1)`.
pub(super) fn of_lock(args: Args<'_>) -> Result<Option<Duration>, Raise> {
    let [blocking, timeout] = args.optional("acquire", ["blocking", "timeout"])?;
    let seconds = timeout.filter(|arg| !arg.is_none()).map(Arg::seconds).transpose()?;
    let blocks = blocking.is_none_or(Arg::truth);
    match seconds {
        None | Some(-1.0) => Ok((!blocks).then_some(Duration::ZERO)),
        Some(_) if !blocks => {
            Err(VALUE_ERROR.with("can't specify a timeout for a non-blocking call"))
        }
        Some(seconds) if seconds < 0.0 => {
            Err(VALUE_ERROR.with("timeout value must be a non-negative number"))
        }
        Some(seconds) if seconds > SECONDS_MAX => {
            Err(OVERFLOW_ERROR.with("timestamp too large to convert to C PyTime_t"))
        }
        Some(seconds) => Ok(Some(Duration::from_secs_f64(seconds))),
    }
}

/// Takes the arguments of a semaphore's `acquire(blocking=True, timeout=None)`.
pub(super) fn of_semaphore(args: Args<'_>) -> Result<Option<Duration>, Raise> {
    let [blocking, time] = args.optional("acquire", ["blocking", "timeout"])?;
    let time = timeout(time)?;
    if blocking.is_none_or(Arg::truth) {
        return Ok(time);
    }
    match time {
        None => Ok(Some(Duration::ZERO)),
        Some(_) => Err(VALUE_ERROR.with("can't specify timeout for non-blocking acquire")),
    }
}

/// Takes whether a queue's caller waits, and how long.
pub(super) fn of_queue(
    block: Option<Arg<'_>>,
    time: Option<Arg<'_>>,
) -> Result<Option<Duration>, Raise> {
    if !block.is_none_or(Arg::truth) {
        return Ok(Some(Duration::ZERO));
    }
    match time.filter(|time| !time.is_none()) {
        Some(time) if time.seconds()? < 0.0 => {
            Err(VALUE_ERROR.with("'timeout' must be a non-negative number"))
        }
        time => timeout(time),
    }
}
