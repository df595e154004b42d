//! How recipes of objects are laid out among the parts of an opaque value.
//!
//! The first part is the name of the class, for people. The second says how the object is made,
//! and what of follows; then come the steps, each a number and what it is taken with.

/// A class or function: module, name.
pub(super) const GLOBAL: u64 = 0;
/// A call: callable, tuple of arguments.
pub(super) const CALL: u64 = 1;
/// A new instance: class, tuple of arguments.
pub(super) const NEW: u64 = 2;
/// A new instance: class, tuple of arguments, map of keyword arguments.
pub(super) const NEW_EX: u64 = 3;
/// An instance as of protocols 0 and 1: class, tuple of arguments.
pub(super) const INSTANCE: u64 = 4;

/// A step: append an item.
pub(super) const APPEND: u64 = 0;
/// A step: set an entry, of key and value.
pub(super) const SET_ITEM: u64 = 1;
/// A step: add an item.
pub(super) const ADD: u64 = 2;
/// A step: give a state.
pub(super) const STATE: u64 = 3;
/// A step: make a call.
pub(super) const CALL_STEP: u64 = 4;
