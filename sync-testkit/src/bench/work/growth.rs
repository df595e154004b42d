//! What should not grow with how much there is: only this project is measured.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail};
use sync_client::{Dict, Manager, Shared};
use sync_objects::{Payload, condition, event, list, lock};
use sync_proto::{Pending, Pipeline};

use super::{Work, now, repeat};
use crate::case::Job;

/// Calls that wait in one pipeline: no more than may be under way at once.
const PER_PIPELINE: usize = 500;

/// What is noted in each run, where a run begins with much that is not measured.
const NOTES: usize = 200;

/// Entries that go into a dict at once.
const CHUNK: u64 = 10_000;

/// The environment variable with the server's process id.
pub(crate) const SERVER_VAR: &str = "SYNC_BENCH_SERVER";

/// Prepares a task; `None` when it is none of these.
pub(super) fn prepare(manager: &Manager, job: Job) -> Result<Option<Work>> {
    let manager = manager.clone();
    Ok(Some(match job {
        Job::ReleaseAmong(count) => again(move || release(&manager, count)),
        Job::SetAmong(count) => again(move || set_event(&manager, count)),
        Job::NotifyAll(count) => again(move || notify_all(&manager, count)),
        Job::DictGetOf(count) => dict_get(&manager, count)?,
        Job::GetAmongObjects(count) => among_objects(&manager, count)?,
        Job::GetAmongCycles(count) => {
            let dict = dict_of(&manager, 1)?;
            Box::new(move |_| among_cycles(&manager, &dict, count))
        }
        Job::GetAmongIdle(count) => {
            let idle = connect(count)?;
            let dict = dict_of(&manager, 1)?;
            Box::new(move |_| {
                let _ = &idle;
                (0..20 * NOTES).map(|_| timed(|| dict.get(&0).map(drop))).collect()
            })
        }
        Job::ConnectAmong(count) => Box::new(move |_| {
            let mut idle = Vec::new();
            let mut once = || timed(|| Manager::from_env().map(|manager| idle.push(manager)));
            (0..count).map(|_| once()).collect()
        }),
        Job::MemoryOfIdle(count) => Box::new(move |_| Ok(vec![memory_of_idle(count)?])),
        _ => return Ok(None),
    }))
}

/// Does something as often as it is asked for.
fn again(act: impl Fn() -> Result<Vec<u64>> + 'static) -> Work {
    Box::new(move |times| {
        let mut notes = Vec::new();
        for _ in 0..times {
            notes.extend(act()?);
        }
        Ok(notes)
    })
}

/// The nanoseconds that something takes.
fn timed(act: impl FnOnce() -> Result<(), sync_client::Error>) -> Result<u64> {
    let start = now();
    act()?;
    Ok(now() - start)
}

/// Pipelines enough for `calls` calls that wait.
fn pipelines<'m>(handle: &'m sync_objects::Handle, calls: usize) -> Result<Vec<Pipeline<'m>>> {
    let transport = handle.keeper().transport().context("a client has a transport")?;
    Ok((0..calls.div_ceil(PER_PIPELINE).max(1)).map(|_| Pipeline::new(transport)).collect())
}

