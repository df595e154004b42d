//! Each promise on the page of guarantees names tests that show it, and each name is one test's.

use std::collections::BTreeMap;

use super::tree::{File, Problem, Tree};

const PAGE: &str = "docs/guarantees.md";

/// What stands before the names of the tests.
const SHOWN_BY: &str = "Shown by";

/// Finds promises that name no test, and names of tests that there are not, or more than once.
fn check_promises(tree: &Tree) -> Vec<Problem> {
    let Some(page) = tree.get(PAGE) else {
        return vec![Problem::new(PAGE, 1, "there is no page of guarantees; write it")];
    };
    let there_are = count_tests(tree);
    let mut problems = Vec::new();
    for (number, promise) in promises(page) {
        let tests = tests_named(&promise);
        if tests.is_empty() {
            let what = format!("a promise without a test; end it with `{SHOWN_BY}` and its name");
            problems.push(page.problem(number, what));
        }
        for test in tests {
            let what = match there_are.get(test) {
                Some(1) => continue,
                None => format!("there is no test `{test}`; name the one that shows this"),
                // Of several, all but one could be deleted unseen.
                Some(n) => {
                    format!("there are {n} tests `{test}`; rename them and name those meant")
                }
            };
            problems.push(page.problem(number, what));
        }
    }
    problems
}

/// The items of the page's lists, each as one line, with where it begins.
fn promises(page: &File) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut in_item = false;
    for (number, line) in page.lines() {
        if let Some(text) = line.strip_prefix("* ") {
            found.push((number, text.to_owned()));
            in_item = true;
        } else if in_item && line.starts_with("  ") {
            let (_, item) = found.last_mut().expect("an item has begun");
            item.push(' ');
            item.push_str(line.trim());
        } else {
            in_item = false;
        }
    }
    found
}

/// The names in backticks after the words that announce them.
fn tests_named(promise: &str) -> Vec<&str> {
    let Some((_, tests)) = promise.split_once(SHOWN_BY) else { return Vec::new() };
    tests.split('`').skip(1).step_by(2).collect()
}

/// Counts the tests by their names: functions marked as such a moment before they are declared.
fn count_tests(tree: &Tree) -> BTreeMap<&str, u32> {
    let mut found = BTreeMap::new();
    for file in tree.with("rs") {
        let mut is_marked = false;
        for (_, line) in file.lines() {
            let line = line.trim_start();
            let declared = line.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
            if let (true, Some((name, _))) = (is_marked, declared) {
                *found.entry(name).or_default() += 1;
            }
            let goes_on = line.starts_with("#[") || line.starts_with("//");
            is_marked = line == "#[test]" || (is_marked && goes_on);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::{assert_clean, assert_one};
    use super::*;

    #[test]
    fn a_promise_that_no_test_shows_is_found() {
        let code = ("a/tests/it.rs", "#[test]\n#[ignore]\nfn it_holds() {}\n\nfn helps() {}\n");
        let check = |page| check_promises(&Tree::of(&[(PAGE, page), code]));
        assert_clean(&check("# Promises\n\nText.\n\n* It\n  holds. Shown by\n  `it_holds`.\n"));
        assert_one(&check("* It holds, `it_holds`.\n"), "docs/guarantees.md:1", "without a test");
        assert_one(
            &check("\n* It holds. Shown by `it_holds` and\n  `it_is_so`.\n"),
            "docs/guarantees.md:2",
            "`it_is_so`",
        );
        let helper = check("* It holds. Shown by `helps`.\n");
        assert_one(&helper, "docs/guarantees.md:1", "no test `helps`");
        let page = (PAGE, "* It holds. Shown by `it_holds`.\n");
        let twice = check_promises(&Tree::of(&[page, code, ("b/it.rs", code.1)]));
        assert_one(&twice, "docs/guarantees.md:1", "2 tests `it_holds`");
        assert_one(&check_promises(&Tree::of(&[code])), "docs/guarantees.md:1", "no page");
    }

    #[test]
    fn every_promise_is_shown_by_a_test() {
        assert_clean(&check_promises(Tree::of_repository()));
    }
}
