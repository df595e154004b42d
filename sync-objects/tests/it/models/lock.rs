//! Lock: never two holders.

use std::time::Duration;

use sync_objects::{Error, Token, lock};
use sync_testkit::sim::SimClient;

use crate::reference::{Answer, Held, Model};

#[derive(Default)]
pub(crate) struct Lock {
    holder: Option<usize>,
    is_abandoned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Acquire,
    Release,
}

impl Model for Lock {
    type Op = Op;
    type Proxy = lock::Proxy;

    fn ops(holds: bool) -> &'static [Op] {
        if holds { &[Op::Release, Op::Acquire] } else { &[Op::Acquire] }
    }

    fn line(op: Op) -> Option<u8> {
        (op == Op::Acquire).then_some(0)
    }

    fn gives_back(op: Op) -> bool {
        op == Op::Release
    }

    fn look(&mut self, who: usize, op: Op) -> Option<Answer> {
        match op {
            Op::Acquire if self.holder.is_some() => None,
            Op::Acquire => {
                self.holder = Some(who);
                Some(Ok(std::mem::take(&mut self.is_abandoned).into()))
            }
            Op::Release => {
                self.holder = None;
                Some(Ok(0))
            }
        }
    }

    fn gone(&mut self, _: usize) {
        (self.holder, self.is_abandoned) = (None, true);
    }

    fn attach(client: &SimClient) -> lock::Proxy {
        lock::Proxy::new(client.named("it")).unwrap()
    }

    fn within(proxy: &lock::Proxy, timeout: Duration) -> lock::Proxy {
        proxy.within(timeout)
    }

    fn call(
        proxy: &lock::Proxy,
        op: Op,
        held: Option<Held>,
    ) -> Result<(i64, Option<Token>), Error> {
        match op {
            Op::Acquire => proxy.acquire().map(|grant| (grant.abandoned.into(), Some(grant.token))),
            Op::Release => proxy.release(held.unwrap().0).map(|()| (0, None)),
        }
    }
}
