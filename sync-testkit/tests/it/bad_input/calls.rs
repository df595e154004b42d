//! Good frames that say what makes no sense.

use super::*;

#[test]
fn a_call_that_makes_no_sense_is_answered_and_the_session_goes_on() {
    let cast = cast();
    let value = cast.manager().create_value(1u64).unwrap();
    let mut client = RawClient::welcomed(address(&cast));
    let (object, get) = (value.handle().object(), value::method("get"));
    let refusal = client.call(ObjectId(0xdead_beef), get, data(&[])).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::NotFound, "object");
    let refusal = client.call(object, MethodId(99), data(&[])).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::UnknownMethod, "number 99");
    let refusal = client.call(object, get, data(&[1, 2, 3])).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::Malformed, "3 bytes too many");
    let refusal = client.call(object, value::method("fetch"), data(&[0xff; 4])).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::Malformed, "arguments");
    // A payload that did not come along.
    let refusal = client.call(object, value::method("set"), data(&[0])).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::Malformed, "arguments");
    let answer = client.call(object, get, data(&[])).unwrap();
    assert_eq!(answer.payloads.len(), 1);
    assert_eq!(value.get().unwrap(), 1);
}

#[test]
fn a_handle_that_is_not_what_it_says_is_refused() {
    let cast = cast();
    let value = cast.manager().create_value(1u64).unwrap();
    let mut client = RawClient::welcomed(address(&cast));
    let object = value.handle().object();
    let lies = WireHandle { object, interface: event::INTERFACE.fingerprint };
    let nowhere = WireHandle { object: ObjectId(77), ..lies };
    let get = value::method("get");
    let with = |handle| Data { handles: vec![handle], ..data(&[]) };
    let refusal = client.call(object, get, with(lies)).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::WrongType, "not what the handle says");
    let refusal = client.call(object, get, with(nowhere)).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::NotFound, "object");
    let error = cast
        .manager()
        .named("v")
        .create_value(1u8)
        .and_then(|_| cast.manager().named("v").open::<Lock>());
    let error = Refusal::from(error.unwrap_err());
    is_clear(&cast, &error, ErrorKind::Mismatch, "\"v\" is a sync.value");
}

#[test]
fn a_value_that_is_no_value_harms_its_reader_only_by_an_error() {
    let cast = cast();
    let value = cast.manager().create_value(vec![1u64]).unwrap();
    let mut client = RawClient::welcomed(address(&cast));
    let too_long = b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff";
    let kinds = [(&b"\xff"[..], true), (b"", false), (too_long, true), (&[0x81; 3000], true)];
    for (bytes, is_taken) in kinds {
        let payload = Payload::new(Encoding::Cbor, bytes.to_vec().into(), Vec::new());
        let data = Data { payloads: [payload].into_iter().collect(), ..data(&[0]) };
        let answer = client.call(value.handle().object(), value::method("set"), data);
        // The manager does not look inside before it has to: only nothing at all is no value.
        assert_eq!(answer.is_ok(), is_taken, "{answer:?}");
        if is_taken {
            let error = value.get().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
            assert!(value.compare_exchange(&vec![1], &vec![2]).is_err());
            value.set(&vec![1]).unwrap();
        }
        assert_eq!(value.get().unwrap(), [1]);
    }
    still_serves(&cast);
}

#[test]
fn a_message_without_an_answer_that_fails_is_counted_and_is_nobodys_error() {
    let cast = cast();
    let mut client = RawClient::welcomed(address(&cast));
    client.send(&ClientMessage::OneWay(OneWay {
        number: OneWayId(1),
        thread: ThreadId(1),
        object: ObjectId(0xdead_beef),
        method: MethodId(0),
        data: data(&[1, 2]),
    }));
    client.send(&ClientMessage::Cancel(CallId(12345)));
    let names = sync_objects::manager::method("names");
    assert!(client.call(ObjectId::MANAGER, names, data(&[])).is_ok());
    assert_eq!(cast.manager().debug_info().unwrap().one_way_failures, 1);
    still_serves(&cast);
}

#[test]
fn a_call_behind_a_message_that_never_comes_waits_only_as_long_as_its_session() {
    let cast = cast();
    let mut client = RawClient::welcomed(address(&cast));
    client.send(&request(ObjectId::MANAGER, sync_objects::manager::method("names"), 5));
    client.finish();
    assert_eq!(client.read(), None);
    still_serves(&cast);
}

#[test]
fn a_value_that_is_too_large_is_refused_before_it_is_sent_and_the_session_goes_on() {
    let cast = cast();
    let manager = Manager::connect(address(&cast).clone()).unwrap();
    let value: Value<String> = manager.create_value(String::new()).unwrap();
    let error = value.set(&"x".repeat(MESSAGE_MAX + 1)).unwrap_err();
    is_clear(&cast, &Refusal::from(error), ErrorKind::TooLarge, "over the limit of 65536");
    let largest = "x".repeat(MESSAGE_MAX - 100);
    value.set(&largest).unwrap();
    assert_eq!(value.get().unwrap(), largest);
    let error = value.update(|text| text.push_str(&largest)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    // The turn to write was given back.
    value.update(|text| text.truncate(1)).unwrap();
    assert_eq!(value.get().unwrap(), "x");
}

#[test]
fn an_update_whose_result_cannot_be_sent_gives_its_turn_back() {
    let cast = cast();
    let manager = Manager::connect(address(&cast).clone()).unwrap();
    let large = "x".repeat(MESSAGE_MAX + 1);
    let list: List<String> = manager.create_list().unwrap();
    list.push("small").unwrap();
    let error = list.update(|items| items.push(large.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    list.update(|items| items.push("more".to_owned())).unwrap();
    assert_eq!(list.to_vec().unwrap(), ["small", "more"]);
    let dict: Dict<u8, String> = manager.create_dict().unwrap();
    let error = dict.update(&1, |slot| *slot = Some(large)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    dict.update(&1, |slot| *slot = Some("small".to_owned())).unwrap();
    assert_eq!(dict.get(&1).unwrap().unwrap(), "small");
    let other = Cast::new();
    let foreign = other.manager().create_lock().unwrap();
    let slot = manager.create_value(None::<Lock>).unwrap();
    let error = slot.update(|slot| *slot = Some(foreign)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    slot.update(|slot| assert!(slot.is_none())).unwrap();
}
