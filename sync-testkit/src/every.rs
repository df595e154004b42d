//! Every choice, one after another: a random test's twin that leaves nothing out.
//!
//! ```
//! let mut every = sync_testkit::every::Every::new();
//! let mut seen = Vec::new();
//! while every.more() {
//!     let first = every.choose(2);
//!     let second = if first == 0 { 0 } else { every.choose(3) };
//!     seen.push((first, second));
//! }
//! assert_eq!(seen, [(0, 0), (1, 0), (1, 1), (1, 2)]);
//! ```

/// Leads a test through all combinations of its choices. The test must ask for the same choices
/// when it is given the same answers.
#[derive(Debug, Default)]
pub struct Every {
    /// What was chosen on the way to where the test is, and out of how many.
    path: Vec<(usize, usize)>,
    at: usize,
    begun: bool,
}

impl Every {
    /// Begins before the first combination.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on to the next combination; returns whether there is one.
    ///
    /// # Panics
    /// When the test asked for fewer choices than the last time with the same answers.
    pub fn more(&mut self) -> bool {
        assert_eq!(self.at, self.path.len(), "the same answers lead to the same choices");
        self.at = 0;
        if !std::mem::replace(&mut self.begun, true) {
            return true;
        }
        while let Some((chosen, of)) = self.path.pop() {
            if chosen + 1 < of {
                self.path.push((chosen + 1, of));
                return true;
            }
        }
        self.begun = false;
        false
    }

    /// Chooses a number below `of`.
    ///
    /// # Panics
    /// When there is nothing to choose from, or another number than the last time with the same
    /// answers.
    pub fn choose(&mut self, of: usize) -> usize {
        assert!(of > 0, "there is nothing to choose from");
        if self.at == self.path.len() {
            self.path.push((0, of));
        }
        let (chosen, before) = self.path[self.at];
        assert_eq!(of, before, "the same answers lead to the same choices");
        self.at += 1;
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_of_a_length_are_made_once_each_in_order() {
        let mut every = Every::new();
        let mut words = Vec::new();
        while every.more() {
            words.push([0; 4].map(|_| every.choose(3)));
        }
        assert_eq!(words.len(), 81);
        assert!(words.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn nothing_to_choose_is_one_combination() {
        let mut every = Every::new();
        assert!(every.more());
        assert!(!every.more());
    }

    #[test]
    #[should_panic(expected = "the same answers lead to the same choices")]
    fn a_test_that_is_not_deterministic_is_found_out() {
        let mut every = Every::new();
        for of in [2, 3] {
            every.more();
            every.choose(of);
            every.choose(2);
        }
    }
}
