//! Updates whose closures fail.

use sync_client::Error;

use crate::support::sessions;

/// An error of the application's own.
#[derive(Debug, PartialEq)]
enum Failure {
    Refused,
    Shared(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Shared(error)
    }
}

/// Changes something in place, and then has no use for it.
fn fails<T: ?Sized>(change: impl FnOnce(&mut T)) -> impl FnOnce(&mut T) -> Result<(), Failure> {
    |what| {
        change(what);
        Err(Failure::Refused)
    }
}

/// Changes something in place.
fn succeeds<T: ?Sized>(change: impl FnOnce(&mut T)) -> impl FnOnce(&mut T) -> Result<(), Failure> {
    |what| {
        change(what);
        Ok(())
    }
}

#[test]
fn an_update_that_fails_changes_nothing_and_the_next_one_has_its_turn() {
    let (_server, managers) = sessions::<2>();
    for manager in managers {
        let value = manager.create_value(1).unwrap();
        assert_eq!(value.try_update(fails(|it| *it = 2)), Err(Failure::Refused));
        assert_eq!(value.try_update(succeeds(|it| *it += 2)), Ok(()));
        assert_eq!(value.get().unwrap(), 3);

        let dict = manager.create_dict_from([("a", 1)]).unwrap();
        assert_eq!(dict.try_update("a", fails(|it| *it = None)), Err(Failure::Refused));
        assert_eq!(dict.try_update("b", succeeds(|it| *it = Some(3))), Ok(()));
        assert_eq!(dict.values().unwrap(), [1, 3]);

        let list = manager.create_list_from([1]).unwrap();
        assert_eq!(list.try_update(fails(Vec::clear)), Err(Failure::Refused));
        assert_eq!(list.try_update(succeeds(|it: &mut Vec<i32>| it.push(3))), Ok(()));
        assert_eq!(list.to_vec().unwrap(), [1, 3]);

        let array = manager.create_array([1, 3]).unwrap();
        assert_eq!(array.try_update(.., fails(<[i32]>::reverse)), Err(Failure::Refused));
        assert_eq!(array.try_update(1.., succeeds(|it: &mut [i32]| it[0] += 1)), Ok(()));
        assert_eq!(array.to_vec().unwrap(), [1, 4]);

        let names = manager.create_namespace().unwrap();
        let set = |it: &mut Option<i32>| *it = Some(3);
        assert_eq!(names.try_update("a", fails(set)), Err(Failure::Refused));
        assert!(!names.contains_key("a").unwrap());
        assert_eq!(names.try_update("a", succeeds(set)), Ok(()));
        assert_eq!(names.get("a").unwrap(), Some(3));
    }
}
