//! Value: no update is lost.

use std::time::Duration;

use sync_objects::{Error, ErrorKind, NumberKind, NumberOp, Token, value};
use sync_testkit::sim::SimClient;

use crate::reference::{Answer, Held, Model};
use crate::support::pack;

#[derive(Default)]
pub(crate) struct Value {
    value: i64,
    /// Whose update is open, what it saw, and whether that one wrote meanwhile.
    update: Option<(usize, i64, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Get,
    Add,
    Begin,
    /// Commits a step from what was seen: an addition that came between would be lost.
    Commit,
    Abandon,
}

const STEP: i64 = 100;

impl Model for Value {
    type Op = Op;
    type Proxy = value::Proxy;

    fn ops(holds: bool) -> &'static [Op] {
        if holds {
            &[Op::Commit, Op::Abandon, Op::Add, Op::Begin]
        } else {
            &[Op::Get, Op::Add, Op::Begin]
        }
    }

    fn line(op: Op) -> Option<u8> {
        matches!(op, Op::Add | Op::Begin).then_some(0)
    }

    fn gives_back(op: Op) -> bool {
        matches!(op, Op::Commit | Op::Abandon)
    }

    fn look(&mut self, who: usize, op: Op) -> Option<Answer> {
        match (op, &mut self.update) {
            (Op::Get, _) => Some(Ok(self.value)),
            (Op::Add, Some((updater, ..))) if *updater != who => None,
            (Op::Add, update) => {
                update.iter_mut().for_each(|update| update.2 = true);
                self.value += 1;
                Some(Ok(self.value - 1))
            }
            (Op::Begin, None) => {
                self.update = Some((who, self.value, false));
                Some(Ok(self.value))
            }
            (Op::Begin, Some((updater, ..))) if *updater != who => None,
            (Op::Begin, _) => Some(Err(ErrorKind::InvalidInput)),
            (Op::Commit, update) => {
                let (_, seen, is_touched) = update.take().unwrap();
                if is_touched {
                    return Some(Err(ErrorKind::Changed));
                }
                self.value = seen + STEP;
                Some(Ok(0))
            }
            (Op::Abandon, update) => {
                *update = None;
                Some(Ok(0))
            }
        }
    }

    fn overtakes(&self, who: usize) -> bool {
        self.update.is_some_and(|(updater, ..)| updater == who)
    }

    fn gone(&mut self, _: usize) {
        self.update = None;
    }

    fn attach(client: &SimClient) -> value::Proxy {
        value::Proxy::new(client.named("it"), Some(NumberKind::I64), pack(&0)).unwrap()
    }

    fn within(proxy: &value::Proxy, timeout: Duration) -> value::Proxy {
        proxy.within(timeout)
    }

    fn call(
        proxy: &value::Proxy,
        op: Op,
        held: Option<Held>,
    ) -> Result<(i64, Option<Token>), Error> {
        Ok(match op {
            Op::Get => (proxy.get()?.unpack().unwrap(), None),
            Op::Add => {
                (proxy.fetch(NumberKind::I64, NumberOp::Add, pack(&1))?.unpack().unwrap(), None)
            }
            Op::Begin => {
                let update = proxy.begin_update()?;
                (update.value.unpack().unwrap(), Some(update.token))
            }
            Op::Commit => {
                let (token, seen) = held.unwrap();
                (0, proxy.commit_update(token, pack(&(seen + STEP))).map(|()| None)?)
            }
            Op::Abandon => (0, proxy.cancel_update(held.unwrap().0).map(|()| None)?),
        })
    }
}
