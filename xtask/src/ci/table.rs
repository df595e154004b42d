//! The table at the end: which steps ran, how they ended, how long they took.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// Steps in the order in which they ran.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: String,
    took: Duration,
    passed: bool,
}

impl Table {
    pub(super) fn push(&mut self, name: &str, took: Duration, passed: bool) {
        self.rows.push(Row { name: name.to_owned(), took, passed });
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(5);
        for Row { name, took, passed } in &self.rows {
            let mark = if *passed { "" } else { "  failed" };
            writeln!(f, "{name:width$}  {:>8.1} s{mark}", took.as_secs_f64())?;
        }
        let total: Duration = self.rows.iter().map(|row| row.took).sum();
        write!(f, "{:width$}  {:>8.1} s", "total", total.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_sums_up_and_marks_what_failed() {
        let mut table = Table::default();
        table.push("fmt", Duration::from_millis(300), true);
        table.push("clippy", Duration::from_millis(12_400), false);
        let expected = "\
fmt          0.3 s
clippy      12.4 s  failed
total       12.7 s";
        assert_eq!(table.to_string(), expected);
    }
}
