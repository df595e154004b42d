//! Sessions over a unix socket, through a proxy that breaks it: between processes of one machine a
//! connection does not break by itself, and whoever loses it is gone, with all that it held.

use sync_client::{ErrorKind, Manager};
use sync_server::Server;
use sync_testkit::{Cast, Proxy, Way};

fn stage() -> (Cast, Proxy, Manager) {
    let cast = Cast::with(Server::builder());
    let proxy = Proxy::before(cast.server().address());
    let manager = Manager::connect(proxy.address().clone()).unwrap();
    (cast, proxy, manager)
}

#[test]
fn over_a_unix_socket_a_cut_while_a_call_waits_ends_the_session_and_its_lock_passes_on() {
    let (cast, proxy, manager) = stage();
    let lock = manager.named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    let event = manager.create_event().unwrap();
    let waiting = std::thread::spawn({
        let event = event.clone();
        move || event.wait()
    });
    cast.until("it waits", || cast.manager().blocked_count().unwrap() == 1);
    proxy.cut();
    let error = waiting.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    let next = cast.manager().named("lock").create_lock().unwrap().lock().unwrap();
    assert!(next.was_abandoned());
    assert!(next.fencing_token() > guard.fencing_token());
    cast.until("its guard is lost", || guard.is_lost());
    assert_eq!(lock.is_locked().unwrap_err().kind(), ErrorKind::Disconnected, "nothing resumes");
}

#[test]
fn over_a_unix_socket_a_lost_request_is_not_carried_out_and_its_caller_is_told() {
    let (cast, proxy, manager) = stage();
    let counter = manager.named("counter").create_value(0i64).unwrap();
    let ours = cast.manager().named("counter").create_value(0i64).unwrap();
    proxy.cut_at_next(Way::ToServer);
    let error = counter.fetch_add(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    assert_eq!(ours.get().unwrap(), 0);
}

#[test]
fn over_a_unix_socket_a_lost_answer_is_an_error_and_what_was_done_is_done_once() {
    let (cast, proxy, manager) = stage();
    let counter = manager.named("counter").create_value(0i64).unwrap();
    let ours = cast.manager().named("counter").create_value(0i64).unwrap();
    proxy.cut_at_next(Way::ToClient);
    let error = counter.fetch_add(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    assert_eq!(ours.get().unwrap(), 1);
}

#[test]
fn over_a_unix_socket_a_client_that_sends_no_more_is_gone() {
    let (cast, proxy, manager) = stage();
    let guard = manager.named("lock").create_lock().unwrap().lock().unwrap();
    proxy.half_close(Way::ToServer);
    let next = cast.manager().named("lock").create_lock().unwrap().lock().unwrap();
    assert!(next.was_abandoned());
    assert!(next.fencing_token() > guard.fencing_token());
}

#[test]
fn over_a_unix_socket_calls_may_come_a_byte_at_a_time() {
    let (_cast, proxy, manager) = stage();
    proxy.in_pieces(1, std::time::Duration::ZERO);
    let list = manager.create_list::<String>().unwrap();
    let words: Vec<String> = (0..100).map(|number| format!("word {number}")).collect();
    list.extend(words.iter().cloned()).unwrap();
    assert_eq!(list.to_vec().unwrap(), words);
    let guard = manager.create_lock().unwrap().lock().unwrap();
    guard.unlock().unwrap();
}
