//! The example `life`.

use super::run;

#[test]
fn bands_come_to_the_same_generation_as_one_process() {
    // Bands of several rows, of one, of none, and one that is its own neighbour.
    for (height, bands) in [(24, 4), (23, 5), (3, 3), (2, 3), (24, 1), (1, 1)] {
        let size = format!("--height={height}");
        let bands = format!("--bands={bands}");
        let printed = run("life", &[&size, &bands, "--generations=30", "--check"]);
        assert!(
            printed.ends_with("generation 30\nas one process alone computes it\n"),
            "{printed}"
        );
    }
}

#[test]
fn where_there_is_no_terminal_only_the_last_generation_is_drawn() {
    let printed = run("life", &["--width=10", "--height=5", "--bands=2", "--generations=7"]);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!((lines.len(), lines[5]), (6, "generation 7"), "{printed}");
    assert!(lines[..5].iter().all(|line| line.len() == 10 && line.chars().all(is_cell)));
}

#[test]
fn each_seed_is_another_beginning() {
    let [first, second] =
        ["--seed=1", "--seed=2"].map(|seed| run("life", &[seed, "--generations=0"]));
    assert_ne!(first, second);
}

fn is_cell(drawn: char) -> bool {
    ['#', '.'].contains(&drawn)
}
