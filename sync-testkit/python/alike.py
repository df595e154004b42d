"""What this interpreter does to a value of its own, done to a shared one: the outcome is the same.

    python3 alike.py ADDRESS KEYFILE NAME
"""

import array
import collections
import decimal
import re
import sys
import threading
import uuid

from multiprocessing.managers import SyncManager

import program

if not hasattr(SyncManager, "set"):
    SyncManager.register("set")

# Words change between versions: this is what the manager's are taken from.
SAME_WORDS = (3, 11) <= sys.version_info < (3, 14)


def outcome(act):
    try:
        return "gives", act()
    except Exception as error:
        return "raises", type(error), str(error) if SAME_WORDS else ""


def is_same(of, shared, own):
    assert shared == own, "%r: %r, and %r here" % (of, shared, own)
    # 1 == 1.0 == True. (Sets have no order.)
    assert "{" in repr(own) or repr(shared) == repr(own), "%r: %r, and %r here" % (of, shared, own)


def a_dict_takes_whatever_gives_pairs(m):
    updates = [
        ["ab", (1, 2), [3, 4], b"xy", {5: 0, 6: 0}],
        [(1, 2), (3,)],
        [(1, 2), "abc"],
        [(1, 2), "é" * 2**23],
        [(1, 2), 3],
        [None],
        [([], 1)],
        [[{}, 1]],
        ("ab", "cd"),
        "ab",
        b"ab",
        7,
        {(1, 2)},
    ]
    for update in updates:
        own = {0: 0}
        did = outcome(lambda: own.update(update))
        shared = m.dict({0: 0})
        is_same(update, outcome(lambda: shared.update(update)), did)
        # It is all or nothing here; a dict of one's own keeps what came before the failure.
        is_same(update, shared.copy(), own if did[0] == "gives" else {0: 0})
        if isinstance(update, list):
            through = m.dict({0: 0})
            elements = m.list([of for of in update if isinstance(of, (str, list, tuple))])
            own = {0: 0}
            did = outcome(lambda: own.update(elements[:]))
            is_same(update, outcome(lambda: through.update(elements)), did)


def an_array_says_which_numbers_it_has_not(m):
    edges = [1, 2**7, 2**8, 2**15, 2**16, 2**31, 2**32, 2**63, 2**64, 2**127, 2**200]
    numbers = [0] + [sign * (edge + by) for edge in edges for by in (-1, 0, 1) for sign in (1, -1)]
    for typecode in "bBhHiIlLqQfd":
        shared, own = m.Array(typecode, [0]), array.array(typecode, [0])
        for value in numbers + [1.5, None, "a", True]:
            set_own = outcome(lambda: own.__setitem__(0, value))
            is_same((typecode, value), outcome(lambda: shared.__setitem__(0, value)), set_own)
            is_same((typecode, value), shared[0], own[0])


def nan_is_in_nothing(m):
    nan = float("nan")
    for key in nan, (1, nan):
        shared, own = m.dict({1: 2}), {1: 2}
        for name, args in [
            ("__contains__", [key]),
            ("get", [key]),
            ("get", [key, 3]),
            ("pop", [key, 3]),
        ]:
            did = outcome(lambda: shared._callmethod(name, args))
            is_same((key, name, args), did, outcome(lambda: getattr(own, name)(*args)))
        for name in "__getitem__", "__delitem__", "pop":
            assert outcome(lambda: shared._callmethod(name, [key]))[1] is KeyError, (key, name)
        members = m.set([1])
        assert members._callmethod("__contains__", [key]) is False
        assert members._callmethod("discard", [key]) is None
        assert outcome(lambda: members._callmethod("remove", [key]))[1] is KeyError, key
    for act in lambda: m.dict({1: 2}).update({nan: 1}), lambda: m.list([3.0, nan, 1.0]).sort():
        assert outcome(act)[1] is ValueError


def a_set_is_changed_by_all_operands_or_by_none(m):
    nan = float("nan")
    for name in "update", "intersection_update", "difference_update":
        shared = m.set([1, 2, 3])
        did = outcome(lambda: shared._callmethod(name, [[1, 4], [3, nan]]))
        assert did[1] is ValueError and shared._callmethod("copy") == {1, 2, 3}, (name, did)
    names = ["union", "intersection", "difference", "symmetric_difference"]
    names += ["update", "intersection_update", "difference_update", "symmetric_difference_update"]
    for name in names:
        for others in [], [[2, 9]], [{2, 3}, (3, 7)], [[3], [2, 3], {3: 0}]:
            shared, own = m.set([1, 2, 3]), {1, 2, 3}
            did = outcome(lambda: shared._callmethod(name, others))
            is_same((name, others), did, outcome(lambda: getattr(own, name)(*others)))
            is_same((name, others), shared._callmethod("copy"), own)


