"""What this interpreter does when it sorts a list of its own, done to a shared one.

    python3 sorts.py ADDRESS KEYFILE NAME
"""

import decimal
import operator
import uuid

import program
from alike import is_same, outcome


def sort_has_the_builtins_as_keys(m):
    lists = [
        [],
        [3, -2, 1, -1, 2, -3, True, 0.5, -0.5, 2**70, -(2**70), -(2**63), 2**63],
        ["b", "A", "a", "B", "ab", "Straße", "STRASSE", "é", "É"],
        ["ab", b"abc", (1, 2, 3, 4), {1: 2}, {1, 2, 3}, [], frozenset([1, 2]), "ab\ud800\ud801"],
        [" 12 ", "1_000", "-7", "+3", 2.9, -2.9, 1e300, True],
        ["1.5", "inf", "-Infinity", " 2e3\n", "1_0.5", 7, False, ".5", "5."],
        [None, 1, "a", 1.0, b"x", (1,), [2], "'"],
        [1, "a"],
        ["1__0"],
        ["_1"],
        ["x"],
        [""],
        [float("inf")],
        [-float("inf")],
        [10**400],
        [2**1024 - 2**969, 2**1023],
        [2**1024 - 2**970],
        ["1" * 4300, "-" + "2" * 4300],
        ["1" * 4301],
        [b"12", bytearray(b" 3 "), "4", b"1_0"],
        [b"x"],
        [b"\xff"],
        ["-" + "1_" * 5000 + "1"],
        [None],
    ]
    keys = [abs, float, int, len, operator.neg, repr, str, str.lower, str.upper]
    sorts_alike(m, lists, keys)


def sorts_alike(m, lists, keys):
    for items in lists:
        for key in keys:
            for reverse in False, True:
                shared, own = m.list(items), list(items)
                did = outcome(lambda: shared.sort(key=key, reverse=reverse))
                of = items, key, reverse
                is_same(of, did, outcome(lambda: own.sort(key=key, reverse=reverse)))
                # A list whose sort has failed may have any order in Python; here it has its own.
                is_same(of, shared[:], own if did[0] == "gives" else items)


def sort_has_items_as_keys(m):
    big = 2**70
    lists = [
        [],
        [(2, "b"), (1, "c"), (2, "a"), (0.5, ""), (True, "a"), (big, "z"), (-big, "")],
        [[2, 1], [1, 2], [1, 1], (0, 5)],
        [(1,), (2, 3)],
        [(1, 2), ()],
        ["ba", "ab", "aé", "éa"],
        ["ba", ""],
        [b"ba", b"ab", bytearray(b"aa")],
        [b""],
        [bytearray()],
        [(bytearray(b"b"), 1), (bytearray(b"a"), 2), (b"ab", 3), (bytearray(b"a"), 0)],
        [(1, [3]), (2, [1, 2]), (3, [])],
        [(1, (2, "b")), (1, (2, "a"))],
        [{"a": 2, 1: 3, 0: 4, -1: 1}, {"a": 1, True: 2, 0.0: 1, -1.0: 2}],
        [{"a": 2, 1.5: 3}, {1: 3}],
        [{big: 2, "a": 1, 1: 0}, {float(big): 1, "a": 0, 1: 1}],
        [{}],
        [{"a": {1: 2}, 1: None}, {"a": {}, 1: None}],
        [(1, None), (2, None)],
        [(1, 2), (2, "x")],
        [("a", 2), (1, 2.5), (2, "x")],
        [1, 2],
        [None],
        [2.5],
        [{1, 2}],
        [frozenset()],
        [True],
    ]
    indices = [0, 1, -1, -2, 2, True, big, -big, 2**63 - 1, -(2**63), "a", "b"]
    keys = [operator.itemgetter(at) for at in indices]
    sorts_alike(m, lists, keys)
    severals = [operator.itemgetter(1, 0), operator.itemgetter(0, "a", 0), operator.itemgetter(-1, 0)]
    sorts_alike(m, lists[:-10] + lists[-6:], severals)
    unknown = [operator.itemgetter(slice(1)), operator.itemgetter(None), operator.attrgetter("real")]
    unknown += [operator.itemgetter(1.0), operator.itemgetter(*range(65)), operator.itemgetter((1,))]
    for key in unknown:
        assert outcome(lambda: m.list([(1, 2)]).sort(key=key))[1] is NotImplementedError, key
    for item in uuid.UUID(int=3), "\ud800":
        key = operator.itemgetter(0)
        assert outcome(lambda: m.list([item]).sort(key=key))[1] is NotImplementedError, item
    sorts_alike(m, [[bytearray(b"b"), b"a", bytearray()], [1, 2.5, "a"], [3, "a", 1], [None, None], [{}, {}], [1, None, 2]], [None])
    # A proxy in an item is what it was.
    shared = m.list([(2, m.list("b")), (1, m.list("a"))])
    shared.sort(key=operator.itemgetter(0))
    assert [item[1][:] for item in shared[:]] == [["a"], ["b"]]
    before = m._number_of_objects()
    for key in operator.itemgetter(1), operator.itemgetter(1, 0):
        assert outcome(lambda: shared.sort(key=key))[1] is TypeError, key
    assert m._number_of_objects() == before


def what_only_its_class_shows_is_no_key_of_a_sort(m):
    for item in uuid.UUID(int=3), (1, decimal.Decimal(1)), [int]:
        for key in str, repr:
            shared = m.list([item, 1])
            assert outcome(lambda: shared.sort(key=key))[1] is NotImplementedError, (item, key)
            assert shared[:] == [item, 1]


if __name__ == "__main__":
    program.run(globals())
