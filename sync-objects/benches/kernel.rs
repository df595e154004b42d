//! What a call costs in the kernel, without sockets and codecs: `cargo bench -p sync-objects`.
//!
//! The target is 300 ns for a call of a lock, a value, a queue or a small dict. Each input is a
//! request as the event loop hands it in, with its arguments encoded before; the reply is taken.

#![expect(clippy::unwrap_used, reason = "a bench of calls that fail measures nothing")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use sync_objects::{
    Kernel, Limits, Naming, NumberKind, Order, Payload, Time, Via, dict, lock, manager, queue,
    registry, semaphore, value,
};
use sync_proto::handshake::ClientInfo;
use sync_proto::message::{Reply, Request, WireHandle};
use sync_proto::{
    CallId, Data, Interface, ManagerId, MethodId, ObjectId, OneWayId, SessionId, ThreadId, Token,
};

/// A kernel with one client, who numbers its calls.
struct Bench {
    kernel: Kernel,
    session: SessionId,
    next_call: u64,
}

type Args = Data<WireHandle>;

impl Bench {
    fn new() -> Self {
        let mut limits = Limits::default();
        limits.objects = 2_000_000;
        limits.calls_per_session = 1_000_000;
        let mut kernel = Kernel::new(registry(), limits, ManagerId(1));
        let info = ClientInfo { pid: 1, program: "bench".to_owned() };
        let session = kernel.handle_connect(Time::ZERO, info).unwrap();
        Self { kernel, session, next_call: 1 }
    }

    fn send(&mut self, thread: u64, object: ObjectId, method: MethodId, data: Args) {
        let (call, after, thread) = (CallId(self.next_call), OneWayId::NONE, ThreadId(thread));
        self.next_call += 1;
        let request = Request { call, after, thread, object, method, timeout: None, data };
        self.kernel.handle_request(Time::ZERO, self.session, Via(0), request);
    }

    fn reply(&mut self) -> Reply {
        let reply = self.kernel.poll_reply().unwrap().reply;
        assert!(reply.outcome.is_ok(), "{reply:?}");
        reply
    }

    fn call(&mut self, object: ObjectId, method: MethodId, data: &Args) -> Reply {
        self.send(1, object, method, data.clone());
        self.reply()
    }

    fn create(&mut self, interface: &Interface, args: &Data) -> ObjectId {
        let (name, fingerprint) = (interface.name.to_owned(), interface.fingerprint);
        let data = encode(&(name, fingerprint, Naming::Anonymous, args.clone()));
        let reply = self.call(ObjectId::MANAGER, manager::method("create"), &data);
        reply.outcome.unwrap().handles[0].object
    }
}

/// Encodes arguments without handles.
fn encode(args: &impl serde::Serialize) -> Args {
    Data::encode(args).unwrap().into_wire(ManagerId(1)).unwrap()
}

fn local(args: &impl serde::Serialize) -> Data {
    Data::encode(args).unwrap()
}

fn pack(value: &impl serde::Serialize) -> Payload {
    Payload::pack(value).unwrap()
}

fn calls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("call");
    let mut bench = Bench::new();
    let none = encode(&());

    let lock = bench.create(&lock::INTERFACE, &local(&()));
    let (acquire, release) = (lock::method("acquire"), lock::method("release_held"));
    group.bench_function("lock: acquire and release", |b| {
        b.iter(|| {
            bench.call(lock, acquire, &none);
            bench.call(lock, release, &none)
        });
    });
    group.bench_function("lock: is_locked", |b| {
        b.iter(|| bench.call(lock, lock::method("is_locked"), &none));
    });

    let semaphore = bench.create(&semaphore::INTERFACE, &local(&(8u32, false)));
    let (take, add) = (encode(&(1u32,)), encode(&(1u32,)));
    group.bench_function("semaphore: acquire, forget and add", |b| {
        b.iter(|| {
            let reply = bench.call(semaphore, semaphore::method("acquire"), &take);
            let token: u64 = postcard_u64(&reply);
            let forget = encode(&(Token(token),));
            bench.call(semaphore, semaphore::method("forget"), &forget);
            bench.call(semaphore, semaphore::method("add"), &add)
        });
    });

    let number = None::<NumberKind>;
    let value = bench.create(&value::INTERFACE, &local(&(number, pack(&1u64))));
    let new = encode(&(pack(&2u64),));
    group.bench_function("value: get", |b| {
        b.iter(|| bench.call(value, value::method("get"), &none));
    });
    group.bench_function("value: set", |b| {
        b.iter(|| bench.call(value, value::method("set"), &new));
    });

    let queue = bench.create(&queue::INTERFACE, &local(&(None::<u64>, Order::Fifo)));
    let item = encode(&(pack(&"a job"), 0i64));
    group.bench_function("queue: put and get", |b| {
        b.iter(|| {
            bench.call(queue, queue::method("put"), &item);
            bench.call(queue, queue::method("get"), &none)
        });
    });

    let dict = bench.create(&dict::INTERFACE, &local(&(Vec::<(Payload, Payload)>::new(),)));
    let keys: Vec<String> = (0..100).map(|number| format!("key {number}")).collect();
    for key in &keys {
        bench.call(dict, dict::method("set"), &encode(&(pack(key), pack(&1u64))));
    }
    let (key, entry) = (encode(&(pack(&keys[50]),)), encode(&(pack(&keys[50]), pack(&2u64))));
    group.bench_function("dict of 100: get", |b| {
        b.iter(|| bench.call(dict, dict::method("get"), &key));
    });
    group.bench_function("dict of 100: set", |b| {
        b.iter(|| bench.call(dict, dict::method("set"), &entry));
    });
    group.finish();
}

