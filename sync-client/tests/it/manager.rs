//! What a manager is asked about objects.

use sync_client::ErrorKind;

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