def a_set_takes_no_set(m):
    for what in {1}, [1], {}, (1, {2}):
        shared, own = m.set([frozenset([1])]), {frozenset([1])}
        did = outcome(lambda: shared._callmethod("add", [what]))
        is_same(what, did, outcome(lambda: own.add(what)))
        for name in "__contains__", "discard":
            did = outcome(lambda: shared._callmethod(name, [what]))
            is_same((what, name), did, outcome(lambda: getattr(own, name)(what)))
        is_same(what, shared._callmethod("copy"), own)


def what_has_no_hash_is_no_key(m):
    library = [collections.OrderedDict(), collections.defaultdict(list, {1: 2}), array.array("i", [1])]
    library += [collections.Counter("ab"), collections.deque([1], 2), collections.UserList([1])]
    library += [collections.UserDict(a=1), collections.ChainMap({})]
    for what in library + [[], {}, bytearray(b"a"), {1}]:
        for key in what, (1, what):
            shared, own = m.dict({1: 2}), {1: 2}
            for name, args in ("__setitem__", [key, 1]), ("get", [key]), ("setdefault", [key, 1]):
                did = outcome(lambda: shared._callmethod(name, args))
                is_same((key, name), did, outcome(lambda: getattr(own, name)(*args)))
            members, own_members = m.set([1]), {1}
            for name, args in ("add", [key]), ("update", [[key]]):
                did = outcome(lambda: members._callmethod(name, args))
                is_same((key, name), did, outcome(lambda: getattr(own_members, name)(*args)))
            assert outcome(lambda: m.set(m.list([key])))[0] == "raises"
            assert shared.copy() == {1: 2} and members._callmethod("copy") == {1}
    assert len(m.dict({int: 1, uuid.UUID(int=1): 2, decimal.Decimal(1): 3})) == 3


def bytes_that_may_change_are_equal_to_those_that_may_not(m):
    for items in [b"a", bytearray(b"a")], [[b"a"]], [(bytearray(b"a"), 1)]:
        for item in b"a", bytearray(b"a"), [bytearray(b"a")], (b"a", 1), bytearray(b"b"):
            shared = m.list(items)
            for name in "index", "count", "__contains__", "remove":
                own = list(items)
                did = outcome(lambda: shared._callmethod(name, [item]))
                is_same((items, name, item), did, outcome(lambda: getattr(own, name)(item)))
                shared[:] = items


def a_shared_array_and_a_text_with_surrogates_are_iterated_over(m):
    for typecode in "bBhHiIlLqQfdu":
        own = array.array(typecode, "h\u00e9" if typecode == "u" else [1, 2, 3])
        assert m.list(m.Array(typecode, own))[:] == m.list(own)[:] == list(own), typecode
    assert m.list(m.Array("d", m.Array("i", [1, 2])))[:] == [1.0, 2.0]
    text = "a\udcff\U0001f40d\ud800"
    assert m.list(text)[:] == list(text)


def iterators_are_iterated_over_from_where_they_are(m):
    texts = "ab", "\u00e9\u20ac\U0001f40d", "", "a\udcffb"
    sources = [*texts, b"abc", bytearray(b"ab"), [1, "b"], (1, [2]), {1: 2, 3: 4}, range(3), range(0)]
    sources += [range(5, -5, -3), range(-(2**62), 2**62, 2**61), array.array("i", [1, 2, 3])]
    sources += [collections.deque([1, 2]), {1: 2}.items(), {7}]
    big = ["x" * 100] * 2
    make = [
        lambda of: iter(of),
        lambda of: enumerate(of),
        lambda of: enumerate(of, 2**40),
        lambda of: zip(of),
        lambda of: zip(of, "abcdefgh", big),
        lambda of: zip(enumerate(zip(range(9), of)), of),
        lambda of: zip(*[iter(of)] * 2),
        lambda of: (lambda it: zip(it, enumerate(it)))(iter(of)),
    ]
    if sys.version_info >= (3, 10):
        make.append(lambda of: zip(of, of, strict=True))
    made = [lambda way=way, of=of: way(of) for way in make for of in sources]
    ordered = [of for of in sources[:-1] if not isinstance(of, (dict, type({}.items())))]
    made += [lambda of=of: reversed(of) for of in ordered if not isinstance(of, collections.deque)]
    made += [lambda: zip(), lambda: zip([], iter([])), lambda: enumerate(reversed("abc"))]
    for new in made:
        for taken in range(4):
            shared, own = new(), new()
            for _ in range(taken):
                assert next(shared, 0) == next(own, 0)
            is_same((own, taken), m.list(shared)[:], list(own))
    for pairs in lambda: zip("ab", [1, [2]]), lambda: enumerate("ab"), lambda: iter(["xy", (1, 2)]):
        assert m.dict(pairs()).copy() == dict(pairs()), pairs()
        shared, own = m.dict({0: 0}), {0: 0}
        shared.update(pairs())
        own.update(pairs())
        assert shared.copy() == own
    assert m.set(zip("ab", "cd"))._callmethod("copy") == set(zip("ab", "cd"))
    assert outcome(lambda: m.set(zip("ab", [1, [2]])))[0] == "raises"
    # A proxy in a pair is what it was.
    kept = m.list(zip([m.list("a"), m.list("b")], "cd"))
    assert [(item[:], text) for item, text in kept[:]] == [(["a"], "c"), (["b"], "d")]
    deep = enumerate("a")
    for _ in range(100):
        deep = enumerate(deep)
    assert outcome(lambda: m.list(deep))[0] == "raises"
    if sys.version_info >= (3, 10):
        did = outcome(lambda: m.list().extend(zip("ab", [1], strict=True)))
        assert did[1] is ValueError, did
        # Each asks the one before ten times; all of them again and again would take for ever.
        wide = iter([])
        for _ in range(14):
            wide = zip(*[wide] * 10, strict=True)
        assert m.list(wide)[:] == []


