//! `cargo xtask ci`: the steps, their order, and how long each took.

#![expect(clippy::print_stdout, reason = "printing is xtask's job")]

mod skipped;
mod step;
mod table;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context, Result};

pub(crate) use self::step::Step;
use self::step::cargo_succeeds;
use self::table::Table;

/// Runs everything that CI runs, in order, and stops at the first failure.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut steps = workspace_steps(root);
    for manifest in example_manifests(root)? {
        steps.extend(example_steps(&manifest));
    }
    skipped::forget(root)?;
    let outcome = run_steps(root, &steps);
    for what in skipped::told(root) {
        println!("{what}");
    }
    if crate::python::interpreters().is_empty() {
        println!("{}", crate::python::NONE);
    }
    outcome
}

/// Runs only the house rules, which are tests of this crate.
pub(crate) fn run_tidy(root: &Path) -> Result<()> {
    run_steps(root, &[Step::cargo("tidy", &["test", "--package", "xtask", "--locked"])])
}

/// Runs the torture of sync-testkit for `cycles` cycles, with the binary that users run. It also
/// fails when the next process gets a dead holder's lock later than after `within` milliseconds at
/// the 99th percentile.
pub(crate) fn run_torture(root: &Path, cycles: u32, within: u32) -> Result<()> {
    let test = ["test", "--release", "--package", "sync-testkit", "--test", "it", "--locked"];
    let torture =
        Step::cargo("torture", &[&test[..], &["--", "torture::", "--nocapture"]].concat());
    let torture = torture
        .with_env("SYNC_TORTURE_CYCLES", cycles.to_string())
        .with_env("SYNC_TORTURE_WITHIN_MS", within.to_string());
    run_steps(root, &[torture])
}

/// Has processes make `calls` calls, of which a witness is kept, and checks that they are
/// linearizable.
pub(crate) fn run_witness(root: &Path, calls: u64) -> Result<()> {
    let test = ["test", "--release", "--package", "sync-testkit", "--test", "it", "--locked"];
    let witness =
        Step::cargo("witness", &[&test[..], &["--", "witness::", "--nocapture"]].concat());
    run_steps(root, &[witness.with_env("SYNC_WITNESS_CALLS", calls.to_string())])
}

/// Runs the simulator: a seed, or new ones for some time.
pub(crate) fn run_simulator(root: &Path, arguments: &[&str]) -> Result<()> {
    run_steps(root, &[simulator_step(arguments)])
}

fn simulator_step(arguments: &[&str]) -> Step {
    // Its profile is as fast as a release and checks as much as a debug build.
    let run = ["run", "--profile", "sim", "--package", "sync-testkit", "--bin", "sim", "--locked"];
    Step::cargo("simulator", &[&run[..], &["--"], arguments].concat())
}

fn run_steps(root: &Path, steps: &[Step]) -> Result<()> {
    let mut table = Table::default();
    let outcome = steps.iter().try_for_each(|step| {
        println!("\n$ {step}");
        let start = Instant::now();
        let outcome = step.run(root);
        let took = start.elapsed();
        println!("  {} took {:.1} s", step.name(), took.as_secs_f64());
        table.push(step.name(), took, outcome.is_ok());
        outcome
    });
    println!("\n{table}");
    outcome
}

/// The steps over the workspace itself.
fn workspace_steps(root: &Path) -> Vec<Step> {
    vec![
        Step::cargo("fmt", &["fmt", "--all", "--check"]),
        Step::cargo(
            "clippy",
            &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
        ),
        // Tests run them as programs; the fallback below would build only their own tests.
        Step::cargo("examples", &["build", "--workspace", "--examples", "--locked"]),
        test_step(root),
        Step::cargo(
            "python",
            &["run", "--quiet", "--package", "xtask", "--locked", "--", "python"],
        ),
        simulator_step(&["--seeds", "10000"]),
        Step::cargo("doctests", &["test", "--workspace", "--doc", "--locked"]),
        Step::cargo("rustdoc", &["doc", "--workspace", "--no-deps", "--locked"])
            .with_env("RUSTDOCFLAGS", "-D warnings"),
    ]
}

/// The tests, by nextest where it is installed.
///
/// Nextest's default is right: libraries, binaries, integration tests, and examples with `test =
/// true`. Cargo's `--all-targets` would run the benches too, so the fallback spells its targets
/// out.
fn test_step(root: &Path) -> Step {
    if cargo_succeeds(root, &["nextest", "--version"]) {
        println!("tests: by cargo nextest, each in a process of its own");
        let run = ["nextest", "run", "--profile", "ci", "--workspace", "--locked"];
        return Step::cargo("tests", &run);
    }
    println!("tests: by cargo test, because `cargo nextest --version` doesn't work here");
    let targets = ["--lib", "--bins", "--tests", "--examples"];
    Step::cargo("tests", &[&["test", "--workspace", "--locked"], &targets[..]].concat())
}

/// The steps over one application under `examples/`, a workspace of its own.
fn example_steps(manifest: &str) -> Vec<Step> {
    let name = manifest.trim_end_matches("/Cargo.toml");
    let at = ["--manifest-path", manifest];
    let clippy = ["--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    let steps = [
        ("fmt", [&["fmt"], &at[..], &["--all", "--check"]].concat()),
        ("clippy", [&["clippy"], &at[..], &clippy].concat()),
        ("tests", [&["test"], &at[..], &["--workspace", "--locked"]].concat()),
    ];
    let share_target = env::var_os("CARGO_TARGET_DIR").is_none();
    steps
        .into_iter()
        .map(|(what, arguments)| {
            let step = Step::cargo(format!("{name}: {what}"), &arguments);
            // What the workspace has built is not built again for each application.
            if share_target { step.with_env("CARGO_TARGET_DIR", "target") } else { step }
        })
        .collect()
}

/// The manifests of the applications under `examples/`, relative to the root, in order of name.
fn example_manifests(root: &Path) -> Result<Vec<String>> {
    let examples = root.join("examples");
    let entries = match fs::read_dir(&examples) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("can't list {}", examples.display()))?,
    };
    let mut manifests = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("can't list {}", examples.display()))?;
        let manifest = PathBuf::from("examples").join(entry.file_name()).join("Cargo.toml");
        if root.join(&manifest).is_file() {
            let manifest = manifest.into_os_string().into_string();
            manifests.push(manifest.map_err(|name| {
                anyhow::anyhow!("the name of an example must be UTF-8; rename {name:?}")
            })?);
        }
    }
    manifests.sort();
    Ok(manifests)
}
