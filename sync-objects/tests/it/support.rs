//! What many tests say.

use core::fmt::Debug;
use std::time::Duration;

use serde::Serialize;
use sync_objects::{Error, ErrorKind, Payload};
use sync_testkit::sim::{Pending, SimClient};

/// Begins a call of one proxy that may wait.
pub(crate) fn start<P: Clone + 'static, R>(
    client: &SimClient,
    proxy: &P,
    call: impl Fn(&P) -> Result<R, Error> + 'static,
) -> Pending<R> {
    let proxy = proxy.clone();
    client.start(move || call(&proxy))
}

/// What kind of failure this is.
#[track_caller]
pub(crate) fn kind<T: Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

pub(crate) fn pack<T: Serialize + ?Sized>(value: &T) -> Payload {
    Payload::pack(value).unwrap()
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
