//! Semaphore: permits are neither lost nor made.

use std::time::Duration;

use sync_objects::{Error, Token, semaphore};
use sync_testkit::sim::SimClient;

use crate::reference::{Answer, Held, Model};

const PERMITS: u32 = 2;

/// What each party holds, in the order of the grants.
#[derive(Default)]
pub(crate) struct Semaphore {
    held: Vec<(usize, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Acquire(u32),
    Release,
    Available,
}

impl Semaphore {
    fn free(&self) -> u32 {
        PERMITS - self.held.iter().map(|&(_, count)| count).sum::<u32>()
    }
}

impl Model for Semaphore {
    type Op = Op;
    type Proxy = semaphore::Proxy;

    fn ops(holds: bool) -> &'static [Op] {
        const ALL: [Op; 4] = [Op::Release, Op::Acquire(1), Op::Acquire(2), Op::Available];
        if holds { &ALL } else { &[Op::Acquire(1), Op::Acquire(2)] }
    }

    fn line(op: Op) -> Option<u8> {
        matches!(op, Op::Acquire(_)).then_some(0)
    }

    fn gives_back(op: Op) -> bool {
        op == Op::Release
    }

    fn look(&mut self, who: usize, op: Op) -> Option<Answer> {
        match op {
            Op::Acquire(count) if self.free() < count => return None,
            Op::Acquire(count) => self.held.push((who, count)),
            Op::Release => {
                let first = self.held.iter().position(|&(holder, _)| holder == who);
                self.held.remove(first.unwrap());
            }
            Op::Available => return Some(Ok(self.free().into())),
        }
        Some(Ok(0))
    }

    fn gone(&mut self, who: usize) {
        self.held.retain(|&(holder, _)| holder != who);
    }

    fn attach(client: &SimClient) -> semaphore::Proxy {
        semaphore::Proxy::new(client.named("it"), PERMITS, true).unwrap()
    }

    fn within(proxy: &semaphore::Proxy, timeout: Duration) -> semaphore::Proxy {
        proxy.within(timeout)
    }

    fn call(
        proxy: &semaphore::Proxy,
        op: Op,
        held: Option<Held>,
    ) -> Result<(i64, Option<Token>), Error> {
        Ok(match op {
            Op::Acquire(count) => (0, Some(proxy.acquire(count)?)),
            Op::Release => (0, proxy.release(held.unwrap().0).map(|()| None)?),
            Op::Available => (proxy.available()?.into(), None),
        })
    }
}
