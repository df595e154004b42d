//! Relative links in documents lead somewhere.

use super::tree::{File, Problem, Tree};

/// Finds relative links that lead nowhere.
fn check_links(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.with("md") {
        for (number, target) in links(file) {
            let path = target.split(['#', '?']).next().unwrap_or_default();
            if path.is_empty() || path.contains(':') {
                continue; // A place in the same file, or an address.
            }
            if !resolved(&file.path, path).is_some_and(|found| tree.has(&found)) {
                let what = format!("the link to `{target}` leads nowhere; mend or remove it");
                problems.push(file.problem(number, what));
            }
        }
    }
    problems
}

/// The targets of links and images outside of code.
fn links(file: &File) -> Vec<(usize, String)> {
    let mut in_fence = false;
    let mut found = Vec::new();
    for (number, line) in file.lines() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        }
        if in_fence {
            continue;
        }
        // What lies between backticks is code: every second piece.
        let prose = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        let inline = prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap_or(rest));
        let defined = prose.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        let targets = inline.chain(defined.map(|(_, target)| target));
        // A title may follow the target.
        let target = |text: &str| text.trim().split(" \"").next().unwrap_or(text).to_owned();
        found.extend(targets.map(target).map(|text| (number, bare(&text).to_owned())));
    }
    found
}

/// `<a b>` is `a b`.
fn bare(target: &str) -> &str {
    target.strip_prefix('<').and_then(|inner| inner.strip_suffix('>')).unwrap_or(target)
}

/// The path from the root, if it doesn't lead out of it.
fn resolved(from: &str, target: &str) -> Option<String> {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let start = if target.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in start.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::{assert_clean, assert_one};
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let check = |text| {
            let good = ("docs/wire format.md", "[up](../README.md#a) [root](/docs) [self](#b)\n");
            check_links(&Tree::of(&[("README.md", text), good]))
        };
        assert_clean(&check(
            "[a](<docs/wire format.md>) [b](docs/) [c](https://a.b/c) [d](crate::D)\n",
        ));
        assert_clean(&check("`[a](no.md)`\n```md\n[a](no.md)\n```\n"));
        assert_one(&check("\n[a](docs/no.md#x)\n"), "README.md:2", "docs/no.md#x");
        assert_one(&check("[![a](no.png \"b\")](docs)\n"), "README.md:1", "`no.png`");
        assert_one(&check("[a]: no.md\n"), "README.md:1", "`no.md`");
        assert_one(&check("[a](../elsewhere.md)\n"), "README.md:1", "elsewhere");
    }

    #[test]
    fn every_relative_link_leads_somewhere() {
        assert_clean(&check_links(Tree::of_repository()));
    }
}
