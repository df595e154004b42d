//! The examples do what they say.

mod debug_info;
mod from_python;
mod life;
mod philosophers;
mod pipeline;
mod remote_worker;

use std::path::Path;
use std::process::{Command, Output};

/// Prepares an example's run: cargo builds it beside the directory that this test is in.
fn example(name: &str) -> Command {
    let own = std::env::current_exe().unwrap();
    let profile = own.parent().and_then(Path::parent).unwrap();
    let program = profile.join("examples").join(name);
    assert!(program.is_file(), "build it: cargo build -p sync-client --examples");
    Command::new(program)
}

/// Runs an example, which must succeed, and returns what it printed.
fn run(name: &str, args: &[&str]) -> String {
    printed(&example(name).args(args).output().unwrap())
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}
