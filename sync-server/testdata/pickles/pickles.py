"""Real pickles for the tests of sync-server/src/python.

    python3 pickles.py dump DIR     writes DIR/NAME.PROTOCOL.pickle for every value and protocol
    python3 pickles.py check DIR    compares each with DIR/NAME.PROTOCOL.out, which is to be the
                                    same value, and prints what differs
    python3 pickles.py corpus       prints corpus.txt: NAME.PROTOCOL and the pickle in hexadecimal
    python3 pickles.py seeds DIR    writes the short ones to DIR/NAME.PROTOCOL, for a fuzzer
    python3 pickles.py reprs        prints pickles of plain values, and their repr, in hexadecimal
    python3 pickles.py compare      prints pairs of pickles, whether they are equal, and their order
    python3 pickles.py renames      prints the names that Python 3 has for those of Python 2

Runs on CPython 3.8 to 3.15.
"""

import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import math
import operator
import os
import pathlib
import pickle
import queue
import random
import struct
import sys
import threading
import types
import unicodedata
import uuid
from dataclasses import dataclass
from multiprocessing import managers, reduction


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def method(self):
        return self


class Slotted:
    __slots__ = ("x", "y")


class Slotted2(Slotted):
    """A state of both a dict and slots."""


@dataclass(frozen=True)
class Point:
    x: int
    y: object


class Colour(enum.Enum):
    RED = 1
    GREEN = "g"


class Bits(enum.Flag):
    A = 1
    B = 2


Pair = collections.namedtuple("Pair", "left right")


class MyList(list):
    pass


class MyDict(dict):
    pass


class MySet(set):
    pass


class MyInt(int):
    pass


class MyStr(str):
    pass


class WithNew:
    """Needs keyword arguments to be made."""

    def __new__(cls, *, size):
        self = object.__new__(cls)
        self.size = size
        return self

    def __getnewargs_ex__(self):
        return (), {"size": self.size}


class Appended:
    """Has `append` and no `extend`."""

    def __init__(self):
        self.items = []

    def append(self, item):
        self.items.append(item)

    def __reduce__(self):
        return Appended, (), None, iter(self.items)


def set_state(target, state):
    target.__dict__.update(state)
    target.was_set = True


class WithSetter:
    def __reduce__(self):
        return WithSetter, (), {"a": 1, "b": [2]}, None, None, set_state


class Custom(Exception):
    def __init__(self, code, *, hint=None):
        super().__init__(code)
        self.hint = hint


def slotted(cls, **attributes):
    made = cls()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def recursive_list():
    made = [1]
    made.append(made)
    return made


def recursive_tuple():
    inner = []
    made = (inner, 1, 2, 3)
    inner.append(made)
    return made


def recursive_pair():
    inner = []
    made = (inner,)
    inner.append(made)
    inner.append(inner)
    return [made, inner, made]


def recursive_dict():
    made = {}
    made["self"] = made
    made["list"] = [made]
    return made


def recursive_object():
    made = Plain(name="x")
    made.me = made
    made.all = [made, (made,)]
    return made


def recursive_frozenset():
    holder = Plain()
    made = frozenset([holder])
    holder.inside = made
    return made


def recursive_deque():
    made = collections.deque([1])
    made.append(made)
    return made


def shared():
    inner, text, pair = [1], "x" * 300, ("a", [2])
    return [inner, inner, {"k": inner}, text, text, pair, pair, b"y" * 300]


def token(typeid="dict", address="/tmp/socket"):
    return managers.Token(typeid, address, "7f1b9943d1c0")


class Proxied:
    """Comes out as a proxy that asks its manager for nothing."""

    def __init__(self, func, typeid, address="/tmp/socket", **kwds):
        self.func, self.token, self.kwds = func, token(typeid, address), dict(kwds, incref=False)

    def __reduce__(self):
        return managers.RebuildProxy, (self.func, self.token, "pickle", self.kwds)


