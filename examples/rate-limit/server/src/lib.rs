//! How a rate limiter works, in the manager.

use std::time::Duration;

use rate_limit_interface::rate_limiter;
use sync_objects::{Channel, Cx, ErrorKind, Flow, Refusal, Registry, Time};

/// The generic cell rate algorithm (ITU-T I.371): one moment in time says how far ahead of its
/// rate the limiter is.
pub struct RateLimiter {
    /// What one operation takes.
    interval: Duration,
    /// How many operations may be done at once after a pause.
    burst: u32,
    /// When the operations that were let through will have taken their time.
    busy_until: Time,
}

const TURN: Channel = Channel::new(0);

impl RateLimiter {
    /// Returns from when on `count` operations are allowed.
    fn ready_at(&self, now: Time, count: u32) -> Time {
        let after = self.busy_until.max(now) + self.interval * count;
        Time::ZERO + (after - Time::ZERO).saturating_sub(self.interval * self.burst)
    }
}

impl rate_limiter::Service for RateLimiter {
    fn new(per_second: u32, burst: u32) -> Result<Self, Refusal> {
        if per_second == 0 || burst == 0 {
            let why = "a rate limiter that lets nothing through makes no sense";
            return Err(Refusal::new(ErrorKind::InvalidInput, why));
        }
        let interval = Duration::from_secs(1) / per_second;
        Ok(Self { interval, burst, busy_until: Time::ZERO })
    }

    fn acquire(&mut self, cx: &mut Cx<'_>, count: u32) -> Flow<()> {
        if count == 0 || count > self.burst {
            let why = format!("ask for 1 to {} operations at a time, not {count}", self.burst);
            return Flow::refuse(ErrorKind::InvalidInput, why);
        }
        if cx.is_behind(TURN) {
            return Flow::Wait(TURN);
        }
        let (now, ready) = (cx.now(), self.ready_at(cx.now(), count));
        if ready > now {
            // The object's own timer: the line is polled then, and the caller in front is ready.
            cx.wake_at(TURN, ready);
            return Flow::Wait(TURN);
        }
        self.busy_until = self.busy_until.max(now) + self.interval * count;
        cx.wake_in_turn(TURN);
        Flow::Done(())
    }

    fn available(&mut self, cx: &mut Cx<'_>) -> Flow<u32> {
        if cx.is_behind(TURN) {
            return Flow::Done(0);
        }
        // A method runs alone in the manager: it computes, and does not try one after the other.
        let ahead = self.busy_until.max(cx.now()) - cx.now();
        let used = ahead.as_nanos().div_ceil(self.interval.as_nanos().max(1));
        Flow::Done(self.burst.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX)))
    }

    fn shape(&self) -> String {
        format!("{:?} for each, {} at once", self.interval, self.burst)
    }
}

/// Returns the types that this server hosts: the built-in ones and the rate limiter.
pub fn registry() -> Registry {
    let mut registry = sync_objects::registry();
    rate_limiter::register::<RateLimiter>(&mut registry);
    registry
}
