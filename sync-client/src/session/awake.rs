//! Busy-polling for the answer for a moment before falling asleep.

use std::io;
use std::time::{Duration, Instant};

use sync_proto::Spin;

use super::socket::Socket;

/// Reads an answer; busy-polls for it for a moment first, where that is worth it.
#[derive(Debug)]
pub(super) struct Awake {
    spin: Spin,
    began: Instant,
}

impl Awake {
    /// Makes one that busy-polls for at most this long at a time; zero is never.
    pub(super) fn new(limit: Duration) -> Self {
        Self { spin: Spin::new(limit), began: Instant::now() }
    }

    /// Waits for bytes and reads them.
    pub(super) fn read(&mut self, socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
        if self.spin.is_off() || !self.spin.begin(self.began.elapsed()) {
            return socket.read(buffer);
        }
        loop {
            for _ in 0..self.spin.looks() {
                match socket.read_now(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    found => {
                        self.spin.found();
                        return found;
                    }
                }
            }
            let before = self.began.elapsed();
            std::thread::yield_now();
            if !self.spin.go_on(before, self.began.elapsed()) {
                return socket.read(buffer);
            }
        }
    }
}
