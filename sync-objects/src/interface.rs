//! `interface!`: one declaration generates both ends.

/// Declares an object type: its name, its constructor and its methods. From this one declaration it
/// generates the trait to implement for the manager, and the typed client.
///
/// ```
/// use sync_objects::{Channel, Cx, Flow, Refusal, interface};
///
/// interface! {
///     /// A latch that opens once `count` calls have counted it down.
///     pub mod latch = "app.latch" {
///         new(count: u32);
///         /// Counts down by one; returns what is left.
///         fn count_down() -> u32;
///         /// Blocks until the latch is open.
///         fn wait();
///     }
/// }
///
/// pub struct Latch {
///     count: u32,
/// }
///
/// const OPEN: Channel = Channel::new(0);
///
/// impl latch::Service for Latch {
///     fn new(count: u32) -> Result<Self, Refusal> {
///         Ok(Latch { count })
///     }
///     fn count_down(&mut self, cx: &mut Cx<'_>) -> Flow<u32> {
///         self.count = self.count.saturating_sub(1);
///         if self.count == 0 {
///             cx.wake(OPEN, usize::MAX);
///         }
///         Flow::Done(self.count)
///     }
///     fn wait(&mut self, _: &mut Cx<'_>) -> Flow<()> {
///         if self.count == 0 { Flow::Done(()) } else { Flow::Wait(OPEN) }
///     }
/// }
///
/// let mut registry = sync_objects::registry();
/// latch::register::<Latch>(&mut registry);
/// ```
///
/// The module holds:
/// * `INTERFACE`: the name, the methods' names, and the fingerprint of all signatures;
/// * `Service`: the trait to implement; beside the declared methods it has `session_gone`,
///   `shape`, `weight`, `handles` and `handles_from`, each with a default. `new` is also run for
///   who opens a name that is taken, to compare shapes: it takes hold of nothing outside;
/// * `register::<S>(&mut Registry)`;
/// * `Proxy`: the typed client. `Proxy::new(place, …)` creates an object, each method calls it,
///   `within(duration)` gives each call a deadline, `one_way()` sends without waiting (make an
///   answered call, or disconnect, before the process exits), and `later(pipeline)` asks now and
///   waits for the answer later;
/// * `Peer`: how another object reaches this one inside the same atomic step.
///
/// Arguments and answers are encoded by postcard, which writes neither types nor names of fields.
/// What serde derives is fine; `flatten`, `untagged`, `tag`, `skip_serializing_if` and types that
/// ask what comes next, such as `serde_json::Value`, are not: they fail, or are read as something
/// else. Such a value travels as a [`Packed`](sync_proto::Packed), which is CBOR and has both. A
/// user's value that the object only keeps is a [`Payload`](sync_proto::Payload) or a `Packed`, a
/// reference to another object a [`Handle`](sync_proto::Handle). The names `new`, `within`,
/// `one_way`, `later` and `remote` are the proxy's own and cannot be methods, nor can those of
/// `Service`.
#[macro_export]
macro_rules! interface {
    (
        $(#[$doc:meta])*
        $vis:vis mod $module:ident = $name:literal {
            new($($new_arg:ident: $new_type:ty),* $(,)?);
            $(
                $(#[$method_doc:meta])*
                fn $method:ident($($arg:ident: $type:ty),* $(,)?) $(-> $answer:ty)?;
            )*
        }
    ) => {
        $(#[$doc])*
        $vis mod $module {
            #[allow(unused_imports, reason = "an interface of plain types needs none of them")]
            use super::*;
            use $crate::private as p;

            /// The interface: its name, its methods' names, its fingerprint.
            pub static INTERFACE: p::Interface = p::Interface {
                name: $name,
                fingerprint: p::Fingerprint::of(&[
                    $name, "new", stringify!(($($new_arg: $new_type),*)),
                    $(stringify!($method), stringify!(($($arg: $type),*) $(-> $answer)?),)*
                ]),
                methods: &[$(stringify!($method)),*],
            };

            /// Returns a method's number, at compile time; a name that is not a method's fails
            /// there.
            pub const fn method(name: &str) -> p::MethodId {
                p::method_id(INTERFACE.methods, name)
            }

            /// The object's side: what a manager hosts.
            pub trait Service: Sized + Send + 'static {
                /// Makes an object. One that is made for a name that is taken is only asked for its
                /// shape, and dropped.
                ///
                /// # Errors
                /// When the arguments are invalid; nothing is created then.
                fn new($($new_arg: $new_type),*) -> Result<Self, p::Refusal>;
                $(
                    $(#[$method_doc])*
                    fn $method(
                        &mut self, cx: &mut p::Cx<'_> $(, $arg: $type)*
                    ) -> p::Flow<$crate::answer!($($answer)?)>;
                )*
                /// Learns that a session that held something of this object is gone, or has lost
                /// the answer that granted it: what `gone` lists is no longer held.
                fn session_gone(&mut self, cx: &mut p::Cx<'_>, gone: &p::Gone) {
                    let _ = (cx, gone);
                }
                /// Returns in words the properties in which a named object must agree with the one
                /// that is asked for: a bound, an order, a length. Contents are not part of it.
                fn shape(&self) -> String {
                    String::new()
                }
                /// Returns how many bytes the object keeps beside the bytes of its values, which
                /// are counted already: [`VALUE_COST`](p::VALUE_COST) for each value, and what it
                /// has made from its arguments. It is called after every call, so it should be
                /// cheap.
                fn weight(&self) -> usize {
                    0
                }
                /// Shows every handle that the object holds, including those inside payloads, each
                /// as often as it holds it: a handle that is not shown cannot be found to be part
                /// of a cycle. A handle that is shown without being held would make objects in use
                /// look like garbage.
                fn handles(&self, visit: &mut dyn FnMut(&p::Handle)) {
                    let _ = visit;
                }
                /// Shows some of the handles, for an object that may hold so many that the manager
                /// should serve others in between: those from a place on, where 0 is the first.
                /// Returns the place to go on from, `None` at the end.
                fn handles_from(
                    &self, place: u64, visit: &mut dyn FnMut(&p::Handle)
                ) -> Option<u64> {
                    let _ = place;
                    self.handles(visit);
                    None
                }
            }

            struct Hosted<S>(S);

            impl<S: Service> p::Object for Hosted<S> {
                fn call(
                    &mut self,
                    cx: &mut p::Cx<'_>,
                    number: p::MethodId,
                    data: &mut p::Data,
                ) -> Result<p::Flow<p::Data>, p::Refusal> {
                    $(
                        if number == const { method(stringify!($method)) } {
                            let ($($arg,)*) = data.look::<($($type,)*)>()?;
                            return self.0.$method(cx $(, $arg)*).encode();
                        }
                    )*
                    let _ = (cx, data);
                    Err(p::unknown_method(&INTERFACE, number))
                }

                fn session_gone(&mut self, cx: &mut p::Cx<'_>, gone: &p::Gone) {
                    self.0.session_gone(cx, gone);
                }

                fn shape(&self) -> String {
                    self.0.shape()
                }

                fn weight(&self) -> usize {
                    self.0.weight()
                }

                fn handles_from(
                    &self, place: u64, visit: &mut dyn FnMut(&p::Handle)
                ) -> Option<u64> {
                    self.0.handles_from(place, visit)
                }
            }

            /// Registers this type with a manager's registry.
            pub fn register<S: Service>(registry: &mut p::Registry) {
                registry.register(&INTERFACE, |data| {
                    let ($($new_arg,)*) = data.into_value::<($($new_type,)*)>()?;
                    Ok(Box::new(Hosted(S::new($($new_arg),*)?)))
                });
            }

            $(#[$doc])*
            ///
            /// The client's side: each method is a call to the manager.
            #[derive(Clone, Debug, PartialEq, Eq, Hash)]
            pub struct Proxy(p::Remote);

            #[allow(clippy::len_without_is_empty, reason = "an interface has the methods it has")]
            impl Proxy {
                /// Creates an object at a place: a manager, or a name in it.
                ///
                /// # Errors
                /// What the object's constructor or the manager refused with.
                pub fn new(
                    place: impl p::Place $(, $new_arg: $new_type)*
                ) -> Result<Self, p::Error> {
                    p::Remote::create(place, &INTERFACE, &($($new_arg,)*)).map(Self)
                }

                /// Returns the same object with a deadline for each call; of two, the shorter.
                #[must_use]
                pub fn within(&self, timeout: core::time::Duration) -> Self {
                    Self(self.0.within(timeout))
                }

                /// Returns an object that sends calls without waiting for their answers.
                ///
                /// They are carried out in the order in which they were sent, and before any later
                /// call of this session is. `Ok` means that a call is on its way: what the object
                /// refuses is not reported, and a process that exits loses what is not written yet,
                /// unless it makes an answered call before, or disconnects.
                pub fn one_way(&self) -> OneWay<'_> {
                    OneWay(&self.0)
                }

                /// Returns an object that puts calls into a pipeline.
                pub fn later<'p>(&'p self, pipeline: &'p p::Pipeline<'_>) -> Later<'p> {
                    Later { remote: &self.0, pipeline }
                }

                /// Returns the untyped proxy.
                pub fn remote(&self) -> &p::Remote {
                    &self.0
                }

                $(
                    $(#[$method_doc])*
                    ///
                    /// # Errors
                    /// What the object refused with; `TimedOut` when the deadline passed;
                    /// `Disconnected` when the session is over.
                    pub fn $method(
                        &self $(, $arg: $type)*
                    ) -> Result<$crate::answer!($($answer)?), p::Error> {
                        self.0.call(const { method(stringify!($method)) }, &($($arg,)*))
                    }
                )*
            }

            impl p::Shared for Proxy {
                const INTERFACE: &'static p::Interface = &INTERFACE;

                fn attach(handle: p::Handle) -> Result<Self, p::Error> {
                    p::Remote::attach(handle, &INTERFACE).map(Self)
                }

                fn handle(&self) -> &p::Handle {
                    self.0.handle()
                }
            }

            impl p::Serialize for Proxy {
                fn serialize<S: p::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                    self.0.handle().serialize(to)
                }
            }

            impl<'de> p::Deserialize<'de> for Proxy {
                fn deserialize<D: p::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    p::Shared::attach(p::Handle::deserialize(from)?).map_err(p::DeError::custom)
                }
            }

            /// Sends calls whose answers nobody needs, without waiting. A call sent later by the
            /// same session, from whichever thread, is carried out after them.
            #[derive(Clone, Copy, Debug)]
            pub struct OneWay<'a>(&'a p::Remote);

            impl OneWay<'_> {
                $(
                    $(#[$method_doc])*
                    ///
                    /// # Errors
                    /// Why the call cannot be sent: `InvalidInput`, `TooLarge`, `Disconnected`; not
                    /// what the object answers to it.
                    pub fn $method(&self $(, $arg: $type)*) -> Result<(), p::Error> {
                        self.0.send(const { method(stringify!($method)) }, &($($arg,)*))
                    }
                )*
            }

            /// Puts calls into a pipeline, without waiting for their answers.
            #[derive(Clone, Copy, Debug)]
            pub struct Later<'a> {
                remote: &'a p::Remote,
                pipeline: &'a p::Pipeline<'a>,
            }

            #[allow(clippy::len_without_is_empty, reason = "an interface has the methods it has")]
            impl<'a> Later<'a> {
                $(
                    $(#[$method_doc])*
                    pub fn $method(
                        &self $(, $arg: $type)*
                    ) -> p::Pending<'a, $crate::answer!($($answer)?)> {
                        let method = const { method(stringify!($method)) };
                        self.pipeline.call(self.remote, method, &($($arg,)*))
                    }
                )*
            }

            /// How another object calls this one, inside the same atomic step. A `Wait` that it
            /// answers stands in this object's line, whichever object returns it.
            #[derive(Clone, Copy, Debug)]
            pub struct Peer<'a>(pub &'a p::Handle);

            impl Peer<'_> {
                $(
                    $(#[$method_doc])*
                    ///
                    /// # Errors
                    /// When the object is gone, broken, of another interface, or already at work
                    /// in this step.
                    pub fn $method(
                        &self, cx: &mut p::Cx<'_> $(, $arg: $type)*
                    ) -> Result<p::Flow<$crate::answer!($($answer)?)>, p::Refusal> {
                        cx.call_peer(
                            self.0,
                            &INTERFACE,
                            const { method(stringify!($method)) },
                            &($($arg,)*),
                        )
                    }
                )*
            }
        }
    };
}

