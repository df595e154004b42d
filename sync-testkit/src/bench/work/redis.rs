//! What a Redis client does: the few commands that are like ours, in RESP.

use std::io::{BufRead, BufReader, Read, Write};

use anyhow::{Context, Result, bail};

use super::stream::Stream;
use super::{Client, Task, Work, repeat};
use crate::case::Job;

#[derive(Debug)]
pub(super) struct Redis {
    address: String,
}

impl Redis {
    pub(super) fn new(address: &str) -> Result<Self> {
        Ok(Self { address: address.to_owned() })
    }
}

impl Client for Redis {
    fn prepare(&mut self, task: &Task) -> Result<Option<Work>> {
        if task.job.is_growth() {
            return Ok(None);
        }
        let mut line = Line::new(&self.address)?;
        if task.role == 0 {
            line.call(&[b"FLUSHALL"])?;
        }
        let key = task.key.clone().into_bytes();
        Ok(Some(match (task.job, task.role) {
            (Job::DictGet | Job::Clients(_), _) => {
                line.call(&[b"HSET", &key, b"key", b"1"])?;
                repeat(move || line.call(&[b"HGET", &key, b"key"]))
            }
            (Job::DictSet, _) => repeat(move || line.call(&[b"HSET", &key, b"key", b"1"])),
            (Job::ListPush, _) => repeat(move || line.call(&[b"RPUSH", &key, b"1"])),
            (Job::ValueGet, _) => {
                line.call(&[b"SET", &key, b"1"])?;
                repeat(move || line.call(&[b"GET", &key]))
            }
            (Job::ValueSet, _) => repeat(move || line.call(&[b"SET", &key, b"1"])),
            (Job::QueuePutGet, _) => repeat(move || {
                line.call(&[b"RPUSH", &key, b"1"])?;
                line.call(&[b"BLPOP", &key, b"0"])
            }),
            (Job::QueueOneWay, 0) => repeat(move || line.call(&[b"BLPOP", &key, b"0"])),
            (Job::QueueOneWay, _) => repeat(move || line.call(&[b"RPUSH", &key, b"1"])),
            (Job::QueuePingPong, role) => {
                let second = [&key[..], b"/second"].concat();
                let (mine, other) = if role == 0 { (second, key) } else { (key, second) };
                repeat(move || {
                    if role == 0 {
                        line.call(&[b"RPUSH", &other, b"1"])?;
                        return line.call(&[b"BLPOP", &mine, b"0"]);
                    }
                    line.call(&[b"BLPOP", &mine, b"0"])?;
                    line.call(&[b"RPUSH", &other, b"1"])
                })
            }
            (Job::Pipelined(depth), _) => {
                line.call(&[b"HSET", &key, b"key", b"1"])?;
                pipelined(line, &key, depth)
            }
            (Job::BytesSet(size), _) => {
                let value = vec![7; size];
                repeat(move || line.call(&[b"SET", &key, &value]))
            }
            (Job::BytesGet(size), _) => {
                line.call(&[b"SET", &key, &vec![7; size]])?;
                repeat(move || line.call(&[b"GET", &key]))
            }
            (Job::Connect, _) => {
                let address = self.address.clone();
                repeat(move || Line::new(&address)?.call(&[b"PING"]))
            }
            _ => return Ok(None),
        }))
    }
}

fn pipelined(mut line: Line, key: &[u8], depth: usize) -> Work {
    let mut requests = Vec::new();
    (0..depth).for_each(|_| write_command(&mut requests, &[b"HGET", key, b"key"]));
    Box::new(move |times| {
        for _ in 0..times.div_ceil(depth as u64) {
            line.input.get_mut().write_all(&requests)?;
            (0..depth).try_for_each(|_| line.answer())?;
        }
        Ok(Vec::new())
    })
}

/// A connection with its buffers.
#[derive(Debug)]
struct Line {
    input: BufReader<Stream>,
    out: Vec<u8>,
    word: String,
    value: Vec<u8>,
}

impl Line {
    fn new(address: &str) -> Result<Self> {
        let input = BufReader::with_capacity(16 * 1024, Stream::connect(address)?);
        Ok(Self { input, out: Vec::new(), word: String::new(), value: Vec::new() })
    }

    fn call(&mut self, words: &[&[u8]]) -> Result<()> {
        self.out.clear();
        write_command(&mut self.out, words);
        self.input.get_mut().write_all(&self.out).context("Redis has hung up")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<()> {
        self.word.clear();
        self.input.read_line(&mut self.word).context("Redis has hung up")?;
        let (kind, rest) =
            self.word.trim_end().split_at_checked(1).context("Redis said nothing")?;
        match kind {
            "+" | ":" => Ok(()),
            "$" => {
                let length: usize = rest.parse().context("Redis has no such value")?;
                self.value.resize(length + 2, 0);
                self.input.read_exact(&mut self.value).context("Redis has hung up")
            }
            "*" => {
                let count: usize = rest.parse().context("Redis answered with nothing")?;
                (0..count).try_for_each(|_| self.answer())
            }
            _ => bail!("Redis said {}", self.word.trim_end()),
        }
    }
}

fn write_command(out: &mut Vec<u8>, words: &[&[u8]]) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}
