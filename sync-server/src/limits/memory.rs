//! How much memory this process may have.

use std::fs;

/// Returns half of the memory that this process may use: of the machine's, or of what its control
/// group allows it. Nothing where the system does not tell.
pub(super) fn half() -> Option<usize> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let group = fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| {
        let path = own_group(&text)?;
        // A group is bound by those that it lies in, too.
        let groups = path.ancestors().filter_map(|group| {
            let file = std::path::Path::new("/sys/fs/cgroup")
                .join(group.strip_prefix("/").ok()?)
                .join("memory.max");
            fs::read_to_string(file).ok()?.trim().parse::<usize>().ok()
        });
        groups.min()
    });
    machine.into_iter().chain(group).min().map(|bytes| bytes / 2)
}

/// Returns the bytes of memory that /proc/meminfo tells.
fn total(text: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Returns the control group that /proc/self/cgroup tells, of the second version.
fn own_group(text: &str) -> Option<&std::path::Path> {
    text.lines().find_map(|line| line.strip_prefix("0::")).map(std::path::Path::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_words_are_understood() {
        let text = "MemFree: 12 kB\nMemTotal:       16283712 kB\nBuffers: 1 kB\n";
        assert_eq!(total(text), Some(16_283_712 * 1024));
        assert_eq!(total("MemTotal: much"), None);
        let group = own_group("1:name=x:/y\n0::/system.slice/a.service\n");
        assert_eq!(group, Some(std::path::Path::new("/system.slice/a.service")));
    }

    #[test]
    fn this_machine_tells() {
        assert!(half().is_some_and(|bytes| bytes > 1 << 20));
    }
}
