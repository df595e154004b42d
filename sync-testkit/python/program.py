"""What the programs here have in common: each is connected to a manager, and has a watchdog."""

import faulthandler
import multiprocessing
import sys
from multiprocessing.managers import SyncManager

SECONDS_AT_MOST = 60


def run(functions, manager=SyncManager):
    """Calls a function by its name: ADDRESS KEYFILE NAME [ARGUMENT...]."""
    address, key_file, name, *arguments = sys.argv[1:]
    faulthandler.dump_traceback_later(SECONDS_AT_MOST, exit=True)
    host, colon, port = address.rpartition(":")
    with open(key_file, "rb") as key:
        multiprocessing.current_process().authkey = key.read().strip()
    connected = manager((host, int(port)) if colon else address)
    connected.connect()
    functions[name](connected, *arguments)


def raises(kind, act, text=""):
    """Checks that an act fails as it should; returns what it raised."""
    try:
        act()
    except kind as error:
        assert text in str(error), "%r does not say %r" % (str(error), text)
        return error
    raise AssertionError("nothing was raised, expected was %s" % (kind,))
