//! The built-in types. They are registered in the same way as a user's own.

use sync_proto::{ErrorKind, Payload, Refusal};

use crate::Registry;

pub(crate) mod array;
pub(crate) mod barrier;
pub(crate) mod condition;
pub(crate) mod dict;
pub(crate) mod event;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod manager;
pub(crate) mod namespace;
mod normals;
pub(crate) mod number;
pub(crate) mod queue;
pub(crate) mod rlock;
pub(crate) mod semaphore;
pub(crate) mod set;
mod turn;
pub(crate) mod value;

/// Returns a registry with every built-in type.
pub fn registry() -> Registry {
    let mut registry = Registry::empty();
    array::array::register::<array::Array>(&mut registry);
    dict::dict::register::<dict::Dict>(&mut registry);
    barrier::barrier::register::<barrier::Barrier>(&mut registry);
    condition::condition::register::<condition::Condition>(&mut registry);
    event::event::register::<event::Event>(&mut registry);
    list::list::register::<list::List>(&mut registry);
    lock::lock::register::<lock::Lock>(&mut registry);
    namespace::namespace::register::<namespace::Namespace>(&mut registry);
    queue::queue::register::<queue::Queue>(&mut registry);
    rlock::rlock::register::<rlock::RLock>(&mut registry);
    semaphore::semaphore::register::<semaphore::Semaphore>(&mut registry);
    set::set::register::<set::Set>(&mut registry);
    value::value::register::<value::Value>(&mut registry);
    registry
}

/// Returns whether two values are equal: by their normal forms, and never if one contains a NaN.
fn equal(a: &Payload, b: &Payload) -> Result<bool, Refusal> {
    use sync_proto::cbor::NormalizeError::NotANumber;
    match (a.normalize(), b.normalize()) {
        (Ok(a), Ok(b)) => Ok(a == b),
        (Err(NotANumber), _) | (_, Err(NotANumber)) => Ok(false),
        (Err(error), _) | (_, Err(error)) => {
            Err(Refusal::new(ErrorKind::InvalidInput, format!("malformed value: {error}")))
        }
    }
}

/// Returns how many bytes a value takes in an answer: its own, and about as many more as describe
/// where it is.
fn size_in_answer(value: &Payload) -> u64 {
    value.bytes.len() as u64 + 16
}

fn not_a_number() -> Refusal {
    Refusal::new(ErrorKind::WrongType, "arithmetic needs a value created as a number")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sync_proto::{Fingerprint, Handle, Keeper, ManagerId, ObjectId, Transport};

    #[derive(Debug)]
    struct Nobody;

    impl Keeper for Nobody {
        fn release(&self, _: ObjectId) {}

        fn manager(&self) -> ManagerId {
            ManagerId(1)
        }

        fn transport(&self) -> Option<&dyn Transport> {
            None
        }
    }

    /// Makes a handle that nobody counts.
    pub(super) fn handle(object: u64) -> Handle {
        Handle::new(ObjectId(object), Fingerprint(0), Arc::new(Nobody))
    }
}
