//! Manifests, read line by line, and what must stand in them.

use super::crates::Crate;
use super::tree::{File, Problem, Tree};

/// What every crate takes over from the workspace: section, key, and why.
const INHERITED: [(&str, &str, &str); 4] = [
    ("lints", "", "one set of lints for all"),
    ("package", "edition", "one edition for all"),
    ("package", "rust-version", "one compiler for all"),
    ("package", "license", "one licence for all"),
];

/// A `key = value` of a manifest; `a.b = v` has the key `a.b`.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) line: usize,
    pub(super) section: &'a str,
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

/// The entries of a manifest; those of a value over several lines are not told apart.
pub(super) fn entries(manifest: &File) -> Vec<Entry<'_>> {
    let mut section = "";
    let mut found = Vec::new();
    for (number, text) in manifest.lines() {
        let text = text.split(" #").next().unwrap_or(text).trim();
        if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim_matches(['[', ']']).trim();
        } else if let Some((key, value)) = text.split_once('=') {
            found.push(Entry { line: number, section, key: key.trim(), value: value.trim() });
        }
    }
    found
}

/// Finds crates that don't take over what all crates share.
fn check_inheritance(tree: &Tree, crates: &[Crate]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for manifest in crates.iter().filter_map(|member| tree.get(&member.manifest)) {
        let entries = entries(manifest);
        for (section, key, why) in INHERITED {
            if !entries.iter().any(|entry| inherits(entry, section, key)) {
                let line = if key.is_empty() {
                    "workspace".to_owned()
                } else {
                    format!("{key}.workspace")
                };
                let at = entries.iter().find(|entry| entry.section == section);
                let what = format!("{why}; write `{line} = true` in `[{section}]`");
                problems.push(manifest.problem(at.map_or(1, |entry| entry.line), what));
            }
        }
    }
    problems
}

fn inherits(entry: &Entry<'_>, section: &str, key: &str) -> bool {
    if entry.section != section {
        return false;
    }
    if key.is_empty() {
        return entry.key == "workspace" && entry.value == "true";
    }
    let table = entry.value.replace(' ', "") == "{workspace=true}";
    entry.key == key && table || entry.key == format!("{key}.workspace") && entry.value == "true"
}

/// Finds whether unsafe code is no longer forbidden.
fn check_unsafe_is_forbidden(tree: &Tree) -> Vec<Problem> {
    let manifest = tree.get("Cargo.toml").expect("the workspace has a manifest");
    let entries = entries(manifest);
    let lints = || entries.iter().filter(|entry| entry.section == "workspace.lints.rust");
    let lint = lints().find(|entry| entry.key == "unsafe_code");
    if lint.is_some_and(|entry| entry.value == "\"forbid\"") {
        return Vec::new();
    }
    let line = lint.or_else(|| lints().next()).map_or(1, |entry| entry.line);
    let what = "unsafe code isn't forbidden; \
                write `unsafe_code = \"forbid\"` in `[workspace.lints.rust]`";
    vec![manifest.problem(line, what)]
}

#[cfg(test)]
mod tests {
    use super::super::crates::crates_of_repository;
    use super::super::{assert_clean, assert_one};
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\" # ours\nedition.workspace = true\n\
        rust-version = { workspace = true }\nlicense.workspace = true\n\
        [lints]\nworkspace = true\n";

    #[track_caller]
    fn check(manifest: &str) -> Vec<Problem> {
        let crates = [Crate::of("a", &[])];
        check_inheritance(&Tree::of(&[("a/Cargo.toml", manifest)]), &crates)
    }

    #[test]
    fn a_crate_with_settings_of_its_own_is_found() {
        assert_clean(&check(GOOD));
        let own = GOOD.replace("edition.workspace = true", "edition = \"2021\"");
        assert_one(&check(&own), "a/Cargo.toml:2", "edition.workspace = true");
        let own = GOOD.replace("rust-version = { workspace = true }\n", "");
        assert_one(&check(&own), "a/Cargo.toml:2", "rust-version.workspace = true");
        let own = GOOD.replace("license.workspace = true", "license.workspace = false");
        assert_one(&check(&own), "a/Cargo.toml:2", "license.workspace = true");
        let own = GOOD.replace("[lints]\nworkspace = true", "[lints.rust]\ndead_code = \"warn\"");
        assert_one(&check(&own), "a/Cargo.toml:1", "`workspace = true` in `[lints]`");
    }

    #[test]
    fn unsafe_code_that_is_merely_denied_is_found() {
        let check = |lints: &str| {
            let text = format!("[workspace.lints.rust]\n{lints}\n");
            check_unsafe_is_forbidden(&Tree::of(&[("Cargo.toml", &text)]))
        };
        assert_clean(&check("unsafe_code = \"forbid\""));
        let denied = "missing_docs = \"warn\"\nunsafe_code = \"deny\"";
        assert_one(&check(denied), "Cargo.toml:3", "isn't forbidden");
        assert_one(&check("missing_docs = \"warn\""), "Cargo.toml:2", "isn't forbidden");
    }

    #[test]
    fn every_crate_takes_over_what_the_workspace_says() {
        let crates = crates_of_repository();
        assert_clean(&check_inheritance(Tree::of_repository(), &crates));
    }

    #[test]
    fn unsafe_code_is_forbidden_in_the_whole_workspace() {
        assert_clean(&check_unsafe_is_forbidden(Tree::of_repository()));
    }
}
