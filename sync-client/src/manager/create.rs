//! The built-in types, created on a manager or under a name.

use serde::Serialize;
use sync_proto::Error;

use super::{Manager, Named};

/// The façade: `create_…` on a manager and on a name, for each built-in type.
macro_rules! creators {
    ($($place:ty),*) => {$(
        impl $place {
            /// Creates a [`Lock`](crate::Lock).
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create).
            #[doc(alias("Lock", "acquire"))]
            pub fn create_lock(&self) -> Result<crate::Lock, Error> {
                crate::Lock::new(self.place())
            }

            /// Creates an [`RLock`](crate::RLock), a lock that its holder may take again.
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create).
            #[doc(alias = "RLock")]
            pub fn create_rlock(&self) -> Result<crate::RLock, Error> {
                crate::RLock::new(self.place())
            }

            /// Creates a [`Condition`](crate::Condition) with a lock of its own.
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create).
            #[doc(alias = "Condition")]
            pub fn create_condition(&self) -> Result<crate::Condition, Error> {
                crate::Condition::new(self.place())
            }

            /// Creates a [`Condition`](crate::Condition) on a [`Lock`](crate::Lock) or an
            /// [`RLock`](crate::RLock), which other conditions may share.
            ///
            /// # Errors
            /// Those of [`Condition::new_on`](crate::Condition::new_on).
            #[doc(alias = "Condition")]
            pub fn create_condition_on<L: crate::ConditionLock>(
                &self,
                lock: &L,
            ) -> Result<crate::Condition<L>, Error> {
                crate::Condition::new_on(self.place(), lock)
            }

            /// Creates a [`Barrier`](crate::Barrier): with a number of parties, or with
            /// [`BarrierOptions`](crate::BarrierOptions).
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create);
            /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for 0 parties.
            #[doc(alias = "Barrier")]
            pub fn create_barrier(
                &self,
                options: impl Into<crate::BarrierOptions>,
            ) -> Result<crate::Barrier, Error> {
                crate::Barrier::new(self.place(), options)
            }

            /// Creates an [`Event`](crate::Event), not set.
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create).
            pub fn create_event(&self) -> Result<crate::Event, Error> {
                crate::Event::new(self.place())
            }

            /// Creates a [`Semaphore`](crate::Semaphore) of `permits` permits.
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create).
            pub fn create_semaphore(&self, permits: u32) -> Result<crate::Semaphore, Error> {
                crate::Semaphore::new(self.place(), permits)
            }

            /// Creates a [`Semaphore`](crate::Semaphore) that never has more permits than these.
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create).
            #[doc(alias = "BoundedSemaphore")]
            pub fn create_bounded_semaphore(
                &self,
                permits: u32,
            ) -> Result<crate::Semaphore, Error> {
                crate::Semaphore::new_bounded(self.place(), permits)
            }

            /// Creates a [`Queue`](crate::Queue): with a bound, or with
            /// [`QueueOptions`](crate::QueueOptions).
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create);
            /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a bound of 0.
            #[doc(alias = "JoinableQueue")]
            pub fn create_queue<T>(
                &self,
                options: impl Into<crate::QueueOptions>,
            ) -> Result<crate::Queue<T>, Error> {
                crate::Queue::new(self.place(), options)
            }

            /// Creates a [`Value`](crate::Value).
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create);
            /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when the value can't be
            /// encoded.
            pub fn create_value<T: Serialize + 'static>(
                &self,
                initial: T,
            ) -> Result<crate::Value<T>, Error> {
                crate::Value::new(self.place(), &initial)
            }

            /// Creates an empty [`Dict`](crate::Dict).
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create).
            pub fn create_dict<K, V>(&self) -> Result<crate::Dict<K, V>, Error> {
                crate::Dict::new(self.place())
            }

            /// Creates a [`Dict`](crate::Dict) with these entries; of equal keys the last value
            /// counts.
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create);
            /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when a key can't be a key.
            pub fn create_dict_from<K: Serialize, V: Serialize>(
                &self,
                entries: impl IntoIterator<Item = (K, V)>,
            ) -> Result<crate::Dict<K, V>, Error> {
                crate::Dict::from_entries(self.place(), entries)
            }

            /// Creates an empty [`List`](crate::List).
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create).
            pub fn create_list<T>(&self) -> Result<crate::List<T>, Error> {
                crate::List::new(self.place())
            }

            /// Creates a [`List`](crate::List) of these items.
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create);
            /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when one can't be encoded.
            pub fn create_list_from<T: Serialize>(
                &self,
                items: impl IntoIterator<Item = T>,
            ) -> Result<crate::List<T>, Error> {
                crate::List::from_items(self.place(), items)
            }

            /// Creates an [`Array`](crate::Array) of these elements.
            ///
            /// # Errors
            /// Those of [`Array::new`](crate::Array::new).
            pub fn create_array<T: crate::Element>(
                &self,
                elements: impl IntoIterator<Item = T>,
            ) -> Result<crate::Array<T>, Error> {
                crate::Array::new(self.place(), elements)
            }

            /// Creates an [`Array`](crate::Array) of `len` zeros.
            ///
            /// # Errors
            /// Those of [`Array::zeroed`](crate::Array::zeroed).
            pub fn create_array_zeroed<T: crate::Element>(
                &self,
                len: u64,
            ) -> Result<crate::Array<T>, Error> {
                crate::Array::zeroed(self.place(), len)
            }

            /// Creates an empty [`Namespace`](crate::Namespace).
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create).
            pub fn create_namespace(&self) -> Result<crate::Namespace, Error> {
                crate::Namespace::new(self.place())
            }

            /// Creates an empty [`Set`](crate::Set).
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create).
            pub fn create_set<T>(&self) -> Result<crate::Set<T>, Error> {
                crate::Set::new(self.place())
            }

            /// Creates a [`Set`](crate::Set) of these members.
            ///
            /// # Errors
            /// Those of [`Place::create`](crate::Place::create);
            /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when one can't be a member.
            pub fn create_set_from<T: Serialize>(
                &self,
                members: impl IntoIterator<Item = T>,
            ) -> Result<crate::Set<T>, Error> {
                crate::Set::from_members(self.place(), members)
            }
        }
    )*};
}

creators!(Manager, Named<'_>);

impl Manager {
    fn place(&self) -> &Self {
        self
    }
}

impl Named<'_> {
    fn place(&self) -> Self {
        *self
    }
}
