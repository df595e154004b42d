//! Calls from the server's own process: the same proxies, without a socket.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use sync_objects::DisconnectReason;
use sync_proto::handshake::ClientInfo;
use sync_proto::message::{OneWay, Request, WireHandle};
use sync_proto::{
    Call, CallId, Data, ErrorKind, Handle, Introductions, Keeper, ManagerId, ObjectId, OneWayId,
    Pipe, Refusal, SessionId, ThreadId, Transport,
};

use crate::hub::{Answer, Caller, Hub};

/// A session of the server's own process.
#[derive(Debug)]
pub(crate) struct Local {
    hub: Arc<Hub>,
    manager: ManagerId,
    session: SessionId,
    /// The process that hosts the manager. A forked child has only a dead copy of it.
    pid: u32,
    invitation: Vec<(&'static str, OsString)>,
    /// The longest message that other processes can read; this one keeps to it, too.
    message_max: usize,
    next_call: AtomicU64,
    /// How many one-way messages were sent. Locked while one is, so that they reach the kernel
    /// in the order of their numbers.
    one_ways: Mutex<u64>,
    over: AtomicBool,
    introductions: Introductions,
    me: Weak<Self>,
}

impl Local {
    pub(crate) fn open(
        hub: &Arc<Hub>,
        invitation: Vec<(&'static str, OsString)>,
        message_max: usize,
    ) -> Result<Arc<Self>, Refusal> {
        let info = ClientInfo::new(std::process::id(), std::env::current_exe().ok());
        let (manager, session) =
            hub.visit(|kernel, now| (kernel.id(), kernel.handle_connect(now, info)));
        let session = session?;
        Ok(Arc::new_cyclic(|me| Self {
            hub: Arc::clone(hub),
            manager,
            session,
            pid: std::process::id(),
            invitation,
            message_max,
            next_call: AtomicU64::new(1),
            one_ways: Mutex::new(0),
            over: AtomicBool::new(false),
            introductions: Introductions::new(),
            me: me.clone(),
        }))
    }

    /// Tells the calling thread's name, once.
    fn introduce(&self) {
        if self.introductions.are_due()
            && let Some(name) = std::thread::current().name()
        {
            // A name that is not told is missed only by who looks at the manager.
            let _ = self.send(sync_objects::name_thread_call(name));
        }
    }

    fn is_host(&self) -> bool {
        self.pid == std::process::id()
    }

    fn check(&self, data: Data) -> Result<Data<WireHandle>, Refusal> {
        check_host(self.pid)?;
        let (len, limit) = (data.len(), self.message_max);
        if len > limit {
            let why = format!("a message of {len} bytes is over the limit of {limit}");
            return Err(Refusal::new(ErrorKind::TooLarge, why));
        }
        data.into_wire(self.manager)
    }

    fn request(&self, call: Call) -> Result<Request, Refusal> {
        let Call { object, method, timeout, data, .. } = call;
        // First: a forked child would wait for a lock that another thread held as it was forked.
        let data = self.check(data)?;
        Ok(Request {
            call: CallId(self.next_call.fetch_add(1, Ordering::Relaxed)),
            after: OneWayId(*self.one_ways.lock()),
            thread: ThreadId::current(),
            object,
            method,
            timeout,
            data,
        })
    }

    fn receive(&self, answer: Answer) -> Result<Data, Refusal> {
        Ok(answer?.into_handles(|| self.me.upgrade().expect("who calls is there")))
    }
}

/// Calls of this process that are under way together.
#[derive(Debug)]
struct LocalPipe {
    local: Arc<Local>,
    asked: BTreeMap<CallId, Arc<Caller>>,
}

impl Pipe for LocalPipe {
    fn send(&mut self, _: &Handle, call: Call) -> Result<CallId, Refusal> {
        // The kernel has it at once, and keeps what it needs.
        let request = self.local.request(call)?;
        let call = request.call;
        self.asked.insert(call, self.local.hub.begin(self.local.session, request));
        Ok(call)
    }

