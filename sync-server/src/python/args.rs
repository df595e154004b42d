//! The arguments of a call, as Python's own functions take them apart.

use std::time::Duration;

use sync_objects::Slice;
use sync_proto::{Handle, Payload};

use super::desk::Desk;
use super::exceptions::{INDEX_ERROR, OVERFLOW_ERROR, Raise, TYPE_ERROR, VALUE_ERROR};
use super::pickle::{Graph, Node, NodeId};

/// The longest time that CPython's locks wait, in seconds.
pub(crate) const SECONDS_MAX: f64 = 9_223_372_036.0;

/// The arguments of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) positional: &'a [NodeId],
    pub(crate) named: &'a [(String, NodeId)],
}

/// One argument, or a part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arg<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) id: NodeId,
}

impl<'a> Args<'a> {
    /// Finds the arguments by their place or their name, as for
    /// `def function(required, …, optional=default, …)`.
    pub(crate) fn bind<const R: usize, const O: usize>(
        self,
        function: &str,
        required: [&str; R],
        optional: [&str; O],
    ) -> Result<([Arg<'a>; R], [Option<Arg<'a>>; O]), Raise> {
        let (given, most) = (self.positional.len(), R + O);
        if given > most {
            let why = format!("{function}() takes at most {most} arguments ({given} given)");
            return Err(TYPE_ERROR.with(why));
        }
        let (mut firsts, mut others) = ([None; R], [None; O]);
        for (slot, &id) in firsts.iter_mut().chain(&mut others).zip(self.positional) {
            *slot = Some(Arg { graph: self.graph, id });
        }
        for (name, id) in self.named {
            let mut slots =
                required.iter().zip(&mut firsts).chain(optional.iter().zip(&mut others));
            let Some((_, slot)) = slots.find(|(known, _)| *known == name) else {
                let why = format!("{function}() got an unexpected keyword argument '{name}'");
                return Err(TYPE_ERROR.with(why));
            };
            if slot.replace(Arg { graph: self.graph, id: *id }).is_some() {
                let why = format!("{function}() got multiple values for argument '{name}'");
                return Err(TYPE_ERROR.with(why));
            }
        }
        let mut found = [Arg { graph: self.graph, id: NodeId::NONE }; R];
        for ((found, given), name) in found.iter_mut().zip(firsts).zip(required) {
            *found = given.ok_or_else(|| {
                TYPE_ERROR.with(format!("{function}() missing required argument: '{name}'"))
            })?;
        }
        Ok((found, others))
    }

    /// Finds arguments that are all required.
    pub(crate) fn all<const R: usize>(
        self,
        function: &str,
        names: [&str; R],
    ) -> Result<[Arg<'a>; R], Raise> {
        self.bind(function, names, []).map(|(found, [])| found)
    }

    /// Finds arguments of which none is required.
    pub(crate) fn optional<const O: usize>(
        self,
        function: &str,
        names: [&str; O],
    ) -> Result<[Option<Arg<'a>>; O], Raise> {
        self.bind(function, [], names).map(|([], found)| found)
    }

    /// Returns the arguments that are given by place.
    pub(crate) fn positional(self) -> impl ExactSizeIterator<Item = Arg<'a>> {
        self.positional.iter().map(move |&id| Arg { graph: self.graph, id })
    }

    /// Returns the arguments that are given by name.
    pub(crate) fn named(self) -> impl Iterator<Item = (&'a str, Arg<'a>)> {
        let arg = move |id| Arg { graph: self.graph, id };
        self.named.iter().map(move |(name, id)| (&**name, arg(*id)))
    }
}

