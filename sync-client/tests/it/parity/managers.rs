//! What the manager's class offers: starting, connecting, ending, types of one's own.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sync_client::{Address, AuthKey, ErrorKind, Event, Manager, interface};
use sync_objects::{Cx, Flow, Refusal};
use sync_server::Server;

use super::Row::Served;
use super::{Rows, kind};
use crate::support::until_blocked;

pub(super) const ROWS: Rows = &[
    (
        "Manager",
        Served(|_| {
            let server = Server::builder().spawn()?;
            let manager = Manager::over(server.local()?);
            assert_eq!(manager.object_count()?, 0);
            Ok(())
        }),
    ),
    (
        "start",
        Served(|_| {
            // A process of its own, `Manager::spawn`, is shown by sync-testkit's tests.
            let initializer = |transport| {
                let manager = Manager::over(transport);
                manager.publish("ready", &manager.create_event()?)
            };
            let server = Server::builder().initializer(initializer).spawn()?;
            assert!(!Manager::over(server.local()?).named("ready").open::<Event>()?.is_set()?);
            Ok(())
        }),
    ),
    (
        "get_server",
        Served(|_| {
            let address = "tcp:127.0.0.1:0".parse::<Address>()?;
            let server = Server::builder().listen(address.clone()).authkey(key(b"k")?).spawn()?;
            assert_ne!(*server.address(), address, "the port that was bound");
            assert_eq!(server.addresses().len(), 1);
            Ok(())
        }),
    ),
    (
        "connect",
        Served(|_| {
            let server = Server::builder().spawn()?;
            let address = server.address().clone();
            assert_eq!(Manager::connect(&address)?.names()?, [""; 0]);
            drop(server);
            assert_eq!(kind(Manager::connect(&address)), ErrorKind::Disconnected);
            let patient = Manager::options().retry_for(Duration::from_millis(2));
            assert_eq!(kind(patient.connect(&address)), ErrorKind::Disconnected);
            assert_eq!(kind(Manager::connect("nowhere")), ErrorKind::InvalidInput);
            Ok(())
        }),
    ),
    (
        "shutdown",
        Served(|_| {
            let server = Server::builder().spawn()?;
            let manager = Manager::connect(server.address())?;
            let event = manager.create_event()?;
            thread::scope(|scope| {
                let waiter = scope.spawn(|| event.wait());
                until_blocked(&manager, 1);
                manager.shutdown()?;
                assert_eq!(kind(waiter.join().unwrap()), ErrorKind::ShuttingDown);
                Ok::<_, sync_client::Error>(())
            })?;
            server.join()?;
            assert_eq!(kind(event.set()), ErrorKind::Disconnected);
            Ok(())
        }),
    ),
    (
        "join",
        Served(|_| {
            let server = Arc::new(Server::builder().spawn()?);
            let joiner = thread::spawn({
                let server = server.clone();
                move || server.join()
            });
            server.shutdown();
            joiner.join().unwrap()?;
            Ok(())
        }),
    ),
    (
        "address",
        Served(|_| {
            let server = Server::builder().spawn()?;
            let text = server.address().to_string();
            assert_eq!(&text.parse::<Address>()?, server.address());
            assert_eq!(Manager::connect(&text)?.envs()[0].1, *text, "a child finds it there");
            Ok(())
        }),
    ),
    (
        "authkey",
        Served(|_| {
            let address = "tcp:127.0.0.1:0".parse::<Address>()?;
            let server = Server::builder().listen(address).authkey(key(b"right")?).spawn()?;
            let connect =
                |with: &[u8]| Manager::options().authkey(key(with)?).connect(server.address());
            assert_eq!(kind(connect(b"wrong")), ErrorKind::Unauthorized);
            assert_eq!(connect(b"right")?.object_count()?, 0);
            Ok(())
        }),
    ),
    (
        "register",
        Served(|_| {
            let mut registry = sync_objects::registry();
            tally::register::<Tally>(&mut registry);
            let server = Server::builder().registry(registry).spawn()?;
            let manager = Manager::connect(server.address())?;
            let counter = tally::Proxy::new(manager.named("votes"), 5)?;
            assert_eq!((counter.add(2)?, counter.add(3)?), (7, 10));
            assert_eq!(manager.named("votes").open::<tally::Proxy>()?.add(0)?, 10);
            Ok(())
        }),
    ),
    (
        "_number_of_objects",
        Served(|manager| {
            let before = manager.object_count()?;
            let dict = manager.create_dict::<String, u32>()?;
            let list = manager.create_list_from([dict])?;
            assert_eq!(manager.object_count()?, before + 2, "what is nested counts too");
            drop(list);
            assert_eq!(manager.object_count()?, before);
            Ok(())
        }),
    ),
    (
        "_debug_info",
        Served(|manager| {
            let _lock = manager.named("seen").create_lock()?;
            let info = manager.debug_info()?;
            let lock = info.objects.iter().find(|object| object.names == ["seen"]).unwrap();
            assert_eq!(lock.interface, "sync.lock");
            assert!(lock.references >= 2, "the name and this session: {lock:?}");
            assert!(manager.unpublish("seen")?);
            Ok(())
        }),
    ),
];

fn key(bytes: &[u8]) -> Result<AuthKey, sync_client::Error> {
    Ok(AuthKey::new(bytes.repeat(32))?)
}

interface! {
    /// Counts up.
    pub(super) mod tally = "parity.tally" {
        new(start: u32);
        /// Adds; returns the sum.
        fn add(amount: u32) -> u32;
    }
}

struct Tally(u32);

impl tally::Service for Tally {
    fn new(start: u32) -> Result<Self, Refusal> {
        Ok(Self(start))
    }

    fn add(&mut self, _: &mut Cx<'_>, amount: u32) -> Flow<u32> {
        self.0 += amount;
        Flow::Done(self.0)
    }
}
