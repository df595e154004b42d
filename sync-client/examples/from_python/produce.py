"""The Python half of the example `from_python`: puts jobs into a queue that a Rust program made,
and reads their results out of its dict. It needs nothing but Python.

    python3 produce.py SOCKET KEYFILE PAGES
"""

import sys
from multiprocessing import current_process
from multiprocessing.managers import SyncManager

# Names that the Rust program gave.
SyncManager.register("jobs")
SyncManager.register("words")


def main(socket, key_file, pages):
    with open(key_file, "rb") as key:
        # Proxies look the key up here.
        current_process().authkey = key.read().strip()
    manager = SyncManager(socket)
    manager.connect()
    jobs, words = manager.jobs(), manager.words()
    for page in range(pages):
        jobs.put({"page": page, "text": "so many words as " + "word " * page})
    # Until each job that was put is done.
    jobs.join()
    print("python: %d words on %d pages" % (sum(words.values()), len(words)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
