//! One-way messages: carried out in their order, and requests that name them wait for them.

use sync_objects::{DebugInfo, ErrorKind, Kernel, Note, Time, Via, event, lock};
use sync_proto::message::{OneWay, Reply, Request};
use sync_proto::{CallId, Data, MethodId, ObjectId, OneWayId, ThreadId};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::millis;

mod waits;

fn method(name: &str) -> MethodId {
    let at = event::INTERFACE.methods.iter().position(|method| *method == name);
    MethodId(u16::try_from(at.unwrap()).unwrap())
}

/// A client whose messages are made by hand.
struct ByHand {
    sim: Sim,
    client: SimClient,
    event: ObjectId,
    proxy: event::Proxy,
}

impl ByHand {
    fn new() -> Self {
        let sim = Sim::new();
        let client = sim.client();
        let proxy = event::Proxy::new(client.named("e")).unwrap();
        let event = proxy.remote().handle().object();
        Self { sim, client, event, proxy }
    }

    fn message(&self, number: u64, name: &str) -> OneWay {
        OneWay {
            number: OneWayId(number),
            thread: ThreadId(1),
            object: self.event,
            method: method(name),
            data: Data::default(),
        }
    }

    fn one_way(&self, number: u64, name: &str) {
        let (session, message) = (self.client.session(), self.message(number, name));
        self.sim.kernel(|kernel, now| kernel.handle_one_way(now, session, message)).unwrap();
    }

    fn ask(&self, call: u64, after: u64, name: &str) -> Request {
        Request {
            call: CallId(call),
            after: OneWayId(after),
            thread: ThreadId(1),
            object: self.event,
            method: method(name),
            timeout: Some(millis(0)),
            data: Data::default(),
        }
    }

    fn request(&self, call: u64, after: u64, name: &str) -> Vec<Reply> {
        let (session, request) = (self.client.session(), self.ask(call, after, name));
        self.sim.kernel(|kernel, now| {
            kernel.handle_request(now, session, Via(call), request);
            answers(kernel)
        })
    }

    fn is_set(&self) -> bool {
        // Another process asks: it names none of this one's messages.
        let other = event::Proxy::new(self.sim.client().named("e")).unwrap();
        other.is_set().unwrap()
    }

    fn failures(&self) -> u64 {
        let info: DebugInfo = self.sim.client().manager().debug_info(0).unwrap();
        info.one_way_failures
    }
}

#[test]
fn messages_that_come_out_of_order_are_carried_out_in_order() {
    let hand = ByHand::new();
    hand.one_way(3, "set");
    hand.one_way(2, "clear");
    assert!(!hand.is_set(), "the first is still missing");
    hand.one_way(1, "set");
    assert!(hand.is_set(), "set, clear, set");
    hand.one_way(4, "clear");
    assert!(!hand.is_set());
}

#[test]
fn a_message_that_comes_twice_is_carried_out_once() {
    let hand = ByHand::new();
    hand.one_way(1, "set");
    hand.one_way(2, "clear");
    hand.one_way(1, "set");
    assert!(!hand.is_set());
    hand.one_way(4, "set");
    hand.one_way(4, "clear");
    hand.one_way(3, "clear");
    assert!(!hand.is_set(), "the later copy took the place of the earlier, once");
    assert_eq!(hand.failures(), 0);
}

#[test]
fn a_request_is_held_back_until_the_message_that_it_names_is_carried_out() {
    let hand = ByHand::new();
    assert_eq!(hand.request(901, 2, "wait"), []);
    hand.one_way(1, "clear");
    assert_eq!(hand.request(902, 2, "is_set"), []);
    assert_eq!(hand.request(903, 1, "is_set").len(), 1, "that one is done");
    let session = hand.client.session();
    hand.sim.kernel(|kernel, now| {
        kernel.handle_one_way(now, session, hand.message(2, "set")).unwrap();
        kernel.handle_all_due(now);
        let replies: Vec<_> = std::iter::from_fn(|| kernel.poll_reply())
            .map(|out| (out.via, out.reply.call, out.reply.outcome.is_ok()))
            .collect();
        let expected = [(Via(901), CallId(901), true), (Via(902), CallId(902), true)];
        assert_eq!(replies, expected, "in the order of their coming");
    });
}

