//! What the manager tells of itself.

use sync_objects::{
    DeadlockInfo, DebugInfo, Limits, Note, Shared, list, lock, registry, rlock, semaphore,
};
use sync_proto::handshake::ClientInfo;
use sync_proto::{Data, ObjectId, Payload};
use sync_testkit::sim::{Sim, SimClient};

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
fn it_tells_how_much_is_kept_and_how_much_may_be() {
    let mut limits = Limits::default();
    limits.memory = 1 << 20;
    let sim = Sim::with(registry(), limits);
    let a = sim.client();
    let list = list::Proxy::new(&a, Vec::new()).unwrap();
    let before = a.manager().debug_info(0).unwrap();
    list.push(Payload::pack(&"x".repeat(100_000)).unwrap()).unwrap();
    let after = a.manager().debug_info(0).unwrap();
    assert_eq!((before.memory_max, after.memory_max), (1 << 20, 1 << 20));
    let grown = after.memory_used - before.memory_used;
    assert!((100_000..110_000).contains(&grown), "{grown}");
    let line = after.to_string();
    assert!(line.contains(&format!("{} of 1048576 bytes", after.memory_used)), "{line}");
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
    let name = |client: &SimClient, thread, len| {
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
    others.iter().for_each(SimClient::kill);
    assert_eq!(used(), before);
}

/// What an answer may be, and a frame's limits leave to it.
const MESSAGE: usize = 64 << 20;

/// What the numbers of a caller may take that are small in a test.
const NUMBERS: usize = 45;

/// Returns how many bytes an answer takes.
fn len(info: &DebugInfo) -> usize {
    Data::encode(info).unwrap().len()
}

/// Gives an object so many names, as long as they may be.
fn publish(client: &SimClient, object: &impl Shared, count: usize) {
    for number in 0..count {
        client.manager().publish(format!("{number:0>255}"), object.handle().clone()).unwrap();
    }
}

#[test]
fn what_is_told_of_a_thousand_objects_fits_into_a_message_whatever_clients_do() {
    let sim = Sim::new();
    let client = sim.client_of(&"p".repeat(1000));
    let alone = len(&client.manager().debug_info(1000).unwrap());
    let semaphore = semaphore::Proxy::new(&client, 200, false).unwrap();
    publish(&client, &semaphore, 100);
    let on = |number: u64, call: &dyn Fn()| client.on_thread(u64::MAX - number, call);
    for number in 0..400 {
        on(number, &|| client.manager().name_thread("t".repeat(1000)).unwrap());
    }
    for number in 0..200 {
        on(number, &|| assert!(semaphore.acquire(1).is_ok()));
    }
    let acquire = |proxy: &semaphore::Proxy| proxy.acquire(1);
    for number in 200..400 {
        on(number, &|| drop(start(&client, &semaphore, acquire)));
    }
    let info = client.manager().debug_info(1000).unwrap();
    let of = &info.objects[0];
    assert_eq!((of.holder_count, of.waiter_count, of.name_count), (200, 200, 100));
    assert_eq!((of.holders.len(), of.waiters.len(), of.names.len()), (100, 100, 10));
    assert!(info.to_string().contains(", 90 more names"), "{info}");
    let (session, object) = (alone + NUMBERS, len(&info) - alone + 200 * NUMBERS);
    let most = 1000 * object + 10_000 * session;
    assert!(most < MESSAGE / 4 * 3, "{most} bytes, {object} of an object");
}

#[test]
fn of_deadlocks_without_end_so_many_waits_are_told_as_fit() {
    const CALLERS: u64 = 3000;
    let sim = Sim::new();
    let client = sim.client_of(&"p".repeat(1000));
    let alone = len(&client.manager().debug_info(0).unwrap());
    let locks: Vec<_> = (0..2 * CALLERS).map(|_| rlock::Proxy::new(&client).unwrap()).collect();
    publish(&client, &locks[0], 50);
    let on = |number: u64, call: &dyn Fn()| client.on_thread(u64::MAX - number, call);
    for (number, lock) in (0..).zip(&locks) {
        on(number, &|| assert!(lock.acquire().is_ok()));
    }
    for number in 0..2 * CALLERS {
        // Two circles, each of half of them.
        let next = number / CALLERS * CALLERS + (number + 1) % CALLERS;
        on(number, &|| drop(start(&client, &locks[next as usize], rlock::Proxy::acquire)));
    }
    let info = client.manager().debug_info(0).unwrap();
    let told: Vec<_> = info.deadlocks.iter().map(|of| (of.wait_count, of.waits.len())).collect();
    assert_eq!(told, [(CALLERS, 3000), (CALLERS, 1096)]);
    assert!(info.to_string().contains("; and 1904 more wait"));
    let names = |of: &DeadlockInfo| of.waits.iter().map(|wait| wait.names.len()).max();
    assert_eq!(names(&info.deadlocks[0]), Some(10));
    let wait = (len(&info) - alone).div_ceil(4096) + 10 * 257 + 2 * (64 + NUMBERS);
    assert!(4096 * wait < MESSAGE / 4, "{wait} bytes of a wait");
}

#[test]
fn what_clients_say_makes_no_lines_of_its_own_in_a_log() {
    let sim = Sim::new();
    let client = sim.client_of("sim\nERROR of its own");
    let lock = lock::Proxy::new(client.named("l")).unwrap();
    let (name, interface) = (lock::INTERFACE.name.to_owned(), lock::INTERFACE.fingerprint);
    client.manager().one_way().open("x\r\nERROR of its own".into(), name, interface).unwrap();
    let info = client.manager().debug_info(9).unwrap();
    assert_eq!(info.to_string().lines().count(), 3, "{info}");
    drop(lock);
    client.kill();
    let notes: Vec<String> = sim.notes().iter().map(ToString::to_string).collect();
    assert_eq!(notes.len(), 2);
    assert!(notes[0].ends_with(r#"no object has the name "x\r\nERROR of its own""#), "{notes:?}");
    assert!(notes[1].contains(r"of sim\nERROR of its own (pid 1)"), "{notes:?}");
    // A panic may quote a value.
    let (object, why) = (ObjectId(1), "left: 1\n right: 2".to_owned());
    let broke = Note::ObjectBroke { object, interface: "app.new", why };
    assert_eq!(broke.to_string().lines().count(), 1);
}
