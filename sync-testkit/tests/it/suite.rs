//! One behaviour suite per type, run three ways: what holds between two threads over the kernel in
//! memory holds over a socket, and across processes.
//!
//! A behaviour is a function that gets a [`Stage`]: a manager, and a way to start a second party.
//! That party is a role as any other; only here it may also be a thread with a session of its own.

use std::fmt::Display;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use sync_client::{Error, ErrorKind, Manager, Shared};
use sync_server::Server;
use sync_testkit::{Actor, Cast, Role};

mod array;
mod barrier;
mod condition;
mod dict;
mod event;
mod latch;
mod list;
mod lock;
mod namespace;
mod pipeline;
mod queue;
mod rlock;
mod semaphore;
mod set;
mod value;

/// A time that is up soon.
const SHORT: Duration = Duration::from_millis(5);

/// How the two parties of a behaviour reach their manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    InMemory,
    OverASocket,
    AcrossProcesses,
}

/// A behaviour's manager, and where its second party comes from.
struct Stage {
    way: Way,
    manager: Manager,
    cast: Cast,
}

impl Stage {
    fn new(way: Way) -> Self {
        let cast = Cast::with(Server::builder().registry(latch::registry()));
        let manager = session(&cast, way);
        Self { way, manager, cast }
    }

    fn manager(&self) -> &Manager {
        &self.manager
    }

    fn start<R: Fn(&Role) + Send + 'static>(&self, role: R) -> Party {
        self.start_with(role, &[])
    }

    fn start_with<R>(&self, role: R, args: &[&dyn Display]) -> Party
    where
        R: Fn(&Role) + Send + 'static,
    {
        if self.way == Way::AcrossProcesses {
            return Party::Process(self.cast.start_with(role, args));
        }
        let (to_party, from_test) = channel();
        let (to_test, from_party) = channel();
        let manager = session(&self.cast, self.way);
        let args = args.iter().map(ToString::to_string).collect();
        let thread = std::thread::spawn(move || {
            role(&Role::of_thread(manager.clone(), args, to_test, from_test));
            // As the end of a process does it.
            manager.disconnect();
        });
        Party::Thread { thread, to_party, from_party }
    }

    fn until_blocked(&self, object: &impl Shared, count: u64) {
        self.cast.until_blocked(object, count);
    }
}

/// Opens a session of its own.
fn session(cast: &Cast, way: Way) -> Manager {
    match way {
        Way::InMemory => Manager::over(cast.server().local().unwrap()),
        Way::OverASocket | Way::AcrossProcesses => {
            Manager::connect(cast.server().address().clone()).unwrap()
        }
    }
}

/// The second party of a behaviour.
enum Party {
    Thread { thread: JoinHandle<()>, to_party: Sender<String>, from_party: Receiver<String> },
    Process(Actor),
}

impl Party {
    /// Waits for the next line that the party says, which must be this one.
    fn expect(&mut self, line: &str) {
        match self {
            Self::Process(actor) => actor.expect(line),
            Self::Thread { from_party, .. } => {
                let said = from_party.recv().expect("the party has more to say");
                assert_eq!(said, line, "the party said something else");
            }
        }
    }

    fn tell(&mut self, line: &str) {
        match self {
            Self::Process(actor) => actor.tell(line),
            Self::Thread { to_party, .. } => {
                to_party.send(line.to_owned()).expect("the party listens");
            }
        }
    }

    /// Waits until the party has come to a good end.
    fn wait(self) {
        match self {
            Self::Process(actor) => actor.wait(),
            Self::Thread { thread, .. } => thread.join().expect("the party failed"),
        }
    }
}

/// Checks that something was refused, and of which kind the refusal is.
#[track_caller]
fn refused<T>(result: Result<T, Error>, kind: ErrorKind) {
    match result {
        Ok(_) => panic!("it was to be refused with {kind:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}

/// Names the behaviours of a module: makes a test of each for each [`Way`].
macro_rules! behaviours {
    ($($behaviour:ident),* $(,)?) => {
        crate::suite::behaviours!(@ in_memory, InMemory, $($behaviour)*);
        crate::suite::behaviours!(@ over_a_socket, OverASocket, $($behaviour)*);
        crate::suite::behaviours!(@ across_processes, AcrossProcesses, $($behaviour)*);
    };
    (@ $module:ident, $way:ident, $($behaviour:ident)*) => {
        mod $module {
            use crate::suite::{Stage, Way};

            $(
                #[test]
                fn $behaviour() {
                    super::$behaviour(&Stage::new(Way::$way));
                }
            )*
        }
    };
}

use behaviours;
