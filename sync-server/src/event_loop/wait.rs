//! Waiting for events: asleep, or, straight after activity, awake for a moment.

use std::io;
use std::time::Duration;

use mio::Events;
use sync_objects::Time;

use super::EventLoop;
use crate::hub;

impl EventLoop {
    pub(super) fn wait(
        &mut self,
        events: &mut Events,
        mut timeout: Option<Duration>,
    ) -> io::Result<()> {
        if !self.was_active && timeout == Some(Duration::ZERO) {
            // Nothing was read or answered in the last turn: what is left is a search for cycles,
            // or takes a while. Other processes on the core go first.
            std::thread::yield_now();
        }
        if !self.was_active || timeout == Some(Duration::ZERO) || self.spin.is_off() {
            return hub::wait(&mut self.poll, events, timeout);
        }
        let began = self.hub.now();
        if self.spin.begin(since_start(began)) {
            loop {
                for _ in 0..self.spin.looks() {
                    hub::wait(&mut self.poll, events, Some(Duration::ZERO))?;
                    if !events.is_empty() {
                        self.spin.found();
                        return Ok(());
                    }
                }
                let before = self.hub.now();
                std::thread::yield_now();
                let now = self.hub.now();
                if timeout.is_some_and(|timeout| now.since(began) >= timeout) {
                    return Ok(());
                }
                if !self.spin.go_on(since_start(before), since_start(now)) {
                    timeout = timeout.map(|timeout| timeout.saturating_sub(now.since(began)));
                    break;
                }
            }
        }
        hub::wait(&mut self.poll, events, timeout)
    }
}

fn since_start(at: Time) -> Duration {
    at.since(Time::ZERO)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mio::{Poll, Waker};
    use sync_objects::Kernel;
    use sync_proto::ManagerId;

    use super::*;
    use crate::hub::Hub;
    use crate::keys::Keys;
    use crate::limits::Limits;
    use crate::source::Source;
    use crate::strangers::Strangers;

    /// An event loop that nobody can connect to.
    fn idle() -> EventLoop {
        let (poll, limits) = (Poll::new().unwrap(), Limits::default());
        let kernel = Kernel::new(sync_objects::registry(), limits.kernel.clone(), ManagerId(1));
        let waker = Waker::new(poll.registry(), Source::Waker.token()).unwrap();
        let keys = Keys::new(Vec::new(), None, false).unwrap();
        let strangers = Strangers::new(Arc::new(keys), false, Vec::new());
        let hub = Arc::new(Hub::new(kernel, waker));
        EventLoop::new(poll, hub, Vec::new(), strangers, limits, Duration::ZERO)
    }

    #[test]
    fn a_loop_does_not_sleep_when_the_moment_has_come_and_else_until_after_it() {
        let event_loop = idle();
        let now = event_loop.hub.now();
        assert_eq!(event_loop.sleep_for(Some(now)), Some(Duration::ZERO));
        let soon = event_loop.sleep_for(Some(now + Duration::from_secs(600)));
        assert!(soon.is_some_and(|time| time > Duration::from_secs(500)), "{soon:?}");
        assert_eq!(event_loop.sleep_for(None), None, "nothing to do: until somebody comes");
        let after = |micros| hub::until(now + Duration::from_micros(micros), now).as_millis();
        assert_eq!([1, 999, 1000, 1001].map(after), [1, 1, 2, 2]);
    }

    #[test]
    fn a_connection_that_is_gone_or_authenticated_does_not_wake_the_loop() {
        let mut event_loop = idle();
        let late = event_loop.presence.now() + Duration::from_secs(600);
        event_loop.handshakes.push_back((late, 7, sync_objects::Via(7)));
        assert!(event_loop.sleep_for(None).is_some(), "as if it had just come");
        event_loop.turn();
        assert_eq!(event_loop.sleep_for(None), None);
    }
}
