# SPDX-License-Identifier: MIT
"""Many greenlets in one thread, which take turns inside recv() at the end of stacks of several shapes.
Each says what its own stack is just before it reads the end-of-file.

Usage: greenlets.py ROUNDS   One line of JSON for each greenlet, then "ready"; ends with its standard
input. Needs gevent.
"""
import json
import socket as plain_socket
import sys
import traceback

import gevent
import gevent.socket
import greenlet

KEPT = []


def tell(shape):
    """Stands on the same line as the call it speaks for."""
    stack = traceback.extract_stack()[:-1]
    print(json.dumps({"shape": shape, "stack": [[f.name, f.filename, f.lineno] for f in stack[::-1]]}))


def plain(conn, name):
    tell(name), conn.recv(64)


def recursion(conn, name, depth=12):
    if depth:
        return recursion(conn, name, depth - 1)
    return tell(name), conn.recv(64)


def generator(conn, name):
    def values():
        yield tell(name), conn.recv(64)
    return list(values())


def key_of_sort(conn, name):
    return sorted([1], key=lambda n: (tell(name), conn.recv(64)) and 1)


class Reads:
    def __init__(self, conn, name):
        self.conn, self.name = conn, name

    def __len__(self):
        tell(self.name), self.conn.recv(64)
        return 1


def slot(conn, name):
    return len(Reads(conn, name))


def in_greenlet(conn, name):
    """A greenlet within a greenlet."""
    inner = gevent.spawn(plain, conn, name)
    inner.join()


SHAPES = [plain, recursion, generator, key_of_sort, slot, in_greenlet]


def serve_at_once(conn, shape, name):
    """Begun by a switch, so that the stack goes on to what is outside of the greenlet."""
    greenlet.greenlet(serve).switch(conn._sock, shape, name)


def serve(conn, shape, name):
    shape(conn, name)
    KEPT.append(conn)


listener = gevent.socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(200)
peers, greenlets = [], []
for number in range(int(sys.argv[1])):
    for shape in SHAPES:
        peers.append(plain_socket.create_connection(listener.getsockname()))
        conn, _ = listener.accept()
        greenlets.append(gevent.spawn(serve, conn, shape, "%s %d" % (shape.__name__, number)))
gevent.sleep(0)
for shape in SHAPES[:-1]:
    peer = plain_socket.create_connection(listener.getsockname())
    conn, _ = listener.accept()
    conn._sock.setblocking(True)
    peer.close()
    serve_at_once(conn, shape, "%s at once" % shape.__name__)
for peer in peers[::2] + peers[1::2]:
    peer.close()
    gevent.sleep(0)
gevent.joinall(greenlets)
print("ready")
sys.stdout.flush()
sys.stdin.read()