def values():
    """Every kind of value that CPython's managers send, and some that they could."""
    yield "none", None
    yield "bools", [True, False]
    ints = [0, 1, -1, 255, 256, -256, 65535, 65536, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1]
    ints += [2**62, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**30, -(10**30)]
    yield "ints", ints
    yield "huge", [2**2040 - 1, 2**2039, -(2**2039), 1 << 5000, -(1 << 9000) + 1]
    yield "floats", [0.0, -0.0, 1.5, -2.25, 1e16, 1e-300, 1.7976931348623157e308, 5e-324]
    yield "odd_floats", [math.inf, -math.inf, math.nan]
    yield "complex", [1j, complex(1, -0.0), complex(math.inf, math.nan)]
    yield "texts", ["", "a", "\x00\n\\\\u0041\\", "ä€😀", "x" * 255, "y" * 256, "ü" * 70000]
    yield "surrogates", ["\ud800", "a\udcffb", "\ud83d\ude00", "\U0001f600"]
    yield "bytes", [b"", b"a", bytes(range(256)), b"z" * 70000]
    yield "bytearrays", [bytearray(), bytearray(b"a\xff"), bytearray(300)]
    yield "tuples", [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((), ((1,),))]
    yield "lists", [[], [1], [[1], [2, [3]]], list(range(2500))]
    yield "dicts", [{}, {"a": 1}, {1: {2: {}}}, {(1, "a"): [1], None: 0}, dict.fromkeys(range(2500))]
    yield "sets", [set(), {1}, {1, "a", (2,)}, set(range(2500))]
    yield "frozensets", [frozenset(), frozenset({1, 2}), {frozenset({"a"}): 1}]
    yield "keys", {1: 1, 1.5: 2, "x": 3, b"x": 4, (1, "x"): 5, frozenset({1}): 6, None: 7}
    yield "ranges", [range(3), range(1, 10, 2), range(0)]
    yield "slices", [slice(1), slice(0, 2), slice(None, None, -1), slice("a", 2.5)]
    yield "singletons", [Ellipsis, NotImplemented]
    yield "types", [int, str, type(None), dict, Plain, collections.OrderedDict]
    yield "functions", [len, math.sqrt, operator.add, token, slotted, str.upper]
    inner = [1]
    yield "methods", ["a".join, inner, inner.append, {1: 2}.get, Plain(a=1).method]
    yield "more_methods", [int.from_bytes, dict.fromkeys, list.append, int.__add__, (1).__add__]
    yield "partial", functools.partial(int, "12", base=5)
    yield "ordered", collections.OrderedDict([("b", 1), ("a", [2])])
    yield "default", collections.defaultdict(list, a=[1])
    yield "counter", collections.Counter("hello")
    yield "deque", collections.deque([1, [2], 3], maxlen=5)
    yield "chainmap", collections.ChainMap({"a": 1}, {"b": 2})
    yield "date", [datetime.date(2024, 2, 29), datetime.time(1, 2, 3, 4)]
    zone = datetime.timezone(datetime.timedelta(hours=1), "CET")
    moment = datetime.datetime(2024, 2, 29, 12, 30, 1, 5)
    yield "datetime", [moment, moment.replace(tzinfo=zone)]
    yield "timedelta", datetime.timedelta(days=-1, seconds=5, microseconds=7)
    yield "decimal", [decimal.Decimal("1.00"), decimal.Decimal("-Infinity")]
    yield "fraction", fractions.Fraction(1, 3)
    yield "uuid", uuid.UUID(int=12345678901234567890)
    yield "path", pathlib.PurePosixPath("/a/b.c")
    yield "enum", [Colour.RED, Colour.GREEN, Bits.A | Bits.B]
    yield "namedtuple", Pair(1, [2])
    yield "dataclass", [Point(1, [2]), Point(x=Point(0, None), y={})]
    yield "plain", Plain(a=1, b=[1, 2], c=Plain())
    yield "slotted", [slotted(Slotted, x=1), slotted(Slotted2, x=1, z=2)]
    yield "subclasses", [MyList([1, [2]]), MyDict(a=1), MySet([3]), MyInt(4), MyStr("five")]
    yield "newargs", WithNew(size=3)
    yield "namespace", [types.SimpleNamespace(a=1), managers.Namespace(x=1, y=[2])]
    yield "value", managers.Value("i", 8)
    yield "array", [array.array("i", [1, -2]), array.array("d", [0.5]), array.array("B")]
    yield "exceptions", [ValueError("x"), KeyError("zz"), OSError(2, "no", "f"), Custom(5, hint="h")]
    yield "more_exceptions", [queue.Empty(), queue.Full(), threading.BrokenBarrierError(), StopIteration(3)]
    yield "iterators", [iter([1, 2]), iter((1,)), reversed([1, 2, 3]), iter({"a": 1})]
    yield "token", token()
    remote = Proxied(managers.ListProxy, "list", ("127.0.0.1", 5000))
    exposed = "append", "__len__"
    yield "proxies", [remote, remote, Proxied(managers.AutoProxy, "jobs", exposed=exposed)]
    yield "proxies_inside", {"a": (Proxied(managers.NamespaceProxy, "Namespace"), [remote])}
    yield "dummy_request", (None, "dummy", (), {})
    yield "create_request", (None, "create", ("dict", 1), {"a": 1})
    yield "call_request", ("7f1b9943d1c0", "__getitem__", (slice(0, 2),), {})
    yield "return_reply", ("#RETURN", None)
    yield "error_reply", ("#ERROR", KeyError("zz"))
    yield "proxy_reply", ("#PROXY", (("__next__", "send"), token("Iterator")))
    yield "shared", shared()
    yield "recursive_list", recursive_list()
    yield "recursive_tuple", recursive_tuple()
    yield "recursive_pair", recursive_pair()
    yield "recursive_dict", recursive_dict()
    yield "recursive_object", recursive_object()
    yield "recursive_frozenset", recursive_frozenset()
    yield "recursive_deque", recursive_deque()
    yield "appended", appended()
    yield "setter", [WithSetter(), WithSetter()]
    deep = []
    for _ in range(60):
        deep = [deep]
    yield "deep", deep


