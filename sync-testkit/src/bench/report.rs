//! The results of a run: JSON for programs, tables for people.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde::{Deserialize, Serialize};

use crate::peer::PeerKind;
use crate::spread::{Spread, short};

/// All figures of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) cases: Vec<Row>,
}

/// One case with each peer's figure; a peer that did not run is not in it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) unit: String,
    #[serde(flatten)]
    pub(crate) peers: BTreeMap<String, Spread>,
}

impl Row {
    fn of(&self, peer: PeerKind) -> Option<Spread> {
        self.peers.get(peer.name()).copied()
    }

    /// Compared with a peer: how many times as fast; and compared with the echo: how many times its
    /// time.
    fn beside(&self, peer: PeerKind) -> Option<f64> {
        let is_rate = self.unit == "per_s";
        let time = |peer| {
            let median = self.of(peer)?.median;
            Some(if is_rate { 1.0 / median } else { median })
        };
        let (ours, other) = (time(PeerKind::Ours)?, time(peer)?);
        let ratio = if peer == PeerKind::Echo { ours / other } else { other / ours };
        ratio.is_finite().then_some(ratio)
    }

    fn cells(&self) -> Vec<String> {
        let mut cells =
            vec![self.case.clone(), self.unit.replace("per_s", "/s").replace("us", "µs")];
        let figure = |peer| self.of(peer).map(|spread| spread.to_string());
        cells.extend(PeerKind::ALL.map(|peer| figure(peer).unwrap_or_default()));
        let ratio = |peer| self.beside(peer).map(|ratio| format!("{} ×", short(ratio)));
        cells.extend(OTHERS.map(|(peer, _)| ratio(peer).unwrap_or_default()));
        cells
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.case, self.unit)?;
        self.peers.iter().try_for_each(|(peer, spread)| write!(f, "  {peer} {spread}"))
    }
}

/// The peers with which this project is compared, and what the ratio is called.
const OTHERS: [(PeerKind, &str); 3] = [
    (PeerKind::Echo, "of echo's time"),
    (PeerKind::Cpython, "as fast as cpython"),
    (PeerKind::Redis, "as fast as redis"),
];

impl Report {
    /// Sorts together what belongs together: cases in the order in which they were first seen.
    pub(crate) fn sort(&mut self) {
        let jobs: Vec<String> = self.cases.iter().map(|row| job(row).to_owned()).collect();
        let place = |row: &Row| jobs.iter().position(|seen| seen == job(row));
        self.cases.sort_by_key(place);
    }

    /// The table for a terminal.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header(headings());
        table.add_rows(self.cases.iter().map(Row::cells));
        table
            .column_iter_mut()
            .skip(2)
            .for_each(|column| column.set_cell_alignment(CellAlignment::Right));
        format!("{}\n{table}\n{EXPLANATION}", self.machine)
    }

    /// The table for a page of the documentation.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("{}\n\n| {} |\n|", self.machine, headings().join(" | "));
        text.push_str(&"---|".repeat(2));
        text.push_str(&"--:|".repeat(headings().len() - 2));
        for row in &self.cases {
            write!(text, "\n| {} |", row.cells().join(" | ")).expect("a string takes all");
        }
        text + "\n"
    }
}

const EXPLANATION: &str = "Median (least–most) of the rounds. Beside the echo stands a multiple of \
     its time, which the socket alone costs; the other ratios are speeds.";

fn headings() -> Vec<String> {
    let mut headings = vec!["case".to_owned(), "unit".to_owned()];
    headings.extend(PeerKind::ALL.map(|peer| peer.name().to_owned()));
    headings.extend(OTHERS.map(|(_, heading)| heading.to_owned()));
    headings
}

fn job(row: &Row) -> &str {
    row.case.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let spread = |median: f64| Spread { median, min: median, max: median };
        let peers = |figures: &[(&str, f64)]| {
            figures.iter().map(|&(peer, figure)| (peer.to_owned(), spread(figure))).collect()
        };
        let row = |case: &str, unit: &str, peers| Row {
            case: case.to_owned(),
            unit: unit.to_owned(),
            peers,
        };
        Report {
            machine: "a machine".to_owned(),
            cases: vec![
                row(
                    "a/unix/apart",
                    "us",
                    peers(&[("ours", 10.0), ("echo", 5.0), ("cpython", 20.0)]),
                ),
                row(
                    "b/unix/apart",
                    "per_s",
                    peers(&[("ours", 10.0), ("echo", 5.0), ("cpython", 20.0)]),
                ),
                row("a/tcp/apart", "us", peers(&[("ours", 1.0), ("echo", 5.0)])),
            ],
        }
    }

    #[test]
    fn json_has_a_key_for_each_peer_that_ran() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["machine"], "a machine");
        assert_eq!(json["cases"][0]["echo"]["median"], 5.0);
        assert!(json["cases"][0].get("redis").is_none());
        let read: Report = serde_json::from_value(json).unwrap();
        assert_eq!(read.cases[2].case, "a/tcp/apart");
    }

    #[test]
    fn beside_the_echo_stands_a_multiple_of_its_time_and_beside_others_a_speed() {
        let report = report();
        let all = |peer| report.cases.iter().map(move |row| row.beside(peer)).collect::<Vec<_>>();
        assert_eq!(all(PeerKind::Echo), [Some(2.0), Some(0.5), Some(0.2)]);
        assert_eq!(all(PeerKind::Cpython), [Some(2.0), Some(0.5), None]);
    }

    #[test]
    fn what_belongs_together_stands_together() {
        let mut report = report();
        report.sort();
        let names: Vec<&str> = report.cases.iter().map(|row| row.case.as_str()).collect();
        assert_eq!(names, ["a/unix/apart", "a/tcp/apart", "b/unix/apart"]);
        assert!(report.markdown().contains("| a/tcp/apart | µs | 1.00 (1.00–1.00) |"));
        assert!(report.table().contains("a/tcp/apart"));
    }
}
