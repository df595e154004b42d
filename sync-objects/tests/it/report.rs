//! What the manager tells of itself.

use sync_objects::{Limits, lock, registry};
use sync_proto::handshake::ClientInfo;
use sync_testkit::sim::Sim;

use crate::support::{millis, start};

#[test]
fn it_is_told_who_holds_what_for_how_long_and_who_waits_in_which_method() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let [held, wanted] = [&a, &b].map(|c| lock::Proxy::new(c.named("l")).unwrap());
    let grant = a.on_thread(7, || held.acquire()).unwrap();
    let _waiting = b.on_thread(8, || start(&b, &wanted, lock::Proxy::acquire));
    sim.advance(millis(30));
    let info = a.manager().debug_info(10).unwrap();
    assert_eq!((info.object_count, info.blocked_count, info.sessions.len()), (1, 1, 2));
    let [object] = &info.objects[..] else { panic!("{info:?}") };
    assert_eq!((&*object.interface, &object.names[..]), ("sync.lock", &["l".to_owned()][..]));
    let (holder, waiter) = (&object.holders[0], &object.waiters[0]);
    assert_eq!((holder.caller.session, holder.caller.thread.0, holder.count), (a.session(), 7, 1));
    assert_eq!((holder.token, holder.held_for), (grant.token, millis(30)));
    assert_eq!((waiter.caller.session, waiter.caller.thread.0), (b.session(), 8));
    assert_eq!(waiter.method, "sync.lock.acquire");
    assert!(a.manager().debug_info(0).unwrap().objects.is_empty());
}

#[test]
fn of_a_programs_long_name_its_beginning_is_kept() {
    let sim = Sim::new();
    let info = ClientInfo { pid: 7, program: "ä".repeat(500) };
    let session = sim.kernel(|kernel, now| kernel.handle_connect(now, info)).unwrap();
    let info = sim.client().manager().debug_info(0).unwrap();
    let found = info.sessions.iter().find(|found| found.session == session).unwrap();
    assert_eq!((found.pid, &*found.program), (7, &*"ä".repeat(32)));
}

#[test]
fn the_names_of_threads_count_as_what_is_kept_and_go_with_their_session() {
    let mut limits = Limits::default();
    limits.memory = 400_000;
    let sim = Sim::with(registry(), limits);
    let used = || sim.kernel(|kernel, _| kernel.memory_used());
    let before = used();
    let name = |client: &sync_testkit::sim::SimClient, thread, len| {
        let name = move || "x".repeat(len);
        client.on_thread(thread, || client.manager().name_thread(name())).unwrap();
    };
    let a = sim.client();
    (0..1000).for_each(|thread| name(&a, thread, 200));
    let of_thousand = used() - before;
    assert!(of_thousand > 64_000, "{of_thousand}");
    (1000..5000).for_each(|thread| name(&a, thread, 200));
    (0..100).for_each(|_| name(&a, 4999, 200));
    let most = used() - before;
    assert!(most <= of_thousand / 1000 * 1024, "the first are forgotten: {most}");
    // There is no room for as many of others'.
    let others = [(); 3].map(|()| sim.client());
    others.iter().for_each(|other| (0..1000).for_each(|thread| name(other, thread, 64)));
    assert!(used() <= 400_000, "{}", used());
    a.kill();
    others.iter().for_each(|other| other.kill());
    assert_eq!(used(), before);
}
