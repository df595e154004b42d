//! A client without manners: it sends what a test wants, bytes or messages.

use std::io::{self, ErrorKind as IoErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Buf;
use sync_proto::frame::{self, Decoder, FrameLimit, OutBuffer};
use sync_proto::handshake::{ClientInfo, Hello, Purpose, Welcome};
use sync_proto::message::{ClientMessage, Message, Reply, Request, ServerMessage, WireHandle};
use sync_proto::secure::{ANSWER_LEN, Channel, Cipher, Initiator};
use sync_proto::version::PREAMBLE;
use sync_proto::{
    Address, AuthKey, CallId, Data, Epoch, MethodId, ObjectId, OneWayId, Refusal, ThreadId,
};

/// No limit of its own: what is too much is the server's decision.
const ANY: FrameLimit = FrameLimit { head: u32::MAX as usize, body: u32::MAX as usize };

#[derive(Debug)]
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// One connection to a server, driven by hand.
#[derive(Debug)]
pub struct RawClient {
    stream: Stream,
    decoder: Decoder,
    unread: Vec<u8>,
    calls: u64,
    /// Its traffic goes through this, once it has proved that it has the key.
    channel: Option<Box<Channel>>,
}

impl RawClient {
    /// Connects, and sends nothing.
    ///
    /// # Panics
    /// When nothing listens.
    pub fn connect(address: &Address) -> Self {
        let stream = match address {
            Address::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
            Address::Tcp { host, port } => {
                TcpStream::connect((host.as_str(), *port)).map(Stream::Tcp)
            }
        };
        let stream = stream.unwrap_or_else(|error| panic!("{address}: {error}"));
        Self { stream, decoder: Decoder::new(ANY), unread: Vec::new(), calls: 0, channel: None }
    }

    /// Connects and opens a session, as a good client does.
    ///
    /// # Panics
    /// When the server does not welcome it.
    pub fn welcomed(address: &Address) -> Self {
        let mut client = Self::connect(address);
        client.send_bytes(&PREAMBLE);
        client.send(&Self::hello());
        client.welcome();
        client
    }

    /// Opens a session with two connections.
    ///
    /// # Panics
    /// When the server does not welcome them.
    pub fn pair(address: &Address) -> [Self; 2] {
        let [mut first, mut second] = [(); 2].map(|()| {
            let mut client = Self::connect(address);
            client.send_bytes(&PREAMBLE);
            client
        });
        first.send(&Self::hello());
        let purpose = Purpose::Join(first.welcome().token, Epoch(0));
        second.send(&ClientMessage::Hello(Hello { purpose }));
        second.welcome();
        [first, second]
    }

    /// Connects and proves that it has the key; from here on everything is encrypted.
    ///
    /// # Panics
    /// When the server does not have it.
    pub fn sealed(address: &Address, key: &AuthKey) -> Self {
        let mut client = Self::connect(address);
        let initiator = Self::initiator(key);
        client.send_bytes(initiator.first());
        let mut answer = [0; ANSWER_LEN];
        client.read_exact(&mut answer).expect("who has the key is answered");
        let channel = initiator.finish(&answer).expect("the server has the key, too");
        client.channel = Some(Box::new(channel));
        client
    }

    /// Returns a good beginning of an encrypted connection, another each time.
    ///
    /// # Panics
    /// When the key is invalid.
    pub fn initiator(key: &AuthKey) -> Initiator {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut random = [0; 32];
        random[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        Initiator::new(key, Cipher::preferred(), random).expect("a good key")
    }

    /// Connects with the key and opens a session, as a good client does.
    ///
    /// # Panics
    /// When the server does not welcome it.
    pub fn welcomed_with(address: &Address, key: &AuthKey) -> Self {
        let mut client = Self::sealed(address, key);
        client.send(&Self::hello());
        client.welcome();
        client
    }

    /// Returns a good first message.
    pub fn hello() -> ClientMessage {
        let info = ClientInfo { pid: std::process::id(), program: "raw".to_owned() };
        ClientMessage::Hello(Hello { purpose: Purpose::Open(info) })
    }

    /// Returns a message as it stands in the stream.
    ///
    /// # Panics
    /// When it is longer than a frame can be.
    pub fn frame<M: Message>(message: &M) -> Vec<u8> {
        let mut out = OutBuffer::new();
        frame::encode(message, ANY, &mut out).expect("a frame takes it");
        let mut bytes = Vec::new();
        let mut slices = [IoSlice::new(&[]); 16];
        let count = out.chunks_vectored(&mut slices);
        slices[..count].iter().for_each(|slice| bytes.extend_from_slice(slice));
        assert_eq!(bytes.len(), out.len(), "a test's message has few pieces");
        bytes
    }

    /// Writes bytes. It is not a failure if the server has closed the connection meanwhile: its
    /// answer can still be read.
    ///
    /// # Panics
    /// When the system reports any other error.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let Some(channel) = &mut self.channel else { return self.send_raw(bytes) };
        let (mut out, mut wire) = (OutBuffer::new(), OutBuffer::new());
        out.extend(bytes);
        channel.seal(&mut out, &mut wire).expect("a test says little");
        self.send_raw(&wire.copy_to_bytes(wire.len()));
    }

    /// Writes bytes as they are, as [`send_bytes`](Self::send_bytes) does without encryption.
    ///
    /// # Panics
    /// When the system reports any other error than that the server has closed the connection.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        let written = match &mut self.stream {
            Stream::Unix(stream) => stream.write_all(bytes),
            Stream::Tcp(stream) => stream.write_all(bytes),
        };
        if let Err(error) = written {
            let gone = [IoErrorKind::BrokenPipe, IoErrorKind::ConnectionReset];
            assert!(gone.contains(&error.kind()), "{error}");
        }
    }

    /// Writes a message.
    ///
    /// # Panics
    /// When it is longer than a frame can be.
    pub fn send(&mut self, message: &ClientMessage) {
        self.send_bytes(&Self::frame(message));
    }

    /// Closes the sending half: the server reads the end of the stream.
    pub fn finish(&self) {
        // It may be closed already.
        let _ = match &self.stream {
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    /// Waits for the server's next message; `None` when it has closed the connection.
    ///
    /// # Panics
    /// When what it sends is not a message.
    pub fn read(&mut self) -> Option<ServerMessage> {
        loop {
            let mut input = self.unread.as_slice();
            let message = self.decoder.next(&mut input).expect("the server speaks in frames");
            self.unread = input.to_vec();
            if message.is_some() {
                return message;
            }
            let mut buffer = [0; 4096];
            let read = Read::read(self, &mut buffer);
            // A reset is an end, too: of a server that had more to read.
            let Ok(count @ 1..) = read else { return None };
            match &mut self.channel {
                None => self.unread.extend_from_slice(&buffer[..count]),
                Some(channel) => {
                    let opened =
                        channel.open(&buffer[..count], &mut self.decoder, &mut self.unread);
                    opened.expect("the server's records are good");
                }
            }
        }
    }

    /// Waits to be refused and for the end of the connection; returns the server's reason.
    ///
    /// # Panics
    /// When the server sends anything else.
    pub fn refused(mut self) -> Refusal {
        let said = self.read();
        let Some(ServerMessage::Refused(refusal)) = said else {
            panic!("the server said {said:?} instead of refusing")
        };
        assert_eq!(self.read(), None, "a refused connection is closed");
        refusal
    }

    /// Waits to be welcomed.
    ///
    /// # Panics
    /// When it is not.
    pub fn welcome(&mut self) -> Welcome {
        match self.read() {
            Some(ServerMessage::Welcome(welcome)) => welcome,
            other => panic!("the server said {other:?} instead of a welcome"),
        }
    }

    /// Makes a call and waits for its answer.
    ///
    /// # Errors
    /// What the call was refused with.
    ///
    /// # Panics
    /// When the server ends the connection instead.
    pub fn call(
        &mut self,
        object: ObjectId,
        method: MethodId,
        data: Data<WireHandle>,
    ) -> Result<Data<WireHandle>, Refusal> {
        self.calls += 1;
        let call = CallId(self.calls);
        let (after, thread, timeout) = (OneWayId::NONE, ThreadId(1), None);
        let request = Request { call, after, thread, object, method, timeout, data };
        self.send(&ClientMessage::Request(request));
        match self.read() {
            Some(ServerMessage::Reply(Reply { call: answered, outcome })) => {
                assert_eq!(answered, call);
                outcome
            }
            other => panic!("the server said {other:?} instead of an answer"),
        }
    }
}

/// What crosses the wire, as it is.
impl Read for RawClient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Unix(stream) => stream.read(buffer),
            Stream::Tcp(stream) => stream.read(buffer),
        }
    }
}
