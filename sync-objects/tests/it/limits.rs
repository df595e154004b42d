//! What the manager refuses to exceed.

use sync_objects::{ErrorKind, Limits, event, lock, registry};
use sync_proto::handshake::ClientInfo;
use sync_testkit::sim::Sim;

use crate::support::{kind, start};

#[test]
fn names_and_objects_have_limits_and_a_refusal_leaves_nothing_behind() {
    let mut limits = Limits::default();
    (limits.name_len, limits.names, limits.objects) = (4, 1, 2);
    let sim = Sim::with(registry(), limits);
    let client = sim.client();
    for bad in ["", "12345"] {
        assert_eq!(kind(lock::Proxy::new(client.named(bad))), ErrorKind::InvalidInput);
    }
    let named = lock::Proxy::new(client.named("1234")).unwrap();
    assert_eq!(kind(lock::Proxy::new(client.named("b"))), ErrorKind::LimitReached);
    let published = client.manager().publish("b".into(), named.remote().handle().clone());
    assert_eq!(kind(published), ErrorKind::LimitReached);
    let anonymous = lock::Proxy::new(&client).unwrap();
    assert_eq!(kind(lock::Proxy::new(&client)), ErrorKind::LimitReached);
    drop(anonymous);
    lock::Proxy::new(&client).expect("there is room again");
    assert_eq!(sim.object_count(), 1);
}

#[test]
fn sessions_and_the_calls_that_wait_of_one_session_have_limits() {
    let mut limits = Limits::default();
    (limits.sessions, limits.calls_per_session) = (2, 2);
    let sim = Sim::with(registry(), limits);
    let (a, b) = (sim.client(), sim.client());
    let connect = || {
        let info = ClientInfo { pid: 3, program: "third".into() };
        sim.kernel(|kernel, now| kernel.handle_connect(now, info))
    };
    assert_eq!(connect().unwrap_err().kind, ErrorKind::LimitReached);
    let [ours, theirs] = [&a, &b].map(|c| event::Proxy::new(c.named("e")).unwrap());
    let waiting = [0; 2].map(|_| start(&a, &ours, event::Proxy::wait));
    assert_eq!(kind(ours.is_set()), ErrorKind::LimitReached);
    theirs.set().expect("another session's calls are its own");
    for one in waiting {
        one.answer().unwrap();
    }
    assert!(ours.is_set().unwrap());
    b.kill();
    connect().expect("there is room again");
}
