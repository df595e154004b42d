//! What goes wrong, as Python raises it.

use sync_proto::{ErrorKind, Payload, Refusal};

/// What a client is made to raise.
#[derive(Clone, Debug)]
pub(crate) enum Raise {
    /// What the method itself raised.
    Exception(Exception),
    /// What went wrong around it: the client raises `RemoteError` with this text.
    Trouble(String),
    /// The answer cannot leave the manager: `RemoteError` again.
    Unserializable(String),
}

/// An exception: its class, and what it is made with.
#[derive(Clone, Debug)]
pub(crate) struct Exception {
    pub(crate) class: Class,
    pub(crate) args: Vec<Arg>,
}

/// An exception's class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) module: &'static str,
    pub(crate) name: &'static str,
}

/// What an exception is made with.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Text(String),
    Value(Payload),
}

const fn builtin(name: &'static str) -> Class {
    Class { module: "builtins", name }
}

pub(crate) const ATTRIBUTE_ERROR: Class = builtin("AttributeError");
pub(crate) const INDEX_ERROR: Class = builtin("IndexError");
pub(crate) const KEY_ERROR: Class = builtin("KeyError");
pub(crate) const MEMORY_ERROR: Class = builtin("MemoryError");
pub(crate) const NOT_IMPLEMENTED_ERROR: Class = builtin("NotImplementedError");
pub(crate) const OVERFLOW_ERROR: Class = builtin("OverflowError");
pub(crate) const RUNTIME_ERROR: Class = builtin("RuntimeError");
pub(crate) const STOP_ITERATION: Class = builtin("StopIteration");
pub(crate) const TYPE_ERROR: Class = builtin("TypeError");
pub(crate) const VALUE_ERROR: Class = builtin("ValueError");
pub(crate) const BROKEN_BARRIER: Class = Class { module: "threading", name: "BrokenBarrierError" };
pub(crate) const EMPTY: Class = Class { module: "_queue", name: "Empty" };
pub(crate) const FULL: Class = Class { module: "queue", name: "Full" };
pub(crate) const SHUT_DOWN: Class = Class { module: "queue", name: "ShutDown" };

impl Class {
    /// Raises it with a text.
    pub(crate) fn with(self, text: impl Into<String>) -> Raise {
        Raise::Exception(Exception { class: self, args: vec![Arg::Text(text.into())] })
    }

    /// Raises it with a value.
    pub(crate) fn of(self, value: Payload) -> Raise {
        Raise::Exception(Exception { class: self, args: vec![Arg::Value(value)] })
    }

    /// Raises it with nothing.
    pub(crate) fn bare(self) -> Raise {
        Raise::Exception(Exception { class: self, args: Vec::new() })
    }

    /// Returns how a traceback names it.
    fn shown(self) -> String {
        match self.module {
            "builtins" => self.name.to_owned(),
            module => format!("{module}.{}", self.name),
        }
    }
}

impl Raise {
    /// Turns what a function of the manager raised into a text, as that of `RemoteError`.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Trouble(text) | Self::Unserializable(text) => text,
            Self::Exception(Exception { class, args }) => {
                let text = args.iter().map(|arg| match arg {
                    // As `str` of a `KeyError` shows its key.
                    Arg::Text(text) if class == KEY_ERROR => super::value::repr_of_str(text),
                    Arg::Text(text) => text.clone(),
                    Arg::Value(value) => super::reply::repr(value),
                });
                traceback(&class.shown(), &text.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Raises `RemoteError` with a text that ends as CPython's traceback would.
pub(crate) fn trouble(class: &str, text: &str) -> Raise {
    Raise::Trouble(traceback(class, text))
}

/// Says that a method is not there, in CPython's words.
pub(crate) fn not_exposed(typeid: &str, method: &str, exposed: &[&str]) -> Raise {
    let exposed: Vec<String> = exposed.iter().map(|name| format!("'{name}'")).collect();
    let why = format!(
        "method '{method}' of <class '{typeid}'> object is not in exposed={{{}}}",
        exposed.join(", ")
    );
    Raise::Trouble(format!(
        "{}\nDuring handling of the above exception, another exception occurred:\n\n{}",
        traceback("AttributeError", &why),
        traceback("KeyError", &format!("'{method}'")),
    ))
}

fn traceback(class: &str, text: &str) -> String {
    let colon = if text.is_empty() { "" } else { ": " };
    format!("Traceback (most recent call last):\n{class}{colon}{text}\n")
}

/// What an object refused, where no better exception is known.
impl From<Refusal> for Raise {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal.kind {
            ErrorKind::OutOfRange => INDEX_ERROR.with(text),
            ErrorKind::Overflow => OVERFLOW_ERROR.with(text),
            ErrorKind::WrongType => TYPE_ERROR.with(text),
            ErrorKind::InvalidInput | ErrorKind::Mismatch => VALUE_ERROR.with(text),
            ErrorKind::TooLarge | ErrorKind::LimitReached | ErrorKind::OutOfMemory => {
                MEMORY_ERROR.with(text)
            }
            ErrorKind::NotFound => trouble("KeyError", &text),
            ErrorKind::Disconnected | ErrorKind::ShuttingDown => trouble("EOFError", &text),
            _ => RUNTIME_ERROR.with(text),
        }
    }
}
