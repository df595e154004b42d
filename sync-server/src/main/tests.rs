//! The flags do what they say, and the page about them says what they do.

use clap::{Arg, Command, CommandFactory, Parser};

use crate::Options;

const PAGE: &str = include_str!("../../../docs/limits.md");

fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| arg.get_help_heading() == Some("Limits"))
}

/// Returns a flag's row on the page: its cells, without their marks.
fn row(flag: &str) -> Vec<String> {
    let start = format!("| `--{flag}` |");
    let mut rows = PAGE.lines().filter(|line| line.starts_with(&start));
    let row = rows.next().unwrap_or_else(|| panic!("docs/limits.md has no row for --{flag}"));
    assert_eq!(rows.next(), None, "--{flag} has one row");
    row.split('|').map(|cell| cell.trim().replace('`', "")).collect()
}

/// Writes a number as the page does.
fn grouped(number: &str) -> String {
    let groups = number.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(|group| String::from_utf8_lossy(group)).collect();
    groups.join(",")
}

#[test]
fn the_page_has_every_flag_with_its_default_and_no_other() {
    let command = Options::command();
    let mut count = 0;
    for flag in flags(&command) {
        let name = flag.get_long().unwrap();
        let default = flag.get_default_values().first().map_or_else(
            || "half of the memory".to_owned(),
            |default| grouped(default.to_str().unwrap()),
        );
        assert_eq!(row(name)[2], default, "--{name}");
        count += 1;
    }
    let rows = PAGE.lines().filter(|line| line.starts_with("| `--")).count();
    assert_eq!(rows, count, "docs/limits.md has rows for flags that there are not");
}

#[test]
fn every_flag_sets_the_one_limit_of_its_name() {
    let command = Options::command();
    let defaults = |args: &[&str]| {
        let args = ["sync-server"].iter().chain(args);
        let options = Options::try_parse_from(args).unwrap();
        let limits = format!("{:#?}", options.limits.limits());
        limits.lines().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let before = defaults(&[]);
    let mut set = std::collections::BTreeSet::new();
    for flag in flags(&command) {
        let name = format!("--{}", flag.get_long().unwrap());
        let after = defaults(&[&name, "7"]);
        let changed: Vec<_> = (0..before.len()).filter(|&at| before[at] != after[at]).collect();
        assert_eq!(changed.len(), 1, "{name} sets one limit");
        let (limit, value) = after[changed[0]].trim().split_once(": ").unwrap();
        assert!(value.contains('7'), "{name} sets {limit} to {value}");
        let stem = name.trim_start_matches("--").trim_start_matches("max-");
        assert_eq!(stem.replace('-', "_"), limit, "{name} has its limit's name");
        assert!(set.insert(changed[0]), "{name} is the only flag of its limit");
    }
    let limits = before.iter().filter(|line| !line.contains(['{', '}'])).count();
    assert_eq!(set.len(), limits, "every limit has a flag");
}