impl<'a> Arg<'a> {
    pub(crate) fn node(self) -> &'a Node {
        self.graph.get(self.id)
    }

    pub(crate) fn part(self, id: NodeId) -> Self {
        Self { graph: self.graph, id }
    }

    pub(crate) fn is_none(self) -> bool {
        matches!(self.node(), Node::None)
    }

    /// Returns whether it counts as true.
    pub(crate) fn truth(self) -> bool {
        match self.node() {
            Node::None => false,
            Node::Bool(value) => *value,
            Node::Int(value) => *value != 0,
            Node::Float(value) => *value != 0.0,
            Node::Str(text) => !text.is_empty(),
            Node::Bytes(bytes) | Node::ByteArray(bytes) => !bytes.is_empty(),
            Node::Tuple(items) | Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => {
                !items.is_empty()
            }
            Node::Dict(entries) => !entries.is_empty(),
            Node::BigInt(_) | Node::WideStr(_) | Node::Global(_) | Node::Object(_) => true,
        }
    }

    pub(crate) fn text(self) -> Option<&'a str> {
        match self.node() {
            Node::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Returns an integer that an index may be; one beyond is cut to the nearest that fits.
    pub(crate) fn clipped(self) -> Option<i64> {
        match self.node() {
            Node::Bool(value) => Some(i64::from(*value)),
            Node::Int(value) => Some(*value),
            Node::BigInt(value) => {
                let negative = value.sign() == num_bigint::Sign::Minus;
                Some(if negative { i64::MIN } else { i64::MAX })
            }
            _ => None,
        }
    }

    /// Returns an integer.
    pub(crate) fn integer(self) -> Result<i64, Raise> {
        if let Node::BigInt(_) = self.node() {
            return Err(OVERFLOW_ERROR.with("Python int too large to convert to C ssize_t"));
        }
        self.clipped().ok_or_else(|| {
            let found = self.type_name();
            TYPE_ERROR.with(format!("'{found}' object cannot be interpreted as an integer"))
        })
    }

    /// Returns a number of something that Python only counts and compares: a float will do, as in
    /// `Semaphore(4 / 2)`, if it is whole.
    pub(crate) fn count(self) -> Result<i64, Raise> {
        match self.node() {
            Node::Float(value) if value.fract() == 0.0 => Ok(*value as i64),
            _ => self.integer(),
        }
    }

    /// Returns whether it is of a class of numbers, or nothing, and so gives no items.
    pub(crate) fn is_scalar(self) -> bool {
        use Node::{BigInt, Bool, Float, Int, None};
        matches!(self.node(), None | Bool(_) | Int(_) | BigInt(_) | Float(_))
    }

    /// Returns an index into a sequence; `wrong` says what indices there are, and not `{}`.
    pub(crate) fn index(self, wrong: &str) -> Result<i64, Raise> {
        if let Node::BigInt(_) = self.node() {
            return Err(INDEX_ERROR.with("cannot fit 'int' into an index-sized integer"));
        }
        self.clipped().ok_or_else(|| TYPE_ERROR.with(wrong.replace("{}", &self.type_name())))
    }

    /// Returns a number of seconds, which may be infinite.
    pub(crate) fn seconds(self) -> Result<f64, Raise> {
        let seconds = match self.node() {
            Node::Float(value) => *value,
            // What is lost of an integer is less than a second in 10^15.
            Node::Bool(_) | Node::Int(_) | Node::BigInt(_) => self.clipped().unwrap_or(0) as f64,
            _ => {
                let found = self.type_name();
                let why = format!("'{found}' object cannot be interpreted as an integer or float");
                return Err(TYPE_ERROR.with(why));
            }
        };
        if seconds.is_nan() {
            return Err(VALUE_ERROR.with("Invalid value NaN (not a number)"));
        }
        Ok(seconds)
    }

    /// Returns a time to wait; one that is negative is none, and one that is longer than any wait
    /// is the longest.
    pub(crate) fn duration(self) -> Result<Duration, Raise> {
        Ok(Duration::from_secs_f64(self.seconds()?.clamp(0.0, SECONDS_MAX)))
    }

    /// Returns what a call has been given as a slice.
    pub(crate) fn slice(self) -> Option<Result<Slice, Raise>> {
        let ends = self.graph.slice(self.id)?;
        let end = |at: usize| {
            let end = Some(self.part(ends[at])).filter(|end| !end.is_none());
            let wrong = "slice indices must be integers or None or have an __index__ method";
            end.map(|end| end.clipped().ok_or_else(|| TYPE_ERROR.with(wrong))).transpose()
        };
        let slice = || Ok(Slice { start: end(0)?, end: end(1)?, step: end(2)? });
        Some(slice().and_then(|slice: Slice| match slice.step {
            Some(0) => Err(VALUE_ERROR.with("slice step cannot be zero")),
            _ => Ok(slice),
        }))
    }

    /// Refuses what Python has no hash for.
    pub(crate) fn hashable(self, desk: &Desk<'_>) -> Result<Self, Raise> {
        match desk.unhashable(self.graph, self.id) {
            Some(found) => Err(TYPE_ERROR.with(format!("unhashable type: '{found}'"))),
            None => Ok(self),
        }
    }

    /// Returns the name of its class.
    pub(crate) fn type_name(self) -> String {
        super::value::type_name(self.graph, self.id)
    }

    /// Returns it as a value that objects keep.
    pub(crate) fn payload(self, desk: &Desk<'_>) -> Result<Payload, Raise> {
        Ok(desk.bring(self.graph, self.id)?)
    }

    /// Returns the shared object that it stands for.
    pub(crate) fn proxy(self, desk: &Desk<'_>) -> Option<Result<Handle, Raise>> {
        let proxy = self.graph.proxy(self.id)?;
        let token = self.graph.token(proxy.token)?;
        Some(desk.resolve(token.id).map_err(Raise::from))
    }
}
