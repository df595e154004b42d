//! The child's side: "am I being run as a role?"

use std::fmt::Display;
use std::io::{BufRead, Write};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, Sender};

use parking_lot::Mutex;
use sync_client::Manager;

/// Which role a process is to play: the path of its function.
pub(crate) const ROLE_VAR: &str = "SYNC_TESTKIT_ROLE";

/// The role's arguments, joined by [`SEPARATOR`].
pub(crate) const ARGS_VAR: &str = "SYNC_TESTKIT_ARGS";

pub(crate) const SEPARATOR: char = '\u{1f}';

/// Begins a line that the role says; whatever else is on standard output is the test harness's.
pub(crate) const MARK: &str = "\u{1e}says ";

/// What a role has: its manager, its arguments, and the test that started it.
#[derive(Debug)]
pub struct Role {
    manager: Manager,
    args: Vec<String>,
    /// To the test, if it is in this process: otherwise the two pipes are.
    lines: Option<Lines>,
}

/// How a role and its test communicate when they are threads of one process.
#[derive(Debug)]
struct Lines {
    out: Sender<String>,
    in_: Mutex<Receiver<String>>,
}

impl Role {
    /// Makes the role of a thread, which works with a manager as a process of its own would, and
    /// says and hears lines over channels.
    pub fn of_thread(
        manager: Manager,
        args: Vec<String>,
        out: Sender<String>,
        in_: Receiver<String>,
    ) -> Self {
        Self { manager, args, lines: Some(Lines { out, in_: Mutex::new(in_) }) }
    }

    fn from_env() -> Self {
        let manager = Manager::from_env().expect("the manager of the cast can be reached");
        let args = std::env::var(ARGS_VAR).unwrap_or_default();
        let args = if args.is_empty() { Vec::new() } else { split(&args) };
        Self { manager, args, lines: None }
    }

    /// Returns this process's own session with the cast's manager.
    pub fn manager(&self) -> &Manager {
        &self.manager
    }

    /// Returns an argument, counted from 0.
    ///
    /// # Panics
    /// When there are fewer, or it is not a `T`.
    pub fn arg<T: FromStr>(&self, at: usize) -> T {
        let text = self.args.get(at).unwrap_or_else(|| panic!("the role got no argument {at}"));
        let wanted = std::any::type_name::<T>();
        text.parse().unwrap_or_else(|_| panic!("argument {at}, {text:?}, is no {wanted}"))
    }

    /// Says a line to the test.
    ///
    /// # Panics
    /// When the test is gone.
    pub fn say(&self, line: impl Display) {
        let line = line.to_string();
        assert!(!line.contains('\n'), "a role says one line at a time");
        if let Some(lines) = &self.lines {
            return lines.out.send(line).expect("the test listens");
        }
        let mut out = std::io::stdout().lock();
        // The harness may have begun a line of its own: this one stands alone.
        let said = write!(out, "\n{MARK}{line}\n").and_then(|()| out.flush());
        said.expect("the test listens");
    }

    /// Waits for a line from the test.
    ///
    /// # Panics
    /// When the test is gone.
    pub fn hear(&self) -> String {
        if let Some(lines) = &self.lines {
            return lines.in_.lock().recv().expect("the test is gone");
        }
        let mut line = String::new();
        let count = std::io::stdin().lock().read_line(&mut line).expect("the test's line is text");
        assert!(count > 0, "the test is gone");
        line.truncate(line.trim_end_matches('\n').len());
        line
    }
}

fn split(args: &str) -> Vec<String> {
    args.split(SEPARATOR).map(str::to_owned).collect()
}

/// What a role does.
pub type Play = fn(&Role);

/// Plays a role of the list if this process was started for that; otherwise does nothing.
/// [`roles!`](crate::roles) calls it.
///
/// # Panics
/// When the role that was asked for is not in the list.
pub fn play(roles: &[(&str, Play)]) {
    let Ok(wanted) = std::env::var(ROLE_VAR) else { return };
    let role = roles.iter().find(|&&(path, _)| path == wanted);
    let (_, role) = role.unwrap_or_else(|| panic!("{wanted} is not in the list of `roles!`"));
    role(&Role::from_env());
}

/// Lists the roles of a test file: plain functions `fn(&Role)` of the same module, which
/// [`Cast::start`](crate::Cast::start) runs in processes of their own. Makes a `#[test]` named
/// `stage`, through which such a process finds its role; used once per module.
#[macro_export]
macro_rules! roles {
    ($($role:ident),* $(,)?) => {
        #[test]
        fn stage() {
            $crate::play(&[$(
                (concat!(module_path!(), "::", stringify!($role)), $role as $crate::Play),
            )*]);
        }
    };
}
