//! The objects and the kernel's rules, on a simulated manager.

mod dict;
mod list;
mod lock;
mod value;
