//! The house rules, as tests: all of them run under `cargo test`; CI has no house rules
//! beyond these.
//!
//! A rule is a function from the `Tree` to the `Problem`s in it. Each has a test that breaks
//! it on purpose, and one, named as a sentence, that holds this repository to it.

mod commands;
mod crates;
mod law;
mod links;
mod manifests;
mod promises;
mod purity;
mod rust;
mod sizes;
mod text;
mod tree;
mod words;

use self::tree::Problem;

/// Fails with the list of what is to be fixed.
#[track_caller]
fn assert_clean(problems: &[Problem]) {
    let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} to mend:\n{}", list.len(), list.join("\n"));
}

/// Fails unless the rule found exactly one problem, at this place and with this text.
#[track_caller]
fn assert_one(problems: &[Problem], place: &str, words: &str) {
    let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let [problem] = &list[..] else { panic!("expected one problem, found {list:#?}") };
    assert!(problem.starts_with(&format!("{place}: ")), "not at {place}: {problem}");
    assert!(problem.contains(words), "doesn't say {words:?}: {problem}");
}
