//! Queue: every item that is put is got exactly once, or still in, or leased.

use std::collections::BTreeMap;
use std::time::Duration;

use sync_objects::{Error, ErrorKind, Item, Order, Token, queue};
use sync_testkit::sim::SimClient;

use crate::reference::{Answer, Held, Model};
use crate::support::pack;

const BOUND: usize = 2;

#[derive(Default)]
pub(crate) struct Queue {
    put: i64,
    /// By number: how often it was delivered.
    ready: BTreeMap<i64, i64>,
    /// By consumer, in the order of the leases.
    leased: Vec<(usize, (i64, i64))>,
    unfinished: usize,
    is_closed: bool,
    /// What comes back is discarded.
    discards: bool,
}

impl Queue {
    fn come_back(&mut self, item: (i64, i64)) {
        if self.discards {
            self.unfinished -= 1;
        } else {
            self.ready.extend([item]);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Put,
    Get,
    Lease,
    Ack,
    Requeue,
    Join,
    Close,
    CloseNow,
}

/// An item in one number.
fn number(id: i64, attempt: i64) -> i64 {
    id * 1000 + attempt
}

fn seen(item: &Item) -> i64 {
    number(item.id.try_into().unwrap(), item.attempt.into())
}

impl Model for Queue {
    type Op = Op;
    type Proxy = queue::Proxy;

    fn ops(holds: bool) -> &'static [Op] {
        const ALL: [Op; 7] =
            [Op::Ack, Op::Requeue, Op::Put, Op::Get, Op::Lease, Op::Join, Op::CloseNow];
        if holds { &ALL } else { &[Op::Put, Op::Get, Op::Lease, Op::Close] }
    }

    fn line(op: Op) -> Option<u8> {
        match op {
            Op::Put => Some(0),
            Op::Get | Op::Lease => Some(1),
            Op::Join => Some(2),
            Op::Ack | Op::Requeue | Op::Close | Op::CloseNow => None,
        }
    }

    fn gives_back(op: Op) -> bool {
        matches!(op, Op::Ack | Op::Requeue)
    }

    fn look(&mut self, who: usize, op: Op) -> Option<Answer> {
        match op {
            Op::Put if self.is_closed => return Some(Err(ErrorKind::Closed)),
            Op::Put if self.ready.len() >= BOUND => return None,
            Op::Put => {
                self.put += 1;
                self.unfinished += 1;
                self.ready.insert(self.put, 0);
            }
            Op::Get | Op::Lease => {
                let Some((id, attempt)) = self.ready.pop_first() else {
                    let is_drained = self.is_closed && (self.leased.is_empty() || self.discards);
                    return is_drained.then_some(Ok(-1));
                };
                if op == Op::Lease {
                    self.leased.push((who, (id, attempt + 1)));
                }
                return Some(Ok(number(id, attempt + 1)));
            }
            Op::Ack | Op::Requeue => {
                let first = self.leased.iter().position(|&(consumer, _)| consumer == who);
                let (_, item) = self.leased.remove(first.unwrap());
                if op == Op::Requeue {
                    self.come_back(item);
                } else {
                    self.unfinished -= 1;
                }
            }
            Op::Join if self.unfinished > 0 => return None,
            Op::Join => {}
            Op::Close => self.is_closed = true,
            Op::CloseNow => {
                (self.is_closed, self.discards) = (true, true);
                let discarded = std::mem::take(&mut self.ready).len();
                self.unfinished -= discarded;
                return Some(Ok(i64::try_from(discarded).unwrap()));
            }
        }
        Some(Ok(0))
    }

    fn gone(&mut self, who: usize) {
        let lost: Vec<_> = self.leased.extract_if(.., |(consumer, _)| *consumer == who).collect();
        lost.into_iter().for_each(|(_, item)| self.come_back(item));
    }

    fn attach(client: &SimClient) -> queue::Proxy {
        queue::Proxy::new(client.named("it"), Some(BOUND as u64), Order::Fifo).unwrap()
    }

    fn within(proxy: &queue::Proxy, timeout: Duration) -> queue::Proxy {
        proxy.within(timeout)
    }

    fn call(
        proxy: &queue::Proxy,
        op: Op,
        held: Option<Held>,
    ) -> Result<(i64, Option<Token>), Error> {
        Ok(match op {
            Op::Put => (0, proxy.put(pack(&()), 0).map(|()| None)?),
            Op::Get => (proxy.get()?.map_or(-1, |item| seen(&item)), None),
            Op::Lease => match proxy.get_leased()? {
                Some(lease) => (seen(&lease.item), Some(lease.token)),
                None => (-1, None),
            },
            Op::Ack => (0, proxy.ack(held.unwrap().0).map(|()| None)?),
            Op::Requeue => (0, proxy.requeue(held.unwrap().0).map(|()| None)?),
            Op::Join => (0, proxy.join().map(|()| None)?),
            Op::Close => (0, proxy.close().map(|()| None)?),
            Op::CloseNow => (proxy.close_now()?.try_into().unwrap(), None),
        })
    }
}
