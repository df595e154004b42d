//! What a manager is asked about objects.

use sync_client::{ErrorKind, LockGuard, Manager, Permit};

use crate::support::sessions;

#[test]
fn who_waits_for_another_managers_object_is_not_asked() {
    let (_server, [ours, theirs]) = sessions();
    let (_other, [stranger]) = sessions();
    let event = ours.create_event().unwrap();
    assert_eq!(ours.blocked_on(&event).unwrap(), 0);
    assert_eq!(theirs.blocked_on(&event).unwrap(), 0, "another session, the same manager");
    let error = stranger.blocked_on(&event).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

#[test]
fn a_manager_is_shared_by_threads_and_what_they_hold_can_go_to_another() {
    const fn is_shared<T: Send + Sync>() {}
    const fn goes<T: Send>() {}
    const { is_shared::<Manager>() };
    const { goes::<LockGuard>() };
    const { goes::<Permit>() };
}
