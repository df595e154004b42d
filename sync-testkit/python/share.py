"""What a Python program shares with a Rust program, by name.

    python3 share.py ADDRESS KEYFILE NAME [ARGUMENT...]
"""

import faulthandler
import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Client
from multiprocessing.managers import SyncManager

SyncManager.register("jobs")
SyncManager.register("done")
SyncManager.register("gate")


def a_queue(m):
    jobs = m.jobs()
    assert jobs.get() == "from rust" and jobs.qsize() == 0
    jobs.put("from python")
    m.done().put(7)


def a_lock(m, state):
    assert m.gate().acquire(False) == (state == "free")


def leave_behind(m):
    kept = m.list([1]), m.dict(a=m.Queue())
    assert len(kept[0]) == len(kept[1]) == 1
    os.kill(os.getpid(), signal.SIGKILL)


def comes_in(m):
    assert len(m.list([1, 2, 3])) == 3


def has_no_more_connections_than(m, limit):
    def connect():
        return Client(m.address, authkey=multiprocessing.current_process().authkey)

    kept = []
    while len(kept) < int(limit):
        try:
            kept.append(connect())
        except (EOFError, OSError):
            pass  # the end of one that came before is not seen yet
    try:
        connect()
    except (EOFError, OSError):
        return
    raise AssertionError("one too many was let in")


def nests(m, limit):
    deep = []
    for _ in range(int(limit)):
        deep = [deep]
    kept = m.list([[[1]]])
    try:
        kept.append(deep)
    except Exception as error:
        assert "nest" in str(error), repr(error)
    else:
        raise AssertionError("it was taken")
    assert kept[:] == [[[1]]]


def main(address, key_file, name, *arguments):
    faulthandler.dump_traceback_later(60, exit=True)
    host, colon, port = address.rpartition(":")
    with open(key_file, "rb") as key:
        multiprocessing.current_process().authkey = key.read().strip()
    manager = SyncManager((host, int(port)) if colon else address)
    manager.connect()
    globals()[name](manager, *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
