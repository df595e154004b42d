"""What this interpreter does to a value of its own, done to a shared one: the outcome is the same.

    python3 alike.py ADDRESS KEYFILE NAME
"""

import array
import sys

import program

# Words change between versions: this is what the manager's are taken from.
SAME_WORDS = (3, 10) <= sys.version_info < (3, 14)


def outcome(act):
    try:
        return "gives", act()
    except Exception as error:
        return "raises", type(error), str(error) if SAME_WORDS else ""


def is_same(of, shared, own):
    assert shared == own, "%r: %r, and %r here" % (of, shared, own)
    # 1 == 1.0 == True.
    assert repr(shared) == repr(own), "%r: %r, and %r here" % (of, shared, own)


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
        [None],
    ]
    keys = [abs, float, int, len, repr, str, str.lower, str.upper]
    for items in lists:
        for key in keys:
            for reverse in False, True:
                shared, own = m.list(items), list(items)
                did = outcome(lambda: shared.sort(key=key, reverse=reverse))
                of = items, key, reverse
                is_same(of, did, outcome(lambda: own.sort(key=key, reverse=reverse)))
                # A list whose sort has failed may have any order in Python; here it has its own.
                is_same(of, shared[:], own if did[0] == "gives" else items)


def a_dict_takes_whatever_gives_pairs(m):
    updates = [
        ["ab", (1, 2), [3, 4], b"xy", {5: 0, 6: 0}],
        [(1, 2), (3,)],
        [(1, 2), "abc"],
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
            if typecode in "fd" and isinstance(value, int) and abs(value) > 2**65:
                continue
            set_own = outcome(lambda: own.__setitem__(0, value))
            is_same((typecode, value), outcome(lambda: shared.__setitem__(0, value)), set_own)
            is_same((typecode, value), shared[0], own[0])


if __name__ == "__main__":
    program.run(globals())
