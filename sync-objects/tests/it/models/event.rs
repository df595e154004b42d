//! Event: who waits goes on when it is set.

use std::time::Duration;

use sync_objects::{Error, Token, event};
use sync_testkit::sim::SimClient;

use crate::reference::{Answer, Held, Model};

#[derive(Default)]
pub(crate) struct Event {
    is_set: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Wait,
    Set,
    Clear,
}

impl Model for Event {
    type Op = Op;
    type Proxy = event::Proxy;

    fn ops(_: bool) -> &'static [Op] {
        &[Op::Wait, Op::Set, Op::Clear]
    }

    fn line(op: Op) -> Option<u8> {
        (op == Op::Wait).then_some(0)
    }

    fn gives_back(_: Op) -> bool {
        false
    }

    fn look(&mut self, _: usize, op: Op) -> Option<Answer> {
        match op {
            Op::Wait => self.is_set.then_some(Ok(0)),
            Op::Set | Op::Clear => {
                self.is_set = op == Op::Set;
                Some(Ok(0))
            }
        }
    }

    fn gone(&mut self, _: usize) {}

    fn attach(client: &SimClient) -> event::Proxy {
        event::Proxy::new(client.named("it")).unwrap()
    }

    fn within(proxy: &event::Proxy, timeout: Duration) -> event::Proxy {
        proxy.within(timeout)
    }

    fn call(proxy: &event::Proxy, op: Op, _: Option<Held>) -> Result<(i64, Option<Token>), Error> {
        match op {
            Op::Wait => proxy.wait(),
            Op::Set => proxy.set(),
            Op::Clear => proxy.clear(),
        }
        .map(|()| (0, None))
    }
}
