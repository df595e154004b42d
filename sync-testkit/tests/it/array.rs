//! Arrays: a range is written whole, or not at all.

use sync_client::Array;
use sync_testkit::{Actor, Cast, Role, roles};

roles![band, slow];

const BANDS: u32 = 4;
const WIDTH: u32 = 1000;

fn cells(role: &Role) -> Array<u32> {
    role.manager().named("cells").create_array_zeroed(u64::from(BANDS * WIDTH)).unwrap()
}

/// Writes its band in bulk, and counts itself in the first cell of the others.
fn band(role: &Role) {
    let (cells, band): (_, u32) = (cells(role), role.arg(0));
    let start = band * WIDTH;
    cells.set_slice(start + 1..start + WIDTH, &vec![band; WIDTH as usize - 1]).unwrap();
    for other in (0..BANDS).filter(|&other| other != band) {
        cells.fetch_add(other * WIDTH, 1).unwrap();
    }
}

/// Is in the middle of an update of the whole until it is told.
fn slow(role: &Role) {
    let change = |all: &mut [u32]| {
        all.fill(7);
        role.say("inside");
        role.hear();
    };
    cells(role).update(.., change).unwrap();
    role.say("done");
}

#[test]
fn bands_of_four_processes_and_their_counts_are_all_there() {
    let cast = Cast::new();
    let bands: Vec<Actor> = (0..BANDS).map(|number| cast.start_with(band, &[&number])).collect();
    bands.into_iter().for_each(Actor::wait);
    let cells: Array<u32> = cast.manager().named("cells").open().unwrap();
    for (band, cells) in (0..).zip(cells.to_vec().unwrap().chunks(WIDTH as usize)) {
        assert_eq!(cells[0], BANDS - 1);
        assert!(cells[1..].iter().all(|&cell| cell == band));
    }
}

#[test]
fn an_updater_killed_inside_its_closure_leaves_the_array_as_it_was() {
    let cast = Cast::new();
    let cells = cast.manager().named("cells").create_array_zeroed::<u32>(4000).unwrap();
    let mut doomed = cast.start(slow);
    doomed.expect("inside");
    let mut next = cast.start(slow);
    cast.until_blocked(&cells, 1);
    doomed.kill();
    next.expect("inside");
    assert_eq!(cells.to_vec().unwrap(), vec![0; 4000]);
    next.tell("go on");
    next.expect("done");
    assert_eq!(cells.to_vec().unwrap(), vec![7; 4000]);
}
