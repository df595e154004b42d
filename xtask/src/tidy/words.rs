//! Words that no source may contain, and attributes that hide something. What clippy finds
//! (`todo!`, a test that sleeps) is left to it.

use super::rust::{bracketed, find_words, line_of};
use super::tree::{Problem, Tree};

/// Words that not even a comment may contain; in two parts, so that this file doesn't contain them.
const BANNED: [(&str, &str); 2] = [
    (concat!("FIX", "ME"), "mend it, or open an issue"),
    (concat!("XX", "X"), "mend it, or open an issue"),
];

/// Attributes that hide something.
const BANNED_ATTRIBUTES: [(&str, &str); 2] = [
    ("allow", "use `expect` with a reason: it is found out when it is needed no more"),
    ("ignore", "mend the test or remove it; what isn't run isn't true"),
];

/// The declaration macro: what it makes cannot know whether it needs a lint silenced, and an
/// `expect` that is not needed is a warning itself.
const MACRO: &str = "sync-objects/src/interface.rs";

/// Finds banned words.
fn check_words(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.with("rs") {
        for (number, line) in file.lines() {
            for (word, instead) in BANNED {
                if !find_words(line, word).is_empty() {
                    problems.push(file.problem(number, format!("`{word}` is banned; {instead}")));
                }
            }
        }
    }
    problems
}

/// Finds attributes that silence a lint or a test.
fn check_attributes(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.with("rs") {
        let code = file.code();
        for (line, attribute) in attributes(code) {
            for (word, instead) in BANNED_ATTRIBUTES {
                if is_applied(attribute, word) && !(file.path == MACRO && word == "allow") {
                    let what = format!("the attribute `{word}` is banned; {instead}");
                    problems.push(file.problem(line, what));
                }
            }
        }
    }
    problems
}

/// The attributes with the lines on which they start: `[…]`, without the `#` or `#!`.
fn attributes(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.match_indices('#').filter_map(|(at, _)| {
        let after = code[at + 1..].strip_prefix('!').unwrap_or(&code[at + 1..]);
        let open = code.len() - after.len();
        after.starts_with('[').then(|| (line_of(code, at), &code[bracketed(code, open)]))
    })
}

/// Whether the attribute is this one, or applies it under a condition.
fn is_applied(attribute: &str, word: &str) -> bool {
    let inside = attribute[1..].trim_start();
    let conditional = inside.starts_with("cfg_attr");
    find_words(inside, word).into_iter().any(|at| {
        let before = inside[..at].trim_end();
        before.is_empty() || conditional && before.ends_with(',')
    })
}

#[cfg(test)]
mod tests {
    use super::super::{assert_clean, assert_one};
    use super::*;

    #[track_caller]
    fn finds(text: &str, words: &str) {
        let tree = Tree::of(&[("a.rs", &format!("\n{text}\n"))]);
        assert_one(&[check_words(&tree), check_attributes(&tree)].concat(), "a.rs:2", words);
    }

    #[test]
    fn each_banned_word_is_found() {
        finds(concat!("// FIX", "ME: later"), "is banned");
        finds(concat!("// XX", "X"), "is banned");
    }

    #[test]
    fn each_banned_attribute_is_found() {
        finds("#![allow(dead_code)]", "use `expect`");
        finds("#[cfg_attr(test,\n allow(dead_code))]", "use `expect`");
        finds("#[ignore = \"slow\"]", "mend the test");
        finds("#[cfg_attr(unix, ignore)]", "mend the test");
    }

    #[test]
    fn other_uses_of_an_attributes_word_are_let_be() {
        let tree =
            Tree::of(&[("a.rs", "#[arg(ignore)]\n#[expect(clippy::allow)]\n#[serde(a, ignore)]")]);
        assert_clean(&check_attributes(&tree));
    }

    #[test]
    fn no_source_says_a_banned_word() {
        assert_clean(&check_words(Tree::of_repository()));
    }

    #[test]
    fn no_attribute_hides_a_lint_or_a_test() {
        assert_clean(&check_attributes(Tree::of_repository()));
    }
}
