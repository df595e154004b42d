"""Runs CPython's own tests of multiprocessing.Manager(), unmodified, against a sync-server.

    python3.X run_suite.py ADDRESS KEYFILE {fork,spawn,forkserver} [NAME...]

ADDRESS is a unix socket's path or HOST:PORT. The tests are those of the interpreter at hand
(test/_test_multiprocessing.py); only multiprocessing.Manager() and SyncManager().start() are
replaced by a connection to the server. After each test class the manager must hold no object.
"""

import faulthandler
import gc
import multiprocessing
import multiprocessing.managers
import os
import sys
import time
import unittest

from test import _test_multiprocessing as suite
from test import support

# Classes that use the manager's types, and no server, type or function of their own.
CLASSES = (
    "WithManagerTestLock",
    "WithManagerTestSemaphore",
    "WithManagerTestCondition",
    "WithManagerTestEvent",
    "WithManagerTestBarrier",
    "WithManagerTestQueue",
    "WithManagerTestContainers",
    "TestSyncManagerTypes",
    "TestManagerExceptions",
)

# What would have to run Python code in the manager.
OUT_OF_REACH = {
    "TestSyncManagerTypes.test_pool",
    "WithManagerTestBarrier.test_action",
}

# How many tests pass in these versions: fewer would mean that some got lost.
EXPECTED = {
    (3, 8): 51, (3, 9): 52, (3, 10): 52, (3, 11): 53, (3, 12): 53, (3, 13): 56, (3, 14): 62, (3, 15): 62,
}

# A hang is a failure that shows where it hangs.
SECONDS_AT_MOST = 600

# How long the last children of a test may take to end.
SECONDS_TO_DROP = 20


class ConnectedManager(multiprocessing.managers.SyncManager):
    """A manager that is there already."""

    def __init__(self, ctx=None):
        super().__init__(address_of(os.environ["SYNC_SUITE_ADDRESS"]))

    def start(self, *args):
        self.connect()

    def shutdown(self):
        deadline = time.monotonic() + SECONDS_TO_DROP
        while self._number_of_objects() > 0:
            gc.collect()
            if time.monotonic() > deadline:
                raise AssertionError("objects are left:\n" + self._debug_info())
            time.sleep(0.01)

    def join(self, timeout=None):
        pass


def address_of(text):
    host, colon, port = text.rpartition(":")
    return (host, int(port)) if colon else text


def connected_manager():
    manager = ConnectedManager()
    manager.start()
    return manager


def prepare():
    """Makes the tests' classes, also in a child that imports this module again."""
    multiprocessing.Manager = connected_manager
    suite.TestSyncManagerTypes.manager_class = ConnectedManager
    suite.install_tests_in_module_dict(globals(), os.environ["SYNC_SUITE_METHOD"])


def tests(names):
    found = unittest.TestSuite()
    for class_name in CLASSES:
        test_class = globals().get(class_name)
        if test_class is None:
            continue
        for method in unittest.defaultTestLoader.getTestCaseNames(test_class):
            name = class_name + "." + method
            if name not in OUT_OF_REACH and all(part in name for part in names):
                found.addTest(test_class(method))
    return found


def main(address, key_file, method, *names):
    with open(key_file, "rb") as key:
        # Proxies inside of proxies are told the key by this; children inherit it.
        multiprocessing.current_process().authkey = key.read().strip()
    chosen = tests(names)
    support.verbose = False
    faulthandler.dump_traceback_later(SECONDS_AT_MOST, exit=True)
    result = unittest.TextTestRunner(verbosity=2).run(chosen)
    faulthandler.cancel_dump_traceback_later()
    version = ".".join(map(str, sys.version_info[:3]))
    bad, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    passed = max(0, result.testsRun - bad - skipped)
    print("python %s, %s, %s: %d passed, %d skipped by themselves, %d failed" % (
        version, method, address, passed, skipped, bad))
    expected = EXPECTED.get(sys.version_info[:2])
    if result.wasSuccessful() and not names and expected not in (None, passed):
        sys.exit("expected were %d tests that pass" % expected)
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    os.environ["SYNC_SUITE_ADDRESS"] = sys.argv[1]
    os.environ["SYNC_SUITE_METHOD"] = sys.argv[3]
    prepare()
    main(*sys.argv[1:])
else:
    prepare()
