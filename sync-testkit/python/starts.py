"""A program that starts its manager itself, as docs/python.md says.

    python3 starts.py SERVER DIRECTORY
"""

import faulthandler
import os
import select
import signal
import subprocess
import sys
from multiprocessing.managers import SyncManager

from program import SECONDS_AT_MOST


def next_line(server):
    poll = select.poll()
    poll.register(server.stdout, select.POLLIN)
    assert poll.poll(SECONDS_AT_MOST * 1000), "the server says nothing"
    return server.stdout.readline().decode()


def main(binary, directory):
    faulthandler.dump_traceback_later(SECONDS_AT_MOST, exit=True)
    # What a terminal does with Ctrl-C reaches this program and what it starts.
    os.setpgid(0, 0)
    path, key = os.path.join(directory, "python"), os.path.join(directory, "key")
    with open(os.open(key, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write("0123456789abcdef0123456789abcdef\n")
    listeners = ["--python-listen=unix:" + path, "--python-listen=tcp:127.0.0.1:0"]
    server = subprocess.Popen(
        [binary, "--authkey-file", key, "--stop-with-stdin"] + listeners,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert next_line(server) == "READY python unix:%s\n" % path
    ready = next_line(server)
    assert ready.startswith("READY python tcp:127.0.0.1:"), ready
    host, port = ready.split("tcp:")[1].split(":")
    managers = []
    for address in path, (host, int(port)):
        managers.append(SyncManager(address, authkey=open(key, "rb").read().strip()))
        managers[-1].connect()
    lists = [manager.list([1]) for manager in managers]

    interrupts = []
    signal.signal(signal.SIGINT, lambda *_: interrupts.append(True))
    os.killpg(0, signal.SIGINT)
    assert interrupts, "a handler runs before kill returns to the program that sent it"
    for at, manager in enumerate(managers):
        lists[at].append(2)
        assert lists[at][:] == manager.list([1, 2])[:], "the server goes on"

    server.stdin.close()
    assert server.wait(SECONDS_AT_MOST) == 0, "it ends when it is told to"


if __name__ == "__main__":
    main(*sys.argv[1:])