    fn wait(&mut self, call: CallId) -> Result<Data, Refusal> {
        check_host(self.local.pid)?;
        let caller = self.asked.remove(&call).expect("a call is waited for once");
        self.local.receive(caller.wait())
    }
}

impl Drop for LocalPipe {
    fn drop(&mut self) {
        let local = &self.local;
        if !local.is_host() {
            return;
        }
        for (call, caller) in std::mem::take(&mut self.asked) {
            local.hub.visit(|kernel, now| kernel.handle_cancel(now, local.session, call));
            drop(local.receive(caller.wait()));
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.disconnect();
    }
}

impl Keeper for Local {
    fn release(&self, object: ObjectId) {
        if object != ObjectId::MANAGER {
            // A session that is over has released it.
            let _ = self.send(sync_objects::release_call(object));
        }
    }

    fn manager(&self) -> ManagerId {
        self.manager
    }

    fn transport(&self) -> Option<&dyn Transport> {
        Some(self)
    }
}

impl Transport for Local {
    fn call(&self, call: Call) -> Result<Data, Refusal> {
        self.introduce();
        let request = self.request(call)?;
        self.receive(self.hub.begin(self.session, request).wait())
    }

    fn send(&self, call: Call) -> Result<(), Refusal> {
        let Call { object, method, data, .. } = call;
        let data = self.check(data)?;
        let thread = ThreadId::current();
        let mut number = self.one_ways.lock();
        *number += 1;
        let message = OneWay { number: OneWayId(*number), thread, object, method, data };
        // Its turn has come: none is sent before an earlier one, and nothing can refuse it.
        let _ = self.hub.visit(|kernel, now| kernel.handle_one_way(now, self.session, message));
        Ok(())
    }

    fn pipe(&self) -> Result<Box<dyn Pipe>, Refusal> {
        self.introduce();
        let local = self.me.upgrade().expect("who calls is there");
        Ok(Box::new(LocalPipe { local, asked: BTreeMap::new() }))
    }

    fn disconnect(&self) {
        if !self.is_host() {
            return;
        }
        self.over.store(true, Ordering::Relaxed);
        let session = self.session;
        self.hub.visit(|kernel, now| {
            kernel.handle_disconnect(now, session, DisconnectReason::Closed);
        });
        self.hub.abandon(session);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed) || self.hub.is_stopping() || !self.is_host()
    }

    fn invitation(&self) -> Vec<(&'static str, OsString)> {
        self.invitation.clone()
    }
}

/// Checks that this is the process that hosts the manager: a fork of it has a copy of the kernel,
/// which serves nobody.
///
/// # Errors
/// [`ErrorKind::Disconnected`].
pub(crate) fn check_host(host: u32) -> Result<(), Refusal> {
    if host == std::process::id() {
        return Ok(());
    }
    let why = "this process was forked from the one that hosts the manager: connect to it by its \
               address";
    Err(Refusal::new(ErrorKind::Disconnected, why))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use sync_objects::Kernel;

    use super::*;
    use crate::limits::Limits;
    use crate::source::Source;

    #[test]
    fn a_forked_child_is_refused_whatever_another_thread_did_as_it_was_forked() {
        let kernel = Kernel::new(sync_objects::registry(), Limits::default().kernel, ManagerId(1));
        let poll = mio::Poll::new().unwrap();
        let waker = mio::Waker::new(poll.registry(), Source::Waker.token()).unwrap();
        let hub = Arc::new(Hub::new(kernel, waker));
        let local = Local::open(&hub, Vec::new(), 1000).unwrap();
        let mut local = Arc::into_inner(local).unwrap();
        local.pid = 0;
        let (to, from) = channel();
        std::thread::scope(|scope| {
            let _sends = local.one_ways.lock();
            scope.spawn(|| to.send(local.call(sync_objects::name_thread_call("child"))));
            let refusal = from.recv_timeout(Duration::from_secs(10)).unwrap().unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::Disconnected);
        });
    }
}
