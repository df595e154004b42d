//! The example `pipeline`.

use super::run;

#[test]
fn every_number_is_squared_and_collected() {
    let printed = run("pipeline", &["--numbers=300", "--processes=2"]);
    assert!(printed.starts_with("300 squares, their sum is 8955050\n"), "{printed}");
    assert!(printed.ends_with("processes killed: 0, squares that came twice: 0\n"), "{printed}");
}

#[test]
fn what_a_killed_process_had_on_lease_is_not_lost_and_not_counted_twice() {
    let printed = run("pipeline", &["--numbers=300", "--processes=2", "--kill-one"]);
    assert!(printed.starts_with("300 squares, their sum is 8955050\n"), "{printed}");
    assert!(printed.ends_with("processes killed: 1, squares that came twice: 1\n"), "{printed}");
}

#[test]
fn the_only_process_of_a_stage_is_replaced_even_with_the_last_number() {
    let printed = run("pipeline", &["--numbers=1", "--processes=1", "--kill-one"]);
    assert!(printed.starts_with("1 squares, their sum is 0\n"), "{printed}");
    assert!(printed.ends_with("processes killed: 1, squares that came twice: 1\n"), "{printed}");
}

#[test]
fn a_stream_without_numbers_ends() {
    let printed = run("pipeline", &["--numbers=0"]);
    assert!(printed.starts_with("0 squares, their sum is 0\n"), "{printed}");
}