/// The type that a method answers with: the declared one, or nothing.
#[doc(hidden)]
#[macro_export]
macro_rules! answer {
    () => {
        ()
    };
    ($answer:ty) => {
        $answer
    };
}

/// Names for the macro's expansion.
#[doc(hidden)]
pub mod private {
    pub use serde::de::Error as DeError;
    pub use serde::{Deserialize, Deserializer, Serialize, Serializer};
    pub use sync_proto::{
        Data, Error, Fingerprint, Handle, Interface, MethodId, Pending, Pipeline, Place, Refusal,
        Remote, Shared,
    };

    pub use crate::{Cx, Flow, Gone, Object, Registry, VALUE_COST};

    /// Returns a method's place among the names.
    pub const fn method_id(names: &[&str], name: &str) -> MethodId {
        let mut at = 0;
        while at < names.len() {
            if same(names[at].as_bytes(), name.as_bytes()) {
                return MethodId(at as u16);
            }
            at += 1;
        }
        panic!("a method of the interface");
    }

    const fn same(a: &[u8], b: &[u8]) -> bool {
        if a.len() != b.len() {
            return false;
        }
        let mut at = 0;
        while at < a.len() {
            if a[at] != b[at] {
                return false;
            }
            at += 1;
        }
        true
    }

    /// Refuses a method number that the interface does not have.
    pub fn unknown_method(interface: &Interface, method: MethodId) -> Refusal {
        let (name, count) = (interface.name, interface.methods.len());
        let why = format!("{name} has {count} methods, number {} is not one of them", method.0);
        Refusal::new(sync_proto::ErrorKind::UnknownMethod, why)
    }
}
