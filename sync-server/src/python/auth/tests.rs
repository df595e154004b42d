use super::*;

fn server() -> (Auth, Vec<u8>) {
    let (auth, message) =
        Auth::new(&[AuthKey::new("another").unwrap(), AuthKey::new("key").unwrap()], &[9; 40]);
    let challenge = message.strip_prefix(CHALLENGE).unwrap().to_vec();
    assert_eq!(challenge.len(), 48);
    (auth, challenge)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_old_client_answers_by_md5_and_challenges_by_twenty_bytes() {
    let (mut auth, challenge) = server();
    let answer = mac::<Hmac<Md5>>(b"key", &challenge);
    assert_eq!(auth.hear(&answer), Step::Send(WELCOME.to_vec()));
    let Step::Send(ours) = auth.hear(b"#CHALLENGE#aaaaaaaaaaaaaaaaaaaa") else { panic!() };
    // From CPython: hmac.new(b'key', b'a' * 20, 'md5').hexdigest()
    assert_eq!(hex(&ours), "2df6644901f590e78e348a8c073baf5e");
    assert_eq!(auth.hear(WELCOME), Step::Done);
}

#[test]
fn a_new_client_names_its_digest_and_is_answered_by_the_one_that_it_asks_for() {
    // From CPython: hmac.new(b'key', b'{NAME}' + b'a' * 40, NAME).hexdigest()
    let known = [
        ("md5", "1db6528ba7f42a9d645dbb1497639d24"),
        ("sha256", "e939dfd97575ac93b74e585079fd9a3df52211598de55b47dad2acb212b298b4"),
        (
            "sha384",
            concat!(
                "9a9a9849b5b0be087dcdd2bf0dc0eda96047b572cda9500b",
                "b4dfedea7cd8bf5018ca12b897c41b13a5cfb536b29bbeba"
            ),
        ),
        ("sha3_256", "c81f2f7e906e85bb1d03326b03237c5d21d777c87d8462e2230fae7b2377e98a"),
        (
            "sha3_384",
            concat!(
                "9a48835fa773e3e8e11c4dcd63c8baaebb8cafa18feb16ff",
                "b2d065ff91ca0e085cd2cad980716921e07139c94778d374"
            ),
        ),
    ];
    for (name, expected) in known {
        let (mut auth, challenge) = server();
        let answer = [b"{sha384}", &mac::<Hmac<Sha384>>(b"key", &challenge)[..]].concat();
        assert_eq!(auth.hear(&answer), Step::Send(WELCOME.to_vec()));
        let theirs = format!("#CHALLENGE#{{{name}}}{}", "a".repeat(40));
        let Step::Send(ours) = auth.hear(theirs.as_bytes()) else { panic!("{name}") };
        let mac = ours.strip_prefix(format!("{{{name}}}").as_bytes()).unwrap();
        assert_eq!(hex(mac), expected, "{name}");
    }
}

#[test]
fn a_wrong_answer_is_refused_in_words_that_python_knows() {
    let (_, challenge) = server();
    let md5 = mac::<Hmac<Md5>>(b"another key", &challenge);
    let unnamed = mac::<Hmac<Sha256>>(b"key", &challenge);
    let unknown = [b"{sha1}", &unnamed[..]].concat();
    let misnamed = [b"{sha3_256}", &unnamed[..]].concat();
    for wrong in [&md5[..], &unnamed, &unknown, &misnamed, b"", b"{", b"{}", &challenge] {
        let (mut auth, _) = server();
        let step = auth.hear(wrong);
        assert!(matches!(step, Step::Refused(Some(FAILURE), _)), "{wrong:?}: {step:?}");
    }
}

#[test]
fn a_client_that_does_not_challenge_the_server_is_not_let_in() {
    for theirs in [&b"#WELCOME#"[..], b"", b"#CHALLENGE#", b"#CHALLENGE#{sha1}aaaaaaaaaaaaaaaa"] {
        let (mut auth, challenge) = server();
        auth.hear(&mac::<Hmac<Md5>>(b"key", &challenge));
        assert!(matches!(auth.hear(theirs), Step::Refused(None, _)), "{theirs:?}");
    }
}

/// It is a feature of these crates that is easily lost.
#[test]
fn what_hashes_a_key_is_of_types_that_wipe_themselves() {
    fn is_wiped<T: Default + zeroize::ZeroizeOnDrop>() {}
    is_wiped::<Md5>();
    is_wiped::<Sha384>();
    is_wiped::<Sha3_256>();
}
