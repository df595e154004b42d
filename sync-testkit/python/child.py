"""A process beside the program, and states of it that can be seen."""

import multiprocessing
import os
import signal
import time

context = multiprocessing.get_context("fork")


def until(condition, what):
    """Waits for a state that can be seen."""
    while not condition():
        # The watchdog ends what never comes.
        time.sleep(0.002)
    return what


def waits_for_an_answer(process):
    with open("/proc/%s/syscall" % process) as file:
        # read(2): on x86-64, and on what has the generic numbers.
        return file.read().split()[0] in ("0", "63")


class Child:
    """A process that does something, and then something that may block it, until it is killed."""

    def __init__(self, first, then=None):
        ready, told = context.Pipe(duplex=False)
        self.process = context.Process(target=self.live, args=(told, first, then), daemon=True)
        self.process.start()
        told.close()
        self.answer = ready.recv()
        if then is not None:
            until(self.is_blocked, "the child waits for an answer")

    @staticmethod
    def live(told, first, then):
        told.send(first())
        if then is not None:
            then()
        signal.pause()

    def is_blocked(self):
        return waits_for_an_answer(self.process.pid)

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()
