//! What a raw blocking client does with the echo server: the least that a socket allows.

use std::io::{Read, Write};

use anyhow::{Context, Result};

use super::stream::Stream;
use super::{Client, Task, Work, note, now, repeat, settle};
use crate::case::Job;
use crate::echo_server::{ECHO, GATHER, HEADER, JOIN, RELAY, header};

/// Bytes of a small request and its reply, as those of a `Dict::get` are.
const SMALL: (usize, usize) = (36, 16);

#[derive(Debug)]
pub(super) struct Echo {
    address: String,
}

impl Echo {
    pub(super) fn new(address: &str) -> Result<Self> {
        Ok(Self { address: address.to_owned() })
    }
}

impl Client for Echo {
    fn prepare(&mut self, task: &Task) -> Result<Option<Work>> {
        if task.job.is_growth() {
            return Ok(None);
        }
        let mut line = Line::new(&self.address)?;
        let workers = task.job.case().workers;
        let round_trip = |mut line: Line, (request, reply): (usize, usize)| {
            repeat(move || line.round_trip(request, reply))
        };
        Ok(Some(match (task.job, task.role) {
            // Each waits in a different process for what the other does: nothing raw is like it.
            (Job::QueueOneWay, _) => return Ok(None),
            (Job::QueuePutGet, _) => repeat(move || {
                line.round_trip(SMALL.0, SMALL.1)?;
                line.round_trip(SMALL.0, SMALL.1)
            }),
            (Job::QueuePingPong | Job::HandOver(_), role) => {
                line.join(role)?;
                let next = (role + 1) % workers;
                repeat(move || {
                    // The first begins: the token goes once around.
                    if role == 0 {
                        line.relay(next)?;
                        line.take(SMALL.0)
                    } else {
                        line.take(SMALL.0)?;
                        line.relay(next)
                    }
                })
            }
            (Job::EventWake | Job::ConditionWake, role) => {
                line.join(role)?;
                wake(line, role)
            }
            (Job::Barrier, _) => repeat(move || line.gather(workers)),
            (Job::Pipelined(depth), _) => pipelined(line, depth),
            (Job::BytesSet(size), _) => round_trip(line, (SMALL.0 + size, SMALL.1)),
            (Job::BytesGet(size), _) => round_trip(line, (SMALL.0, SMALL.1 + size)),
            (Job::Connect, _) => {
                let address = self.address.clone();
                repeat(move || Line::new(&address)?.round_trip(SMALL.0, SMALL.1))
            }
            (Job::DictGetMedian, _) => note(move || {
                let start = now();
                line.round_trip(SMALL.0, SMALL.1)?;
                Ok(now() - start)
            }),
            _ => round_trip(line, SMALL),
        }))
    }
}

/// Two hops, from the moment the waker writes to the moment the sleeper has read.
fn wake(mut line: Line, role: usize) -> Work {
    if role == 0 {
        return note(move || {
            line.take(SMALL.0)?;
            settle();
            let moment = now();
            line.relay(1)?;
            Ok(moment)
        });
    }
    note(move || {
        line.relay(0)?;
        line.take(SMALL.0)?;
        Ok(now())
    })
}

fn pipelined(mut line: Line, depth: usize) -> Work {
    let mut requests = Vec::new();
    for _ in 0..depth {
        let start = requests.len();
        requests.resize(start + SMALL.0, 0);
        requests[start..start + HEADER].copy_from_slice(&header(ECHO, SMALL.0, SMALL.1));
    }
    Box::new(move |times| {
        for _ in 0..times.div_ceil(depth as u64) {
            line.stream.write_all(&requests)?;
            line.take(SMALL.1 * depth)?;
        }
        Ok(Vec::new())
    })
}

/// A connection with its buffers.
#[derive(Debug)]
struct Line {
    stream: Stream,
    out: Vec<u8>,
    input: Vec<u8>,
}

impl Line {
    fn new(address: &str) -> Result<Self> {
        Ok(Self { stream: Stream::connect(address)?, out: Vec::new(), input: vec![0; 64 * 1024] })
    }

    fn say(&mut self, verb: u32, length: usize, argument: usize) -> Result<()> {
        // Filled once: what is sent again and again is not written anew, as a user's is not.
        if self.out.len() < length {
            self.out.resize(length, 0);
        }
        self.out[..HEADER].copy_from_slice(&header(verb, length, argument));
        self.stream.write_all(&self.out[..length]).context("the echo has hung up")
    }

    /// Reads `length` bytes, each into a place of its own.
    fn take(&mut self, length: usize) -> Result<()> {
        if self.input.len() < length {
            self.input.resize(length, 0);
        }
        self.stream.read_exact(&mut self.input[..length]).context("the echo has hung up")
    }

    fn round_trip(&mut self, request: usize, reply: usize) -> Result<()> {
        self.say(ECHO, request, reply)?;
        self.take(reply)
    }

    fn join(&mut self, role: usize) -> Result<()> {
        self.say(JOIN, HEADER, role)?;
        self.take(HEADER)
    }

    fn relay(&mut self, to: usize) -> Result<()> {
        self.say(RELAY, SMALL.0, to)
    }

    fn gather(&mut self, parties: usize) -> Result<()> {
        self.say(GATHER, SMALL.0, parties)?;
        self.take(SMALL.0)
    }
}
