//! The example `philosophers`.

use super::{example, run};

#[test]
fn everyone_eats_all_his_meals() {
    let printed = run("philosophers", &["--philosophers=5", "--meals=20"]);
    for seat in 0..5 {
        assert!(printed.contains(&format!("philosopher {seat}: 20 meals\n")), "{printed}");
    }
    assert!(printed.ends_with("forks found abandoned: 0\n"), "{printed}");
}

#[test]
fn the_forks_of_one_who_is_killed_go_to_his_neighbours() {
    let printed = run("philosophers", &["--philosophers=5", "--meals=20", "--kill-one"]);
    assert!(printed.contains("philosopher 0: 0 meals, killed\n"), "{printed}");
    for seat in 1..5 {
        assert!(printed.contains(&format!("philosopher {seat}: 20 meals\n")), "{printed}");
    }
    assert!(printed.ends_with("forks found abandoned: 2\n"), "{printed}");
}

#[test]
fn two_philosophers_share_both_forks() {
    let printed = run("philosophers", &["--philosophers=2", "--meals=10", "--kill-one"]);
    assert!(printed.contains("philosopher 1: 10 meals\n"), "{printed}");
    assert!(printed.ends_with("forks found abandoned: 2\n"), "{printed}");
}

#[test]
fn one_philosopher_has_too_few_forks() {
    let output = example("philosophers").arg("--philosophers=1").output().unwrap();
    assert!(!output.status.success(), "{output:?}");
}
