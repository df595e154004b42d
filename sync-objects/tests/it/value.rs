//! Value: its update.

use sync_objects::{ErrorKind, NumberKind, NumberOp, Payload, value};
use sync_testkit::sim::Sim;

#[test]
fn a_refused_write_does_not_spoil_the_callers_own_update() {
    let sim = Sim::new();
    let one = Payload::pack(&1u8).unwrap();
    let v = value::Proxy::new(&sim.client(), Some(NumberKind::U8), one.clone()).unwrap();
    let update = v.begin_update().unwrap();
    let error = v.fetch(NumberOp::Sub, Payload::pack(&2u8).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overflow);
    v.commit_update(update.token, Payload::pack(&5u8).unwrap()).unwrap();
    let update = v.begin_update().unwrap();
    v.set(one.clone()).unwrap();
    let error = v.commit_update(update.token, update.value).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    assert_eq!(v.get().unwrap(), one);
}