def what_need_not_wait_looks_at_no_time(m):
    for seconds in float("inf"), 1e20, 2**70:
        event, queue, bounded = m.Event(), m.Queue(), m.BoundedSemaphore(1)
        event.set()
        queue.put(1)
        assert event.wait(seconds) and queue.get(True, seconds) == 1
        assert bounded.acquire(True, seconds) and m.Barrier(1, timeout=seconds).wait() == 0
        assert outcome(lambda: m.Lock().acquire(True, seconds))[1] is OverflowError
    assert not m.BoundedSemaphore(0).acquire(False)
    assert not m.BoundedSemaphore(0).acquire(True, 0.001)


def a_number_of_permits_or_parties_may_be_a_whole_float(m):
    for make in m.Semaphore, m.BoundedSemaphore:
        semaphore = make(4 / 2)
        assert [semaphore.acquire(False) for _ in range(3)] == [True, True, False]
        for value in float("inf"), float("nan"), -1.0, "1":
            assert outcome(lambda: make(value))[0] == "raises", value
    barrier = m.Barrier(2.0)
    assert barrier.parties == 2 and m.Barrier(1.0).wait() == 0
    for parties in 0.0, 0.5, float("inf"):
        assert outcome(lambda: m.Barrier(parties))[0] == "raises", parties


def a_namespace_shows_itself_in_the_same_order(m):
    attributes = {"x1": 2, "x": 1, "a": "b", "_hidden": 3}
    shared = m.Namespace(**attributes)
    own = ["%s=%r" % item for item in attributes.items() if not item[0].startswith("_")]
    assert str(shared) == "Namespace(%s)" % ", ".join(sorted(own)), str(shared)


def what_is_waited_for_shows_itself_alike(m):
    if not SAME_WORDS:
        return
    broken = m.Barrier(2), threading.Barrier(2)
    taken = m.BoundedSemaphore(3), threading.BoundedSemaphore(3)
    for one in broken:
        one.abort()
    for one in taken:
        one.acquire()
    kinds = [
        broken,
        taken,
        (m.Barrier(3), threading.Barrier(3)),
        (m.Semaphore(2), threading.Semaphore(2)),
        (m.BoundedSemaphore(0), threading.BoundedSemaphore(0)),
        (m.Event(), threading.Event()),
        (m.Lock(), threading.Lock()),
    ]
    for shared, own in kinds:
        shown = (re.sub("0x[0-9a-f]+", "at", text) for text in (str(shared), str(own)))
        is_same(own, *shown)


def an_array_of_characters_is_alike(m):
    for typecode in "uw":
        if typecode not in array.typecodes:
            continue
        shared, own = m.Array(typecode, "h\u00e9"), array.array(typecode, "h\u00e9")
        for value in "\U0001f40d", "", "ab", 1, b"a", None:
            set_own = outcome(lambda: own.__setitem__(1, value))
            is_same((typecode, value), outcome(lambda: shared.__setitem__(1, value)), set_own)
            is_same((typecode, value), shared[:], own[:])
        shared[:1], own[:1] = own[1:], own[1:]
        is_same(typecode, (len(shared), shared[0], str(shared)), (len(own), own[0], str(own)))


