//! The raw server: one thread, one poll, one read and one write for each message. Whatever a
//! manager does costs at least as much.
//!
//! A message is a header (verb, length of all, argument) and bytes that mean nothing.

#![expect(clippy::print_stdout, reason = "it says where it listens")]

use std::collections::HashMap;
use std::io::{self, Read, Write};

use anyhow::{Context, Result};
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

/// Answers with as many bytes as the argument says.
pub(crate) const ECHO: u32 = 1;
/// Gives the connection a number, and answers with the header.
pub(crate) const JOIN: u32 = 2;
/// Passes the message on to the connection of this number.
pub(crate) const RELAY: u32 = 3;
/// Answers all with their own length once so many have asked.
pub(crate) const GATHER: u32 = 4;

/// Bytes of a header.
pub(crate) const HEADER: usize = 12;

const UNIX: Token = Token(usize::MAX);
const TCP: Token = Token(usize::MAX - 1);
const BUFFER: usize = 64 * 1024;
/// Bytes of a long reply that are offered to the system at once.
const CHUNK: usize = 1 << 20;

pub(crate) fn header(verb: u32, length: usize, argument: usize) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let [length, argument] = [length, argument].map(|of| u32::try_from(of).unwrap_or(u32::MAX));
    for (at, number) in [verb, length, argument].into_iter().enumerate() {
        header[4 * at..4 * at + 4].copy_from_slice(&number.to_le_bytes());
    }
    header
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

struct Connection {
    stream: Stream,
    /// The header of the message that is coming, as far as it is here.
    head: Vec<u8>,
    /// Bytes of it that are still to come.
    rest: usize,
    /// Bytes owed to the peer; they mean nothing.
    owed: usize,
}

struct Server {
    poll: Poll,
    connections: Slab<Connection>,
    joined: HashMap<u32, usize>,
    gathered: Vec<usize>,
    zeroes: Vec<u8>,
}

/// Serves until it is killed.
pub(crate) fn run(socket: &str) -> Result<()> {
    let mut unix = UnixListener::bind(socket).with_context(|| format!("{socket} is taken"))?;
    let mut tcp = TcpListener::bind("127.0.0.1:0".parse()?)?;
    let poll = Poll::new()?;
    poll.registry().register(&mut unix, UNIX, Interest::READABLE)?;
    poll.registry().register(&mut tcp, TCP, Interest::READABLE)?;
    println!("READY unix:{socket}\nREADY tcp:{}", tcp.local_addr()?);
    let (connections, joined) = (Slab::new(), HashMap::new());
    let mut server =
        Server { poll, connections, joined, gathered: Vec::new(), zeroes: vec![0; CHUNK] };
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; BUFFER];
    loop {
        match server.poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            match event.token() {
                UNIX => accept(&mut server, || unix.accept().map(|(it, _)| Stream::Unix(it)))?,
                TCP => accept(&mut server, || tcp.accept().map(|(it, _)| Stream::Tcp(it)))?,
                Token(key) => server.ready(key, &mut buffer),
            }
        }
    }
}

fn accept(server: &mut Server, mut next: impl FnMut() -> io::Result<Stream>) -> Result<()> {
    loop {
        let mut stream = match next() {
            Ok(stream) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let entry = server.connections.vacant_entry();
        let (token, both) = (Token(entry.key()), Interest::READABLE | Interest::WRITABLE);
        match &mut stream {
            Stream::Unix(stream) => server.poll.registry().register(stream, token, both)?,
            Stream::Tcp(stream) => {
                stream.set_nodelay(true)?;
                server.poll.registry().register(stream, token, both)?;
            }
        }
        entry.insert(Connection { stream, head: Vec::new(), rest: 0, owed: 0 });
    }
}

impl Server {
    fn ready(&mut self, key: usize, buffer: &mut [u8]) {
        if self.serve(key, buffer).is_err() {
            self.connections.try_remove(key);
        }
    }

    /// Reads until the socket is empty, then writes what is owed.
    fn serve(&mut self, key: usize, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            let Some(connection) = self.connections.get_mut(key) else { return Ok(()) };
            let count = match connection.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            self.take(key, &buffer[..count])?;
            // A short read means that nothing is left.
            if count < buffer.len() {
                break;
            }
        }
        self.pay(key)
    }

    fn take(&mut self, key: usize, mut input: &[u8]) -> io::Result<()> {
        while !input.is_empty() {
            let connection = &mut self.connections[key];
            if connection.head.len() < HEADER {
                let part = input.len().min(HEADER - connection.head.len());
                connection.head.extend_from_slice(&input[..part]);
                input = &input[part..];
                if connection.head.len() < HEADER {
                    break;
                }
                connection.rest = (number(&connection.head, 4) as usize).saturating_sub(HEADER);
            }
            let part = input.len().min(connection.rest);
            connection.rest -= part;
            input = &input[part..];
            if connection.rest == 0 {
                self.act(key)?;
            }
        }
        Ok(())
    }

    /// A message is here whole.
    fn act(&mut self, key: usize) -> io::Result<()> {
        let connection = &mut self.connections[key];
        let head = std::mem::take(&mut connection.head);
        let [verb, length, argument] = [0, 4, 8].map(|at| number(&head, at));
        match verb {
            ECHO => connection.owed += argument as usize,
            JOIN => {
                connection.owed += HEADER;
                self.joined.insert(argument, key);
            }
            RELAY => {
                let to = self.joined.get(&argument).copied();
                if let Some(to) = to.filter(|&to| self.connections.contains(to)) {
                    self.connections[to].owed += length as usize;
                    return self.pay(to);
                }
            }
            _ => {
                self.gathered.push(key);
                if self.gathered.len() == argument as usize {
                    for key in std::mem::take(&mut self.gathered) {
                        self.connections[key].owed += length as usize;
                        self.pay(key)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn pay(&mut self, key: usize) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(key) else { return Ok(()) };
        while connection.owed > 0 {
            let part = connection.owed.min(self.zeroes.len());
            match connection.write(&self.zeroes[..part]) {
                Ok(written) => connection.owed -= written,
                // The system tells when there is room again.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn number(head: &[u8], at: usize) -> u32 {
    head[at..at + 4].iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte))
}

impl Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Unix(stream) => stream.read(buffer),
            Stream::Tcp(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Unix(stream) => stream.write(bytes),
            Stream::Tcp(stream) => stream.write(bytes),
        }
    }
}