/// Reads a number that is a whole answer.
fn postcard_u64(reply: &Reply) -> u64 {
    let args = &reply.outcome.as_ref().unwrap().args;
    args.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f))
}

/// A release serves the first in line; who waits behind must cost nothing.
fn waiting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("release to the next");
    let none = encode(&());
    let (acquire, release) = (lock::method("acquire"), lock::method("release_held"));
    for waiters in [1, 100, 10_000] {
        let mut bench = Bench::new();
        let lock = bench.create(&lock::INTERFACE, &local(&()));
        bench.call(lock, acquire, &none);
        for thread in 0..waiters {
            bench.send(2 + thread, lock, acquire, none.clone());
        }
        let mut next = 2 + waiters;
        group.bench_function(format!("{waiters} wait"), |b| {
            b.iter(|| {
                // One more joins the end, and the first goes: as many wait as before.
                bench.send(next, lock, acquire, none.clone());
                next += 1;
                bench.send(1, lock, release, none.clone());
                (bench.reply(), bench.reply())
            });
        });
    }
    group.finish();
}

fn objects(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("objects");
    let mut bench = Bench::new();
    let empty = local(&());
    let drop_one = |bench: &mut Bench, object: ObjectId| {
        bench.call(ObjectId::MANAGER, manager::method("release"), &encode(&(object, 1u64)));
    };
    group.bench_function("create and drop", |b| {
        b.iter(|| {
            let object = bench.create(&lock::INTERFACE, &empty);
            drop_one(&mut bench, object);
        });
    });

    // Made when it is first asked for: a run of other benches need not wait for it.
    let mut crowd = None;
    let get = encode(&());
    let mut at = 0usize;
    group.bench_function("value: get, here and there among 10^6", |b| {
        let (bench, objects) = crowd.get_or_insert_with(million);
        b.iter(|| {
            // A stride that visits all of them, and no neighbour of the last.
            at = (at + 618_033) % objects.len();
            bench.call(objects[at], value::method("get"), &get)
        });
    });
    group.bench_function("create and drop beside 10^6", |b| {
        let (bench, _) = crowd.get_or_insert_with(million);
        b.iter(|| {
            let object = bench.create(&lock::INTERFACE, &empty);
            drop_one(bench, object);
        });
    });
    group.finish();
}

fn million() -> (Bench, Vec<ObjectId>) {
    let mut bench = Bench::new();
    let one = local(&(None::<NumberKind>, pack(&1u64)));
    let objects = (0..1_000_000).map(|_| bench.create(&value::INTERFACE, &one)).collect();
    (bench, objects)
}

/// A wait that walks along callers that wait: a row of locks, each held by the next one's waiter.
fn deadlock_search(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("begin to wait");
    let none = encode(&());
    let acquire = lock::method("acquire");
    for row in [1, 10, 1_000] {
        let mut bench = Bench::new();
        let locks: Vec<ObjectId> =
            (0..=row).map(|_| bench.create(&lock::INTERFACE, &local(&()))).collect();
        for (thread, &lock) in (1..).zip(&locks) {
            bench.send(thread, lock, acquire, none.clone());
            bench.reply();
        }
        for (thread, &lock) in (1..).zip(&locks[1..]) {
            bench.send(thread, lock, acquire, none.clone());
        }
        group.bench_function(format!("behind a row of {row}"), |b| {
            b.iter_batched(
                || (),
                |()| {
                    let call = CallId(bench.next_call);
                    bench.send(1 << 40, locks[0], acquire, none.clone());
                    bench.kernel.handle_cancel(Time::ZERO, bench.session, call);
                    black_box(bench.kernel.poll_reply())
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, calls, waiting, objects, deadlock_search);
criterion_main!(benches);