def what_is_no_index_and_no_iterable_is_named_alike(m):
    for start, kind in ([1, 2, 3], m.list), (array.array("i", [1, 2, 3]), lambda of: m.Array("i", of)):
        shared, own = kind(start), start
        for at in "x", 1.0, None, 2**70, slice("x"), slice(None, None, 0), []:
            is_same(at, outcome(lambda: shared[at]), outcome(lambda: own[at]))
            did = outcome(lambda: shared.__setitem__(at, 5))
            is_same(at, did, outcome(lambda: own.__setitem__(at, 5)))
    shared, own = m.list([1, 2, 3]), [1, 2, 3]
    for value in 5, None, 1.5, 2**70, True:
        for at in slice(None, None, 2), slice(0, 1):
            did = outcome(lambda: shared.__setitem__(at, value))
            wanted = outcome(lambda: own.__setitem__(at, value))
            # Since 3.13 the words are the same for both.
            own_words = at.step is None and sys.version_info < (3, 13)
            is_same((at, value), did[:2 if own_words else 3], wanted[:2 if own_words else 3])


def an_array_is_made_of_an_array(m):
    for typecode in "bBhHiIlLqQfd":
        for start in [], [1, 2, 3], [0] * 2**10:
            own = array.array(typecode, start)
            for of in typecode, "q", "d":
                # Whether this takes floats as integers, the module says.
                did = outcome(lambda: m.Array(of, own)[:])
                wanted = outcome(lambda: array.array(of, own))
                assert did[0] == wanted[0], (typecode, of, did, wanted)
                if did[0] == "gives":
                    is_same((typecode, of), did, wanted)
    much = array.array("b", bytes(2**23))
    assert len(m.Array("b", much)) == 2**23


def a_list_is_multiplied_alike(m):
    for own in [], [1, "a"]:
        for times in -1, 0, 3, 2**62:
            did, wanted = outcome(lambda: m.list(own) * times), outcome(lambda: own * times)
            assert did[:2] == wanted[:2], (own, times, did, wanted)


def every_method_of_3_14_is_there(m):
    """Proxies of older versions do not have them all: they are asked for by name."""
    calls = {
        "list": [
            ("clear",),
            ("copy",),
            ("__add__", [4]),
            ("__add__", (4,)),
            ("__contains__", 2.0),
            ("__delitem__", slice(None, None, 2)),
            ("__imul__", 2),
            ("__imul__", -1),
            ("__len__",),
            ("__mul__", 2),
            ("__rmul__", 0),
            ("__reversed__",),
            ("count", 3),
            ("insert", -1, 9),
        ],
        "dict": [
            ("__or__", {1: 0}),
            ("__ror__", {1: 0, 0: 1}),
            ("__ior__", {1: 0}),
            ("__ior__", [(1, 0)]),
            ("__reversed__",),
            ("__contains__", 1),
            ("fromkeys", [1, 2], 3),
            ("fromkeys", "ab"),
            ("copy",),
            ("clear",),
            ("popitem",),
            ("setdefault", 1),
            ("setdefault", 7),
        ],
        "set": [
            ("add", 9),
            ("clear",),
            ("copy",),
            ("difference", [1], {2}),
            ("difference_update", [1, 2]),
            ("discard", 7),
            ("intersection", [1, 5]),
            ("intersection_update", {1}),
            ("isdisjoint", [8]),
            ("issubset", [1, 2, 3, 4]),
            ("issuperset", [1]),
            ("remove", 1),
            ("remove", 7),
            ("symmetric_difference", [1, 9]),
            ("symmetric_difference_update", [1, 9]),
            ("union", [5], (6,)),
            ("update", [5], (6,)),
            ("__and__", {1, 2}),
            ("__contains__", 3),
            ("__iand__", {1}),
            ("__ior__", {9}),
            ("__isub__", {1}),
            ("__ixor__", {1, 9}),
            ("__len__",),
            ("__or__", {9}),
            ("__or__", [9]),
            ("__rand__", {1}),
            ("__ror__", {9}),
            ("__rsub__", {1, 9}),
            ("__rxor__", {1, 9}),
            ("__sub__", {1}),
            ("__xor__", {1, 9}),
            ("__ge__", {1}),
            ("__gt__", {1, 2, 3}),
            ("__le__", {1, 2, 3}),
            ("__lt__", {1}),
        ],
    }
    starts = {"list": [1, 2, 3], "dict": {1: 2, 3: 4}, "set": {1, 2, 3}}
    for kind, start in starts.items():
        for name, *args in calls[kind]:
            own = type(start)(start)
            if not hasattr(own, name):
                continue
            proxy = getattr(m, kind)(start)
            did = outcome(lambda: plain(proxy._callmethod(name, tuple(args))))
            result = outcome(lambda: plain(getattr(own, name)(*args)))
            if result[1] is own:
                # What changes itself returns itself: no proxy takes its copy for it.
                did = result
            is_same((kind, name, args), did, result)
            is_same((kind, name, args), proxy._getvalue(), own)
    lock = m.Lock()
    assert [lock._callmethod("locked"), lock.acquire(), lock._callmethod("locked")] == [0, 1, 1]


def plain(result):
    """A copy of an iterator's rest."""
    return list(result) if hasattr(result, "__next__") else result


if __name__ == "__main__":
    program.run(globals())
