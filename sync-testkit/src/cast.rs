//! A test's manager and the processes that work with it.

use std::fmt::Display;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sync_client::{Manager, Shared};
use sync_server::{Builder, Server};

use crate::actor::Actor;
use crate::role::{ARGS_VAR, MARK, ROLE_VAR, Role, SEPARATOR};
use crate::server_process::ServerProcess;
use crate::watch::{Watch, Watchdog};

/// A test with several processes: a manager, the roles that work with it, and a watchdog over all.
/// The crate's page explains how to use it.
///
/// When dropped, it kills the children that are left, and ends the manager if it hosts it.
#[derive(Debug)]
pub struct Cast {
    manager: Manager,
    watch: Arc<Watch>,
    started: AtomicUsize,
    // Before the server: children are gone when it ends.
    _watchdog: Watchdog,
    server: Option<Arc<Server>>,
}

impl Cast {
    /// How long a test may take.
    pub const LIMIT: Duration = Duration::from_secs(60);

    /// Hosts a manager in this process, on a unix socket in a directory of its own.
    ///
    /// # Panics
    /// When the system does not let it.
    #[expect(clippy::new_without_default, reason = "it starts a server: nothing to default to")]
    pub fn new() -> Self {
        Self::with(Server::builder())
    }

    /// Hosts a manager in this process, as set up in the builder.
    ///
    /// # Panics
    /// When the system does not let it.
    pub fn with(builder: Builder) -> Self {
        Self::within(Self::LIMIT, builder)
    }

    /// Hosts a manager for a test with a time limit of its own.
    ///
    /// # Panics
    /// When the system does not let it.
    pub fn within(limit: Duration, builder: Builder) -> Self {
        let server = Arc::new(builder.spawn().expect("a server can be started"));
        let manager = Manager::over(server.local().expect("a new server takes a session"));
        let watch = Arc::new(Watch::default());
        let watchdog = Watchdog::start(&watch, limit, {
            let (manager, server) = (manager.clone(), Arc::clone(&server));
            move || {
                manager.disconnect();
                server.shutdown();
            }
        });
        Self {
            manager,
            watch,
            started: AtomicUsize::new(0),
            _watchdog: watchdog,
            server: Some(server),
        }
    }

    /// Works with a manager that is a process of its own.
    ///
    /// # Panics
    /// When it cannot be reached.
    pub fn joining(server: &ServerProcess) -> Self {
        Self::joining_for(Self::LIMIT, server)
    }

    /// Works with a manager that is a process of its own, in a test with a time limit of its own.
    ///
    /// # Panics
    /// When it cannot be reached.
    pub fn joining_for(limit: Duration, server: &ServerProcess) -> Self {
        let manager = server.connect();
        let watch = Arc::new(Watch::default());
        watch.add(server.watched());
        let watchdog = Watchdog::start(&watch, limit, {
            let manager = manager.clone();
            move || manager.disconnect()
        });
        Self { manager, watch, started: AtomicUsize::new(0), _watchdog: watchdog, server: None }
    }

    /// Returns the manager, as this process reaches it.
    pub fn manager(&self) -> &Manager {
        &self.manager
    }

    /// Returns the server that this process hosts.
    ///
    /// # Panics
    /// When the manager is a process of its own.
    pub fn server(&self) -> &Server {
        self.server.as_deref().expect("the server is in this process")
    }

    /// Starts a process that plays a role.
    ///
    /// # Panics
    /// When no process can be started.
    pub fn start<R: Fn(&Role)>(&self, role: R) -> Actor {
        self.start_with(role, &[])
    }

    /// Starts a process that plays a role with arguments.
    ///
    /// # Panics
    /// When no process can be started.
    pub fn start_with<R: Fn(&Role)>(&self, role: R, args: &[&dyn Display]) -> Actor {
        self.start_in(role, args, &[])
    }

    /// Starts a process that plays a role with arguments and more environment variables.
    ///
    /// # Panics
    /// When no process can be started.
    pub fn start_in<R: Fn(&Role)>(
        &self,
        _: R,
        args: &[&dyn Display],
        envs: &[(&str, &dyn Display)],
    ) -> Actor {
        // The function's path, as `roles!` wrote it down in the child.
        let path = std::any::type_name::<R>();
        let inside = path.split_once("::").map_or(path, |(_, inside)| inside);
        let (module, role) = inside.rsplit_once("::").unwrap_or(("", inside));
        let stage = if module.is_empty() { "stage".into() } else { format!("{module}::stage") };
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let binary = std::env::current_exe().expect("this process has a program");
        let mut command = self.manager.command(binary);
        command.args(["--exact", &stage, "--nocapture", "--test-threads=1"]);
        command.env(ROLE_VAR, path).env(ARGS_VAR, args.join(&SEPARATOR.to_string()));
        command.envs(envs.iter().map(|(name, value)| (name, value.to_string())));
        let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        command.stdin(Stdio::piped());
        Actor::spawn(format!("{role} {number}"), command, MARK, &self.watch)
    }

    /// Waits until a condition holds, checking it again and again.
    ///
    /// # Panics
    /// When the test's time is up.
    pub fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        while !is_so() {
            assert!(!self.watch.is_expired(), "in vain: {what}\n{}", self.watch.report());
            std::thread::yield_now();
        }
    }

    /// Waits until `count` calls, of all processes together, wait for an object.
    ///
    /// # Panics
    /// When the manager is gone, or the test's time is up.
    pub fn until_blocked(&self, object: &impl Shared, count: u64) {
        self.until(&format!("{count} calls wait for an object"), || {
            self.manager.blocked_on(object).expect("the manager answers") == count
        });
    }
}

impl Drop for Cast {
    #[expect(clippy::print_stderr, reason = "a test that fails tells what its actors said")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the test has failed\n{}", self.watch.report());
        }
    }
}
