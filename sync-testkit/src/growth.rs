//! Whether work grows in proportion to its input, and no faster.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// By how much the input is larger the second time.
const FACTOR: u32 = 8;

/// How often it is measured before it counts as too much: other work may have had the caches.
const ATTEMPTS: usize = 5;

/// Returns how long this thread worked on something, whatever else the machine does.
///
/// # Panics
/// The system has no clock for it.
pub fn cost<R>(work: impl FnOnce() -> R) -> Duration {
    let now = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        Duration::try_from(now).expect("the thread's clock begins at 0")
    };
    let began = now();
    work();
    now().saturating_sub(began)
}

/// Checks that the cost of n, which `run` returns for an n, grows about in proportion to n. Eight
/// times as many cost eight times as much, or 64 times if each looks at all others: there is much
/// room in between.
///
/// # Panics
/// When it grows faster.
pub fn assert_linear(small: usize, run: impl FnMut(usize) -> Duration) {
    assert_at_most(small, 3 * FACTOR, run);
}

/// Checks that what `run` returns as the cost of one more does not grow with how many there are.
///
/// # Panics
/// When it does.
pub fn assert_constant(small: usize, run: impl FnMut(usize) -> Duration) {
    assert_at_most(small, FACTOR / 2, run);
}

fn assert_at_most(small: usize, ratio: u32, mut run: impl FnMut(usize) -> Duration) {
    let mut attempt = || (run(small), run(small * FACTOR as usize));
    let mut seen = Vec::new();
    for _ in 0..ATTEMPTS {
        let (little, much) = attempt();
        if much <= little * ratio {
            return;
        }
        seen.push((little, much));
    }
    panic!("{FACTOR} times as many cost more than {ratio} times as much: {seen:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: usize) -> Duration {
        Duration::from_millis(millis as u64)
    }

    #[test]
    fn what_grows_faster_than_it_may_is_found_and_one_bad_measurement_is_forgiven() {
        let mut first = true;
        assert_linear(10, |count| millis(if std::mem::take(&mut first) { 0 } else { count }));
        assert_constant(10, |_| millis(5));
        let square = |count| millis(count * count);
        assert!(std::panic::catch_unwind(|| assert_linear(10, square)).is_err());
        assert!(std::panic::catch_unwind(|| assert_constant(10, millis)).is_err());
        assert!(cost(|| (0..1_000_000).fold(0u64, |a, b| a ^ std::hint::black_box(b))) > millis(0));
    }
}
