//! Shutting down answers everyone.

use sync_objects::{ErrorKind, Via, event, lock};
use sync_proto::handshake::ClientInfo;
use sync_proto::message::Request;
use sync_proto::{CallId, Data, MethodId, OneWayId, ThreadId};
use sync_testkit::sim::Sim;

use crate::support::{kind, millis, start};

#[test]
fn every_call_that_waits_is_answered_and_new_ones_are_refused() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let event = event::Proxy::new(&a).unwrap();
    let held = lock::Proxy::new(a.named("l")).unwrap();
    let wanted = lock::Proxy::new(b.named("l")).unwrap();
    held.acquire().unwrap();
    let waiting = start(&a, &event.within(millis(5)), event::Proxy::wait);
    let locking = start(&b, &wanted, lock::Proxy::acquire);
    b.manager().shutdown().unwrap();
    assert_eq!(kind(waiting.answer()), ErrorKind::ShuttingDown);
    assert_eq!(kind(locking.answer()), ErrorKind::ShuttingDown);
    assert_eq!(kind(event.is_set()), ErrorKind::ShuttingDown);
    assert_eq!(sim.blocked_count(), 0);
    held.one_way().release_held().unwrap();
    sim.kernel(|kernel, now| {
        assert!(kernel.is_stopping());
        assert_eq!(kernel.poll_timeout(), None);
        let info = ClientInfo { pid: 2, program: "late".into() };
        let refused = kernel.handle_connect(now, info).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::ShuttingDown);
        kernel.handle_shutdown(now);
    });
    a.kill();
    b.kill();
}

#[test]
fn an_object_that_only_a_waiting_call_kept_goes_with_the_call() {
    let sim = Sim::new();
    let client = sim.client();
    let event = event::Proxy::new(&client).unwrap();
    let waiting = start(&client, &event, event::Proxy::wait);
    client.manager().release(event.remote().handle().object(), 1).unwrap();
    assert_eq!(sim.object_count(), 1);
    sim.kernel(|kernel, now| kernel.handle_shutdown(now));
    assert_eq!(sim.object_count(), 0);
    assert_eq!(kind(waiting.answer()), ErrorKind::ShuttingDown);
}

#[test]
fn a_request_that_is_held_back_is_answered_too() {
    let sim = Sim::new();
    let client = sim.client();
    let event = event::Proxy::new(&client).unwrap();
    let request = Request {
        call: CallId(900),
        after: OneWayId(1),
        thread: ThreadId(1),
        object: event.remote().handle().object(),
        method: MethodId(0),
        timeout: None,
        data: Data::default(),
    };
    sim.kernel(|kernel, now| {
        kernel.handle_request(now, client.session(), Via(4), request);
        kernel.handle_shutdown(now);
        let out = kernel.poll_reply().expect("an answer");
        assert_eq!((out.via, out.reply.call), (Via(4), CallId(900)));
        assert_eq!(out.reply.outcome.unwrap_err().kind, ErrorKind::ShuttingDown);
        assert_eq!(kernel.poll_reply(), None);
    });
}
