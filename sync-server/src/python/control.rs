//! The functions of the manager itself: creating objects, and counting references to them.

use std::os::fd::OwnedFd;

use rustix::process::Pid;
use sync_objects::{Kernel, Time};
use sync_proto::{ErrorKind, ObjectId, Refusal, SessionId, ThreadId};

use super::connection::{Caller, Peer, Stage};
use super::desk::Desk;
use super::exceptions::{Raise, trouble};
use super::face::Face;
use super::processes::of_host;
use super::reply::Reply;
use super::request::{Request, ident_of, object_of};
use super::{Front, types};
use crate::hub::Side;
use crate::listener::is_out_of_files;
use crate::sessions::open_pidfd;
use crate::source::Source;

/// Runs a function of the manager.
///
/// # Errors
/// As a text: a client raises `RemoteError` whatever went wrong here.
pub(super) fn run(
    front: &mut Front,
    kernel: &mut Kernel,
    now: Time,
    key: usize,
    request: &Request,
) -> Result<Reply, Raise> {
    let ran = match request.function() {
        "dummy" => Ok(Reply::None),
        "create" => create(front, kernel, now, key, request),
        "incref" => incref(front, kernel, now, key, request),
        "decref" => decref(front, kernel, now, key, request),
        "accept_connection" => accept(front, kernel, now, key, request),
        "get_methods" => get_methods(kernel, request),
        "number_of_objects" => Ok(Reply::Int(kernel.object_count() as u64)),
        "debug_info" => debug_info(front, kernel, now, key),
        "shutdown" => {
            kernel.handle_shutdown(now);
            Ok(Reply::None)
        }
        unknown => Err(trouble("AssertionError", &format!("'{unknown}' unrecognized"))),
    };
    ran.map_err(|raise| Raise::Trouble(raise.into_text()))
}

impl Front {
    /// Returns the session that a connection's references are counted in; begins it if need be.
    pub(super) fn session(
        &mut self,
        kernel: &mut Kernel,
        now: Time,
        key: usize,
    ) -> Result<SessionId, Raise> {
        let peer = self.connections[key].peer;
        if let Some(session) = self.processes.session(now, peer) {
            return Ok(session);
        }
        match peer {
            Peer::Process(pid) => {
                let pidfd = self.pidfd(pid)?;
                let watch = |process| Source::Process(process).token();
                Ok(self.processes.begin(kernel, now, pid, pidfd, self.poll.registry(), watch)?)
            }
            Peer::Host(address) => Ok(self.processes.begin_host(kernel, now, address)?),
        }
    }

    /// Opens what tells that a process has ended: what it holds would never pass on without it.
    fn pidfd(&mut self, pid: Pid) -> Result<OwnedFd, Raise> {
        let why = "no file descriptor is left to watch a process with";
        open_pidfd(pid, || self.drop_oldest_half_open(why)).map_err(|error| {
            if is_out_of_files(&error) {
                // A client that tries again may find it.
                self.hub.ask_for_room(Side::Python);
            }
            trouble("OSError", &format!("the manager cannot watch process {pid}: {error}"))
        })
    }
}

impl Front {
    /// Returns the session that a thread's connection belongs to: its process's, or over TCP one
    /// of its own.
    fn thread_session(
        &mut self,
        kernel: &mut Kernel,
        now: Time,
        key: usize,
    ) -> Result<SessionId, Raise> {
        match self.connections[key].peer {
            Peer::Process(_) => self.session(kernel, now, key),
            Peer::Host(address) => {
                // So that what it calls is counted for its host, too.
                self.session(kernel, now, key)?;
                let limit = self.limits.sessions_per_peer;
                if self.processes.threads(address) >= limit {
                    let why =
                        format!("{limit} threads of this host are connected, which is the limit");
                    return Err(Refusal::new(ErrorKind::LimitReached, why).into());
                }
                Ok(kernel.handle_connect(now, of_host(address))?)
            }
        }
    }
}

