//! A counted reference to an object, the same on both ends.

use core::fmt;
use core::hash::{Hash, Hasher};
use std::ffi::OsString;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};

use crate::data::{Data, scope};
use crate::{Fingerprint, Interface, ManagerId, MethodId, ObjectId, Pipe, Refusal, cbor};

/// A counted reference to an object: the object lives as long as one of them does.
///
/// A clone shares the count. When the last clone is dropped, the [`Keeper`] is notified: in a
/// client that is the session, which sends a message without waiting; in the manager it is the
/// kernel.
#[derive(Clone)]
pub struct Handle(Arc<Counted>);

struct Counted {
    object: ObjectId,
    interface: Fingerprint,
    keeper: Arc<dyn Keeper>,
}

/// Counts handles: a client's session, or the kernel in the manager.
pub trait Keeper: fmt::Debug + Send + Sync + 'static {
    /// Called when the last handle that shares a count is gone. Must not block.
    fn release(&self, object: ObjectId);

    /// Called when a handle is gone whose count others still share. Must not block.
    fn share_dropped(&self, object: ObjectId) {
        let _ = object;
    }

    /// Returns the manager whose objects these are.
    fn manager(&self) -> ManagerId;

    /// Returns what carries calls to the object; nothing inside the manager, where one object calls
    /// another through its `Peer`.
    fn transport(&self) -> Option<&dyn Transport>;
}

/// Carries calls to a manager. Implemented by the client over sockets and by the server for its own
/// process, so that a proxy depends on neither.
pub trait Transport: Keeper {
    /// Carries out a call and waits for its answer.
    ///
    /// # Errors
    /// What the object or the manager refused with; [`ErrorKind::TimedOut`](crate::ErrorKind) when
    /// the call's time is up; [`ErrorKind::Disconnected`](crate::ErrorKind) when the session is
    /// over.
    fn call(&self, call: Call) -> Result<Data, Refusal>;

    /// Sends a call whose answer nobody needs, without waiting. Every later call of the session,
    /// from any thread, is carried out after it. If the object refuses it, the manager logs that.
    ///
    /// # Errors
    /// Why it cannot be sent, which does not affect other calls: it is too large, or brings a
    /// handle of another manager; [`ErrorKind::Disconnected`](crate::ErrorKind) when the session is
    /// over.
    fn send(&self, call: Call) -> Result<(), Refusal>;

    /// Returns a carrier of many calls at once.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind) when the session is over, or there is no
    /// connection for it.
    fn pipe(&self) -> Result<Box<dyn Pipe>, Refusal>;

    /// Ends the session: calls that wait fail with
    /// [`ErrorKind::Disconnected`](crate::ErrorKind), and so does every later one.
    fn disconnect(&self);

    /// Returns whether the session is over: what it held is lost, and no call can succeed.
    fn is_over(&self) -> bool;

    /// Returns whether calls that the other transport carries are calls of this session, too.
    fn is_session_of(&self, other: &dyn Transport) -> bool {
        core::ptr::addr_eq(self, other)
    }

    /// Returns the environment with which a child reaches the same manager.
    fn invitation(&self) -> Vec<(&'static str, OsString)>;
}

/// A method call in transit.
#[derive(Debug)]
#[non_exhaustive]
pub struct Call {
    /// The object called.
    pub object: ObjectId,
    /// The method.
    pub method: MethodId,
    /// How long the call may stand in line, by the server's clock; `None` means for ever.
    pub timeout: Option<Duration>,
    /// The arguments.
    pub data: Data,
}

impl Call {
    /// Makes a call without a deadline.
    pub fn new(object: ObjectId, method: MethodId, data: Data) -> Self {
        Self { object, method, timeout: None, data }
    }
}

/// Where a new object goes: a manager, or a name in it. `T::new(place, …)` takes one.
pub trait Place {
    /// Creates an object of the interface from its constructor's arguments, or, under a name,
    /// finds it.
    ///
    /// # Errors
    /// What the constructor refused with; [`ErrorKind::Mismatch`](crate::ErrorKind) when the name
    /// is taken by an object of another type or shape.
    fn create(self, interface: &'static Interface, data: Data) -> Result<Handle, Refusal>;
}

impl Handle {
    /// Makes the first handle on an object; the keeper has counted it already.
    pub fn new(object: ObjectId, interface: Fingerprint, keeper: Arc<dyn Keeper>) -> Self {
        Self(Arc::new(Counted { object, interface, keeper }))
    }

    /// Returns the object's identity in its manager.
    pub fn object(&self) -> ObjectId {
        self.0.object
    }

    /// Returns the fingerprint of the object's interface, as the manager knows it.
    pub fn interface(&self) -> Fingerprint {
        self.0.interface
    }

    /// Returns who counts this handle.
    pub fn keeper(&self) -> &dyn Keeper {
        &*self.0.keeper
    }

    /// Returns a reference that does not count.
    pub fn downgrade(&self) -> WeakHandle {
        WeakHandle(Arc::downgrade(&self.0))
    }

    /// Returns how many clones share this handle's count.
    pub fn count(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

/// A reference to an object that does not keep it.
#[derive(Clone)]
pub struct WeakHandle(Weak<Counted>);

impl WeakHandle {
    /// Returns a handle, if one still counts.
    pub fn upgrade(&self) -> Option<Handle> {
        self.0.upgrade().map(Handle)
    }

    /// Returns how many handles share the count.
    pub fn count(&self) -> usize {
        self.0.strong_count()
    }
}

impl fmt::Debug for WeakHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeakHandle({} counted)", self.count())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.keeper.release(self.object);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if Arc::strong_count(&self.0) > 1 {
            self.0.keeper.share_dropped(self.0.object);
        }
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        self.object() == other.object() && self.keeper().manager() == other.keeper().manager()
    }
}

impl Eq for Handle {}

impl Hash for Handle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.object().hash(state);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.object())
    }
}

/// A handle is serialized as its place in the list of handles that travels beside the encoded
/// bytes.
impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match scope::put_handle(self) {
            Some(index) => serializer.serialize_newtype_struct(cbor::HANDLE, &index),
            None => Err(S::Error::custom(
                "a proxy can be encoded only inside a value or an argument of a shared object; \
                 to pass it by other ways, use a ticket or a name",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Index;

        impl<'de> Visitor<'de> for Index {
            type Value = u32;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a shared object's handle")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<u32, D::Error> {
                u32::deserialize(inner)
            }
        }

        let index = deserializer.deserialize_newtype_struct(cbor::HANDLE, Index)?;
        scope::handle(index).ok_or_else(|| D::Error::custom("a handle that was not sent along"))
    }
}
