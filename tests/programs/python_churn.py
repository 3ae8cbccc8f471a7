# SPDX-License-Identifier: MIT
"""Makes code objects, reads an end-of-file in each, and frees them: names and lines differ, and
addresses come again.

Usage: python_churn.py ROUNDS   One line of JSON a round, then "ready"; ends with its standard
input. For Python 2.7 and 3.
"""
import gc
import json
import socket
import sys

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(5)
kept, expected, addresses = [], [], set()


def once(n):
    """The same size of everything, another file, function and line."""
    blank = n * 7 % 50
    name = "f%04d" % (n % 97)
    source = "\n" * blank + "def %s(conn):\n    x = 1\n" % name
    source += "    x = 2\n" * (n % 3) + "    return conn.recv(64)\n" + "    x = 2\n" * (3 - n % 3)
    space = {}
    file = "/made/%04d.py" % (n % 89)
    exec(compile(source, file, "exec"), space)
    addresses.add(id(space[name].__code__))
    peer = socket.create_connection(listener.getsockname())
    conn, _ = listener.accept()
    peer.close()
    space[name](conn)
    kept.append(conn)
    return [name, file, blank + 3 + n % 3]


for number in range(int(sys.argv[1])):
    print(json.dumps(once(number)))
    if number % 10 == 0:
        gc.collect()
print("ready, %d addresses" % len(addresses))
sys.stdout.flush()
sys.stdin.read()
