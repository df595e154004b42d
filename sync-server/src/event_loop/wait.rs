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
