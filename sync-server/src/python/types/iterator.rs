//! An iterator over a dict's keys, as an object of its own: `iter(d)` asks for one.

use sync_objects::{Cx, DictPage, DictPart, Flow, dict, interface};
use sync_proto::{ErrorKind, Handle, ObjectId, Payload, Refusal};

use super::{at, done, none, text, unserializable};
use crate::python::args::Args;
use crate::python::desk::{Desk, Outcome, ask_within};
use crate::python::exceptions::{NOT_IMPLEMENTED_ERROR, RUNTIME_ERROR, STOP_ITERATION};
use crate::python::reply::Reply;

interface! {
    /// An iterator over the keys of a dict that must not change from when its pages say `changes`.
    pub(crate) mod iterator = "sync.python.iterator" {
        new(dict: Handle, changes: u64);
        /// Returns the next key; `None` at the end, and ever after.
        fn next() -> Option<Payload>;
    }
}

/// Where an iteration is.
#[derive(Debug)]
pub(crate) struct Iterator {
    dict: Handle,
    /// The last key that was given, by its place in the dict.
    after: Option<u64>,
    changes: u64,
    /// Every key is given; whether the dict has changed since is still to be seen.
    is_last_given: bool,
    is_over: bool,
}

impl iterator::Service for Iterator {
    fn new(dict: Handle, changes: u64) -> Result<Self, Refusal> {
        Ok(Self { dict, after: None, changes, is_last_given: false, is_over: false })
    }

    fn next(&mut self, cx: &mut Cx<'_>) -> Flow<Option<Payload>> {
        if self.is_over {
            return Flow::Done(None);
        }
        let (after, changes) = (self.after, Some(self.changes));
        // No more than one: a page has at least that many.
        let page = dict::Peer(&self.dict).page(cx, DictPart::Keys, false, after, changes, 0);
        Flow::of(page).and_then(|page: DictPage| {
            let key = page.keys.into_iter().next().filter(|_| !self.is_last_given);
            self.after = page.next.or(self.after);
            self.is_last_given = page.next.is_none();
            self.is_over = key.is_none();
            Flow::Done(key)
        })
    }

    fn handles(&self, visit: &mut dyn FnMut(&Handle)) {
        visit(&self.dict);
    }
}

pub(crate) fn call(
    desk: &mut Desk<'_>,
    iterator: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    Some(match method {
        "__next__" => next(iterator),
        "send" if args.positional().all(|value| value.is_none()) => next(iterator),
        "close" => none(desk, ()),
        "send" | "throw" => Err(NOT_IMPLEMENTED_ERROR.with("it is an iterator over a dict's keys")),
        "__repr__" | "__str__" => text(format!("<dict_keyiterator object at {}>", at(iterator))),
        "#GETVALUE" => unserializable("dict_keyiterator"),
        _ => return None,
    })
}

fn next(iterator: ObjectId) -> Outcome {
    ask_within(None, iterator, const { iterator::method("next") }, &(), |_, key| match key {
        Ok(Some(key)) => done(Reply::Key(key)),
        Ok(None) => Err(STOP_ITERATION.bare()),
        Err(Refusal { kind: ErrorKind::Changed, .. }) => {
            Err(RUNTIME_ERROR.with("dictionary changed size during iteration"))
        }
        Err(refusal) => Err(refusal.into()),
    })
}
