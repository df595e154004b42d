//! The crates of the workspace, as cargo knows them.

use std::env;
use std::process::Command;

use serde_json::Value;

/// A crate of the workspace.
#[derive(Debug)]
pub(super) struct Crate {
    pub(super) name: String,
    /// The path of its manifest, relative to the root.
    pub(super) manifest: String,
    /// What it is built with: normal and build dependencies.
    pub(super) dependencies: Vec<String>,
}

impl Crate {
    /// A crate made up by a test.
    pub(super) fn of(name: &str, dependencies: &[&str]) -> Self {
        let dependencies = dependencies.iter().map(ToString::to_string).collect();
        Self { name: name.to_owned(), manifest: format!("{name}/Cargo.toml"), dependencies }
    }
}

/// Asks cargo, which needs no network for it.
pub(super) fn crates_of_repository() -> Vec<Crate> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(crate::workspace_root())
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    crates(&metadata).expect("the metadata has format version 1")
}

/// Reads the metadata, of format version 1.
pub(super) fn crates(metadata: &Value) -> Option<Vec<Crate>> {
    let root = metadata["workspace_root"].as_str()?;
    let read = |package: &Value| {
        let manifest = package["manifest_path"].as_str()?.strip_prefix(root)?;
        let built_with = |dependency: &&Value| dependency["kind"] != "dev";
        let dependencies = package["dependencies"].as_array()?.iter().filter(built_with);
        Some(Crate {
            name: package["name"].as_str()?.to_owned(),
            manifest: manifest.trim_start_matches(['/', '\\']).replace('\\', "/"),
            dependencies: dependencies
                .map(|dependency| dependency["name"].as_str().map(ToOwned::to_owned))
                .collect::<Option<_>>()?,
        })
    };
    metadata["packages"].as_array()?.iter().map(read).collect()
}
