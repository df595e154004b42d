"""What docs/python.md says of the proxies of older versions and of named objects.

    python3 proxies.py ADDRESS KEYFILE NAME
"""

import multiprocessing
import operator
import queue
import select
import socket
from multiprocessing import managers
from multiprocessing.connection import Client
from multiprocessing.managers import SyncManager

import program
from program import raises


class Named(SyncManager):
    """Knows what a Rust program has published."""


Named.register("gate", proxytype=managers.AcquirerProxy)
Named.register("settings", proxytype=managers.NamespaceProxy)
Named.register("count", proxytype=managers.ValueProxy)
Named.register("pages")
Named.register("plain_gate")
Named.register("plain_settings")
Named.register("rounds")
Named.register("shelf")
Named.register("members")
if not hasattr(SyncManager, "set"):
    Named.register("set")


def a_set_is_registered_before_3_14(m):
    shared = m.set([1, 2])
    shared.add(3)
    assert sorted(shared) == [1, 2, 3] and len(shared) == 3 and 3 in shared
    assert shared.union({4}) == {4} | shared == {1, 2, 3, 4} and shared.copy() == {1, 2, 3}
    kept = m.list([shared])[0]
    assert kept.copy() == {1, 2, 3} and 3 in kept
    assert type(kept) is type(shared)


def a_named_object_has_the_proxy_that_it_is_registered_with(m):
    with m.gate() as held:
        assert held is True and not m.plain_gate().acquire(False)
    gate = m.plain_gate()
    assert gate.acquire(False) and gate.release() is None
    assert not hasattr(gate, "__enter__")
    settings = m.settings()
    settings.depth += 1
    assert settings.depth == 4
    count = m.count()
    count.value += 1
    assert count.value == 8
    pages = m.pages()
    pages["a"] = 1
    assert pages["a"] == 1 and len(pages) == 1 and "a" in pages and pages.keys() == ["a"]


def a_generated_proxy_changes_nothing_into_something_else(m):
    shelf, pages, members = m.shelf(), m.pages(), m.members()
    acts = [
        lambda: operator.iadd(shelf, [4]),
        lambda: operator.imul(shelf, 2),
        lambda: operator.ior(pages, {"b": 2}),
        lambda: operator.ior(members, {4}),
        lambda: operator.iand(members, {4}),
        lambda: operator.isub(members, {4}),
        lambda: operator.ixor(members, {4}),
    ]
    for act in acts:
        raises(TypeError, act, "unsupported operand")
    assert len(shelf) == 1 and shelf[0] == 1 and list(members) == [1] and pages.copy() == {"a": 1}
    # Who asks for them by name gets them.
    shelf._callmethod("__imul__", (2,))
    members._callmethod("__ior__", ({2},))
    assert len(shelf) == 2 and {3} | members == {1, 2, 3} and 2 * shelf == [1] * 4
    rounds, settings = m.rounds(), m.plain_settings()
    rounds.reset()
    assert rounds.wait(1) == 0
    assert settings._callmethod("__getattribute__", ("depth",)) == 3


def a_gate_is_held_elsewhere(m):
    assert not m.gate().acquire(False)


def a_queue_that_is_shut_down_says_so(m):
    jobs = m.Queue()
    jobs._callmethod("shutdown")
    if hasattr(queue, "ShutDown"):
        raises(queue.ShutDown, jobs.get)
    else:
        raises(AttributeError, jobs.get, "ShutDown")
    assert jobs.qsize() == 0, "the connection is as good as before"


def who_is_late_is_sent_away(m):
    family = socket.AF_UNIX if isinstance(m.address, str) else socket.AF_INET
    silent = socket.socket(family)
    silent.connect(m.address)
    key = multiprocessing.current_process().authkey
    asks_nothing, reads_nothing = (Client(m.address, authkey=key) for _ in range(2))
    # The refusal quotes it: more than a socket holds.
    reads_nothing.send((None, "create", ("x" * 2**24,), {}))
    for end in silent, asks_nothing, reads_nothing:
        poll = select.poll()
        poll.register(end, 0)
        assert poll.poll(), "it is closed by the server"


if __name__ == "__main__":
    program.run(globals(), Named)
