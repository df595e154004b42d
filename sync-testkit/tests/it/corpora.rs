//! What fuzzing has brought to light stays so: the inputs that are kept are replayed.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use sync_testkit::fuzz::TARGETS;

#[test]
fn every_kept_input_of_every_fuzz_target_holds() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    for (name, target) in TARGETS {
        let fuzzes = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(fuzzes.contains(&format!("sync_testkit::fuzz::{name}(")), "{name} has no target");
        let mut count = 0;
        for entry in fs::read_dir(fuzz.join("corpus").join(name)).unwrap() {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            let held = catch_unwind(AssertUnwindSafe(|| target(&input)));
            assert!(held.is_ok(), "{} does not hold", path.display());
            count += 1;
        }
        assert!(count > 0, "{name} has no inputs: an empty test cannot fail");
    }
}
