//! A queue as it should be.

use std::collections::BTreeMap;

use sync_objects::{Item, Leased, Order};
use sync_proto::message::WireHandle;
use sync_proto::{Data, ErrorKind, Payload, SessionId, Token};

use super::{Model, Step, agree, decode, read, refused_rightly};

#[derive(Debug)]
pub(super) struct Queue {
    bound: Option<u64>,
    order: Order,
    /// The items that are in: number, priority and value.
    ready: Vec<(u64, i64, Payload)>,
    leased: BTreeMap<Token, (SessionId, (u64, i64, Payload))>,
    put: u64,
    unfinished: u64,
    closed: bool,
    discards: bool,
}

impl Queue {
    pub(super) fn new(args: &Data) -> Option<Self> {
        let (bound, order) = args.decode().ok()?;
        Some(Self {
            bound,
            order,
            ready: Vec::new(),
            leased: BTreeMap::new(),
            put: 0,
            unfinished: 0,
            closed: false,
            discards: false,
        })
    }

    /// Takes out the item that is next.
    fn next(&mut self) -> Option<(u64, i64, Payload)> {
        let all = self.ready.iter().enumerate();
        let next = match self.order {
            Order::Lifo => all.max_by_key(|(_, (id, ..))| *id),
            Order::Priority => all.min_by_key(|(_, (id, priority, _))| (*priority, *id)),
            _ => all.min_by_key(|(_, (id, ..))| *id),
        };
        next.map(|(at, _)| at).map(|at| self.ready.swap_remove(at))
    }

    fn has_room_for(&self, count: usize) -> bool {
        self.bound.is_none_or(|bound| (self.ready.len() + count) as u64 <= bound)
    }

    fn enter(
        &mut self,
        step: &Step<'_>,
        payloads: Vec<Payload>,
        priority: i64,
    ) -> Result<(), String> {
        if self.closed || !self.has_room_for(payloads.len()) {
            // A one-way message that failed is told to nobody.
            let told = step.answer.is_some();
            return if told { Err("it is closed or full".to_owned()) } else { Ok(()) };
        }
        for payload in payloads {
            self.put += 1;
            self.unfinished += 1;
            self.ready.push((self.put, priority, payload));
        }
        Ok(())
    }

    fn is_drained(&self) -> bool {
        self.closed && self.ready.is_empty() && (self.leased.is_empty() || self.discards)
    }

    fn take(&mut self, found: Option<&Item>) -> Result<Option<(u64, i64, Payload)>, String> {
        let Some(found) = found else {
            return if self.is_drained() { Ok(None) } else { Err("it is not drained".to_owned()) };
        };
        let next = self.next();
        let found = (found.id, found.priority, found.payload.clone());
        agree("the item", &Some(found), &next)?;
        Ok(next)
    }

    fn end_lease(&mut self, step: &Step<'_>) -> Result<Option<(u64, i64, Payload)>, String> {
        let (token,): (Token,) = read(Some(step.args))?;
        match self.leased.remove(&token) {
            Some((session, item)) if session == step.session => Ok(Some(item)),
            None if step.answer.is_none() => Ok(None),
            found => Err(format!("under {token} is leased {found:?}")),
        }
    }

    fn come_back(&mut self, item: (u64, i64, Payload)) {
        if self.discards {
            self.unfinished -= 1;
        } else {
            self.ready.push(item);
        }
    }
}

impl Model for Queue {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "put" => {
                let (payload, priority): (Payload, i64) = read(Some(step.args))?;
                self.enter(step, vec![payload], priority)?;
            }
            "put_many" => {
                let (payloads,): (Vec<Payload>,) = read(Some(step.args))?;
                self.enter(step, payloads, 0)?;
            }
            "get" => {
                let item: Option<Item> = read(step.answer)?;
                self.take(item.as_ref())?;
            }
            "get_many" => {
                let items: Vec<Item> = read(step.answer)?;
                if items.is_empty() {
                    self.take(None)?;
                }
                for item in items {
                    self.take(Some(&item))?;
                }
            }
            "get_leased" => {
                let leased: Option<Leased> = read(step.answer)?;
                let item = self.take(leased.as_ref().map(|leased| &leased.item))?;
                if let (Some(leased), Some(item)) = (leased, item) {
                    self.leased.insert(leased.token, (step.session, item));
                }
            }
            "ack" => {
                if self.end_lease(step)?.is_some() {
                    self.unfinished -= 1;
                }
            }
            "requeue" => {
                if let Some(item) = self.end_lease(step)? {
                    self.come_back(item);
                }
            }
            "task_done" => self.unfinished -= 1,
            "join" => agree("what is unfinished", &self.unfinished, &0)?,
            "close" => self.closed = true,
            "close_now" => {
                let discarded = std::mem::take(&mut self.ready).len() as u64;
                (self.closed, self.discards) = (true, true);
                self.unfinished -= discarded;
                agree("what is discarded", &read(step.answer)?, &discarded)?;
            }
            "is_closed" => agree("is_closed", &read(step.answer)?, &self.closed)?,
            "len" => agree("len", &read(step.answer)?, &(self.ready.len() as u64))?,
            other => return Err(format!("{other} is not in the model")),
        }
        Ok(())
    }

    fn session_ended(&mut self, gone: SessionId) {
        let (back, kept) = std::mem::take(&mut self.leased)
            .into_iter()
            .partition(|(_, (session, _))| *session == gone);
        self.leased = kept;
        let back: BTreeMap<_, _> = back;
        for (_, item) in back.into_values() {
            self.come_back(item);
        }
    }

    fn refused(&mut self, step: &Step<'_>, kind: ErrorKind) -> Result<(), String> {
        match (step.method, kind) {
            // Who puts one item in may stand behind somebody who has no room for two.
            ("put" | "put_many", ErrorKind::TimedOut) => Ok(()),
            ("put" | "put_many", ErrorKind::Closed) => refused_rightly(self.closed, kind),
            ("ack" | "requeue", ErrorKind::NotOwner) => {
                let (token,): (Token,) = read(Some(step.args))?;
                let holder = self.leased.get(&token).map(|&(session, _)| session);
                refused_rightly(holder != Some(step.session), kind)
            }
            (_, ErrorKind::TimedOut) => {
                refused_rightly(!self.could_serve(step.method, step.args), kind)
            }
            _ => refused_rightly(false, kind),
        }
    }

    fn could_serve(&self, method: &str, args: &Data<WireHandle>) -> bool {
        match method {
            "put" => self.has_room_for(1),
            "put_many" => decode::<(Vec<Payload>,)>(args)
                .is_some_and(|(payloads,)| self.has_room_for(payloads.len())),
            "get" | "get_many" | "get_leased" => !self.ready.is_empty() || self.is_drained(),
            "join" => self.unfinished == 0,
            _ => true,
        }
    }
}