#[test]
fn requests_are_released_one_by_one_and_none_behind_them_overtakes() {
    const CALLS: u64 = 1000;
    let hand = ByHand::new();
    let session = hand.client.session();
    for call in 1..CALLS {
        assert_eq!(hand.request(call, 1, "is_set"), []);
    }
    hand.sim.kernel(|kernel, now| {
        kernel.handle_one_way(now, session, hand.message(1, "set")).unwrap();
        let released: Vec<_> = std::iter::from_fn(|| kernel.poll_released()).collect();
        assert!((1..=2).contains(&released.len()), "one step is short: {}", released.len());
        kernel.handle_request(now, session, Via(1), hand.ask(CALLS, 1, "is_set"));
        kernel.handle_request(now, session, Via(1), hand.ask(CALLS + 1, 2, "is_set"));
        assert_eq!(answers(kernel), [], "others come first");
        released.into_iter().for_each(|released| kernel.handle_released(now, released));
        kernel.handle_all_due(now);
        let answered: Vec<u64> = answers(kernel).iter().map(|reply| reply.call.0).collect();
        assert_eq!(answered, (1..=CALLS).collect::<Vec<_>>());
        assert!(!kernel.is_due(session));
    });
}

#[test]
fn a_request_that_is_held_back_and_given_up_is_carried_out_but_stands_in_no_line() {
    let hand = ByHand::new();
    let session = hand.client.session();
    let waits = Request { timeout: None, ..hand.ask(901, 1, "wait") };
    hand.sim.kernel(|kernel, now| {
        kernel.handle_request(now, session, Via(1), waits);
        kernel.handle_request(now, session, Via(1), hand.ask(902, 1, "set"));
        for call in [901, 902] {
            kernel.handle_cancel(now, session, CallId(call));
        }
        assert_eq!(answers(kernel), []);
        kernel.handle_one_way(now, session, hand.message(1, "clear")).unwrap();
        kernel.handle_all_due(now);
        let outcomes = answers(kernel).into_iter().map(|reply| reply.outcome.map(drop));
        let outcomes: Vec<_> = outcomes.map(|of| of.map_err(|refusal| refusal.kind)).collect();
        assert_eq!(outcomes, [Err(ErrorKind::TimedOut), Ok(())]);
    });
    assert!(hand.is_set());
}

#[test]
fn a_message_that_fails_is_noted_and_counted_and_is_no_other_calls_error() {
    let hand = ByHand::new();
    hand.sim.notes();
    hand.one_way(1, "wait");
    let lock = lock::Proxy::new(&hand.sim.client()).unwrap();
    lock.one_way().release_held().unwrap();
    hand.proxy.clear().expect("it is not this call's error");
    let notes = hand.sim.notes();
    let [
        Note::OneWayFailed { method: waited, refusal: cannot_wait, .. },
        Note::OneWayFailed { method: released, refusal: not_held, .. },
    ] = &notes[..]
    else {
        panic!("{notes:?}")
    };
    assert_eq!((&**waited, &**released), ("sync.event.wait", "sync.lock.release_held"));
    assert_eq!((cannot_wait.kind, not_held.kind), (ErrorKind::InvalidInput, ErrorKind::NotOwner));
    assert_eq!(hand.failures(), 2);
    assert_eq!(hand.sim.blocked_count(), 0);
}

#[test]
fn a_refusal_that_quotes_much_is_cut_whoever_is_told() {
    let sim = Sim::new();
    let client = sim.client();
    let open = |name: &str| {
        let lock = &lock::INTERFACE;
        client.manager().open(name.into(), lock.name.into(), lock.fingerprint).map(drop)
    };
    let short = open("short").unwrap_err();
    assert_eq!(short.message(), "no object has the name \"short\"");
    // Of two bytes each, so that the cut falls into one of them.
    let long = "ä".repeat(1 << 20);
    let refused = open(&long).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    assert!(refused.message().len() <= 1024 + "…".len(), "{}", refused.message().len());
    assert!(refused.message().starts_with("no object has the name \"ää"), "{refused}");
    assert!(refused.message().ends_with("ä…"), "{refused}");
    let (name, interface) = (lock::INTERFACE.name.to_owned(), lock::INTERFACE.fingerprint);
    client.manager().one_way().open(long, name, interface).unwrap();
    open("short").unwrap_err();
    let notes = sim.notes();
    let [Note::OneWayFailed { refusal, .. }] = &notes[..] else { panic!("{} notes", notes.len()) };
    assert!(refusal.message.len() <= 1024 + "…".len(), "{}", refusal.message.len());
}

#[test]
fn what_a_dead_session_still_had_on_its_way_is_dropped() {
    let hand = ByHand::new();
    assert_eq!(hand.request(901, 1, "is_set"), []);
    hand.one_way(2, "set");
    hand.client.kill();
    hand.one_way(1, "set");
    assert_eq!(hand.request(902, 0, "is_set"), []);
    assert!(!hand.is_set());
}

