//! Which crate may depend on which. Dev-dependencies are outside of the law.

use super::crates::Crate;
use super::manifests::entries;
use super::tree::{Problem, Tree};

/// The crates of the workspace, and the others that each may depend on.
const LAW: [(&str, &[&str]); 6] = [
    ("sync-proto", &[]),
    ("sync-objects", &["sync-proto"]),
    ("sync-server", &["sync-objects", "sync-proto"]),
    ("sync-client", &["sync-objects", "sync-proto"]),
    ("sync-testkit", &["sync-client", "sync-objects", "sync-proto", "sync-server"]),
    ("xtask", &[]),
];

/// Crates through which the outside world comes in.
const OUTSIDE: [&str; 18] = [
    "async-io",
    "async-std",
    "crossbeam-channel",
    "libc",
    "mio",
    "nix",
    "polling",
    "rustix",
    "signal-hook",
    "signal-hook-mio",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
    "ureq",
    "walkdir",
    "memmap2",
    "fs-err",
];

/// Crates that bring threads, a clock, or chance.
const UNSTEADY: [&str; 15] = [
    "ahash",
    "chrono",
    "crossbeam",
    "crossbeam-utils",
    "dashmap",
    "fastrand",
    "getrandom",
    "jiff",
    "parking_lot",
    "quanta",
    "rand",
    "rayon",
    "threadpool",
    "time",
    "web-time",
];

/// Crates that work with `anyhow::Error`: binaries and tools.
const MAY_USE_ANYHOW: [&str; 3] = ["sync-server", "sync-testkit", "xtask"];

/// Finds dependencies that the law doesn't allow.
fn check_law(tree: &Tree, crates: &[Crate]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for member in crates {
        let Some((_, known)) = LAW.iter().find(|(name, _)| *name == member.name) else {
            let what = format!(
                "the law doesn't know `{}`; say in xtask/src/tidy/law.rs what it may know",
                member.name,
            );
            problems.push(Problem::new(&member.manifest, 1, what));
            continue;
        };
        for dependency in &member.dependencies {
            if let Some(what) = breach(&member.name, dependency, known) {
                let line = line_of_dependency(tree, member, dependency);
                problems.push(Problem::new(&member.manifest, line, what));
            }
        }
    }
    problems
}

/// What is wrong with this dependency, and what to do.
fn breach(name: &str, dependency: &str, known: &[&str]) -> Option<String> {
    let is_ours = LAW.iter().any(|(ours, _)| *ours == dependency);
    let is_pure = matches!(name, "sync-proto" | "sync-objects");
    if is_ours && !known.contains(&dependency) {
        let may = if known.is_empty() { "none of ours".to_owned() } else { known.join(", ") };
        Some(format!(
            "{name} may not know {dependency}, only: {may}; \
             move what is needed down to a crate that both know",
        ))
    } else if is_pure && OUTSIDE.contains(&dependency) {
        Some(format!(
            "{name} does no I/O and may not know {dependency}; \
             use it in sync-server or sync-client",
        ))
    } else if name == "sync-objects" && UNSTEADY.contains(&dependency) {
        Some(format!(
            "{name} is deterministic and may not know {dependency}; \
             take what comes from the outside as an argument",
        ))
    } else if dependency == "anyhow" && !MAY_USE_ANYHOW.contains(&name) {
        Some(format!("{name} is a library and may not use anyhow; give the error a type"))
    } else {
        None
    }
}

/// Where the manifest names the dependency, or 1.
fn line_of_dependency(tree: &Tree, member: &Crate, dependency: &str) -> usize {
    let Some(manifest) = tree.get(&member.manifest) else {
        return 1;
    };
    let entries = entries(manifest);
    let named = entries.iter().find(|entry| {
        let in_own_section = entry.section.ends_with(&format!("dependencies.{dependency}"));
        let by_key = entry.key.split('.').next() == Some(dependency);
        !entry.section.contains("dev-dependencies")
            && (in_own_section || by_key && entry.section.ends_with("dependencies"))
    });
    named.map_or(1, |entry| entry.line)
}

#[cfg(test)]
mod tests;
