//! What the crates do without: the outside world, and time that isn't handed to them.
//!
//! Clippy forbids some methods; this forbids whole modules, whatever is used of them.

use std::collections::BTreeSet;
use std::ops::Range;

use super::rust::{bracketed, find_words, is_word, line_of};
use super::tree::{File, Problem, Tree};

/// Modules of std through which the outside world comes in.
const OUTSIDE: [&str; 5] = ["net", "fs", "thread", "process", "io"];

/// Crates that know nothing of the outside world.
const PURE: [&str; 2] = ["sync-objects/src/", "sync-proto/src/"];

/// Where types of `std::io` are named without doing any: the conversion into an `io::Error`, and
/// the slices that a caller writes from.
const IO_TYPES: [&str; 2] = ["sync-proto/src/error.rs", "sync-proto/src/frame/"];

const LIBRARIES: [&str; 4] =
    ["sync-proto/src/", "sync-objects/src/", "sync-server/src/", "sync-client/src/"];

/// Where a library reads the clock: the manager's own; how long a client has tried to connect, when
/// there is no manager yet to ask; how many microseconds a thread has busy-polled for its answer;
/// and how long ago a client's manager last answered, when there may be none left to ask.
const CLOCKS: [&str; 4] = [
    "sync-server/src/clock.rs",
    "sync-client/src/options.rs",
    "sync-client/src/session/awake.rs",
    "sync-client/src/session/lifeline.rs",
];

/// Finds uses of the outside world in the crates that are pure, tests included.
fn check_purity(tree: &Tree) -> Vec<Problem> {
    let pure = |file: &&File| PURE.iter().any(|source| file.path.starts_with(source));
    let mut problems = Vec::new();
    for file in tree.with("rs").filter(pure) {
        for (line, module) in std_modules(file.code()) {
            let types_only = IO_TYPES.iter().any(|path| file.path.starts_with(path));
            if OUTSIDE.contains(&module) && !(types_only && module == "io") {
                let what = format!(
                    "`std::{module}` in a crate without I/O and threads; \
                     do it in sync-server or sync-client and hand the outcome in",
                );
                problems.push(file.problem(line, what));
            }
        }
    }
    problems
}

/// The modules of std that are named, also as `std::{…}`, with their lines.
fn std_modules(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for at in find_words(code, "std::") {
        let start = at + "std::".len();
        let names = if code[start..].starts_with('{') {
            let group = bracketed(code, start);
            first_names(code, group.start + 1, group.end)
        } else {
            vec![(start, first_word(&code[start..]))]
        };
        found.extend(names.into_iter().map(|(at, name)| (line_of(code, at), name)));
    }
    found
}

/// The first name of each branch of a group: `io`, `sync` of `io, sync::{Arc, Mutex}`.
fn first_names(code: &str, start: usize, end: usize) -> Vec<(usize, &str)> {
    let (mut depth, mut from) = (0_usize, start);
    let mut branches = Vec::new();
    for (at, c) in code[start..end].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                branches.push(from..start + at);
                from = start + at + 1;
            }
            _ => {}
        }
    }
    branches.push(from..end);
    let named = |branch: Range<usize>| {
        let text = &code[branch.clone()];
        let skipped = text.len() - text.trim_start().len();
        (branch.start + skipped, first_word(text.trim_start()))
    };
    branches.into_iter().map(named).collect()
}

fn first_word(text: &str) -> &str {
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

/// Finds clocks read by a library elsewhere than in its one place; tests are free.
fn check_clocks(tree: &Tree) -> Vec<Problem> {
    let test_files: BTreeSet<String> = tree.with("rs").flat_map(test_modules).collect();
    let is_test = |path: &str| {
        let in_module = test_files.iter().any(|module| {
            path.strip_prefix(module.as_str()).is_some_and(|rest| rest.starts_with(['.', '/']))
        });
        in_module || path.ends_with("/tests.rs") || path.contains("/tests/")
    };
    let library = |file: &&File| {
        let known = LIBRARIES.iter().any(|source| file.path.starts_with(source));
        known && !CLOCKS.contains(&file.path.as_str()) && !is_test(&file.path)
    };
    let mut problems = Vec::new();
    for file in tree.with("rs").filter(library) {
        let code = file.code();
        let tests: Vec<_> = test_items(code).collect();
        for clock in ["Instant::now", "SystemTime::now"] {
            for at in find_words(code, clock) {
                if !tests.iter().any(|range| range.contains(&at)) {
                    let what = format!(
                        "`{clock}` in a library; take the time as an argument, \
                         only {} read the clock",
                        CLOCKS.join(", "),
                    );
                    problems.push(file.problem(line_of(code, at), what));
                }
            }
        }
    }
    problems
}

/// What `#[cfg(test)]` stands on, up to the closing brace or the semicolon.
fn test_items(code: &str) -> impl Iterator<Item = Range<usize>> {
    code.match_indices("#[cfg(test)]").filter_map(|(at, attribute)| {
        let after = at + attribute.len();
        let open = after + code[after..].find(['{', ';'])?;
        let is_block = code[open..].starts_with('{');
        Some(at..if is_block { bracketed(code, open).end } else { open + 1 })
    })
}

/// The modules for tests only that this file declares and that have files of their own: the paths
/// of those files without `.rs`.
fn test_modules(file: &File) -> Vec<String> {
    let stem = file.path.trim_end_matches(".rs");
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let below = if matches!(name, "lib" | "main" | "mod") { folder } else { stem };
    let code = file.code();
    let declared = |range: Range<usize>| {
        let (_, name) = code[range].strip_suffix(';')?.rsplit_once("mod ")?;
        Some(format!("{below}/{}", name.trim()))
    };
    test_items(code).filter_map(declared).collect()
}

#[cfg(test)]
mod tests;
