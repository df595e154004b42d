//! A network that breaks on command: it stands between a client and a server.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use sync_client::Address;
use tempfile::TempDir;

mod socket;

use socket::{Listener, Socket};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum Way {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// A proxy that forwards byte for byte, until it is made to do worse. It listens on the same kind
/// of socket as the server behind it; over a unix socket the server takes the proxy's process for
/// its client's.
#[derive(Debug)]
pub struct Proxy {
    address: Address,
    /// Where its unix socket lies.
    _home: Option<TempDir>,
    network: Arc<Network>,
    acceptor: Option<JoinHandle<()>>,
}

/// What all threads of a proxy share.
#[derive(Debug)]
struct Network {
    target: Address,
    state: Mutex<State>,
    changed: Condvar,
    /// How many connections were made through it.
    accepted: AtomicUsize,
    /// How many bytes went on.
    forwarded: AtomicUsize,
    /// How many times it was cut.
    cuts: AtomicUsize,
    /// How many times bytes were forwarded to a client.
    answers: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    is_frozen: bool,
    is_closed: bool,
    refuses: bool,
    /// The next bytes this way are lost, and all connections with them.
    cut_at: Option<Way>,
    /// The most bytes that are forwarded at once, and the pause after each time.
    pieces: Option<(usize, Duration)>,
    links: Vec<Weak<Link>>,
}

/// A connection on both sides of the proxy.
#[derive(Debug)]
struct Link {
    client: Socket,
    server: Socket,
    is_cut: AtomicBool,
    is_frozen: AtomicBool,
}

impl Proxy {
    /// Stands before a server.
    ///
    /// # Panics
    /// When the system does not let it.
    pub fn before(target: &Address) -> Self {
        let home = matches!(target, Address::Unix(_))
            .then(|| tempfile::tempdir().expect("a directory can be made"));
        let listening = match &home {
            Some(home) => Listener::unix(home.path().join("proxy")),
            None => Listener::tcp(),
        };
        let (listener, address) = listening.expect("a proxy can listen");
        let network = Arc::new(Network {
            target: target.clone(),
            state: Mutex::default(),
            changed: Condvar::new(),
            accepted: AtomicUsize::new(0),
            forwarded: AtomicUsize::new(0),
            cuts: AtomicUsize::new(0),
            answers: AtomicUsize::new(0),
        });
        let acceptor = std::thread::spawn({
            let network = Arc::clone(&network);
            move || network.accept(&listener)
        });
        Self { address, _home: home, network, acceptor: Some(acceptor) }
    }

    /// Returns where clients connect.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Closes all connections on both sides. What was on its way is lost.
    pub fn cut(&self) {
        self.network.cut();
    }

    /// Closes the connection that was made last, on both sides.
    pub fn cut_latest(&self) {
        if let Some(link) = self.network.links().last() {
            link.cut();
        }
        self.network.change(|_| ());
    }

    /// Loses the next bytes that go this way, and cuts all connections.
    pub fn cut_at_next(&self, way: Way) {
        self.network.change(|state| state.cut_at = Some(way));
    }

    /// Ends one direction of all connections; the other goes on.
    pub fn half_close(&self, way: Way) {
        for link in self.network.links() {
            link.to(way).shutdown(Shutdown::Write).ok();
        }
    }

    /// Forwards nothing more, without notice to either side.
    pub fn freeze(&self) {
        self.network.change(|state| state.is_frozen = true);
    }

    /// Forwards nothing more on the connection that was made last.
    pub fn freeze_latest(&self) {
        if let Some(link) = self.network.links().last() {
            link.is_frozen.store(true, Ordering::SeqCst);
        }
    }

    /// Forwards again, including what came meanwhile.
    pub fn thaw(&self) {
        for link in self.network.links() {
            link.is_frozen.store(false, Ordering::SeqCst);
        }
        self.network.change(|state| state.is_frozen = false);
    }

    /// Closes new connections as soon as they come, or no longer does.
    pub fn refuse(&self, refuses: bool) {
        self.network.change(|state| state.refuses = refuses);
    }

    /// Forwards at most `bytes` bytes at once, with a pause after each time.
    pub fn in_pieces(&self, bytes: usize, pause: Duration) {
        self.network.change(|state| state.pieces = Some((bytes.max(1), pause)));
    }

    /// Returns how many bytes went on through it, both ways.
    pub fn forwarded(&self) -> usize {
        self.network.forwarded.load(Ordering::SeqCst)
    }

    /// Returns how many connections were made through it.
    pub fn accepted(&self) -> usize {
        self.network.accepted.load(Ordering::SeqCst)
    }

    /// Returns how many times bytes were forwarded to clients: what is sent at once may be several.
    pub fn answers(&self) -> usize {
        self.network.answers.load(Ordering::SeqCst)
    }

    /// Returns how many times connections were cut.
    pub fn cuts(&self) -> usize {
        self.network.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.network.change(|state| state.is_closed = true);
        self.network.cut();
        // The acceptor looks up when somebody comes.
        drop(Socket::connect(&self.address));
        if let Some(acceptor) = self.acceptor.take() {
            // It has no words for a failure of its own.
            let _ = acceptor.join();
        }
    }
}

impl Network {
    fn accept(self: &Arc<Self>, listener: &Listener) {
        while let Ok(client) = listener.accept() {
            if self.state.lock().is_closed {
                return;
            }
            let server = Socket::connect(&self.target).ok();
            let Some(server) = server.filter(|_| !self.state.lock().refuses) else { continue };
            let (is_cut, is_frozen) = (AtomicBool::new(false), AtomicBool::new(false));
            let link = Arc::new(Link { client, server, is_cut, is_frozen });
            self.change(|state| {
                state.links.retain(|link| link.strong_count() > 0);
                state.links.push(Arc::downgrade(&link));
            });
            self.accepted.fetch_add(1, Ordering::SeqCst);
            for way in [Way::ToServer, Way::ToClient] {
                let (network, link) = (Arc::clone(self), Arc::clone(&link));
                // They end with the link.
                std::thread::spawn(move || network.carry(&link, way));
            }
        }
    }

    fn carry(&self, link: &Link, way: Way) {
        let mut buffer = [0; 16 * 1024];
        let mut from = link.from(way);
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if !self.may_pass(link, way) || !self.pass(link, way, &buffer[..count]) {
                break;
            }
        }
        link.to(way).shutdown(Shutdown::Write).ok();
    }

    /// Waits until bytes may be forwarded; returns false when they are lost.
    fn may_pass(&self, link: &Link, way: Way) -> bool {
        let mut state = self.state.lock();
        let is_frozen = |state: &State| state.is_frozen || link.is_frozen.load(Ordering::SeqCst);
        while is_frozen(&state) && !link.is_cut.load(Ordering::SeqCst) {
            self.changed.wait(&mut state);
        }
        let is_last = state.cut_at == Some(way);
        if is_last {
            state.cut_at = None;
            // Counted before anything else passes.
            self.cuts.fetch_add(1, Ordering::SeqCst);
        }
        drop(state);
        if is_last {
            self.cut_links();
        }
        !link.is_cut.load(Ordering::SeqCst)
    }

    fn pass(&self, link: &Link, way: Way, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let pieces = self.state.lock().pieces;
            let (piece, rest) =
                bytes.split_at(pieces.map_or(bytes.len(), |(n, _)| n.min(bytes.len())));
            if link.to(way).write_all(piece).is_err() {
                return false;
            }
            self.forwarded.fetch_add(piece.len(), Ordering::SeqCst);
            if way == Way::ToClient {
                self.answers.fetch_add(1, Ordering::SeqCst);
            }
            if let Some((_, pause)) = pieces.filter(|(_, pause)| !pause.is_zero()) {
                let mut state = self.state.lock();
                let goes_on = |_: &mut State| !link.is_cut.load(Ordering::SeqCst);
                self.changed.wait_while_for(&mut state, goes_on, pause);
            }
            bytes = rest;
        }
        true
    }

    fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
        self.cut_links();
    }

    fn cut_links(&self) {
        for link in self.links() {
            link.cut();
        }
        self.change(|_| ());
    }

    fn links(&self) -> Vec<Arc<Link>> {
        self.state.lock().links.iter().filter_map(Weak::upgrade).collect()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        self.changed.notify_all();
    }
}

impl Link {
    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.client.shutdown(Shutdown::Both).ok();
        self.server.shutdown(Shutdown::Both).ok();
    }

    const fn from(&self, way: Way) -> &Socket {
        match way {
            Way::ToServer => &self.client,
            Way::ToClient => &self.server,
        }
    }

    const fn to(&self, way: Way) -> &Socket {
        match way {
            Way::ToServer => &self.server,
            Way::ToClient => &self.client,
        }
    }
}
