//! Guards of both kinds of lock.

use sync_client::{Lock, RLock};

use crate::support::{panicking, sessions};

/// Takes locks and gives them back as it is dropped.
struct Cleanup<'a>(&'a Lock, &'a RLock);

impl Drop for Cleanup<'_> {
    fn drop(&mut self) {
        drop((self.0.lock().unwrap(), self.1.lock().unwrap()));
    }
}

#[test]
fn a_lock_that_was_taken_and_dropped_during_a_panic_is_not_abandoned_by_it() {
    let (_server, [manager]) = sessions();
    let (lock, rlock) = (manager.create_lock().unwrap(), manager.create_rlock().unwrap());
    panicking(|| {
        let _cleanup = Cleanup(&lock, &rlock);
        panic!("half done");
    });
    assert!(!lock.lock().unwrap().was_abandoned());
    assert!(!rlock.lock().unwrap().was_abandoned());
    panicking(|| {
        let _guards = (lock.lock().unwrap(), rlock.lock().unwrap());
        panic!("half done");
    });
    assert!(lock.lock().unwrap().was_abandoned());
    assert!(rlock.lock().unwrap().was_abandoned());
}
