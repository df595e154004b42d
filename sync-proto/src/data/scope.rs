//! The lists beside encoded bytes, reached from inside serde.
//!
//! serde gives a type's `Serialize` no way to pass something to its caller, so the lists lie in a
//! thread-local for the time of one encoding or decoding, as in ipc-channel. Scopes nest: an inner
//! one hides the outer until it ends.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

use crate::{Handle, Payload, SmallBytes};

/// What travels beside encoded bytes.
#[derive(Debug)]
pub(crate) struct Lists {
    /// `None` inside a user's value, where a payload has no place.
    pub(crate) payloads: Option<Vec<Payload>>,
    pub(crate) handles: Vec<Handle>,
    /// Decoding takes what is in the lists, and leaves nothing there; otherwise a clone stays.
    pub(crate) to_take: bool,
    /// The places of the next payload and handle. Encoding a call gives each a place of its own,
    /// one after another: an index that comes again would make much of few bytes.
    next: (usize, usize),
}

impl Default for Lists {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new(), false)
    }
}

impl Lists {
    /// Makes lists in which a payload has no place.
    pub(crate) const fn of_handles(handles: Vec<Handle>) -> Self {
        Self { payloads: None, handles, to_take: false, next: (0, 0) }
    }

    /// Makes lists of what came beside encoded bytes.
    pub(crate) const fn new(payloads: Vec<Payload>, handles: Vec<Handle>, to_take: bool) -> Self {
        Self { payloads: Some(payloads), handles, to_take, next: (0, 0) }
    }

    fn is_empty(&self) -> bool {
        self.handles.is_empty() && self.payloads.as_ref().is_none_or(Vec::is_empty)
    }
}

thread_local! {
    // Nothing is done to it when its thread ends: a thread-local of the user's that is dropped then
    // may make calls still. Between two encodings it is empty.
    static SCOPE: ManuallyDrop<RefCell<Option<Lists>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
}

/// Exchanges lists for those that are in place.
fn exchange(lists: &mut Option<Lists>) {
    SCOPE.with(|scope| std::mem::swap(&mut *scope.borrow_mut(), lists));
}

/// Restores the outer scope, even when a user's `Serialize` panics. Lists that are let go are
/// dropped outside of the cell's borrow: dropping a handle may encode a message of its own.
struct Restore<'l>(&'l mut Option<Lists>);

impl<'l> Restore<'l> {
    fn enter(lists: &'l mut Option<Lists>) -> Self {
        exchange(lists);
        Self(lists)
    }
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        exchange(self.0);
    }
}

/// Runs an encoding and returns its result with the lists it filled.
pub(crate) fn collect<R>(lists: Lists, encode: impl FnOnce() -> R) -> (R, Lists) {
    let mut lists = Some(lists);
    let scope = Restore::enter(&mut lists);
    let result = encode();
    drop(scope);
    (result, lists.unwrap_or_default())
}

/// Runs a decoding that may take from the lists; returns its result with what is left of them.
pub(crate) fn provide<R>(lists: Lists, decode: impl FnOnce() -> R) -> (R, Lists) {
    // Nothing to take, and no outer lists to hide: no scope offers the same as an empty one.
    if lists.is_empty() && SCOPE.with(|scope| scope.borrow().is_none()) {
        return (decode(), lists);
    }
    collect(lists, decode)
}

/// Does something with the lists that are in place, if there are any.
fn with_lists<R>(act: impl FnOnce(&mut Lists) -> Option<R>) -> Option<R> {
    SCOPE.with(|scope| act(scope.borrow_mut().as_mut()?))
}

pub(crate) fn put_handle(handle: &Handle) -> Option<u32> {
    with_lists(|lists| Some(push(&mut lists.handles, handle.clone())))
}

pub(crate) fn put_payload(payload: &Payload) -> Option<u32> {
    with_lists(|lists| {
        let payloads = lists.payloads.as_mut()?;
        let index = u32::try_from(payloads.len()).ok()?;
        payloads.push(payload.clone());
        Some(index)
    })
}

/// Returns a handle of the lists; of a call's, each once.
pub(crate) fn handle(index: u32) -> Option<Handle> {
    with_lists(|lists| {
        let Lists { payloads, handles, next, .. } = lists;
        let index = index as usize;
        if payloads.is_some() && index < std::mem::replace(&mut next.1, index + 1) {
            return None;
        }
        handles.get(index).cloned()
    })
}

/// Returns a payload of the lists, each once. No encoded value is empty.
pub(crate) fn payload(index: u32) -> Option<Payload> {
    let payload = with_lists(|lists| {
        let Lists { payloads, to_take, next, .. } = lists;
        let index = index as usize;
        if index < std::mem::replace(&mut next.0, index + 1) {
            return None;
        }
        let payload = payloads.as_mut()?.get_mut(index)?;
        if !*to_take {
            return Some(payload.clone());
        }
        let taken = Payload::new(payload.encoding, SmallBytes::new(), Vec::new());
        Some(std::mem::replace(payload, taken))
    })?;
    (!payload.bytes.is_empty()).then_some(payload)
}

fn push(list: &mut Vec<Handle>, handle: Handle) -> u32 {
    list.push(handle);
    u32::try_from(list.len() - 1).unwrap_or(u32::MAX)
}
