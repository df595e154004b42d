//! Types of your own: a tutorial. This module is documentation only; its code is compiled and run.
//!
//! A manager hosts objects of the types that are registered with it. The built-in types are made in
//! the same way as yours will be: [`interface!`](crate::interface) declares a type once, `Service`
//! is what you implement, `register` makes it known to the manager, `Proxy` is what clients use.
//!
//! # 1. A latch
//!
//! A latch opens once it has been counted down a given number of times; until then, its callers
//! wait.
//!
//! ```
//! use sync_client::{Manager, interface};
//! use sync_objects::{Channel, Cx, Flow, Refusal};
//! use sync_server::Server;
//!
//! interface! {
//!     /// A latch that opens once `count` calls have counted it down.
//!     pub mod latch = "app.latch" {
//!         new(count: u32);
//!         /// Counts down by one; returns what is left.
//!         fn count_down() -> u32;
//!         /// Blocks until the latch is open.
//!         fn wait();
//!     }
//! }
//!
//! struct Latch {
//!     count: u32,
//! }
//!
//! const OPEN: Channel = Channel::new(0);
//!
//! impl latch::Service for Latch {
//!     fn new(count: u32) -> Result<Self, Refusal> {
//!         Ok(Latch { count })
//!     }
//!
//!     fn count_down(&mut self, cx: &mut Cx<'_>) -> Flow<u32> {
//!         self.count = self.count.saturating_sub(1);
//!         if self.count == 0 {
//!             cx.wake(OPEN, usize::MAX);
//!         }
//!         Flow::Done(self.count)
//!     }
//!
//!     fn wait(&mut self, _: &mut Cx<'_>) -> Flow<()> {
//!         if self.count == 0 { Flow::Done(()) } else { Flow::Wait(OPEN) }
//!     }
//! }
//!
//! # fn main() -> Result<(), sync_client::Error> {
//! let mut registry = sync_objects::registry(); // the built-in types
//! latch::register::<Latch>(&mut registry);
//! let server = Server::builder().registry(registry).spawn()?;
//!
//! let manager = Manager::connect(server.address())?;
//! let gate = latch::Proxy::new(manager.named("gate"), 2)?;
//! let waiter = std::thread::spawn({
//!     let gate = gate.clone();
//!     move || gate.wait()
//! });
//! assert_eq!(gate.count_down()?, 1);
//! assert_eq!(gate.count_down()?, 0);
//! waiter.join().unwrap()?;
//! # Ok(())
//! # }
//! ```
//!
//! `wait` does not block anything in the manager. It *looks*: if the latch is shut, it says in
//! which line its caller must stand, and the manager keeps the call. `count_down` wakes the line;
//! each call in it is then **polled**: its method runs again, from the start, and looks anew. So a
//! method that answers `Wait` must not have changed anything before.
//!
//! Timeouts need no code: `gate.within(duration).wait()` fails with
//! [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) when the line has not moved by then. Nor
//! does death: when a process dies, its calls leave the line.
//!
//! # 2. A rate limiter
//!
//! Some objects go by the clock. They have none of their own: [`Cx::now`] is the time of the step,
//! and [`Cx::wake_at`] has a line polled when a moment has come. The callers stand in line until
//! their turn, first come first served ([`Cx::is_behind`] keeps newcomers from overtaking).
//!
//! ```
//! # use std::time::Duration;
//! # use sync_client::{ErrorKind, Manager, interface};
//! # use sync_objects::{Channel, Cx, Flow, Refusal, Time};
//! # use sync_server::Server;
//! interface! {
//!     /// Lets its callers through at a distance of at least `millis` milliseconds.
//!     pub mod pace = "app.pace" {
//!         new(millis: u32);
//!         /// Blocks until it is the caller's turn.
//!         fn next();
//!     }
//! }
//!
//! struct Pace {
//!     distance: Duration,
//!     free_from: Time,
//! }
//!
//! const TURN: Channel = Channel::new(0);
//!
//! impl pace::Service for Pace {
//!     fn new(millis: u32) -> Result<Self, Refusal> {
//!         if millis == 0 {
//!             return Err(Refusal::new(ErrorKind::InvalidInput, "a pace of nothing is none"));
//!         }
//!         Ok(Pace { distance: Duration::from_millis(millis.into()), free_from: Time::ZERO })
//!     }
//!
//!     fn next(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
//!         if cx.is_behind(TURN) {
//!             return Flow::Wait(TURN);
//!         }
//!         if cx.now() < self.free_from {
//!             cx.wake_at(TURN, self.free_from);
//!             return Flow::Wait(TURN);
//!         }
//!         self.free_from = cx.now() + self.distance;
//!         cx.wake_in_turn(TURN); // the next in line sets the next alarm
//!         Flow::Done(())
//!     }
//!
//!     fn shape(&self) -> String {
//!         format!("a distance of {:?}", self.distance)
//!     }
//! }
//! # fn main() -> Result<(), sync_client::Error> {
//! # let mut registry = sync_objects::registry();
//! # pace::register::<Pace>(&mut registry);
//! # let server = Server::builder().registry(registry).spawn()?;
//! # let manager = Manager::over(server.local()?);
//!
//! let pace = pace::Proxy::new(manager.named("api"), 20)?;
//! let began = std::time::Instant::now();
//! for _ in 0..4 {
//!     pace.next()?;
//! }
//! assert!(began.elapsed() >= Duration::from_millis(60));
//! // Under a name, what gives the object its shape must be the same for all who ask.
//! let other = pace::Proxy::new(manager.named("api"), 30);
//! assert_eq!(other.unwrap_err().kind(), ErrorKind::Mismatch);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/rate-limit` in the repository is a whole application around a rate limiter: the
//! interface in a package of its own, a server with the type, a client without it.
//!
//! # 3. A type that owns a shared dict
//!
//! An object may hold a handle on another one, and reach it inside the same step through the
//! interface's `Peer`. Here a ballot counts votes in a dict that everybody can read, and lets each
//! voter vote once; the ballot and the dict can never differ, no matter which process dies when.
//!
//! ```
//! # use std::collections::BTreeSet;
//! # use sync_client::{Dict, ErrorKind, Manager, Shared, interface};
//! # use sync_objects::{Cx, Flow, Handle, NumberKind, Payload, Refusal, dict};
//! # use sync_server::Server;
//! interface! {
//!     /// Counts votes in a dict, one for each voter.
//!     pub mod ballot = "app.ballot" {
//!         new(results: Handle);
//!         /// Votes; returns how many votes the candidate has now.
//!         fn vote(voter: u32, candidate: String) -> u64;
//!     }
//! }
//!
//! struct Ballot {
//!     results: Handle,
//!     voted: BTreeSet<u32>,
//! }
//!
//! impl ballot::Service for Ballot {
//!     fn new(results: Handle) -> Result<Self, Refusal> {
//!         Ok(Ballot { results, voted: BTreeSet::new() })
//!     }
//!
//!     fn vote(&mut self, cx: &mut Cx<'_>, voter: u32, candidate: String) -> Flow<u64> {
//!         if self.voted.contains(&voter) {
//!             return Flow::refuse(ErrorKind::Exists, format!("{voter} has voted before"));
//!         }
//!         let (key, one) = match (Payload::pack(&candidate), Payload::pack(&1u64)) {
//!             (Ok(key), Ok(one)) => (key, one),
//!             (Err(refusal), _) | (_, Err(refusal)) => return Flow::Refuse(refusal),
//!         };
//!         // If somebody is updating that entry, the dict says `Wait`, and so does this method:
//!         // its caller then stands in the dict's line. Only after `Done` may the ballot change.
//!         let sum = dict::Peer(&self.results).add(cx, key, NumberKind::U64, one);
//!         Flow::of(sum).and_then(|sum| {
//!             self.voted.insert(voter);
//!             sum.unpack().into()
//!         })
//!     }
//!
//!     fn handles(&self, visit: &mut dyn FnMut(&Handle)) {
//!         visit(&self.results); // so that a cycle through this object can be found
//!     }
//! }
//! # fn main() -> Result<(), sync_client::Error> {
//! # let mut registry = sync_objects::registry();
//! # ballot::register::<Ballot>(&mut registry);
//! # let server = Server::builder().registry(registry).spawn()?;
//! # let manager = Manager::over(server.local()?);
//!
//! let results: Dict<String, u64> = manager.create_dict()?;
//! let ballot = ballot::Proxy::new(&manager, results.handle().clone())?;
//! assert_eq!(ballot.vote(1, "Ada".into())?, 1);
//! assert_eq!(ballot.vote(2, "Ada".into())?, 2);
//! assert_eq!(ballot.vote(2, "Ada".into()).unwrap_err().kind(), ErrorKind::Exists);
//! assert_eq!(results.get("Ada")?, Some(2));
//! # Ok(())
//! # }
//! ```
//!
//! # What else there is
//!
//! * **Owners.** [`Cx::hold`] says that the caller now owns something of the object, and returns a
//!   fencing token; [`Cx::let_go`] ends it. If the owner's process dies, the object's
//!   `session_gone` gets the tokens that are lost: that is how a lock passes on.
//! * **Deadlocks.** A type that is a lock calls [`Cx::own`] instead of `hold`, and says in which
//!   line callers wait for the owner, and whether only the owner's thread can give it back or any
//!   thread of its process. The manager then finds cycles of callers that wait for each other,
//!   through your locks and the built-in ones, and reports them; started with `--deadlocks refuse`,
//!   it refuses the wait that would close one. Several may own a line at once, as readers do: a
//!   caller in that line waits for all of them. What anybody may give back, like a permit, is held
//!   and not owned.
//! * **A last poll.** [`Flow::WaitThen`] is polled once more when its caller's time is up, and
//!   carries a note to itself; [`Flow::Must`] waits without a deadline, for what must be undone
//!   before the caller may go on. A method that changes something and then waits asks
//!   [`Cx::check_line`] before: that refuses a call too many, and one that wants no answer.
//! * **Values.** An argument that the object only keeps is a [`Payload`] (any value of the user's)
//!   or a [`Packed<T>`](sync_objects::Packed): it is not decoded, and a proxy inside it counts as a
//!   reference.
//! * **Panics.** A panic in your code breaks only that object: its callers get
//!   [`ErrorKind::Broken`](crate::ErrorKind::Broken), the manager goes on.
//! * **Versions.** The fingerprint of all signatures is compared whenever an object is created,
//!   opened or received. Clients of another version are refused with an error that shows both
//!   fingerprints.
//!
//! [`Cx::now`]: sync_objects::Cx::now
//! [`Cx::wake_at`]: sync_objects::Cx::wake_at
//! [`Cx::is_behind`]: sync_objects::Cx::is_behind
//! [`Cx::hold`]: sync_objects::Cx::hold
//! [`Cx::own`]: sync_objects::Cx::own
//! [`Cx::let_go`]: sync_objects::Cx::let_go
//! [`Cx::check_line`]: sync_objects::Cx::check_line
//! [`Flow::WaitThen`]: sync_objects::Flow::WaitThen
//! [`Flow::Must`]: sync_objects::Flow::Must
//! [`Payload`]: sync_objects::Payload
