//! Real processes, schedules, and the judges: how cross-process semantics are checked.
//!
//! * [`Cast`], [`Actor`], [`Role`]: a test with real processes, which are killed, stopped and
//!   waited for.
//! * [`ServerProcess`]: the real `sync-server` binary, for tests that end it.
//! * [`RawClient`]: a client that speaks the protocol by hand, and not always well.
//! * [`Proxy`]: a network that breaks on command.
//! * [`sim`]: a manager with many clients in one thread, under a clock that jumps.
//! * [`simulator`]: the same in a storm of faults, with everything checked at every step.
//! * [`witness`]: histories of real runs, proven linearizable by the order of their commits.
//! * [`growth`]: whether work grows as what there is, and no faster.
//! * [`every`]: all combinations of a test's choices, one after the other.
//!
//! # How to write a cross-process test
//!
//! A test file names its roles. A role is a plain function; it runs in a process of its own,
//! which is the test binary started once more (so it is `fork` and `exec`, and all code of the
//! file is there). [`roles!`] makes the one `#[test]` through which the binary finds them again:
//! it is called `stage`, and does nothing in a usual run.
//!
//! ```no_run
//! use sync_testkit::{Cast, Role, roles};
//!
//! roles![holder];
//!
//! fn holder(role: &Role) {
//!     let lock = role.manager().named("stock").create_lock().unwrap();
//!     let _guard = lock.lock().unwrap();
//!     role.say("holding");
//!     role.hear();
//! }
//!
//! #[test]
//! fn a_dead_holder_passes_the_lock_on() {
//!     let cast = Cast::new();
//!     let lock = cast.manager().named("stock").create_lock().unwrap();
//!     let mut holder = cast.start(holder);
//!     holder.expect("holding");
//!     holder.kill();
//!     assert!(lock.lock().unwrap().was_abandoned());
//! }
//! # fn main() {}
//! ```
//!
//! **The parent's side.** [`Cast::new`] hosts a manager in the test's own process, reached by
//! [`Cast::manager`] without a socket; [`Cast::with`] takes a builder (limits, TCP), and
//! [`Cast::joining`] a [`ServerProcess`]. [`Cast::start`] starts a role, [`Cast::start_with`] one
//! with arguments: anything that can be printed, a name, a number, a ticket. An [`Actor`] is the
//! process: [`expect`](Actor::expect) and [`hear`](Actor::hear) read the lines it says,
//! [`tell`](Actor::tell) writes one to it, [`kill`](Actor::kill) is SIGKILL and returns when the
//! process is no more, [`stop`](Actor::stop) and [`cont`](Actor::cont) freeze and thaw it,
//! [`wait`](Actor::wait) lets it come to its end, and fails the test if that is not a good one.
//!
//! **The child's side.** [`Role`] has the child's own `Manager`, its arguments
//! ([`arg`](Role::arg)), and the two pipes: [`say`](Role::say) and [`hear`](Role::hear). A role
//! that panics fails its process; [`Actor::wait`], `expect` and `hear` then fail the test with the
//! panic's words.
//!
//! # Without sleeping
//!
//! No test sleeps: a sleep is too short under load and too long everywhere else. What a test
//! waits for is one of these:
//!
//! * a line that an actor says ("holding");
//! * that calls stand in line: [`Cast::until_blocked`] asks the manager until it is so. An actor
//!   cannot say "I am blocked now", but the manager knows. To make a line of known order, start
//!   one waiter, wait until 1 is blocked, start the next, wait until 2 are;
//! * anything else that comes about in time (a one-way message, an object that is collected):
//!   [`Cast::until`].
//!
//! A state that must *not* come about is not waited for: bring about something that could only come
//! after it, and check then. That "the lock has not been given to the second in line" shows when
//! the third call was answered and the second is still blocked.
//!
//! # When it hangs
//!
//! Every cast has a watchdog. After [`Cast::LIMIT`] it kills all actors and ends the manager's
//! calls, so that whatever the test waits for returns; the test fails and prints what each actor
//! said last. Children that are left at the end of a test are killed; nothing is left behind,
//! whether the test passes or not.
//!
//! # Under any runner
//!
//! `cargo nextest run` gives each test a process, `cargo test` a thread of one process. Both work:
//! a cast shares nothing with another one, its server listens in a directory of its own, and its
//! children are identified by pidfd, never by a process id that may be another process's by now.
//! Tests with TCP listen on port 0.

mod actor;
mod cast;
mod chance;
pub mod every;
pub mod fuzz;
pub mod growth;
mod models;
mod proxy;
mod raw;
mod role;
mod server_process;
pub mod sim;
pub mod simulator;
mod spot;
mod watch;
pub mod witness;

pub use actor::Actor;
pub use cast::Cast;
pub use proxy::{Proxy, Way};
pub use raw::RawClient;
pub use role::{Play, Role, play};
pub use server_process::ServerProcess;
pub use spot::Spot;
