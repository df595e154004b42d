//! Stand-in for `Dict` until the client has it: each entry is a named Value.

use core::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_client::{Error, ErrorKind, Manager, Named, Value};

const PREFIX: &str = "wordcount.result.";

#[derive(Clone, Debug)]
pub(crate) struct Dict<K, V> {
    manager: Manager,
    marker: PhantomData<fn() -> (K, V)>,
}

impl<V: Serialize + DeserializeOwned + Clone + 'static> Dict<u64, V> {
    pub(crate) fn on(manager: &Manager) -> Self {
        Self { manager: manager.clone(), marker: PhantomData }
    }

    pub(crate) fn insert(&self, key: &u64, value: &V) -> Result<Option<V>, Error> {
        let name = format!("{PREFIX}{key}");
        let named: Named<'_> = self.manager.named(&name);
        match named.open::<Value<V>>() {
            Ok(entry) => entry.swap(value).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                named.create_value::<V>(value.clone())?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Result<(u64, V), Error>> {
        let names = self.manager.names().unwrap_or_default();
        let numbers: Vec<u64> =
            names.iter().filter_map(|name| name.strip_prefix(PREFIX)?.parse().ok()).collect();
        numbers.into_iter().map(|number| {
            let name = format!("{PREFIX}{number}");
            let entry: Value<V> = self.manager.named(&name).open()?;
            Ok((number, entry.get()?))
        })
    }
}
