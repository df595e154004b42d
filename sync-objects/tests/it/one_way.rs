//! One-way messages: carried out in their order, and requests that name them wait for them.

use sync_objects::{DebugInfo, ErrorKind, Note, Via, event, lock};
use sync_proto::message::{OneWay, Reply, Request};
use sync_proto::{CallId, Data, MethodId, ObjectId, OneWayId, ThreadId};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::millis;

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

    fn one_way(&self, number: u64, name: &str) {
        let message = OneWay {
            number: OneWayId(number),
            thread: ThreadId(1),
            object: self.event,
            method: method(name),
            data: Data::default(),
        };
        let session = self.client.session();
        self.sim.kernel(|kernel, now| kernel.handle_one_way(now, session, message)).unwrap();
    }

    fn request(&self, call: u64, after: u64, name: &str) -> Vec<Reply> {
        let request = Request {
            call: CallId(call),
            after: OneWayId(after),
            thread: ThreadId(1),
            object: self.event,
            method: method(name),
            timeout: Some(millis(0)),
            data: Data::default(),
        };
        let session = self.client.session();
        self.sim.kernel(|kernel, now| {
            kernel.handle_request(now, session, Via(call), request);
            std::iter::from_fn(|| kernel.poll_reply()).map(|out| out.reply).collect()
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
    let set = OneWay {
        number: OneWayId(2),
        thread: ThreadId(1),
        object: hand.event,
        method: method("set"),
        data: Data::default(),
    };
    hand.sim.kernel(|kernel, now| {
        kernel.handle_one_way(now, session, set).unwrap();
        let replies: Vec<_> = std::iter::from_fn(|| kernel.poll_reply())
            .map(|out| (out.via, out.reply.call, out.reply.outcome.is_ok()))
            .collect();
        let expected = [(Via(901), CallId(901), true), (Via(902), CallId(902), true)];
        assert_eq!(replies, expected, "in the order of their coming");
    });
}

#[test]
fn a_request_that_is_held_back_can_be_given_up() {
    let hand = ByHand::new();
    assert_eq!(hand.request(901, 1, "is_set"), []);
    let session = hand.client.session();
    let cancel = || {
        hand.sim.kernel(|kernel, now| {
            kernel.handle_cancel(now, session, CallId(901));
            kernel.poll_reply().map(|out| out.reply)
        })
    };
    let reply = cancel().unwrap();
    assert_eq!(reply.outcome.unwrap_err().kind, ErrorKind::TimedOut);
    assert_eq!(cancel(), None);
    hand.one_way(1, "set");
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

#[test]
fn what_waited_for_one_message_is_carried_out_some_at_a_time_and_in_order() {
    const EACH: u64 = 100;
    let hand = ByHand::new();
    let name = |number| if number % 2 == 0 { "set" } else { "clear" };
    (2..=EACH).for_each(|number| hand.one_way(number, name(number)));
    for call in 1..=EACH {
        assert_eq!(hand.request(1000 + call, EACH, "is_set"), []);
    }
    let done = || hand.sim.kernel(|kernel, _| kernel.one_ways_done(hand.client.session()).0);
    hand.one_way(1, "clear");
    assert!((1..=20).contains(&done()), "{} at once", done());
    assert!(hand.sim.kernel(|kernel, now| kernel.poll_timeout().unwrap().0 == now));
    assert!(hand.is_set() != (done() % 2 == 1), "others are served in between");
    let mut answered = Vec::new();
    while hand.sim.kernel(|kernel, now| {
        let was_due = kernel.handle_due(now);
        let replies: Vec<_> = std::iter::from_fn(|| kernel.poll_reply()).collect();
        assert!(replies.len() <= 1, "{} at once", replies.len());
        answered.extend(replies.into_iter().map(|out| out.reply.call.0));
        was_due
    }) {}
    assert_eq!(done(), EACH);
    assert_eq!(answered, (1001..=1000 + EACH).collect::<Vec<_>>());
    assert!(hand.sim.kernel(|kernel, _| kernel.poll_timeout()).is_none());
    assert!(hand.is_set(), "the last one set it");
}

#[test]
fn who_says_goodbye_is_not_gone_before_all_is_done_that_he_said() {
    const MESSAGES: u64 = 50;
    let hand = ByHand::new();
    let session = hand.client.session();
    hand.sim.kernel(|kernel, now| kernel.handle_goodbye(now, session, OneWayId(MESSAGES)));
    (2..=MESSAGES).for_each(|number| hand.one_way(number, "clear"));
    let (other, is_there) =
        (hand.sim.client(), || hand.sim.kernel(|kernel, _| kernel.is_due(session)));
    hand.one_way(1, "set");
    assert!(is_there(), "a few are done, and it has more to say");
    hand.sim.advance(millis(0));
    assert!(!is_there());
    let info = other.manager().debug_info(0).unwrap();
    assert_eq!(info.sessions.len(), 1, "only the other one is left");
}
