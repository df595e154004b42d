"""How much a Python program may have, and have made of little, at once.

    python3 limits.py ADDRESS KEYFILE NAME [ARGUMENT...]
"""

import array
import multiprocessing
import operator
import os
import resource
import select
import signal
import socket
import threading
from multiprocessing.connection import Client
from multiprocessing.managers import RemoteError, SyncManager
from multiprocessing.reduction import ForkingPickler

import program
from program import raises

if not hasattr(SyncManager, "set"):
    SyncManager.register("set")


def comes_in(m):
    assert len(m.list([1, 2, 3])) == 3


def is_watched_though_no_file_is_left(m, server):
    server = int(server)
    create = None, "create", ("list", [1]), {}
    before = resource.prlimit(server, resource.RLIMIT_NOFILE)

    def let_in():
        return Client(m.address, authkey=multiprocessing.current_process().authkey)

    def take_files_away():
        held = set(map(int, os.listdir("/proc/%d/fd" % server)))
        free = next(number for number in range(len(held) + 1) if number not in held)
        resource.prlimit(server, resource.RLIMIT_NOFILE, (free, before[1]))

    first = let_in()
    take_files_away()
    first.send(create)
    kind, why = first.recv()
    assert kind == "#TRACEBACK" and "OSError: the manager cannot watch process" in why, why
    resource.prlimit(server, resource.RLIMIT_NOFILE, before)
    # A stranger makes room, the oldest first.
    strangers = []
    for _ in range(2):
        strangers.append(socket.socket(socket.AF_UNIX))
        strangers[-1].connect(m.address)
        assert strangers[-1].recv(4)
    second = let_in()
    take_files_away()
    second.send(create)
    kind, made = second.recv()
    assert kind == "#RETURN", made
    while strangers[0].recv(4096):
        pass
    strangers[1].setblocking(False)
    strangers[1].recv(4096)
    # One was enough.
    raises(BlockingIOError, lambda: strangers[1].recv(4096))


def has_no_more_connections_than(m, limit):
    def connect():
        return Client(m.address, authkey=multiprocessing.current_process().authkey)

    kept = []
    while len(kept) < int(limit):
        try:
            kept.append(connect())
        except (EOFError, OSError):
            pass  # the end of one that came before is not seen yet
    raises((EOFError, OSError), connect)


def has_no_more_threads_than(m, limit):
    def connect():
        mine = Client(m.address, authkey=multiprocessing.current_process().authkey)
        mine.send((None, "accept_connection", ("a thread",), {}))
        return mine, mine.recv()

    kept = []
    for _ in range(int(limit)):
        mine, (kind, what) = connect()
        assert kind == "#RETURN", what
        kept.append(mine)
    mine, (kind, why) = connect()
    assert kind == "#TRACEBACK" and limit + " threads of this host are connected" in why, why
    kept.pop().close()
    while kind != "#RETURN":  # the end of one that came before is not seen yet
        mine, (kind, why) = connect()


def nests(m, limit):
    deep = []
    for _ in range(int(limit)):
        deep = [deep]
    kept = m.list([[[1]]])
    raises(Exception, lambda: kept.append(deep), "nest")
    assert kept[:] == [[[1]]]


def a_lock_outlives_who_says_too_much(m):
    lock = m.Lock()

    def say_too_much():
        assert lock.acquire()
        mine = lock._tls.connection
        os.write(mine.fileno(), b"\x7f\xff\xff\xff")
        ended.append(mine.poll(20))

    ended = []
    thread = threading.Thread(target=say_too_much)
    thread.start()
    thread.join()
    assert ended == [True], "its connection is closed"
    assert lock.acquire(True, 20)


