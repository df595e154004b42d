//! What holds for every text file, and the documentation with which each module starts.

use super::tree::{File, Problem, Tree};

/// Folders of somebody's own machine; in two parts, so that this file doesn't name them.
const OWN_FOLDERS: [&str; 3] =
    [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/")];

/// What fuzzing has found is kept as it was found.
const AS_FOUND: &str = "fuzz/corpus/";

/// Finds trailing white space, tabs in sources, and files without a last line break.
fn check_whitespace(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.files.iter().filter(|file| !file.path.starts_with(AS_FOUND)) {
        // Not `lines`, which would take a carriage return for a part of the line break.
        for (number, line) in (1..).zip(file.text.split('\n')) {
            if line.ends_with(char::is_whitespace) {
                problems.push(file.problem(number, "white space at the end; remove it"));
            }
            if file.is("rs") && line.contains('\t') {
                problems.push(file.problem(number, "a tab; indent with spaces, or write `\\t`"));
            }
        }
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            let last = file.text.lines().count();
            problems.push(file.problem(last, "no line break at the end; add one"));
        }
    }
    problems
}

/// Finds paths that exist on one machine only.
fn check_own_folders(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.files.iter().filter(|file| !file.path.starts_with(AS_FOUND)) {
        for (number, line) in file.lines() {
            for folder in OWN_FOLDERS.into_iter().filter(|folder| names(line, folder)) {
                let what = format!("`{folder}` is a folder of one machine; write a relative path");
                problems.push(file.problem(number, what));
            }
        }
    }
    problems
}

/// Whether the path starts with the folder, rather than has it inside: `target/…`, `host.org/…`.
fn names(line: &str, folder: &str) -> bool {
    let is_inside = |c: char| c.is_alphanumeric() || "_-.~*})>".contains(c);
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(is_inside))
}

/// Finds modules that don't say what they are about; those of tests may leave it out.
fn check_module_docs(tree: &Tree) -> Vec<Problem> {
    let is_module = |file: &&File| {
        let is_source = file.path.starts_with("src/") || file.path.contains("/src/");
        is_source && !file.path.ends_with("/tests.rs") && !file.path.contains("/tests/")
    };
    let undocumented = |file: &&File| !file.text.starts_with("//! ");
    let problem = |file: &File| {
        file.problem(1, "the module has no docs; start with a `//!` sentence on what it is about")
    };
    tree.with("rs").filter(is_module).filter(undocumented).map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{assert_clean, assert_one};
    use super::*;

    #[test]
    fn untidy_white_space_is_found() {
        let check = |text| check_whitespace(&Tree::of(&[("a.rs", text)]));
        assert_one(&check("a\nb \n"), "a.rs:2", "white space at the end");
        assert_one(&check("a\nb\r\n"), "a.rs:2", "white space at the end");
        assert_one(&check("\ta\n"), "a.rs:1", "a tab");
        assert_one(&check("a\nb"), "a.rs:2", "no line break");
        assert_clean(&check_whitespace(&Tree::of(&[("Makefile", "\ta\n"), ("empty", "")])));
        assert_clean(&check_whitespace(&Tree::of(&[("fuzz/corpus/1", "a ")])));
    }

    #[test]
    fn a_folder_of_one_machine_is_found() {
        for folder in OWN_FOLDERS {
            let line = format!("\nsee `{folder}notes.md`\n");
            let problems = check_own_folders(&Tree::of(&[("a.md", &line)]));
            assert_one(&problems, "a.md:2", "folder of one machine");
            let other = format!("https://example.org{folder} target{folder} ~{folder}\n");
            assert_clean(&check_own_folders(&Tree::of(&[("a.md", &other)])));
        }
    }

    #[test]
    fn a_module_without_docs_is_found() {
        let check = |path| check_module_docs(&Tree::of(&[(path, "// no\n//! Docs.\n")]));
        assert_one(&check("sync-proto/src/frame.rs"), "sync-proto/src/frame.rs:1", "no docs");
        assert_clean(&check("sync-proto/src/frame/tests.rs"));
        assert_clean(&check("sync-proto/tests/it/main.rs"));
        let documented = [("sync-proto/src/lib.rs", "//! Docs.\n")];
        assert_clean(&check_module_docs(&Tree::of(&documented)));
    }

    #[test]
    fn white_space_is_tidy() {
        assert_clean(&check_whitespace(Tree::of_repository()));
    }

    #[test]
    fn no_file_names_a_folder_of_one_machine() {
        assert_clean(&check_own_folders(Tree::of_repository()));
    }

    #[test]
    fn every_module_says_what_it_is_about() {
        assert_clean(&check_module_docs(Tree::of_repository()));
    }
}
