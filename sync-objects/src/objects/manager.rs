//! The manager's own object: names, tickets, counts, shutdown are its methods, so that there is
//! no second protocol.

use sync_proto::{Call, Data, Fingerprint, Handle, ObjectId, Refusal};

use crate::kernel::cut;
use crate::{Cx, DebugInfo, Flow, Naming, Object, Registry, interface};

interface! {
    /// The manager as an object.
    pub mod manager = "sync.manager" {
        new();
        /// Creates an object of a registered type from its constructor's arguments.
        fn create(
            interface: String, fingerprint: Fingerprint, naming: Naming, args: Data,
        ) -> Handle;
        /// Finds the object with a name.
        fn open(name: String, interface: String, fingerprint: Fingerprint) -> Handle;
        /// Gives an object a name, which keeps it.
        fn publish(name: String, handle: Handle);
        /// Takes a name away; returns whether there was one.
        fn unpublish(name: String) -> bool;
        /// Returns all names, in order.
        fn names() -> Vec<String>;
        /// Takes back handles that the session dropped.
        fn release(object: ObjectId, count: u64);
        /// Keeps an object for the client that knows the secret, until the session ends.
        fn issue(handle: Handle, secret: u128);
        /// Takes the object that was kept for this secret; it is kept no longer.
        fn redeem(secret: u128, interface: String, fingerprint: Fingerprint) -> Handle;
        /// Returns how many objects live, not counting the manager's own.
        fn object_count() -> u64;
        /// Returns how many calls wait: in one object's lines, or in all.
        fn blocked_count(of: Option<ObjectId>) -> u64;
        /// Reports who holds what and who waits for what, of at most `max_objects` objects and
        /// never of more than [`OBJECTS_SHOWN_MAX`](crate::OBJECTS_SHOWN_MAX).
        fn debug_info(max_objects: u32) -> DebugInfo;
        /// Ends the manager: blocked calls are answered, new ones refused.
        fn shutdown();
        /// Reports the calling thread's name, for people to read.
        fn name_thread(name: String);
    }
}

/// Returns the one-way call that gives a handle back.
#[expect(clippy::missing_panics_doc, reason = "two numbers encode")]
pub fn release_call(object: ObjectId) -> Call {
    let data = Data::encode(&(object, 1u64)).expect("two numbers");
    Call::new(ObjectId::MANAGER, const { manager::method("release") }, data)
}

/// Returns the one-way call that reports the calling thread's name.
#[expect(clippy::missing_panics_doc, reason = "a text encodes")]
pub fn name_thread_call(name: &str) -> Call {
    let data = Data::encode(&(cut(name),)).expect("a text");
    Call::new(ObjectId::MANAGER, const { manager::method("name_thread") }, data)
}

/// Returns the one object of this type; users cannot create another.
pub(crate) fn object() -> Box<dyn Object> {
    let mut registry = Registry::empty();
    manager::register::<Manager>(&mut registry);
    let (_, constructor) = registry
        .find(manager::INTERFACE.name, manager::INTERFACE.fingerprint)
        .expect("it was registered just now");
    constructor(Data::default()).expect("it has no arguments to refuse")
}

/// Its state is the kernel's own; it is reached through the context.
struct Manager;

impl manager::Service for Manager {
    fn new() -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn create(
        &mut self,
        cx: &mut Cx<'_>,
        interface: String,
        fingerprint: Fingerprint,
        naming: Naming,
        args: Data,
    ) -> Flow<Handle> {
        cx.core().create(&interface, fingerprint, naming, args).into()
    }

    fn open(
        &mut self,
        cx: &mut Cx<'_>,
        name: String,
        interface: String,
        fingerprint: Fingerprint,
    ) -> Flow<Handle> {
        cx.core().open(&name, &interface, fingerprint).into()
    }

    fn publish(&mut self, cx: &mut Cx<'_>, name: String, handle: Handle) -> Flow<()> {
        cx.core().publish(name, handle).into()
    }

    fn unpublish(&mut self, cx: &mut Cx<'_>, name: String) -> Flow<bool> {
        Flow::Done(cx.core().unpublish(name))
    }

    fn names(&mut self, cx: &mut Cx<'_>) -> Flow<Vec<String>> {
        Flow::Done(cx.core().name_list())
    }

    fn release(&mut self, cx: &mut Cx<'_>, object: ObjectId, count: u64) -> Flow<()> {
        let session = cx.caller().session;
        cx.core().take_back(session, object, count).into()
    }

    fn issue(&mut self, cx: &mut Cx<'_>, handle: Handle, secret: u128) -> Flow<()> {
        let issuer = cx.caller().session;
        cx.core().issue(issuer, secret, handle).into()
    }

    fn redeem(
        &mut self,
        cx: &mut Cx<'_>,
        secret: u128,
        interface: String,
        fingerprint: Fingerprint,
    ) -> Flow<Handle> {
        cx.core().redeem(secret, &interface, fingerprint).into()
    }

    fn object_count(&mut self, cx: &mut Cx<'_>) -> Flow<u64> {
        Flow::Done(cx.core().object_count() as u64)
    }

    fn blocked_count(&mut self, cx: &mut Cx<'_>, of: Option<ObjectId>) -> Flow<u64> {
        Flow::Done(cx.core().blocked_count(of) as u64)
    }

    fn debug_info(&mut self, cx: &mut Cx<'_>, max_objects: u32) -> Flow<DebugInfo> {
        Flow::Done(cx.core().debug_info(max_objects))
    }

    fn shutdown(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        cx.core().stop();
        Flow::Done(())
    }

    fn name_thread(&mut self, cx: &mut Cx<'_>, name: String) -> Flow<()> {
        let caller = cx.caller();
        cx.core().name_thread(caller, &name);
        Flow::Done(())
    }
}
