//! CI and the README name the same test command, and the commands that the README names exist.

use clap::CommandFactory;

use super::tree::{File, Problem, Tree};
use crate::Cli;

/// The test command, in the README and in CI.
const CI: &str = "cargo xtask ci";

/// Finds whether CI and the README have parted.
fn check_commands(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !tree.get(".ci/run").is_some_and(|script| script.lines().any(|(_, line)| line.trim() == CI))
    {
        let what = format!("CI doesn't run `{CI}`; write it on a line of its own");
        problems.push(Problem::new(".ci/run", 1, what));
    }
    let Some(readme) = tree.get("README.md") else {
        return problems;
    };
    if !readme.text.contains(CI) {
        let what = format!("`{CI}` isn't named; say that it is the test command");
        problems.push(readme.problem(1, what));
    }
    let cli = Cli::command();
    let known: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    for (number, line) in fenced_shell(readme) {
        let Some(arguments) = line.trim().strip_prefix("cargo xtask") else {
            continue;
        };
        let named = arguments.split_whitespace().next().unwrap_or_default();
        if !known.contains(&named) {
            let known = known.join(", ");
            let what = format!("`cargo xtask` has no subcommand `{named}`, only: {known}");
            problems.push(readme.problem(number, what));
        }
    }
    problems
}

/// The lines of the blocks fenced as `sh`.
fn fenced_shell(file: &File) -> Vec<(usize, &str)> {
    let mut fence = None;
    let mut found = Vec::new();
    for (number, line) in file.lines() {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(info.trim()) };
        } else if fence == Some("sh") {
            found.push((number, line));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::{assert_clean, assert_one};
    use super::*;

    const RUN: (&str, &str) = (".ci/run", "set -e\ncargo xtask ci\n");

    #[test]
    fn ci_that_runs_something_else_is_found() {
        assert_clean(&check_commands(&Tree::of(&[RUN])));
        let problems = check_commands(&Tree::of(&[(".ci/run", "# cargo xtask ci\ncargo test\n")]));
        assert_one(&problems, ".ci/run:1", "doesn't run");
        assert_one(&check_commands(&Tree::of(&[])), ".ci/run:1", "doesn't run");
    }

    #[test]
    fn a_command_of_the_readme_that_doesnt_exist_is_found() {
        let check = |text| check_commands(&Tree::of(&[RUN, ("README.md", text)]));
        assert_clean(&check("```sh\ncargo xtask ci\ncargo xtask tidy\n```\ncargo xtask no\n"));
        let problems = check("```sh\ncargo xtask ci\ncargo xtask fuss\n```\n");
        assert_one(&problems, "README.md:3", "no subcommand `fuss`, only: ci, tidy");
        assert_one(&check("To test, run make.\n"), "README.md:1", "isn't named");
    }

    #[test]
    fn ci_runs_what_the_readme_names() {
        assert_clean(&check_commands(Tree::of_repository()));
    }
}
