//! Both sides against each other.

use super::*;
use crate::message::{ClientMessage, ServerMessage};

fn key(text: &str) -> Option<AuthKey> {
    Some(AuthKey::new(text).unwrap())
}

fn run(client: Option<AuthKey>, server: Option<AuthKey>) -> Result<(), Refusal> {
    let purpose = Purpose::Open(ClientInfo { pid: 7, program: "test".into() });
    let (mut client, first) = ClientHandshake::new(client, purpose.clone(), [1; 32]);
    let mut server = ServerHandshake::new(server, [2; 32]);
    let mut said = first;
    loop {
        let answer = match server.handle(said)? {
            ServerStep::Send(message) => message,
            ServerStep::Accept(accepted, proof) => {
                assert_eq!(accepted, purpose);
                ServerMessage::Welcome(Welcome {
                    manager: ManagerId(1),
                    session: SessionId(1),
                    token: SessionToken(3),
                    body_max: 1,
                    proof,
                })
            }
        };
        match client.handle(answer)? {
            Ok(_) => return Ok(()),
            Err(proof) => said = ClientMessage::Proof(proof),
        }
    }
}

#[test]
fn the_same_key_lets_in_and_white_space_at_its_end_does_not_count() {
    run(key("secret"), key("secret\n")).unwrap();
    run(None, None).unwrap();
    run(key("secret"), None).unwrap();
}

#[test]
fn a_wrong_or_missing_key_is_refused_with_a_sentence_that_does_not_show_it() {
    for client in [key("other"), key("secre"), None] {
        let error = run(client, key("secret")).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unauthorized);
        assert!(!error.message.contains("secret"), "{error}");
    }
    assert_eq!(format!("{:?}", key("secret")), "Some(AuthKey(..))");
}

#[test]
fn a_server_that_does_not_have_the_key_is_found_out() {
    let purpose = Purpose::Open(ClientInfo::default());
    let (mut client, _) = ClientHandshake::new(key("secret"), purpose, [1; 32]);
    let challenge = ServerMessage::Challenge(Challenge { nonce: [2; 32] });
    assert!(matches!(client.handle(challenge), Ok(Err(_))));
    let welcome = |proof| {
        ServerMessage::Welcome(Welcome {
            manager: ManagerId(1),
            session: SessionId(1),
            token: SessionToken(3),
            body_max: 1,
            proof,
        })
    };
    assert_eq!(client.handle(welcome(None)).unwrap_err().kind, ErrorKind::Unauthorized);
    let wrong = client.handle(welcome(Some([9; 32])));
    assert_eq!(wrong.unwrap_err().kind, ErrorKind::Unauthorized);
}

#[test]
fn messages_out_of_order_are_refused() {
    let mut server = ServerHandshake::new(None, [0; 32]);
    let early = server.handle(ClientMessage::Proof(Proof { mac: [0; 32] }));
    assert_eq!(early.unwrap_err().kind, ErrorKind::Malformed);
    let mut server = ServerHandshake::new(key("k"), [0; 32]);
    let hello = Hello { purpose: Purpose::Join(SessionToken(1)), nonce: [0; 32] };
    assert!(server.handle(ClientMessage::Hello(hello.clone())).is_ok());
    assert!(server.handle(ClientMessage::Hello(hello)).is_err());
}

#[test]
fn an_empty_key_is_no_key() {
    assert_eq!(AuthKey::new(" \n").unwrap_err().kind, ErrorKind::InvalidInput);
}

#[test]
fn a_key_of_any_bytes_goes_through_an_environment_variable() {
    let bytes: Vec<u8> = (0..=255).rev().collect();
    let key = AuthKey::new(bytes).unwrap();
    let passed_on = AuthKey::from_hex(&key.to_hex()).unwrap();
    run(Some(passed_on), Some(key)).unwrap();
    for wrong in ["", "0", "0g", "123"] {
        assert!(AuthKey::from_hex(wrong).is_err(), "{wrong}");
    }
}
