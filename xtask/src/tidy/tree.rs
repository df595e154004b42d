//! The files of the repository, as the rules see them.

mod listing;

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::rust::code_of;

/// What breaks a rule: where, what, and what to do about it.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    path: String,
    line: usize,
    what: String,
}

impl Problem {
    pub(super) fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// A text file; `path` is relative to the root, with `/` between its parts.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
    code: OnceLock<String>,
}

impl File {
    fn new(path: &str, text: String) -> Self {
        Self { path: path.to_owned(), text, code: OnceLock::new() }
    }

    pub(super) fn is(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
    }

    /// Lines with their numbers, which start at 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// The text read as Rust, without comments and literals.
    pub(super) fn code(&self) -> &str {
        self.code.get_or_init(|| code_of(&self.text))
    }

    pub(super) fn problem(&self, line: usize, what: impl Into<String>) -> Problem {
        Problem::new(&self.path, line, what)
    }
}

/// All files that are tracked, or will be: untracked and not ignored.
#[derive(Debug)]
pub(super) struct Tree {
    /// Text files, in order of path.
    pub(super) files: Vec<File>,
    /// Every path, also of what isn't text.
    paths: Vec<String>,
}

impl Tree {
    /// The repository that this crate is part of; read once.
    pub(super) fn of_repository() -> &'static Self {
        static TREE: OnceLock<Tree> = OnceLock::new();
        TREE.get_or_init(|| Self::read(&crate::workspace_root()))
    }

    /// A tree made up by a test.
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let paths = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        let files = files.iter().map(|(path, text)| File::new(path, (*text).to_owned())).collect();
        Self { files, paths }
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The files with this extension.
    pub(super) fn with<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.is(extension))
    }

    /// Whether there is a file or a directory at this path; the root is the empty one.
    pub(super) fn has(&self, path: &str) -> bool {
        let below = |found: &String| {
            found.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        path.is_empty() || self.paths.iter().any(below)
    }

    fn read(root: &Path) -> Self {
        let paths = listing::paths(root);
        let files = paths.iter().filter_map(|path| {
            let bytes = fs::read(root.join(path)).expect("a listed file can be read");
            let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))?;
            Some(File::new(path, text))
        });
        Self { files: files.collect(), paths: paths.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_its_directories_too() {
        let tree = Tree::of(&[("docs/wire.md", "")]);
        assert!(tree.has("docs/wire.md") && tree.has("docs") && tree.has(""));
        assert!(!tree.has("doc") && !tree.has("docs/wire"));
    }
}