def appended():
    made = Appended()
    made.items = [1, 2, 3]
    return made


def pickles():
    for name, value in values():
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            try:
                yield name, protocol, bytes(reduction.ForkingPickler.dumps(value, protocol))
            except (TypeError, pickle.PicklingError):
                # What has slots or such has no pickle below protocol 2.
                assert protocol < 2, name


ATOMS = (bool, int, float, complex, str, bytes, bytearray, type(None), type(Ellipsis))


def same(left, right, seen):
    """Whether two values are the same: their types, contents, and what in them is shared."""
    if type(left) is not type(right):
        return False
    if type(left) in ATOMS:
        return repr(left) == repr(right)
    if id(left) in seen:
        # The copies that stand for an object are kept, so that no id is used twice.
        return seen[id(left)][1] is right
    if isinstance(left, (type, types.FunctionType)) or left is NotImplemented:
        return left is right
    seen[id(left)] = left, right
    if type(left) in (tuple, list):
        return len(left) == len(right) and all(same(*two, seen) for two in zip(left, right))
    if type(left) is dict:
        return same(list(left.items()), list(right.items()), seen)
    if type(left) in (set, frozenset):
        # What is compared by identity is alone in its set here.
        pairs = zip(left, right) if len(left) == 1 else [(left == right, True)]
        return len(left) == len(right) and all(same(*two, seen) for two in pairs)
    if isinstance(left, types.BuiltinFunctionType) and isinstance(left.__self__, types.ModuleType):
        return left is right
    if isinstance(left, managers.BaseProxy):
        # What else it has is the process's own.
        return same(left.__reduce__(), right.__reduce__(), seen)
    # A recipe may be the same whatever came of it.
    attributes = [getattr(value, "__dict__", None) for value in (left, right)]
    return same(parts(left), parts(right), seen) and same(*attributes, seen)


def parts(value):
    """How the value would be made again, with its iterators as lists."""
    reduced = value.__reduce_ex__(4)
    if isinstance(reduced, str):
        return (reduced,)
    return reduced[:3] + tuple(part and list(part) for part in reduced[3:5]) + reduced[5:]


def check(directory):
    wrong = checked = 0
    for name, protocol, theirs in pickles():
        with open(os.path.join(directory, "%s.%s.out" % (name, protocol)), "rb") as file:
            ours = file.read()
        checked += 1
        try:
            problem = "" if same(pickle.loads(theirs), pickle.loads(ours), {}) else "differs"
        except Exception as error:
            problem = repr(error)
        if problem:
            wrong += 1
            print(name, protocol, problem)
    print("checked", checked, "wrong", wrong)


