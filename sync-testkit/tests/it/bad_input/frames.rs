//! Bytes that are no good frame.

use super::*;

#[test]
fn a_frame_over_the_limit_is_refused_before_it_is_read() {
    let cast = cast();
    for (head, body) in [(10, MESSAGE_MAX + 1), (2 << 20, 0), (u32::MAX as usize, 0)] {
        let mut client = RawClient::welcomed(address(&cast));
        client.send_bytes(&lengths(head, body));
        is_clear(&cast, &client.refused(), ErrorKind::TooLarge, "over the limit");
    }
}

#[test]
fn a_stranger_may_say_less_than_a_known_client() {
    let cast = cast();
    let mut client = RawClient::connect(address(&cast));
    client.send_bytes(&PREAMBLE);
    client.send_bytes(&lengths(1025, 0));
    is_clear(&cast, &client.refused(), ErrorKind::TooLarge, "over the limit of 1024");
}

#[test]
fn a_server_may_hear_less_of_a_stranger_and_still_lets_clients_in() {
    let cast = limited(|limits| limits.hello = 100);
    let mut client = RawClient::connect(address(&cast));
    client.send_bytes(&PREAMBLE);
    client.send_bytes(&lengths(101, 0));
    is_clear(&cast, &client.refused(), ErrorKind::TooLarge, "over the limit of 100");
}

#[test]
fn a_truncated_frame_ends_its_session_and_no_other() {
    let cast = cast();
    let event = cast.manager().create_event().unwrap();
    let whole = RawClient::frame(&request(event.handle().object(), event::method("set"), 0));
    for cut in 0..whole.len() {
        let mut client = RawClient::welcomed(address(&cast));
        client.send_bytes(&whole[..cut]);
        client.finish();
        assert_eq!(client.read(), None);
    }
    assert!(!event.is_set().unwrap());
    let alone = || cast.manager().debug_info().unwrap().sessions.len() == 1;
    cast.until("the sessions are over", alone);
    still_serves(&cast);
}

#[test]
fn garbage_is_refused_at_the_door_and_inside() {
    let cast = cast();
    let mut client = RawClient::connect(address(&cast));
    client.send_bytes(&[0xff; 5000]);
    is_clear(&cast, &client.refused(), ErrorKind::Malformed, "connect with sync-client");
    let mut client = RawClient::welcomed(address(&cast));
    client.send_bytes(&[0xff; 5000]);
    is_clear(&cast, &client.refused(), ErrorKind::TooLarge, "over the limit");
    let mut client = RawClient::welcomed(address(&cast));
    client.send_bytes(&lengths(3, 0));
    client.send_bytes(&[0xff; 3]);
    is_clear(&cast, &client.refused(), ErrorKind::Malformed, "not a message");
}

#[test]
fn a_frame_whose_parts_do_not_fit_is_refused() {
    let cast = cast();
    let good = RawClient::frame(&request(ObjectId(0), MethodId(0), 0));
    let head = good.len() - 8;
    // A byte too many in the head; a body that the head does not speak of.
    for (lengths, more) in [(lengths(head + 1, 0), 1), (lengths(head, 4), 4)] {
        let mut client = RawClient::welcomed(address(&cast));
        client.send_bytes(&[lengths.as_slice(), &good[8..], &vec![0; more]].concat());
        is_clear(&cast, &client.refused(), ErrorKind::Malformed, "not a message");
    }
}

#[test]
fn every_change_of_one_byte_in_a_good_frame_leaves_the_server_serving() {
    let cast = cast();
    let value = cast.manager().create_value(1u64).unwrap();
    let whole = RawClient::frame(&request(value.handle().object(), value::method("get"), 0));
    for at in 0..whole.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            let mut client = RawClient::welcomed(address(&cast));
            client.send_bytes(&bytes);
            client.finish();
            // Whatever it says, it comes to an end.
            while client.read().is_some() {}
        }
    }
    assert_eq!(value.get().unwrap(), 1);
    still_serves(&cast);
}
