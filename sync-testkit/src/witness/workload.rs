//! Random calls of everything that the built-in types offer, on objects that others use, too.

use std::time::Duration;

use sync_objects::{
    ArrayStart, NumberKind, NumberOp, Order, Typecode, array, barrier, condition, dict, event,
    list, lock, namespace, queue, rlock, semaphore, set, value,
};
use sync_proto::{Address, Error, ErrorKind, Payload, Shared};

use super::{Record, Recorder};
use crate::chance::Chance;

/// How long a call waits at most: others wait for the same, and none must get stuck.
const PATIENCE: Duration = Duration::from_millis(2);

const OPS: [NumberOp; 4] = [NumberOp::Add, NumberOp::Sub, NumberOp::Min, NumberOp::Xor];

/// A session that makes random calls.
#[derive(Debug)]
pub struct Workload {
    recorder: Recorder,
    chance: Chance,
    lock: lock::Proxy,
    shared_lock: lock::Proxy,
    rlock: rlock::Proxy,
    semaphore: semaphore::Proxy,
    condition: condition::Proxy,
    barrier: barrier::Proxy,
    event: event::Proxy,
    queues: [queue::Proxy; 2],
    value: value::Proxy,
    array: array::Proxy,
    dict: dict::Proxy,
    list: list::Proxy,
    set: set::Proxy,
    namespace: namespace::Proxy,
}

fn pack(number: i64) -> Payload {
    Payload::pack(&number).expect("a number")
}

/// What a call may be refused with: its time was up, or an index was out of range, or a barrier
/// broke. The judge decides whether that was right.
fn done<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => match error.kind() {
            ErrorKind::TimedOut | ErrorKind::OutOfRange | ErrorKind::Broken => Ok(None),
            _ => Err(error),
        },
    }
}

impl Workload {
    /// Opens a session and finds the objects, or makes them.
    ///
    /// # Errors
    /// The manager's error.
    pub fn new(address: &Address, seed: u64) -> Result<Self, Error> {
        let recorder = Recorder::connect(address);
        let at = |name: &str| recorder.named(name);
        let shared_lock = lock::Proxy::new(at("shared lock"))?;
        let on = Some(shared_lock.handle().clone());
        let queue = |name, bound, order| queue::Proxy::new(at(name), bound, order);
        Ok(Self {
            chance: Chance::new(seed),
            lock: lock::Proxy::new(at("lock"))?,
            rlock: rlock::Proxy::new(at("rlock"))?,
            semaphore: semaphore::Proxy::new(at("semaphore"), 3, true)?,
            condition: condition::Proxy::new(at("condition"), on)?,
            shared_lock,
            barrier: barrier::Proxy::new(at("barrier"), 2, None)?,
            event: event::Proxy::new(at("event"))?,
            queues: [queue("queue", Some(4), Order::Fifo)?, queue("stack", None, Order::Lifo)?],
            value: value::Proxy::new(at("value"), Some(NumberKind::I64), pack(0))?,
            array: array::Proxy::new(at("array"), Typecode::LongLong, ArrayStart::Zeros(4))?,
            dict: dict::Proxy::new(at("dict"), Vec::new())?,
            list: list::Proxy::new(at("list"), Vec::new())?,
            set: set::Proxy::new(at("set"), Vec::new())?,
            namespace: namespace::Proxy::new(at("namespace"), Vec::new())?,
            recorder,
        })
    }

    /// Makes about `calls` calls; returns the history.
    ///
    /// # Errors
    /// An error that the manager should not have answered with.
    pub fn run(&self, calls: usize) -> Result<Vec<Record>, Error> {
        let mut history = self.recorder.take_history();
        while history.len() < calls {
            match self.chance.below(14) {
                0 => self.lock()?,
                1 => self.rlock()?,
                2 => self.semaphore()?,
                3 => self.condition()?,
                4 if self.chance.once_in(8) => self.barrier()?,
                4 | 5 => self.event()?,
                6 | 7 => self.queue()?,
                8 => self.value()?,
                9 => self.array()?,
                10 => self.dict()?,
                11 => self.list()?,
                12 => self.set()?,
                _ => self.namespace()?,
            }
            history.append(&mut self.recorder.take_history());
        }
        Ok(history)
    }

    fn patience(&self) -> Duration {
        if self.chance.once_in(3) { Duration::ZERO } else { PATIENCE }
    }

    /// Returns one of a few numbers: others use the same.
    fn some(&self) -> i64 {
        self.chance.below(6) as i64
    }

    fn lock(&self) -> Result<(), Error> {
        self.lock.is_locked()?;
        if let Some(grant) = done(self.lock.within(self.patience()).acquire())? {
            self.lock.is_locked()?;
            self.lock.release(grant.token)?;
        }
        Ok(())
    }

    fn rlock(&self) -> Result<(), Error> {
        let Some(grant) = done(self.rlock.within(self.patience()).acquire())? else {
            return Ok(());
        };
        let again = self.chance.once_in(2);
        if again {
            self.rlock.acquire()?;
            self.rlock.release()?;
        }
        self.rlock.holds(grant.token)?;
        self.rlock.release()
    }

    fn semaphore(&self) -> Result<(), Error> {
        let count = 1 + u32::from(self.chance.once_in(3));
        // Who asks for less may have to stand behind who asks for more.
        if let Some(token) = done(self.semaphore.within(PATIENCE).acquire(count))? {
            self.semaphore.available()?;
            self.semaphore.release(token)?;
        }
        Ok(())
    }

