# SPDX-License-Identifier: MIT
"""A subinterpreter accepts and reads an end-of-file, inside frames of the main one; then the main
interpreter does, while the other is still there. Each prints its own stack just before.

Usage: subinterpreters.py main|thread DEPTH   `thread`: not in the main thread. The subinterpreter recurses
DEPTH calls deep. Ends with its standard input. For Python 3.8 to 3.13.
"""
import json
import socket
import sys
import threading
import traceback

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

CODE = """
import json, socket, sys, traceback

def tell(name):
    stack = traceback.extract_stack()[:-1]
    print(json.dumps({"shape": name, "stack": [[f.name, f.filename, f.lineno] for f in stack[::-1]]}))
    sys.stdout.flush()

def read(conn):
    conn.recv(64); tell("inner")

def descend(listener, depth):
    if depth:
        return descend(listener, depth - 1)
    conn, _ = listener.accept()
    read(conn)
    conn.detach()

listener = socket.socket(fileno=%d)
descend(listener, %d)
listener.detach()
"""

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(5)
kept = []


def tell(name):
    stack = traceback.extract_stack()[:-1]
    print(json.dumps({"shape": name,
                      "stack": [[f.name, f.filename, f.lineno] for f in stack[::-1]]}))


def read_here():
    conn, _ = listener.accept()
    conn.recv(64), tell("outer")
    kept.append(conn)


def outer():
    inner = interpreters.create()
    socket.create_connection(listener.getsockname()).close()
    interpreters.run_string(inner, CODE % (listener.fileno(), int(sys.argv[2])))
    socket.create_connection(listener.getsockname()).close()
    read_here()


if sys.argv[1] == "thread":
    thread = threading.Thread(target=outer)
    thread.start()
    thread.join()
else:
    outer()
print("ready")
sys.stdout.flush()
sys.stdin.read()
