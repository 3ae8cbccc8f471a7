# SPDX-License-Identifier: MIT
"""Forks children that leave a connection and then import, call, throw and generate without end,
and ends each by SIGTERM at a random moment.

Usage: python_busy.py CHILDREN PLACE SEED   PLACE is a directory for modules to import. Prints the
number of those that SIGTERM ended. For Python 2.7 and 3.
"""
import gc
import json
import os
import random
import re
import signal
import socket
import sys
import threading
import time

children, place, seed = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
random.seed(seed)
sys.path.insert(0, place)
sys.dont_write_bytecode = True
with open(os.path.join(place, "made_module.py"), "w") as f:
    f.write("class Made(object):\n    def method(self):\n        return [n\n"
            "                for n in range(3)]\n\n\ndef call():\n    return Made().method()\n")


class Deleted(object):
    def __init__(self, depth):
        self.depth = depth

    def __del__(self):
        if self.depth:
            Deleted(self.depth - 1)


def imports():
    sys.modules.pop("made_module", None)
    import made_module
    return made_module.call()


def throws(depth):
    try:
        if not depth:
            raise ValueError(depth)
        return throws(depth - 1)
    finally:
        Deleted(2)


def generates(count):
    for n in range(count):
        yield n
        if n % 7 == 6:
            for m in generates(2):
                yield m


def calls_back():
    return sorted(generates(20), key=lambda n: -n)


def caught():
    try:
        throws(6)
    except ValueError as error:
        return str(error)


def converts():
    re.purge()
    re.compile("(a|b)*[c-f]+%d" % len(gc.get_objects()))
    return json.loads(json.dumps({"a": [1, {"b": list(range(20))}]}, indent=1))


def made_code():
    space = {}
    exec(compile("def f(n):\n    return n + 1\n", os.path.join(place, "made.py"), "exec"), space)
    return [space["f"](n) for n in range(5)]


def busy(alone=True):
    while True:
        if alone:
            imports()
        caught()
        calls_back()
        list(map(caught, ())) or [caught() for _ in range(3)]
        converts()
        made_code()
        sum(x * y for x in range(10) for y in range(10))
        gc.collect()


def leak():
    """Its stack is captured, and it is something to report."""
    ours, peer = socket.socketpair()
    peer.close()
    ours.recv(1)
    return ours


def child(ready):
    kept = leak()
    other = threading.Thread(target=busy, args=(False,))
    other.daemon = True
    other.start()
    os.write(ready, b".")
    busy()
    return kept


with open(os.path.join(place, "made.py"), "w") as f:
    f.write("def f(n):\n    return n + 1\n")
kept = leak()  # all share the trace that it makes
ended = 0
for number in range(children):
    told, ready = os.pipe()
    pid = os.fork()
    if not pid:
        child(ready)
    os.read(told, 1)
    time.sleep(random.random() * 0.02)
    os.kill(pid, signal.SIGTERM)
    ended += os.waitpid(pid, 0)[1] == signal.SIGTERM
    os.close(told)
    os.close(ready)
print("ended %d" % ended)
sys.stdout.flush()
sys.stdin.read()
