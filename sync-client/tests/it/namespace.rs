//! Namespace: attributes as the types that their readers ask for.

use sync_client::{ErrorKind, Lock, Namespace};

use crate::support::sessions;

#[test]
fn an_attribute_that_its_reader_cannot_read_stays_where_it_was() {
    let (_server, [manager]) = sessions();
    let config = manager.create_namespace().unwrap();
    config.set("port", "http").unwrap();
    for error in [
        config.get::<u16>("port").unwrap_err(),
        config.remove::<u16>("port").unwrap_err(),
        config.update("port", |port: &mut Option<u16>| *port = None).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::WrongType);
    }
    assert_eq!(config.remove::<String>("port").unwrap().as_deref(), Some("http"));
    assert_eq!(config.remove::<String>("port").unwrap(), None);
}

#[test]
fn an_update_whose_closure_panics_changes_nothing() {
    let (_server, [manager]) = sessions();
    let config = manager.create_namespace().unwrap();
    config.set("n", &1).unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        config.update("n", |n: &mut Option<i32>| {
            *n = Some(2);
            panic!("inside the update");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(config.get::<i32>("n").unwrap(), Some(1));
    config.update("n", |n: &mut Option<i32>| *n = None).unwrap();
    assert!(!config.contains_key("n").unwrap());
}

#[test]
fn an_update_that_writes_through_the_proxy_is_told() {
    let (_server, [manager]) = sessions();
    let config = manager.create_namespace().unwrap();
    let error = config.update("n", |n: &mut Option<i32>| {
        config.set("n", &5).unwrap();
        *n = Some(2);
    });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Changed);
    assert_eq!(config.get::<i32>("n").unwrap(), Some(5));
}

#[test]
fn a_proxy_is_an_attribute_and_comes_out_live() {
    let (_server, [manager]) = sessions();
    let shared: Namespace = manager.named("shared").create_namespace().unwrap();
    shared.set("door", &manager.create_lock().unwrap()).unwrap();
    let found: Namespace = manager.named("shared").open().unwrap();
    assert_eq!(found, shared);
    let guard = found.get::<Lock>("door").unwrap().unwrap().lock().unwrap();
    assert!(shared.get::<Lock>("door").unwrap().unwrap().try_lock().unwrap().is_none());
    drop(guard);
    assert_eq!(shared.names().unwrap(), ["door"]);
    assert!(shared.delete("door").unwrap());
}
