//! A manager on a system that has little memory for it.

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use sync_client::{ErrorKind, Manager};
use sync_testkit::ServerProcess;

/// The most bytes of zeros that an array is made of.
const ZEROS: u64 = 1 << 30;

/// Starts a manager that gets hardly more memory than it has.
fn short_of_memory(args: &[&str]) -> (ServerProcess, Manager) {
    let server = ServerProcess::start(args, 1);
    let manager = server.connect();
    // A session and its thread's memory are there then.
    manager.create_lock().unwrap();
    let most = Some((server.address_space_kib() << 10) + (256 << 20));
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
    prlimit(pid, Resource::As, Rlimit { current: most, maximum: most }).unwrap();
    (server, manager)
}

#[test]
fn zeros_are_not_made_before_the_manager_has_said_that_it_may_keep_them() {
    let (_server, manager) = short_of_memory(&["--max-memory=100000000"]);
    let refused = manager.create_array_zeroed::<u8>(ZEROS).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::OutOfMemory, "{refused}");
    manager.named("a").create_array_zeroed::<u8>(9).unwrap();
    let refused = manager.named("a").create_array_zeroed::<u8>(ZEROS).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Mismatch, "{refused}");
    assert_eq!(manager.named("a").create_array_zeroed::<u8>(9).unwrap().to_vec().unwrap(), [0; 9]);
}

#[test]
fn zeros_that_the_system_has_no_room_for_are_refused_to_who_uses_them() {
    let (_server, manager) = short_of_memory(&["--max-memory=10000000000"]);
    let array = manager.create_array_zeroed::<u8>(ZEROS).unwrap();
    let refused = [array.get(0).unwrap_err(), array.set(7, 1).unwrap_err()];
    refused.iter().for_each(|error| assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}"));
    assert_eq!(array.len().unwrap(), ZEROS);
    drop(array);
    let few = manager.create_array_zeroed::<u8>(1 << 20).unwrap();
    assert_eq!(few.get(-1).unwrap(), 0, "others are served");
}
