//! What this project's clients do.

use std::time::Duration;

use anyhow::{Context, Result};
use sync_client::{
    AuthKey, Blob, Condition, Dict, Event, List, Manager, Queue, QueueOptions, Value,
};
use sync_proto::address::{AUTHKEY_VAR, MANAGER_VAR};

use super::{Client, Task, Work, growth, note, now, repeat, settle};
use crate::case::Job;

/// Items that the sender of a one-way queue may be ahead of its receiver.
const AHEAD: u64 = 1000;

/// A client of `sync-server`, found through the environment as a user's child process finds it.
#[derive(Debug)]
pub(super) struct Ours {
    manager: Manager,
}

impl Ours {
    pub(super) fn new(spin: Duration) -> Result<Self> {
        if spin.is_zero() {
            return Ok(Self { manager: Manager::from_env()? });
        }
        let mut options = Manager::options().spin(spin);
        if let Some(key) = std::env::var_os(AUTHKEY_VAR) {
            options = options.authkey(AuthKey::new(key.into_encoded_bytes())?);
        }
        Ok(Self { manager: options.connect(std::env::var(MANAGER_VAR)?)? })
    }

    fn single(&self, task: &Task) -> Result<Work> {
        let at = self.manager.named(&task.key);
        Ok(match task.job {
            Job::DictGet | Job::Clients(_) => {
                let dict: Dict<String, i64> = at.create_dict()?;
                dict.set("key", &1)?;
                repeat(move || dict.get("key")?.context("it is there").map(drop))
            }
            Job::DictGetMedian => {
                let dict: Dict<String, i64> = at.create_dict()?;
                dict.set("key", &1)?;
                note(move || {
                    let start = now();
                    dict.get("key")?.context("it is there")?;
                    Ok(now() - start)
                })
            }
            Job::DictSet => {
                let dict: Dict<String, i64> = at.create_dict()?;
                repeat(move || Ok(dict.set("key", &1)?))
            }
            Job::ListPush => {
                let list: List<i64> = at.create_list()?;
                repeat(move || Ok(list.push(&1)?))
            }
            Job::ValueGet => {
                let value: Value<i64> = at.create_value(1)?;
                repeat(move || value.get().map(drop).map_err(Into::into))
            }
            Job::ValueSet => {
                let value: Value<i64> = at.create_value(1)?;
                repeat(move || Ok(value.set(&1)?))
            }
            Job::LockUnlock | Job::HandOver(_) => {
                let lock = at.create_lock()?;
                repeat(move || lock.lock().map(drop).map_err(Into::into))
            }
            Job::Semaphore => {
                let semaphore = at.create_semaphore(1)?;
                repeat(move || semaphore.acquire().map(drop).map_err(Into::into))
            }
            Job::QueuePutGet => {
                let queue: Queue<i64> = at.create_queue(QueueOptions::unbounded())?;
                repeat(move || {
                    queue.put(&1)?;
                    queue.get()?.context("nobody closes it").map(drop)
                })
            }
            Job::Pipelined(depth) => {
                let dict: Dict<String, i64> = at.create_dict()?;
                dict.set("key", &1)?;
                pipelined(self.manager.clone(), dict, depth)
            }
            Job::BytesSet(size) => {
                let (value, bytes) = (at.create_value(Blob::default())?, vec![7; size].into());
                repeat(move || Ok(value.set(&bytes)?))
            }
            Job::BytesGet(size) => {
                let value = at.create_value(Blob::from(vec![7; size]))?;
                repeat(move || value.get().map(drop).map_err(Into::into))
            }
            Job::CreateDrop => {
                let manager = self.manager.clone();
                repeat(move || manager.create_lock().map(drop).map_err(Into::into))
            }
            Job::Connect => repeat(|| Manager::from_env().map(drop).map_err(Into::into)),
            _ => self.together(task)?,
        })
    }

    /// The jobs in which the roles differ.
    fn together(&self, task: &Task) -> Result<Work> {
        let at = self.manager.named(&task.key);
        let second = format!("{}/second", task.key);
        let second = self.manager.named(&second);
        Ok(match (task.job, task.role) {
            (Job::QueueOneWay, role) => {
                let queue: Queue<i64> = at.create_queue(AHEAD)?;
                match role {
                    0 => repeat(move || queue.get()?.context("nobody closes it").map(drop)),
                    _ => repeat(move || Ok(queue.put(&1)?)),
                }
            }
            (Job::QueuePingPong, role) => {
                let there: Queue<i64> = at.create_queue(AHEAD)?;
                let back: Queue<i64> = second.create_queue(AHEAD)?;
                let (mine, other) = if role == 0 { (back, there) } else { (there, back) };
                match role {
                    0 => repeat(move || {
                        other.put(&1)?;
                        mine.get()?.context("nobody closes it").map(drop)
                    }),
                    _ => repeat(move || {
                        mine.get()?.context("nobody closes it")?;
                        Ok(other.put(&1)?)
                    }),
                }
            }
            (Job::EventWake, role) => event_wake(role, at.create_event()?, second.create_event()?),
            (Job::ConditionWake, role) => {
                condition_wake(role, at.create_condition()?, second.create_event()?)
            }
            _ => {
                let barrier = at.create_barrier(task.job.case().workers.try_into().unwrap_or(1))?;
                repeat(move || barrier.wait().map(drop).map_err(Into::into))
            }
        })
    }
}

impl Client for Ours {
    fn prepare(&mut self, task: &Task) -> Result<Option<Work>> {
        if task.role == 0 {
            // The names of the last case keep its objects.
            for name in self.manager.names()? {
                self.manager.unpublish(&name)?;
            }
        }
        match growth::prepare(&self.manager, task.job)? {
            Some(work) => Ok(Some(work)),
            None => self.single(task).map(Some),
        }
    }
}

/// This many calls under way, all answered before the next ones are sent.
fn pipelined(manager: Manager, dict: Dict<String, i64>, depth: usize) -> Work {
    Box::new(move |times| {
        manager.pipeline(|pipeline| {
            let mut asked = Vec::with_capacity(depth);
            for _ in 0..times.div_ceil(depth as u64) {
                asked.extend((0..depth).map(|_| dict.later(pipeline).get("key")));
                for answer in asked.drain(..) {
                    answer.wait()?.context("it is there")?;
                }
            }
            Ok(Vec::new())
        })
    })
}

/// The sleeper reports that it is about to wait, the waker gives it the time to.
fn event_wake(role: usize, event: Event, asleep: Event) -> Work {
    if role == 0 {
        return note(move || {
            asleep.wait()?;
            asleep.clear()?;
            settle();
            let moment = now();
            event.set()?;
            Ok(moment)
        });
    }
    note(move || {
        asleep.set()?;
        event.wait()?;
        let moment = now();
        event.clear()?;
        Ok(moment)
    })
}

fn condition_wake(role: usize, condition: Condition, asleep: Event) -> Work {
    if role == 0 {
        return note(move || {
            asleep.wait()?;
            asleep.clear()?;
            settle();
            let guard = condition.lock()?;
            let moment = now();
            condition.notify_one(&guard)?;
            Ok(moment)
        });
    }
    note(move || {
        let mut guard = condition.lock()?;
        asleep.set()?;
        condition.wait(&mut guard)?;
        Ok(now())
    })
}