fn create(
    front: &mut Front,
    kernel: &mut Kernel,
    now: Time,
    key: usize,
    request: &Request,
) -> Result<Reply, Raise> {
    let session = front.session(kernel, now, key)?;
    let mut args = request.args();
    let Some((first, rest)) = args.positional.split_first() else {
        return Err(trouble("TypeError", "create() missing required argument: 'typeid'"));
    };
    args.positional = rest;
    let Some(typeid) = args.graph.text(*first) else {
        return Err(trouble("TypeError", "a typeid is a string"));
    };
    let thread = ThreadId(0);
    let mut desk = Desk::new(&mut *kernel, now, &mut front.trays, session, thread);
    let made = types::create(&mut desk, typeid, args)?;
    // What the answer holds, until the client has counted its own reference.
    let object = made.object();
    let interface = kernel.handle_share(now, session, object)?;
    Ok(Reply::Created(ident_of(kernel.id(), object), Face::of(interface.fingerprint)))
}

fn incref(
    front: &mut Front,
    kernel: &mut Kernel,
    now: Time,
    key: usize,
    request: &Request,
) -> Result<Reply, Raise> {
    let object = object(kernel, request)?;
    let session = front.session(kernel, now, key)?;
    kernel.handle_share(now, session, object).map_err(|refusal| no_object(request, refusal))?;
    front.unclaimed.remove(&object);
    Ok(Reply::None)
}

fn decref(
    front: &mut Front,
    kernel: &mut Kernel,
    now: Time,
    key: usize,
    request: &Request,
) -> Result<Reply, Raise> {
    let object = object(kernel, request)?;
    let session = front.session(kernel, now, key)?;
    kernel.handle_return(now, session, object, 1).map_err(|refusal| no_object(request, refusal))?;
    Ok(Reply::None)
}

/// Makes the connection a thread's, for calls of objects.
fn accept(
    front: &mut Front,
    kernel: &mut Kernel,
    now: Time,
    key: usize,
    request: &Request,
) -> Result<Reply, Raise> {
    request.args().all("accept_connection", ["name"])?;
    let session = front.thread_session(kernel, now, key)?;
    let connection = &mut front.connections[key];
    front.processes.thread_came(connection.peer);
    connection.stage = Stage::Object(Caller { session, thread: ThreadId(connection.via.0) });
    Ok(Reply::None)
}

fn get_methods(kernel: &Kernel, request: &Request) -> Result<Reply, Raise> {
    let [token] = request.args().all("get_methods", ["token"])?;
    let object = token.graph.token(token.id).and_then(|token| object_of(kernel.id(), token.id));
    let interface = object.and_then(|object| kernel.interface_of(object));
    let face = interface.and_then(|interface| Face::of(interface.fingerprint));
    face.map(Reply::Methods).ok_or_else(|| trouble("KeyError", "no such object"))
}

fn debug_info(
    front: &mut Front,
    kernel: &mut Kernel,
    now: Time,
    key: usize,
) -> Result<Reply, Raise> {
    let session = front.session(kernel, now, key)?;
    let mut desk = Desk::new(kernel, now, &mut front.trays, session, ThreadId(0));
    types::debug_info(&mut desk).map(Reply::Text)
}

fn object(kernel: &Kernel, request: &Request) -> Result<ObjectId, Raise> {
    let [ident] = request.args().all(request.function(), ["ident"])?;
    let ident = ident.text().ok_or_else(|| trouble("KeyError", "an ident is a string"))?;
    object_of(kernel.id(), ident).ok_or_else(|| trouble("KeyError", &format!("'{ident}'")))
}

fn no_object(request: &Request, refusal: Refusal) -> Raise {
    match refusal.kind {
        ErrorKind::NotFound | ErrorKind::NotOwner => {
            let ident =
                request.args().optional("", ["ident"]).ok().and_then(|[ident]| ident?.text());
            trouble("KeyError", &format!("'{}'", ident.unwrap_or_default()))
        }
        _ => refusal.into(),
    }
}