def reads_no_more_at_once_than(m, limit):
    few = m.list([bytes(1 << 20)])
    many = m.list([bytes(1 << 20)])
    many._callmethod("__imul__", (1 << 20,))
    # A thousand gigabytes each, of which the manager has one megabyte.
    acts = [lambda: few * (1 << 20), lambda: many[:], lambda: many._callmethod("__repr__")]
    acts += [lambda: m.list([few[0]]) * int(limit), lambda: many._callmethod("__reversed__")]
    for act in acts:
        raises(MemoryError, act, "ask for less at a time")
    assert len(many) == 1 << 20 and many[-1] == few[0] and many[:3] == few * 3
    # What is in one value counts, too: two bytes here are a text there.
    texts = m.list([["a"] * 100_000])
    assert texts[:] == [["a"] * 100_000]
    texts._callmethod("__imul__", (16,))
    for act in (lambda: texts[:], lambda: texts._callmethod("pop") + texts[:]):
        raises(MemoryError, act, "ask for less at a time")
    assert len(texts) == 15 and texts[0] == ["a"] * 100_000
    # So it does where nothing of it is answered.
    tuples, pairs = m.list([("a",) * 100_000]), m.list([(("a",) * 100_000, 1)])
    for often in tuples, pairs:
        often._callmethod("__imul__", (16,))
    for act in (
        lambda: texts.sort(key=len),
        lambda: texts.sort(key=operator.itemgetter(0)),
        lambda: m.set()._callmethod("update", (tuples,)),
        lambda: m.dict().update(pairs),
    ):
        raises(MemoryError, act, "use less at a time")
    raises(MemoryError, lambda: texts._callmethod("__repr__"), "ask for a part of it")
    few = m.list([(2, "b"), (1, "a")])
    few.sort(key=operator.itemgetter(0))
    assert m.dict(few).copy() == {1: "a", 2: "b"} and str(few) == "[(1, 'a'), (2, 'b')]"


def object_connection(m):
    mine = Client(m.address, authkey=multiprocessing.current_process().authkey)
    mine.send((None, "accept_connection", ("mine",), {}))
    assert mine.recv() == ("#RETURN", None)
    return mine


