//! The objects and the kernel's rules, on a simulated manager.

mod lock;
