"""What a Python program shares with a Rust program, by name.

    python3 share.py ADDRESS KEYFILE NAME [ARGUMENT...]
"""

import array
import collections
import os
import signal
from multiprocessing.managers import SyncManager

import program
from program import raises

SyncManager.register("jobs")
SyncManager.register("done")
SyncManager.register("gate")
SyncManager.register("shelf")
SyncManager.register("table")
SyncManager.register("members")
SyncManager.register("photo")
if not hasattr(SyncManager, "set"):
    SyncManager.register("set")


def a_queue(m):
    jobs = m.jobs()
    assert jobs.get() == "from rust" and jobs.qsize() == 0
    jobs.put("from python")
    m.done().put(7)


def reads_and_writes_large_bytes(m):
    content = bytes(range(256)) * 4096
    assert m.photo().get() == content
    shelf = m.list([content, bytearray(content), [content]])
    assert shelf[:] == [content, bytearray(content), [content]] and shelf.count(content) == 2
    assert m.dict({content: 1})[content] == 1
    m.photo().set(content[::-1])


def takes_nothing_that_it_has_no_form_for(m):
    takes = [
        lambda: m.jobs().get(),
        lambda: m.jobs().get(True, 1),
        lambda: m.shelf().pop(),
        lambda: m.shelf().pop(0),
        lambda: m.shelf().pop(-2),
        lambda: m.table().pop(1),
        lambda: m.table().popitem(),
    ]
    for take in takes:
        raises(TypeError, take, "dict")


def has_a_tuple_where_rust_has_a_list_in_a_key(m):
    table, members = m.table(), m.members()
    key = (1, (2, 3))
    assert table.copy() == {key: 4} and table.keys() == [key] and table.items() == [(key, 4)]
    assert [table[at] for at in table] == [4] and table[[1, [2, 3]][0], (2, 3)] == 4
    assert members.copy() == {key} and list(members) == [key]
    assert str(table) == "{(1, (2, 3)): 4}" and members._callmethod("__repr__") == "{(1, (2, 3))}"
    assert table.popitem() == (key, 4) and members.pop() == key


def sorts_by_a_key(m):
    m.shelf().sort(key=abs)


def a_lock(m, state):
    assert m.gate().acquire(False) == (state == "free")


def leave_behind(m):
    kept = m.list([1]), m.dict(a=m.Queue())
    assert len(kept[0]) == len(kept[1]) == 1
    os.kill(os.getpid(), signal.SIGKILL)


def iterates_what_the_library_has(m):
    kinds = [
        collections.OrderedDict([("b", 1), ("a", 2)]),
        collections.defaultdict(list, {1: 2}),
        collections.Counter("abracadabra"),
        collections.deque([1, (2, 3)]),
        collections.deque([1, 2, 3], 2),
        {1: 2}.keys(),
        {1: 2}.values(),
        {1: 2}.items(),
    ]
    kinds += [array.array(code, [0, 1, 100]) for code in "bBhHiIlLqQfd"]
    kinds += [array.array("q", [-(2**63), 2**63 - 1]), array.array("f", [1.5]), array.array("i")]
    for kind in kinds:
        shared = m.list(kind)
        assert shared[:] == list(kind), kind
        shared.extend(kind)
        assert shared[:] == list(kind) * 2, kind
    pairs = [dict(a=1), collections.deque([(1, 2), (3, 4)]), {1: 2}.items()]
    for kind in kinds[:3] + pairs:
        shared = m.dict(kind)
        assert shared.copy() == dict(kind), kind
        shared.update(kind)
        assert shared.copy() == dict(kind), kind
    raises(Exception, lambda: m.set(collections.deque([1, [2]])), "unhashable")
    for items in [1, (2, 3), "a"], (1, 2, 3), []:
        for way in iter, reversed:
            assert m.list(way(items))[:] == list(way(items)), (way, items)
            begun, begun_too = way(items), way(items)
            assert next(begun, 0) == next(begun_too, 0)
            assert m.list(begun)[:] == list(begun_too), (way, items)
    pairs = [(1, 2), (3, 4)]
    for pairs in iter(pairs), reversed(pairs), set(pairs), frozenset(pairs):
        assert m.dict(pairs).copy() == {1: 2, 3: 4}
    for bad in iter([1, [2]]), reversed([1, [2]]):
        raises(Exception, lambda: m.set(bad), "unhashable")
    # What is only kept comes back as it went.
    shared = m.list([kinds[0], kinds[3], kinds[8]])
    assert shared[:] == [kinds[0], kinds[3], kinds[8]]
    assert [type(kind) for kind in shared] == [type(kinds[at]) for at in (0, 3, 8)]


def puts_nothing_without_a_hash_where_it_needs_one(m):
    bad = m.list([[1]]), m.list([(1, {2})]), m.list([bytearray(b"1")])
    d, s = m.dict({(1, "a"): 2}), m.set([(1,)])
    acts = [lambda of: m.set(of), lambda of: s._callmethod("update", (of,))]
    acts += [lambda of: d._callmethod("fromkeys", (of,))]
    acts += [lambda of: m.dict(m.list([(of[0], 1)])), lambda of: d.update(m.list([(of[0], 1)]))]
    for act in acts:
        for of in bad:
            raises(Exception, lambda: act(of), "unhashable")
    good = m.list([(1, (2, 3)), frozenset([1]), m.list([1]), "a", 1.5, None])
    assert d.copy() == {(1, "a"): 2} and s._callmethod("copy") == {(1,)}
    assert len(m.set(good)._callmethod("copy")) == 6
    assert len(d._callmethod("fromkeys", (good,))) == 6
    d.update(m.list([[(1, 2), [3]]]))
    assert d[1, 2] == [3]


def releases_what_it_does_not_hold(m):
    gate = m.gate()
    gate.release()
    assert gate.acquire(False)
    gate.release()


if __name__ == "__main__":
    program.run(globals())
