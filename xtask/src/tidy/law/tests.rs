use super::super::crates::{crates, crates_of_repository};
use super::super::{assert_clean, assert_one};
use super::*;

#[track_caller]
fn forbids(name: &str, dependency: &str, words: &str) {
    let manifest = format!("{name}/Cargo.toml");
    let text = format!(
        "[package]\nname = \"{name}\"\n[dev-dependencies]\n{dependency}.workspace = true\n\
         [dependencies]\n{dependency}.workspace = true\n"
    );
    let tree = Tree::of(&[(&manifest, &text)]);
    let problems = check_law(&tree, &[Crate::of(name, &["serde", dependency])]);
    assert_one(&problems, &format!("{manifest}:6"), words);
}

#[test]
fn a_dependency_against_the_law_is_found() {
    forbids("sync-proto", "sync-objects", "may not know sync-objects, only: none of ours");
    forbids("sync-objects", "sync-server", "only: sync-proto;");
    forbids("sync-server", "sync-client", "may not know sync-client");
    forbids("sync-client", "sync-server", "may not know sync-server");
    forbids("sync-server", "sync-testkit", "may not know sync-testkit");
    forbids("xtask", "sync-proto", "only: none of ours");
}

#[test]
fn a_pure_crate_with_a_way_out_is_found() {
    forbids("sync-objects", "mio", "does no I/O");
    forbids("sync-proto", "rustix", "does no I/O");
    for unsteady in ["parking_lot", "dashmap", "getrandom"] {
        forbids("sync-objects", unsteady, "is deterministic");
    }
}

#[test]
fn anyhow_in_a_library_is_found() {
    for name in ["sync-proto", "sync-objects", "sync-client"] {
        forbids(name, "anyhow", "give the error a type");
    }
    let crates = MAY_USE_ANYHOW.map(|name| Crate::of(name, &["anyhow"]));
    assert_clean(&check_law(&Tree::of(&[]), &crates));
}

#[test]
fn a_crate_that_the_law_doesnt_know_is_found() {
    let problems = check_law(&Tree::of(&[]), &[Crate::of("sync-extra", &[])]);
    assert_one(&problems, "sync-extra/Cargo.toml:1", "the law doesn't know `sync-extra`");
}

#[test]
fn dev_dependencies_are_outside_of_the_law_and_build_dependencies_are_not() {
    let metadata = serde_json::json!({
        "workspace_root": "/a",
        "packages": [{
            "name": "sync-proto",
            "manifest_path": "/a/sync-proto/Cargo.toml",
            "dependencies": [
                { "name": "anyhow", "kind": "dev" },
                { "name": "serde", "kind": null },
                { "name": "mio", "kind": "build" },
            ],
        }],
    });
    let crates = crates(&metadata).unwrap();
    assert_eq!(crates[0].dependencies, ["serde", "mio"]);
    assert_one(&check_law(&Tree::of(&[]), &crates), "sync-proto/Cargo.toml:1", "mio");
}

#[test]
fn the_crates_know_only_what_the_law_allows() {
    assert_clean(&check_law(Tree::of_repository(), &crates_of_repository()));
}
