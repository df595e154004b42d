//! Files are small, lines are short.

use super::tree::{File, Problem, Tree};

const MAX_FILE_LINES: usize = 500;
const MAX_MEDIAN_LINES: usize = 200;
const MAX_COLUMNS: usize = 100;

/// Finds sources that are too long to be read in one sitting.
fn check_file_lengths(tree: &Tree) -> Vec<Problem> {
    let too_long = |file: &&File| file.text.lines().count() > MAX_FILE_LINES;
    let problem = |file: &File| {
        let lines = file.text.lines().count();
        let what = format!(
            "the file has {lines} lines, {MAX_FILE_LINES} are allowed; \
             split it by what its parts are about",
        );
        file.problem(MAX_FILE_LINES + 1, what)
    };
    tree.with("rs").chain(tree.with("py")).filter(too_long).map(problem).collect()
}

/// Finds whether the sources, as a whole, have grown too long.
fn check_median_length(tree: &Tree) -> Vec<Problem> {
    let mut sizes: Vec<(usize, &File)> =
        tree.with("rs").map(|file| (file.text.lines().count(), file)).collect();
    sizes.sort_by_key(|(lines, _)| *lines);
    let Some((median, _)) = sizes.get(sizes.len() / 2) else {
        return Vec::new();
    };
    if *median <= MAX_MEDIAN_LINES {
        return Vec::new();
    }
    let longest: Vec<String> = sizes.iter().rev().take(5).map(named_with_size).collect();
    let what = format!(
        "half of the sources have {median} lines or more, the median may be {MAX_MEDIAN_LINES}; \
         split the longest: {}",
        longest.join(", "),
    );
    vec![Problem::new("Cargo.toml", 1, what)]
}

fn named_with_size((lines, file): &(usize, &File)) -> String {
    format!("{} ({lines})", file.path)
}

/// Finds lines that are too wide; an address can't be broken and may be.
fn check_widths(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.with("rs") {
        for (number, line) in file.lines() {
            let columns = line.chars().count();
            if columns > MAX_COLUMNS && !line.contains("://") {
                let what = format!("{columns} columns, {MAX_COLUMNS} are allowed; break the line");
                problems.push(file.problem(number, what));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::{assert_clean, assert_one};
    use super::*;

    fn lines(count: usize) -> String {
        "//\n".repeat(count)
    }

    #[test]
    fn a_file_of_501_lines_is_found() {
        for (long, at) in [("a.rs", "a.rs:501"), ("a.py", "a.py:501")] {
            let tree = Tree::of(&[(long, &lines(501)), ("b.rs", &lines(500))]);
            assert_one(&check_file_lengths(&tree), at, "has 501 lines");
        }
    }

    #[test]
    fn a_median_of_201_lines_is_found_and_the_longest_are_named() {
        let tree = Tree::of(&[("a.rs", ""), ("b.rs", &lines(201)), ("c.rs", &lines(300))]);
        let problems = check_median_length(&tree);
        assert_one(&problems, "Cargo.toml:1", "c.rs (300), b.rs (201), a.rs (0)");
        let tree = Tree::of(&[("a.rs", ""), ("b.rs", &lines(200)), ("c.rs", &lines(300))]);
        assert_clean(&check_median_length(&tree));
    }

    #[test]
    fn a_line_of_101_columns_is_found() {
        let (wide, address) = ("ä".repeat(101), format!("// https://{}", "a".repeat(100)));
        let tree = Tree::of(&[("a.rs", &format!("{}\n{wide}\n{address}\n", "a".repeat(100)))]);
        assert_one(&check_widths(&tree), "a.rs:2", "101 columns");
    }

    #[test]
    fn no_source_is_longer_than_500_lines() {
        assert_clean(&check_file_lengths(Tree::of_repository()));
    }

    #[test]
    fn the_median_source_has_at_most_200_lines() {
        assert_clean(&check_median_length(Tree::of_repository()));
    }

    #[test]
    fn no_line_is_wider_than_100_columns() {
        assert_clean(&check_widths(Tree::of_repository()));
    }
}
