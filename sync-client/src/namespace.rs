//! Namespace.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sync_objects::{Removed, namespace};
use sync_proto::{Error, Handle, Interface, Payload, Place, Shared};

use crate::proxy::read_or_restore;
use crate::update::update;

/// Named attributes that processes share, each of a type of its own.
///
/// A name is any string but the empty one. Values go in by reference and come out as copies, as the
/// type that the reader asks for.
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let config = manager.create_namespace()?;
/// config.set("host", "localhost")?;
/// config.set("port", &8080u16)?;
/// assert_eq!(config.get::<String>("host")?.as_deref(), Some("localhost"));
/// assert_eq!(config.get::<u16>("port")?, Some(8080));
/// config.update("port", |port: &mut Option<u16>| *port.get_or_insert(80) += 1)?;
/// assert_eq!(config.remove::<u16>("port")?, Some(8081));
/// assert_eq!(config.names()?, ["host"]);
/// # Ok::<(), sync_client::Error>(())
/// ```
///
/// # Differences from Python
/// A name that begins with `_` is shared like any other; it does not stay in the proxy that set it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Namespace {
    proxy: namespace::Proxy,
}

crate::proxy::common!(Namespace, namespace);

impl Namespace {
    /// Creates an empty namespace at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`].
    pub fn new(place: impl Place) -> Result<Self, Error> {
        namespace::Proxy::new(place, Vec::new()).map(Self::of)
    }

    /// Returns the value of an attribute; `None` when there is none of that name.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when the value is not a `T`;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an empty name.
    #[doc(alias("getattr", "__getattr__"))]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        unpack_some(self.proxy.get(name.to_owned())?.as_ref(), "get")
    }

    /// Sets an attribute, whatever the type of its previous value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an empty name, and when
    /// the value can't be encoded.
    #[doc(alias("setattr", "__setattr__"))]
    pub fn set<Q: Serialize + ?Sized>(&self, name: &str, value: &Q) -> Result<(), Error> {
        self.proxy.set(name.to_owned(), pack(value, "set")?)
    }

    /// Deletes an attribute, of whatever type; returns whether there was one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an empty name.
    #[doc(alias("delattr", "__delattr__"))]
    pub fn delete(&self, name: &str) -> Result<bool, Error> {
        self.proxy.delete(name.to_owned())
    }

    /// Takes an attribute out and returns its value; `None` when there is none of that name.
    ///
    /// # Errors
    /// Those of [`get`](Self::get); a value that is not a `T` stays.
    pub fn remove<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(removed) = self.proxy.remove(name.to_owned())? else { return Ok(None) };
        let read = |removed: &Removed| unpack_some(Some(&removed.value), "remove");
        read_or_restore(&self.proxy, removed, read, |proxy, removed| proxy.restore(removed))
    }

    /// Returns whether there is an attribute of that name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an empty name.
    #[doc(alias = "hasattr")]
    pub fn contains_key(&self, name: &str) -> Result<bool, Error> {
        self.proxy.contains_key(name.to_owned())
    }

    /// Returns all names, in alphabetical order, as they were at one moment.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    #[doc(alias = "dir")]
    pub fn names(&self) -> Result<Vec<String>, Error> {
        self.proxy.names()
    }

    /// Changes an attribute in turn: `change` gets the value, or `None` if there is none, and
    /// leaves what is to be stored. It runs here, once, while other writers of this attribute wait
    /// in line; readers and other attributes don't. If it panics, or this process dies in it,
    /// nothing changes.
    ///
    /// What `change` returns is returned, and does not matter otherwise: to change nothing on an
    /// error, use [`try_update`](Self::try_update).
    ///
    /// # Errors
    /// [`ErrorKind::Changed`](crate::ErrorKind::Changed) when `change` itself wrote to this
    /// attribute through a proxy; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for
    /// an empty name, and for an update inside an update of the same attribute;
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when the value is not a `T`.
    pub fn update<T, R>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Option<T>) -> R,
    ) -> Result<R, Error>
    where
        T: Serialize + DeserializeOwned,
    {
        self.try_update(name, |slot| Ok(change(slot)))
    }

    /// Does the same as [`update`](Self::update) if `change` returns `Ok`; if it returns an error,
    /// nothing changes, and that is returned.
    ///
    /// # Errors
    /// Those of `change`, and of [`update`](Self::update).
    pub fn try_update<T, R, E: From<Error>>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Option<T>) -> Result<R, E>,
    ) -> Result<R, E>
    where
        T: Serialize + DeserializeOwned,
    {
        let begun = self.proxy.begin_update(name.to_owned())?;
        let update = update!(self.proxy, begun.token);
        let mut slot = unpack_some(begun.value.as_ref(), "update")?;
        let result = change(&mut slot)?;
        let value = slot.map(|value| pack(&value, "update")).transpose()?;
        update.commit(|token| self.proxy.commit_update(token, value))?;
        Ok(result)
    }
}

fn pack<Q: Serialize + ?Sized>(value: &Q, method: &'static str) -> Result<Payload, Error> {
    crate::proxy::pack(value, &namespace::INTERFACE, method)
}

fn unpack_some<T: DeserializeOwned>(
    value: Option<&Payload>,
    method: &'static str,
) -> Result<Option<T>, Error> {
    value.map(|value| crate::proxy::unpack(value, &namespace::INTERFACE, method)).transpose()
}