def brings_no_more_at_once_than(m, limit):
    text = "x" * (1 << 20)
    # The pickle has it once, and so has the manager.
    often = m.list([text] * 64)
    often.extend(iter([text] * 64))
    assert len(often) == 128 and often[-1] == text
    pairs = m.dict()
    pairs.update([("key", text)] * 64)
    assert pairs.copy() == {"key": text}
    kept = m.dict({1: 2})
    for act in (
        lambda: kept._callmethod("__or__", ({at: text for at in range(int(limit) + 1)},)),
        lambda: kept._callmethod("__ror__", ({at: text for at in range(int(limit) + 1)},)),
        lambda: kept._callmethod("fromkeys", (range(int(limit) + 1), text)),
    ):
        raises(MemoryError, act, "ask for less at a time")
    # As parts of others, it is in each.
    for act in (
        lambda: often.extend([[text, at] for at in range(int(limit) + 1)]),
        lambda: pairs.update([(at, [text, at]) for at in range(int(limit) + 1)]),
        # The pickle says a short one in two bytes, and a list again in two.
        lambda: often.extend([1] * ((int(limit) << 20) // 64)),
        lambda: often.append([1] * ((int(limit) << 20) // 64)),
        lambda: m.set().union(*[list(range(1000))] * (int(limit) * 20)),
    ):
        raises(MemoryError, act, "use less at a time")
    # So it is where a few words stand for much, in one operand or in many.
    numbers, members = m.list(range(1000)), m.set(range(1000))
    kinds = [range(1000), "x" * 1000, bytes(1000), array.array("q", range(1000)), numbers, members]
    kinds.append(m.list([("a",) * 1000]))
    names = ["union", "intersection", "difference_update", "intersection_update"] * 2
    for name, many in zip(names, kinds):
        assert len(members._callmethod("union", (many, many))) >= 1000
        call = lambda: members._callmethod(name, (many,) * (int(limit) * 20))
        raises(MemoryError, call, "use less at a time")
    much = int(limit) << 14
    for many in range(much), range(0, -much, -1), "x" * much, bytes(much), "\ud800" * much:
        raises(MemoryError, lambda: often.extend(many), "use less at a time")
    texts = [text] * int(limit)
    for many in enumerate(texts), zip(texts), zip(*[iter(texts)] * 2), zip(range(much), texts):
        raises(MemoryError, lambda: often.extend(many), "use less at a time")
    assert len(often) == 128 and len(pairs) == 1 and len(members) == 1000
    assert len(m.Array("i", [1] * 250_000)) == 250_000


def names_no_keyword_twice(m):
    mine = Client(m.address, authkey=multiprocessing.current_process().authkey)
    # No dict has a key twice; this pickle says 'a' once and recalls it.
    mine.send_bytes(b"\x80\x04(N\x8c\x06create\x8c\x09Namespace\x85}(\x8c\x01a\x94Nh\x00Nut.")
    kind, said = mine.recv()
    assert kind == "#TRACEBACK" and "given twice" in said, (kind, said)


def shows_no_more_than_may_be(m):
    numbers = [array.array(code, [0, 1, 100]) for code in "bBhHiIlLqQ"]
    for code in "bhilq":
        bits = 8 * array.array(code).itemsize
        numbers.append(array.array(code, [-(2 ** (bits - 1)), -1, 2 ** (bits - 1) - 1]))
        numbers.append(array.array(code.upper(), [2**bits - 1]))
    numbers += [array.array("f", [0.5, 1e30, -3]), array.array("d", [0.1, float("nan"), -1e300])]
    numbers += [array.array("u", "it's \u20ac"), array.array("i"), array.array("B", bytes(10**4))]
    for shown in numbers:
        same = m.Array(shown.typecode, shown if shown.typecode != "u" else shown.tounicode())
        assert same._callmethod("__repr__") == repr(shown), shown
    long = "x" * 100_000
    for _ in range(7):
        long = [long, long]
    # A tenth of a megabyte, of which more than ten are seen.
    often = [m.list([long]) for _ in range(100)]
    for one in often:
        one._callmethod("__imul__", (1000,))
    for one in often[0], m.dict({at: long for at in range(10)}):
        raises(MemoryError, lambda: one._callmethod("__repr__"), "ask for a part of it")
    begins = {
        often[0]: "[[[[[[[['xxx",
        m.dict(a=1): "{'a': 1}",
        m.set([2]): "{2}",
        m.Namespace(b=3): "Namespace(b=3)",
        m.Array("i", [4] * 100): "array('i', [4, 4",
        m.Value("i", 5): "Value('i', 5)",
    }
    shown = m._debug_info()
    for one, begin in begins.items():
        assert one._id + ":" in shown and "\n    " + begin in shown, shown
    assert max(map(len, shown.splitlines())) == 75 + 4


def makes_no_longer_normal_forms_than_may_be(m):
    long = "x" * 1000
    for _ in range(13):
        long = (long, long)
    # A kilobyte to the manager, which has eight megabytes of it where it compares.
    many = m.list([long])
    many._callmethod("__imul__", (1_000_000,))
    assert 5 not in many and many.count("x") == 0
    assert (5,) not in many and many.count((5,)) == 0 and many.count(long) == 1_000_000
    pairs, others = m.dict(a=1), m.list([(long, at) for at in range(1000)])
    for call in (
        many.sort,
        lambda: pairs.update([((long, at), 0) for at in range(1000)]),
        lambda: (5,) in others,
        lambda: others.count((5,)),
        lambda: others.index((5,)),
        lambda: others.remove((5,)),
    ):
        raises(MemoryError, call, "use fewer at a time")
    assert len(many) == 1_000_000 and len(pairs) == 1 and len(others) == 1000
    assert others.index((long, 3)) == 3


def says_much_on_many_connections_at_once(m):
    numbers = m.list([1])
    lists = 500_000
    # Half a megabyte, which comes to forty times as much when it is read.
    call = b"\x80\x04(\x8c" + bytes([len(numbers._id)]) + numbers._id.encode()
    call += b"\x8c\x06append(" + b"]" * lists + b"t}t."
    talkers = [object_connection(m) for _ in range(40)]
    for talker in talkers:
        rest = len(call).to_bytes(4, "big") + call[:-1]
        while rest:
            rest = rest[os.write(talker.fileno(), rest):]
    for talker in talkers:
        os.write(talker.fileno(), call[-1:])
    for talker in talkers:
        kind, error = talker.recv()
        assert kind == "#ERROR" and isinstance(error, TypeError), (kind, error)
    assert numbers[:] == [1]


def looks_through_a_tuple_once(m):
    long = tuple(range(200_000))
    # If each were looked through, nobody would wait for the end.
    many = [long] * 100_000 + [[]]
    pairs = [(key, 0) for key in many]
    calls = [lambda: m.set(many), lambda: m.dict(pairs), lambda: m.dict().update(pairs)]
    calls += [lambda: m.set().union(many), lambda: m.set().isdisjoint(many)]
    for call in calls:
        raises((TypeError, RemoteError), call, "unhashable type: 'list'")


def sorts_by_no_longer_keys_than_may_be(m):
    numbers = m.list([10**5000, 1])
    raises(ValueError, lambda: numbers.sort(key=str), "4300 digits")
    assert numbers[1] == 1
    many = m.list([["a" * 10000] * 200])
    many._callmethod("__imul__", (1000,))
    raises(MemoryError, lambda: many.sort(key=repr), "sort a copy")
    assert len(many) == 1000


def asks_ahead_and_goes(m):
    first, second = ("first", bytes(8 << 20)), ("second", bytes(8 << 20))
    jobs = m.Queue()
    jobs.put(first)
    jobs.put(second)
    takes_ahead_and_goes(m, jobs, "qsize", "get")
    assert [jobs.get(), jobs.get()] == [first, second]
    for index in -1, 0, -2:
        shelf = m.list([first, second])
        takes_ahead_and_goes(m, shelf, "__len__", "pop", index)
        assert shelf[:] == [first, second]
    table = m.dict([first, second])
    takes_ahead_and_goes(m, table, "__len__", "popitem")
    assert table.items() == [first, second]
    members = m.set([first, second])
    takes_ahead_and_goes(m, members, "__len__", "pop")
    assert members._callmethod("copy") == {first, second}


def takes_ahead_and_goes(m, shared, size, take, *args):
    mine = object_connection(m)
    for _ in range(2):
        mine.send((shared._id, take, args, {}))
    while shared._callmethod(size) != 1:
        assert shared._callmethod(size) > 0, "nobody who does not listen is heard further"
    mine.close()
    while shared._callmethod(size) != 2:
        pass


def until_it_is_hung_up_on(m, connection):
    ends = select.poll()
    ends.register(connection.fileno(), select.POLLRDHUP)
    while not ends.poll(10):
        # An honest client is served meanwhile.
        assert len(m.list([1, 2, 3])) == 3


def says_half_of_much(m, limit):
    talkers = []
    for _ in range(3):
        talkers.append(object_connection(m))
        half = int(limit).to_bytes(4, "big") + bytes(int(limit) // 2)
        while half:
            half = half[os.write(talkers[-1].fileno(), half):]
    until_it_is_hung_up_on(m, talkers[0])


def is_let_in_though_the_manager_stood_still(m, server):
    key = multiprocessing.current_process().authkey
    clients = [multiprocessing.connection.SocketClient(m.address) for _ in range(10)]
    for client in clients:
        assert client.poll(20), "it is asked for the key"
    os.kill(int(server), signal.SIGSTOP)
    # More time passes than a handshake may take.
    assert not select.select([], [], [], 3.5)[0]

    def come_in(client):
        multiprocessing.connection.answer_challenge(client, key)
        multiprocessing.connection.deliver_challenge(client, key)
        client.send((None, "create", ("list", [1]), {}))
        let_in.append(client.recv()[0])

    let_in = []
    threads = [threading.Thread(target=come_in, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    os.kill(int(server), signal.SIGCONT)
    for thread in threads:
        thread.join()
    assert let_in == ["#RETURN"] * 10, let_in


def sends_its_first_request_slowly(m):
    key = multiprocessing.current_process().authkey
    slow, silent = Client(m.address, authkey=key), Client(m.address, authkey=key)
    request = ForkingPickler.dumps((None, "create", ("list", [1]), {}))
    os.write(slow.fileno(), len(request).to_bytes(4, "big") + request[:10])
    # The server's patience with those that begin nothing is at its end.
    ends = select.poll()
    ends.register(silent.fileno(), select.POLLRDHUP)
    assert ends.poll(20_000), "it is hung up on"
    os.write(slow.fileno(), request[10:])
    assert slow.recv()[0] == "#RETURN"


def takes_no_answers(m, limit):
    much = m.list([bytes(int(limit) // 2)])
    silent = []
    for _ in range(8):
        silent.append(object_connection(m))
        silent[-1].send((much._id, "__getitem__", (0,), {}))
    until_it_is_hung_up_on(m, silent[0])


if __name__ == "__main__":
    program.run(globals())