    fn condition(&self) -> Result<(), Error> {
        let Some(grant) = done(self.shared_lock.within(PATIENCE).acquire())? else {
            return Ok(());
        };
        let mut token = grant.token;
        if self.chance.once_in(2) {
            self.condition.notify(token, 1)?;
        } else {
            token = self.condition.within(PATIENCE).wait(token)?.grant.token;
        }
        self.shared_lock.release(token)
    }

    fn barrier(&self) -> Result<(), Error> {
        if done(self.barrier.within(PATIENCE).wait(false, true))?.is_none() {
            self.barrier.reset()?;
        }
        Ok(())
    }

    fn event(&self) -> Result<(), Error> {
        match self.chance.below(4) {
            0 => self.event.set(),
            1 => self.event.clear(),
            2 => self.event.is_set().map(drop),
            _ => done(self.event.within(self.patience()).wait()).map(drop),
        }
    }

    fn queue(&self) -> Result<(), Error> {
        let queue = &self.queues[self.chance.below(2)];
        let patient = queue.within(self.patience());
        match self.chance.below(8) {
            0..3 => drop(done(patient.put(pack(self.some()), 0))?),
            3 => drop(done(patient.put_many(vec![pack(self.some()), pack(self.some())]))?),
            4 => drop(done(patient.get())?),
            5 => drop(done(patient.get_many(3, 1000))?),
            6 => {
                if let Some(Some(leased)) = done(patient.get_leased())? {
                    match self.chance.once_in(2) {
                        true => queue.ack(leased.token)?,
                        false => queue.requeue(leased.token)?,
                    }
                }
            }
            _ => drop(queue.len()?),
        }
        Ok(())
    }

    fn value(&self) -> Result<(), Error> {
        let (value, number) = (&self.value, pack(self.some()));
        match self.chance.below(6) {
            0 => value.set(number),
            1 => value.swap(number).map(drop),
            2 => value.compare_exchange(pack(self.some()), number).map(drop),
            3 => value.fetch(NumberKind::I64, OPS[self.chance.below(OPS.len())], number).map(drop),
            4 => {
                let update = value.begin_update()?;
                if self.chance.once_in(4) {
                    value.cancel_update(update.token)
                } else {
                    value.commit_update(update.token, number)
                }
            }
            _ => value.get().map(drop),
        }
    }

    fn array(&self) -> Result<(), Error> {
        let (of, index, number) = (Typecode::LongLong, self.some() % 4, pack(self.some()));
        match self.chance.below(5) {
            0 => self.array.set(of, index, number),
            1 => self.array.swap(index, -1),
            2 => self.array.fetch(of, index, OPS[self.chance.below(OPS.len())], number).map(drop),
            3 => {
                let expected = pack(self.some());
                self.array.compare_exchange(of, index - 4, expected, number).map(drop)
            }
            _ => self.array.get(of, index).map(drop),
        }
    }

    fn dict(&self) -> Result<(), Error> {
        let (dict, key, number) = (&self.dict, pack(self.some()), pack(self.some()));
        match self.chance.below(10) {
            0 => dict.set(key, number),
            1 => dict.insert(key, number).map(drop),
            2 => dict.get_or_insert(key, number).map(drop),
            3 => dict.remove(key).map(drop),
            4 => dict.delete(key).map(drop),
            5 => dict.pop_last().map(drop),
            6 => dict.add(key, NumberKind::I64, number).map(drop),
            7 => {
                let update = dict.begin_update(key)?;
                let value = if self.chance.once_in(3) { None } else { Some(number) };
                dict.commit_update(update.token, value)
            }
            8 => dict.len().map(drop),
            _ => dict.get(key).map(drop),
        }
    }

    fn list(&self) -> Result<(), Error> {
        let (list, index, number) = (&self.list, self.some() - 2, pack(self.some()));
        match self.chance.below(14) {
            0 | 1 => list.push(number),
            2 => list.insert(index, number),
            3 => done(list.set(index, number)).map(drop),
            4 => done(list.remove(index)).map(drop),
            5 | 6 => list.pop().map(drop),
            7 => list.reverse(),
            8 => list.sort(self.chance.once_in(2)),
            9 if self.chance.once_in(8) => list.clear(),
            9 => list.to_vec().map(drop),
            10 => list.index_of(number, None, None).map(drop),
            11 => list.count(number).map(drop),
            12 => list.len().map(drop),
            _ => done(list.get(index)).map(drop),
        }
    }

    fn set(&self) -> Result<(), Error> {
        let (set, member) = (&self.set, pack(self.some()));
        match self.chance.below(6) {
            0 | 1 => set.insert(member).map(drop),
            2 => set.remove(member).map(drop),
            3 => set.pop().map(drop),
            4 => set.len().map(drop),
            _ => set.contains(member).map(drop),
        }
    }

    fn namespace(&self) -> Result<(), Error> {
        let name = format!("n{}", self.some());
        match self.chance.below(5) {
            0 => self.namespace.set(name, pack(self.some())),
            1 => self.namespace.delete(name).map(drop),
            2 => self.namespace.contains_key(name).map(drop),
            3 => self.namespace.names().map(drop),
            _ => self.namespace.get(name).map(drop),
        }
    }
}