#[test]
fn a_call_number_that_is_in_use_is_refused_and_harms_nothing() {
    let hand = ByHand::new();
    let (a, session) = (&hand.client, hand.client.session());
    let waiting = crate::support::start(a, &hand.proxy, event::Proxy::wait);
    // The simulation numbers its calls from 1: what waits is among the first few.
    for call in 1..10 {
        let request = Request {
            call: CallId(call),
            after: OneWayId::NONE,
            thread: ThreadId(1),
            object: hand.event,
            method: method("wait"),
            timeout: Some(millis(50)),
            data: Data::default(),
        };
        hand.sim.kernel(|kernel, now| {
            kernel.handle_request(now, session, Via(0), request);
            while let Some(out) = kernel.poll_reply() {
                assert_eq!(out.reply.outcome.unwrap_err().kind, ErrorKind::Malformed);
            }
        });
    }
    assert!(waiting.is_waiting());
    a.kill();
    assert_eq!(hand.sim.blocked_count(), 0);
}

/// Takes the answers that there are.
fn answers(kernel: &mut Kernel) -> Vec<Reply> {
    std::iter::from_fn(|| kernel.poll_reply()).map(|out| out.reply).collect()
}

/// Carries out so many messages that are due.
fn carry_out(kernel: &mut Kernel, now: Time, count: usize) {
    (0..count).take_while(|_| kernel.handle_due(now)).for_each(drop);
}

#[test]
fn what_waited_for_one_message_is_carried_out_as_the_driver_has_time_and_in_order() {
    const EACH: u64 = 100;
    let hand = ByHand::new();
    let (session, other) = (hand.client.session(), hand.sim.client().session());
    hand.sim.kernel(|kernel, now| {
        for number in 2..=EACH {
            let name = if number == EACH { "set" } else { "clear" };
            kernel.handle_one_way(now, session, hand.message(number, name)).unwrap();
            kernel.handle_request(now, session, Via(1), hand.ask(number, number, "is_set"));
        }
        assert!(kernel.poll_released().is_none(), "none may begin");
        kernel.handle_one_way(now, session, hand.message(1, "set")).unwrap();
        assert_eq!((kernel.one_ways_done(session).0, kernel.is_due(session)), (1, true));
        assert_eq!(kernel.poll_timeout().unwrap().0, now);
        kernel.handle_request(now, other, Via(2), hand.ask(1, 0, "is_set"));
        assert_eq!(answers(kernel).len(), 1, "others are served in between");
        carry_out(kernel, now, 2);
        assert_eq!(kernel.one_ways_done(session).0, 3);
        // A message makes room for itself.
        kernel.handle_one_way(now, session, hand.message(EACH + 1, "clear")).unwrap();
        assert_eq!(kernel.one_ways_done(session).0, 5);
        // Requests are the driver's to hand in again, in the order in which they came.
        let released: Vec<_> = std::iter::from_fn(|| kernel.poll_released()).collect();
        let calls: Vec<_> = released.iter().map(|of| (of.via, of.request.call.0)).collect();
        assert_eq!(calls, [2, 3, 4, 5].map(|call| (Via(1), call)));
        assert_eq!(answers(kernel), []);
        released.into_iter().for_each(|of| kernel.handle_released(now, of));
        assert_eq!(answers(kernel).len(), 4);
        carry_out(kernel, now, usize::MAX);
        assert_eq!((kernel.one_ways_done(session).0, answers(kernel).len()), (EACH + 1, 0));
        assert_eq!((kernel.is_due(session), kernel.poll_timeout()), (false, None));
        kernel.handle_all_due(now);
        assert_eq!(answers(kernel).len(), EACH as usize - 5);
    });
}

#[test]
fn who_says_goodbye_is_not_gone_before_all_is_done_that_he_said() {
    const MESSAGES: u64 = 50;
    let hand = ByHand::new();
    let session = hand.client.session();
    hand.sim.kernel(|kernel, now| {
        kernel.handle_goodbye(now, session, OneWayId(MESSAGES));
        for number in (1..=MESSAGES).rev() {
            let name = if number == MESSAGES { "set" } else { "clear" };
            kernel.handle_one_way(now, session, hand.message(number, name)).unwrap();
        }
        assert!(kernel.is_due(session), "one is done, and it has more to say");
        carry_out(kernel, now, usize::MAX);
    });
    let info: DebugInfo = hand.sim.client().manager().debug_info(0).unwrap();
    assert_eq!(info.sessions.len(), 1, "only the one who asks is left");
}