/// A lock's release that passes it to the first of `count` that wait.
fn release(manager: &Manager, count: usize) -> Result<Vec<u64>> {
    let lock: lock::Proxy = attached(&manager.create_lock()?)?;
    let handle = lock.handle().clone();
    let pipelines = pipelines(&handle, count)?;
    let mut held = lock.acquire()?;
    // In the order in which they stand in line.
    let mut line: VecDeque<(usize, Pending<'_, _>)> = VecDeque::new();
    let ask = |at: usize| (at, lock.later(&pipelines[at]).acquire());
    for (at, pipeline) in pipelines.iter().enumerate() {
        let left = count - line.len();
        line.extend((0..left.min(PER_PIPELINE)).map(|_| ask(at)));
        flush(&lock, pipeline)?;
    }
    let mut notes = Vec::new();
    for _ in 0..NOTES {
        notes.push(timed(|| lock.release(held.token))?);
        let (at, first) = line.pop_front().context("somebody waits")?;
        held = first.wait()?;
        // As many wait as before when the next one is released.
        line.push_back(ask(at));
        flush(&lock, &pipelines[at])?;
    }
    Ok(notes)
}

/// An event's `set` that wakes `count` waiters.
fn set_event(manager: &Manager, count: usize) -> Result<Vec<u64>> {
    let event: event::Proxy = attached(&manager.create_event()?)?;
    let handle = event.handle().clone();
    let pipelines = pipelines(&handle, count)?;
    let line: Vec<_> =
        (0..count).map(|at| event.later(&pipelines[at / PER_PIPELINE]).wait()).collect();
    for pipeline in &pipelines {
        event.later(pipeline).is_set().wait()?;
    }
    until_blocked(manager, &event, count)?;
    let note = timed(|| event.set())?;
    line.into_iter().try_for_each(|wait| wait.wait().map(drop))?;
    Ok(vec![note])
}

/// A condition's `notify_all` of `count` waiters, each of whom must retake the lock.
fn notify_all(manager: &Manager, count: usize) -> Result<Vec<u64>> {
    let condition = manager.create_condition()?;
    let lock: lock::Proxy = attached(&condition.on()?)?;
    let proxy: condition::Proxy = attached(&condition)?;
    let handle = proxy.handle().clone();
    let pipelines = pipelines(&handle, count)?;
    let mut line = VecDeque::new();
    for at in 0..count {
        let (token, pipeline) = (lock.acquire()?.token, &pipelines[at / PER_PIPELINE]);
        line.push_back(proxy.later(pipeline).wait(token));
        // It gives the lock up, which the next one takes on another connection.
        flush(&lock, pipeline)?;
    }
    let held = lock.acquire()?;
    let note = timed(|| proxy.notify(held.token, u32::MAX))?;
    lock.release(held.token)?;
    for wait in line {
        let woken = wait.wait()?;
        lock.release(woken.grant.token)?;
    }
    Ok(vec![note])
}

/// Has all calls of a pipeline sent, and carried out or put in line: they go before this one.
fn flush(lock: &lock::Proxy, pipeline: &Pipeline<'_>) -> Result<()> {
    lock.later(pipeline).is_locked().wait()?;
    Ok(())
}

fn attached<P: Shared>(object: &impl Shared) -> Result<P> {
    Ok(P::attach(object.handle().clone())?)
}

fn until_blocked(manager: &Manager, object: &impl Shared, count: usize) -> Result<()> {
    while manager.blocked_on(object)? != count as u64 {
        std::thread::yield_now();
    }
    Ok(())
}

fn dict_of(manager: &Manager, count: u64) -> Result<Dict<u64, u64>> {
    let dict = manager.create_dict()?;
    for start in (0..count).step_by(CHUNK as usize) {
        dict.extend((start..count.min(start + CHUNK)).map(|key| (key, key)))?;
    }
    Ok(dict)
}

/// A get of keys all over the dict.
fn dict_get(manager: &Manager, count: usize) -> Result<Work> {
    let (count, mut at) = (count as u64, 0_u64);
    let dict = dict_of(manager, count)?;
    Ok(repeat(move || {
        // A step that shares no factor with powers of ten visits every key.
        at = (at + 7_654_321) % count;
        dict.get(&at)?.context("it is there").map(drop)
    }))
}

/// A get while `count` other objects live.
fn among_objects(manager: &Manager, count: usize) -> Result<Work> {
    let dict = dict_of(manager, 1)?;
    let objects: Result<Vec<_>, _> = (0..count).map(|_| manager.create_lock()).collect();
    let objects = objects?;
    Ok(repeat(move || {
        let _ = &objects;
        dict.get(&0)?.context("it is there").map(drop)
    }))
}

/// Objects that a list of a ring holds.
const PER_LIST: usize = 1000;

/// Each get while `count` objects, in lists that hold each other in a ring, are let go, found to
/// be held by nobody else, and dropped.
fn among_cycles(manager: &Manager, dict: &Dict<u64, u64>, count: usize) -> Result<Vec<u64>> {
    let before = manager.object_count()?;
    let list = || list::Proxy::new(manager, Vec::new());
    let first = list()?;
    let mut last = first.clone();
    for _ in 0..count / PER_LIST {
        let locks = (1..PER_LIST).map(|_| Payload::pack(&manager.create_lock()?));
        last.extend(locks.collect::<Result<_, _>>()?)?;
        let next = list()?;
        last.push(Payload::pack(&next)?)?;
        last = next;
    }
    last.push(Payload::pack(&first)?)?;
    drop((first, last));
    let mut notes = Vec::new();
    while manager.object_count()? > before {
        for _ in 0..100 {
            notes.push(timed(|| dict.get(&0).map(drop))?);
        }
    }
    Ok(notes)
}

/// This many connections that do nothing: two for each session, so that a process may have as many
/// file descriptors as that takes.
fn connect(count: usize) -> Result<Vec<Manager>> {
    let mut idle = Vec::new();
    for _ in 0..count / 2 {
        let manager = Manager::from_env()?;
        let dict: Dict<u64, u64> = manager.named("idle").create_dict()?;
        // A call beside one that is under way has a connection of its own.
        manager.pipeline(|pipeline| {
            let first = dict.later(pipeline).get(&0);
            dict.len()?;
            first.wait()
        })?;
        idle.push(manager);
    }
    Ok(idle)
}

/// Bytes of the server's memory for each connection that does nothing.
fn memory_of_idle(count: usize) -> Result<u64> {
    // What was allocated before and is free now would hide what these take.
    let before = server_memory()?;
    let idle = connect(count)?;
    let after = server_memory()?;
    drop(idle);
    Ok(after.saturating_sub(before) / count as u64)
}

fn server_memory() -> Result<u64> {
    let process = std::env::var(SERVER_VAR).context("the server's process is not known")?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let Some(kib) = resident.and_then(|rest| rest.trim().strip_suffix(" kB")) else {
        bail!("the system doesn't tell the server's memory");
    };
    Ok(kib.trim().parse::<u64>()? * 1024)
}
