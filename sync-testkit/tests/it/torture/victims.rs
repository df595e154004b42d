//! What the victims are doing when they are killed.

use sync_client::{
    Barrier, Condition, Lock, Manager, Queue, QueueOptions, RLock, Semaphore, Value,
};
use sync_testkit::{Role, roles};

roles![
    lock_holder,
    rlock_holder,
    permit_holder,
    consumer,
    getter,
    party,
    condition_waiter,
    updater,
    busy,
];

/// How many jobs there are; none is ever done.
pub(super) const JOBS: u64 = 5;

/// What the victims and the test share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) lock: Lock,
    pub(super) rlock: RLock,
    pub(super) permits: Semaphore,
    pub(super) jobs: Queue<u64>,
    pub(super) mail: Queue<u64>,
    pub(super) barrier: Barrier,
    pub(super) condition: Condition<Lock>,
    pub(super) count: Value<u64>,
    /// Two numbers that are equal whenever nobody has the lock.
    pub(super) pair: (Value<u64>, Value<u64>),
}

impl Shared {
    pub(super) fn of(manager: &Manager) -> Self {
        Self {
            lock: manager.named("lock").create_lock().unwrap(),
            rlock: manager.named("rlock").create_rlock().unwrap(),
            permits: manager.named("permits").create_bounded_semaphore(3).unwrap(),
            jobs: manager.named("jobs").create_queue(QueueOptions::unbounded()).unwrap(),
            mail: manager.named("mail").create_queue(1).unwrap(),
            barrier: manager.named("barrier").create_barrier(3).unwrap(),
            condition: manager.named("condition").create_condition().unwrap(),
            count: manager.named("count").create_value(0).unwrap(),
            pair: (
                manager.named("first").create_value(0).unwrap(),
                manager.named("second").create_value(0).unwrap(),
            ),
        }
    }
}

/// Says that it is where it is to be killed, and stays there.
pub(super) fn stay(role: &Role) {
    role.say("ready");
    role.hear();
}

pub(super) fn lock_holder(role: &Role) {
    let _guard = Shared::of(role.manager()).lock.lock().unwrap();
    stay(role);
}

pub(super) fn rlock_holder(role: &Role) {
    let lock = Shared::of(role.manager()).rlock;
    let _guards = (lock.lock().unwrap(), lock.lock().unwrap());
    stay(role);
}

pub(super) fn permit_holder(role: &Role) {
    let _permits = Shared::of(role.manager()).permits.acquire_many(2).unwrap();
    stay(role);
}

pub(super) fn consumer(role: &Role) {
    let jobs = Shared::of(role.manager()).jobs;
    let _leases = [jobs.get_leased().unwrap(), jobs.get_leased().unwrap()];
    stay(role);
}

pub(super) fn getter(role: &Role) {
    Shared::of(role.manager()).mail.get().unwrap();
}

pub(super) fn party(role: &Role) {
    Shared::of(role.manager()).barrier.wait().unwrap();
}

pub(super) fn condition_waiter(role: &Role) {
    let condition = Shared::of(role.manager()).condition;
    let mut guard = condition.lock().unwrap();
    condition.wait(&mut guard).unwrap();
}

pub(super) fn updater(role: &Role) {
    let count = Shared::of(role.manager()).count;
    let changed = count.update(|count| {
        *count += 1_000;
        stay(role);
    });
    changed.unwrap();
}

/// Leases jobs and gives them back, and counts two numbers up under the lock.
pub(super) fn busy(role: &Role) {
    let shared = Shared::of(role.manager());
    role.say("ready");
    loop {
        let lease = shared.jobs.get_leased().unwrap();
        let guard = shared.lock.lock().unwrap();
        shared.pair.0.fetch_add(1).unwrap();
        shared.pair.1.fetch_add(1).unwrap();
        drop(guard);
        drop(lease);
    }
}
