"""CPython's own manager, measured: `cpython.py serve ADDRESS` and `cpython.py work ADDRESS`.

`cpython.py work_on_ours ADDRESS` is the same worker on this project's server, where somebody else
makes the objects and they are found by name.

An address is `unix:PATH` or `tcp:HOST:PORT`, port 0 for any. The server prints `READY ADDRESS`.
A worker hears lines and answers each with one, as those of the other peers do:
`prepare JOB KEY ROLE` with `ready` or `unable`, `run COUNT` with `took START END STAMP...`.
"""

import os
import sys
import threading
import time
from multiprocessing import managers

AUTHKEY = os.environ.get("SYNC_AUTHKEY", "sync-bench").encode()
AHEAD = 1000
SETTLE = 0.0003
PARTIES = 8

objects = {}
objects_lock = threading.Lock()


class Bench(managers.SyncManager):
    """A SyncManager that also finds objects by name."""


def shared(make):
    def find(key, *args):
        with objects_lock:
            if key not in objects:
                objects[key] = make(*args)
            return objects[key]

    return find


class Cleaner:
    """Forgets the objects of the last case."""

    def clean(self):
        with objects_lock:
            objects.clear()


for name, (make, exposed, _, proxy) in list(managers.SyncManager._registry.items()):
    if make is not None and proxy is not None:
        Bench.register("shared_" + name, shared(make), proxytype=proxy, exposed=exposed)
Bench.register("Cleaner", Cleaner)


class OnOurs(managers.SyncManager):
    """Finds by name what a Rust program has made."""

    def __getattr__(self, name):
        if not name.startswith("shared_"):
            raise AttributeError(name)
        proxy = managers.SyncManager._registry[name.removeprefix("shared_")][3]

        def find(key, *_):
            type(self).register(key, proxytype=proxy)
            return getattr(self, key)()

        return find


def parse(address):
    kind, _, rest = address.partition(":")
    if kind == "unix":
        return rest
    host, _, port = rest.rpartition(":")
    return host, int(port)


def serve(address):
    manager = Bench(address=parse(address), authkey=AUTHKEY)
    server = manager.get_server()
    at = server.address
    print("READY", f"unix:{at}" if isinstance(at, str) else f"tcp:{at[0]}:{at[1]}", flush=True)
    server.serve_forever()


def repeat(once):
    def work(count):
        for _ in range(count):
            once()
        return ()

    return work


def note(once):
    def work(count):
        return [once() for _ in range(count)]

    return work


def prepare(manager, address, job, key, role):
    if role == 0 and isinstance(manager, Bench):
        manager.Cleaner().clean()
    if any(word in job for word in ("_of_", "_among_")):
        return None
    stem, _, number = job.rpartition("_")
    size = int(number) if number.isdigit() else 0
    stem = stem if number.isdigit() else job
    makers = {
        "dict_get": dict_get,
        "clients": dict_get,
        "dict_set": dict_set,
        "list_push": list_push,
        "value_get": value_get,
        "value_set": value_set,
        "lock_unlock": lock_unlock,
        "lock_hand_over": lock_unlock,
        "semaphore": semaphore,
        "queue_put_get": queue_put_get,
        "queue_one_way": queue_one_way,
        "queue_ping_pong": queue_ping_pong,
        "event_wake": event_wake,
        "condition_wake": condition_wake,
        "barrier": barrier,
        "bytes_set": lambda m, k, r: bytes_set(m, k, size),
        "bytes_get": lambda m, k, r: bytes_get(m, k, size),
        "create_drop": create_drop,
        "connect": lambda m, k, r: connect(type(m), address),
    }
    return makers[stem](manager, key, role) if stem in makers else None


def dict_get(manager, key, role):
    proxy = manager.shared_dict(key)
    proxy["key"] = 1
    return repeat(lambda: proxy.get("key"))


def dict_set(manager, key, role):
    proxy = manager.shared_dict(key)
    return repeat(lambda: proxy.__setitem__("key", 1))


def list_push(manager, key, role):
    proxy = manager.shared_list(key)
    return repeat(lambda: proxy.append(1))


def value_get(manager, key, role):
    proxy = manager.shared_Value(key, "i", 1)
    return repeat(proxy.get)


def value_set(manager, key, role):
    proxy = manager.shared_Value(key, "i", 1)
    return repeat(lambda: proxy.set(1))


def lock_unlock(manager, key, role):
    proxy = manager.shared_Lock(key)

    def once():
        with proxy:
            pass

    return repeat(once)


def semaphore(manager, key, role):
    proxy = manager.shared_Semaphore(key, 1)

    def once():
        with proxy:
            pass

    return repeat(once)


def queue_put_get(manager, key, role):
    proxy = manager.shared_Queue(key)

    def once():
        proxy.put(1)
        proxy.get()

    return repeat(once)


def queue_one_way(manager, key, role):
    proxy = manager.shared_Queue(key, AHEAD)
    return repeat(proxy.get if role == 0 else lambda: proxy.put(1))


def queue_ping_pong(manager, key, role):
    there = manager.shared_Queue(key, AHEAD)
    back = manager.shared_Queue(key + "/second", AHEAD)

    def ping():
        there.put(1)
        back.get()

    def pong():
        there.get()
        back.put(1)

    return repeat(ping if role == 0 else pong)


def event_wake(manager, key, role):
    event = manager.shared_Event(key)
    asleep = manager.shared_Event(key + "/second")

    def wake():
        asleep.wait()
        asleep.clear()
        time.sleep(SETTLE)
        moment = time.monotonic_ns()
        event.set()
        return moment

    def sleep():
        asleep.set()
        event.wait()
        moment = time.monotonic_ns()
        event.clear()
        return moment

    return note(wake if role == 0 else sleep)


def condition_wake(manager, key, role):
    condition = manager.shared_Condition(key)
    asleep = manager.shared_Event(key + "/second")

    def wake():
        asleep.wait()
        asleep.clear()
        time.sleep(SETTLE)
        with condition:
            moment = time.monotonic_ns()
            condition.notify()
        return moment

    def sleep():
        with condition:
            asleep.set()
            condition.wait()
            return time.monotonic_ns()

    return note(wake if role == 0 else sleep)


def barrier(manager, key, role):
    return repeat(manager.shared_Barrier(key, PARTIES).wait)


def bytes_set(manager, key, size):
    proxy = manager.shared_Value(key, "O", b"")
    value = b"\7" * size
    return repeat(lambda: proxy.set(value))


def bytes_get(manager, key, size):
    return repeat(manager.shared_Value(key, "O", b"\7" * size).get)


def create_drop(manager, key, role):
    return repeat(manager.Lock)


def connect(kind, address):
    return repeat(lambda: kind(address=parse(address), authkey=AUTHKEY).connect())


def work(address, kind=Bench):
    manager = kind(address=parse(address), authkey=AUTHKEY)
    manager.connect()
    prepared = None
    for line in sys.stdin:
        verb, *rest = line.split()
        if verb == "prepare":
            prepared = None
            prepared = prepare(manager, address, rest[0], rest[1], int(rest[2]))
            print("unable" if prepared is None else "ready", flush=True)
        else:
            start = time.monotonic_ns()
            stamps = prepared(int(rest[0]))
            end = time.monotonic_ns()
            print("took", start, end, *stamps, flush=True)


def work_on_ours(address):
    work(address, OnOurs)


if __name__ == "__main__":
    {"serve": serve, "work": work, "work_on_ours": work_on_ours}[sys.argv[1]](sys.argv[2])
