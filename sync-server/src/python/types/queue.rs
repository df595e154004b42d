//! Queue and JoinableQueue, which are the same.

use sync_objects::{Item, Order, queue};
use sync_proto::{ErrorKind, Handle, ObjectId, Refusal};

use super::{at, bool, done, none, taken, text, unserializable, waiting};
use crate::python::args::{Arg, Args};
use crate::python::desk::{Desk, Outcome, ask, ask_within};
use crate::python::exceptions::{EMPTY, FULL, Raise, SHUT_DOWN, TYPE_ERROR, VALUE_ERROR};
use crate::python::pickle::Node;
use crate::python::reply::Reply;

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    let [maxsize] = args.optional("Queue", ["maxsize"])?;
    let bound = match maxsize.map(Arg::node) {
        None => 0,
        // A queue with room for one item and a half takes two before it is full.
        Some(Node::Float(maxsize)) => maxsize.ceil() as i64,
        Some(_) => match maxsize.and_then(Arg::clipped) {
            Some(maxsize) => maxsize,
            None => return Err(TYPE_ERROR.with("maxsize must be a number")),
        },
    };
    let bound = u64::try_from(bound).ok().filter(|&bound| bound > 0);
    Ok(desk.create(&queue::INTERFACE, &(bound, Order::Fifo))?)
}

pub(crate) fn call(
    desk: &mut Desk<'_>,
    queue: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    Some(match method {
        "put" => args
            .bind("put", ["item"], ["block", "timeout"])
            .and_then(|([item], [block, timeout])| put(desk, queue, item, block, timeout)),
        "put_nowait" => args.all("put_nowait", ["item"]).and_then(|[item]| {
            put_within(queue, Some(std::time::Duration::ZERO), item.payload(desk)?)
        }),
        "get" => args
            .optional("get", ["block", "timeout"])
            .and_then(|[block, timeout]| get(queue, waiting::of_queue(block, timeout)?)),
        "get_nowait" => get(queue, Some(std::time::Duration::ZERO)),
        "qsize" => ask(queue, const { queue::method("len") }, &(), |_, len| done(Reply::Int(len))),
        "empty" => {
            ask(queue, const { queue::method("len") }, &(), |desk, len: u64| bool(desk, len == 0))
        }
        "full" => ask(queue, const { queue::method("is_full") }, &(), bool),
        "task_done" => task_done(queue),
        "join" => ask(queue, const { queue::method("join") }, &(), none::<()>),
        "shutdown" => args.optional("shutdown", ["immediate"]).and_then(|[immediate]| {
            if immediate.is_some_and(Arg::truth) {
                ask(queue, const { queue::method("close_now") }, &(), none::<u64>)
            } else {
                ask(queue, const { queue::method("close") }, &(), none::<()>)
            }
        }),
        "__repr__" | "__str__" => text(format!("<queue.Queue object at {}>", at(queue))),
        "#GETVALUE" => unserializable("_thread.lock"),
        _ => return None,
    })
}

fn put(
    desk: &Desk<'_>,
    queue: ObjectId,
    item: Arg<'_>,
    block: Option<Arg<'_>>,
    timeout: Option<Arg<'_>>,
) -> Outcome {
    put_within(queue, waiting::of_queue(block, timeout)?, item.payload(desk)?)
}

fn put_within(
    queue: ObjectId,
    timeout: Option<std::time::Duration>,
    payload: sync_proto::Payload,
) -> Outcome {
    let put = const { queue::method("put") };
    ask_within(timeout, queue, put, &(payload, 0i64), |desk, put| match put {
        Err(Refusal { kind: ErrorKind::TimedOut, .. }) => Err(FULL.bare()),
        Err(Refusal { kind: ErrorKind::Closed, .. }) => Err(SHUT_DOWN.bare()),
        put => none::<()>(desk, put?),
    })
}

fn get(queue: ObjectId, timeout: Option<std::time::Duration>) -> Outcome {
    let get = const { queue::method("get") };
    ask_within(timeout, queue, get, &(), move |_, item: Result<Option<Item>, _>| match item {
        Ok(Some(item)) => {
            let put_back = (std::slice::from_ref(&item),);
            let method = const { queue::method("put_back") };
            taken(Reply::Value(item.payload.clone()), queue, method, &put_back)
        }
        Ok(None) => Err(SHUT_DOWN.bare()),
        Err(Refusal { kind: ErrorKind::TimedOut, .. }) => Err(EMPTY.bare()),
        Err(refusal) => Err(refusal.into()),
    })
}

fn task_done(queue: ObjectId) -> Outcome {
    let method = const { queue::method("task_done") };
    ask_within(None, queue, method, &(), |desk, counted| match counted {
        Err(Refusal { kind: ErrorKind::InvalidInput, .. }) => {
            Err(VALUE_ERROR.with("task_done() called too many times"))
        }
        counted => none::<()>(desk, counted?),
    })
}