def plain():
    """Values whose repr is the same in every version of Python."""
    for name, value in values():
        if name in PLAIN:
            yield value
    chance = random.Random(7)
    yield [struct.unpack("<d", struct.pack("<Q", chance.getrandbits(64)))[0] for _ in range(3000)]
    yield [chance.uniform(-10, 10) * 10.0 ** chance.randrange(-20, 25) for _ in range(3000)]
    yield [10.0**power for power in range(-30, 30)] + [5e-324, 123456789012345680.0, 1e22, 0.1]
    yield [1e15, 1e16, 9999999999999998.0, 0.0001, 0.00001, 0.00012345, 1234567890.125]
    yield ["'", '"', "'\"", "\\'\"", "a\tb\r\n\x00\x7f\x80\xa0\xad", "\u2028\u3000\ue000\U000e0001"]
    yield [b"'", b'"', b"'\"", b"\\\t\r\n\x00\x7f\xff"]
    assigned = (chr(point) for point in range(0x110000) if unicodedata.category(chr(point)) != "Cn")
    yield "".join(assigned)
    yield [{1: [2], "a": (3,)}, set(), frozenset(), {1}, frozenset({"x"}), bytearray(b"'")]
    yield [ValueError("x", 1), KeyError(), range(1, 5), range(1, 9, 3), slice(None, 2)]
    inner = (recursive_list(), {"k": recursive_dict()})
    yield inner
    yield 10**4299


PLAIN = """none bools ints floats odd_floats complex texts surrogates bytes bytearrays tuples lists dicts
keys ranges slices singletons recursive_list recursive_tuple recursive_dict recursive_pair""".split()

NAN = float("nan")
COMPARED = [
    0, 1, -1, True, False, 1.0, 0.0, -0.0, 0.5, 1.5, NAN, math.inf, -math.inf, 2**53, 2**53 + 1,
    2.0**53, 2**63, 2.0**63, 2**64, 10**30, 1e30, int(1e30), -(10**30), 2**1023, 2.0**1023, 10**400,
    None, "", "a", "b", "ab", "\ud7ff", "\ud800", "\ue000", "\U00010000", b"", b"a", b"b", bytearray(b"a"),
    (), (1,), (1.0,), (True,), (2,), (1, 2), (1, "a"), ("a", 1), (1, None), (NAN,), ((1,),),
    [], [1], [1.0], [2], [1, 2], [1, "a"], [None], [NAN], [[1], 2], ["a"], [(1,)],
    {}, {1: 2}, {1.0: 2}, {True: 2.0}, {1: 3}, {1: 2, "a": 3}, {"a": 3, 1: 2}, {1: [NAN]},
    set(), frozenset(), {1}, {1.0}, frozenset({True}), {1, "a"}, {frozenset({1})}, {(1,)},
    range(3), range(2), Ellipsis, decimal.Decimal("0.1"), fractions.Fraction(1, 3), Point(1, "x"),
]


# Sets are ordered by what they contain, and these by what their recipes do not tell.
WITHOUT_ORDER = (set, frozenset, decimal.Decimal, fractions.Fraction)


def compare():
    dumped = [pickle.dumps(value, 4) for value in COMPARED]
    for one in dumped:
        for two in dumped:
            left, right = pickle.loads(one), pickle.loads(two)
            order = "?"
            if not isinstance(left, WITHOUT_ORDER) and not isinstance(right, WITHOUT_ORDER):
                try:
                    order = "<" if left < right else ">="
                except TypeError:
                    order = "error"
            print(one.hex(), two.hex(), left == right, order)


def main():
    verb, arguments = sys.argv[1], sys.argv[2:]
    if verb == "dump":
        for name, protocol, data in pickles():
            with open(os.path.join(arguments[0], "%s.%s.pickle" % (name, protocol)), "wb") as file:
                file.write(data)
    elif verb == "check":
        check(*arguments)
    elif verb == "corpus":
        seen = set()
        for name, protocol, data in pickles():
            if len(data) < 1500 and data not in seen:
                seen.add(data)
                print("%s.%s" % (name, protocol), data.hex())
    elif verb == "seeds":
        for name, protocol, data in pickles():
            if len(data) < 1500:
                with open(os.path.join(arguments[0], "%s.%s" % (name, protocol)), "wb") as file:
                    file.write(data)
    elif verb == "reprs":
        for value in plain():
            shown = repr(value).encode("utf-8", "surrogatepass")
            print(pickle.dumps(value, 4).hex(), shown.hex())
    elif verb == "compare":
        compare()
    elif verb == "renames":
        import _compat_pickle

        for module, new in sorted(_compat_pickle.IMPORT_MAPPING.items()):
            print(module, "Whatever", new, "Whatever")
        for old, new in sorted(_compat_pickle.NAME_MAPPING.items()):
            print(*old, *new)


if __name__ == "__main__":
    main()
