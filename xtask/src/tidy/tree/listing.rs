//! Which files there are: those that git tracks, or would.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

/// The paths of all regular files that are tracked or will be, relative to the root and in order.
pub(super) fn paths(root: &Path) -> Vec<String> {
    let mut paths = match listed_by_git(root) {
        Ok(paths) => paths,
        Err(why) => {
            eprintln!("tidy: {why}; walking the tree instead, build products excepted");
            let mut paths = Vec::new();
            walk(root, "", &mut paths).expect("the tree can be read");
            paths
        }
    };
    // A deleted file is listed until its deletion is committed; a link is checked elsewhere.
    paths.retain(|path| {
        root.join(path).symlink_metadata().is_ok_and(|found| found.file_type().is_file())
    });
    paths.sort();
    paths.dedup();
    paths
}

/// Asks git; the error is a clause that says why it gave no answer.
fn listed_by_git(root: &Path) -> Result<Vec<String>, String> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(arguments).current_dir(root).output();
    let output = output.map_err(|error| format!("git can't be run ({error})"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git doesn't list the files ({})", said.trim()));
    }
    let names = String::from_utf8(output.stdout).map_err(|_| "a file's name isn't UTF-8")?;
    let paths: Vec<String> = names.split_terminator('\0').map(ToOwned::to_owned).collect();
    if !paths.iter().any(|path| path == "Cargo.toml") {
        return Err("git doesn't know this tree".to_owned());
    }
    Ok(paths)
}

fn walk(root: &Path, below: &str, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if !entry.file_type()?.is_dir() {
            paths.push(path);
        } else if !matches!(&*name, ".git" | "target") {
            walk(root, &path, paths)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_finds_what_git_lists() {
        let root = crate::workspace_root();
        let mut walked = Vec::new();
        walk(&root, "", &mut walked).unwrap();
        let listed = paths(&root);
        let missed: Vec<_> = listed.iter().filter(|path| !walked.contains(path)).collect();
        assert!(missed.is_empty(), "the walk misses {missed:?}");
        assert!(listed.iter().any(|path| path == "xtask/src/tidy/tree/listing.rs"));
    }

    #[test]
    fn where_git_knows_nothing_it_says_so() {
        let why = listed_by_git(&std::env::temp_dir()).unwrap_err();
        assert!(why.starts_with("git "), "{why}");
    }
}
