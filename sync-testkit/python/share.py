"""What a Python program shares with a Rust program, by name.

    python3 share.py ADDRESS KEYFILE NAME [ARGUMENT...]
"""

import faulthandler
import multiprocessing
import os
import signal
import sys
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
