//! One step of a task: a cargo command that can be shown, run, and shown again when it fails.

use std::env;
use std::fmt::{self, Display, Formatter};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A named cargo command. Its `Display` is a line that a shell in the root takes as it is.
#[derive(Debug)]
pub(crate) struct Step {
    name: String,
    variables: Vec<(&'static str, String)>,
    arguments: Vec<String>,
}

impl Step {
    pub(crate) fn cargo(name: impl Into<String>, arguments: &[&str]) -> Self {
        Self {
            name: name.into(),
            variables: Vec::new(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
        }
    }

    pub(super) fn with_env(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((variable, value.into()));
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs the command in `root` without stdin; fails with the sentence that the user is to read.
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        let status = cargo(root)
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(variable, value)| (variable, value)))
            .status()
            .with_context(|| format!("the step `{}` can't start `{self}`", self.name))?;
        if !status.success() {
            bail!(self.failure(root, status));
        }
        Ok(())
    }

    fn failure(&self, root: &Path, why: impl Display) -> String {
        let (name, root) = (&self.name, root.display());
        format!("the step `{name}` failed ({why}). To run it again, in {root}:\n\n    {self}\n")
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (variable, value) in &self.variables {
            write!(f, "{variable}={} ", quoted(value))?;
        }
        write!(f, "cargo")?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", quoted(argument)))
    }
}

/// Whether cargo answers these arguments with success; what it prints is dropped.
pub(super) fn cargo_succeeds(root: &Path, arguments: &[&str]) -> bool {
    let mut command = cargo(root);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The cargo that runs this task, or else the one in `PATH`.
fn cargo(root: &Path) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root).stdin(Stdio::null());
    command
}

/// A word as a shell must read it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_shown_as_a_shell_takes_it() {
        let step = Step::cargo("rustdoc", &["doc", "it's", ""]).with_env("FLAGS", "-D warnings");
        assert_eq!(step.to_string(), r"FLAGS='-D warnings' cargo doc 'it'\''s' ''");
    }

    #[test]
    fn a_failed_step_says_which_and_how_to_run_it_again() {
        let step = Step::cargo("doctests", &["test", "--doc"]);
        let expected = "\
the step `doctests` failed (exit status: 101). To run it again, in a/b:

    cargo test --doc
";
        assert_eq!(step.failure(Path::new("a/b"), "exit status: 101"), expected);
    }
}
