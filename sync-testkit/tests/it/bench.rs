//! The bench itself: that it starts real processes and tells what came of them, not how fast.

use std::fs;
use std::process::{Command, Output};

use sync_testkit::ServerProcess;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sync-bench")).args(arguments).output().unwrap()
}

#[test]
fn the_bench_measures_us_beside_the_echo_and_writes_what_came_of_it() {
    // Otherwise the bench would build it while it measures.
    ServerProcess::binary();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("figures.json");
    let file = file.to_str().unwrap();
    let only = "dict_get/unix/one_core,event_wake/tcp/one_core,clients_2/unix/one_core";
    let said =
        bench(&["--quick", "--peers=ours,echo", "--rounds=1", "--only", only, "--json", file]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert!(String::from_utf8_lossy(&said.stdout).contains("dict_get/unix/one_core"));

    let report: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert!(!report["machine"].as_str().unwrap().is_empty());
    let cases = report["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        for peer in ["ours", "echo"] {
            let figure = |name: &str| case[peer][name].as_f64().unwrap();
            assert!(figure("min") > 0.0, "{case}");
            assert!(figure("min") <= figure("median") && figure("median") <= figure("max"));
        }
        assert!(case.get("cpython").is_none(), "only those that ran are in it: {case}");
    }

    let table = bench(&["--table", file]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("\n| dict_get/unix/one_core | µs |"), "{table}");
}

#[test]
fn a_file_that_holds_no_figures_is_named() {
    let said = bench(&["--table", "no such file"]);
    assert!(!said.status.success());
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(words.contains("no such file holds no figures of a bench"), "{words}");
}

#[test]
fn a_case_that_there_is_not_is_said_to_be_none() {
    ServerProcess::binary();
    let said = bench(&["--quick", "--peers=ours", "--only", "dict_got"]);
    assert!(!said.status.success());
    let why = String::from_utf8_lossy(&said.stderr);
    assert!(why.contains("no case") && why.contains("dict_got"), "{why}");
}
