# SPDX-License-Identifier: MIT
"""A server that forks for a connection and forgets its own descriptor of it.

Usage: fork_forgets.py HOLD_SECONDS
"""
import os
import socket
import sys
import time


def serve(conn):
    assert conn.recv(10) == b"?"
    conn.sendall(b"!")
    assert conn.recv(10) == b""
    conn.close()


def handle(listener):
    conn, _ = listener.accept()
    pid = os.fork()
    if pid == 0:
        listener.close()
        serve(conn)
        os._exit(0)
    print("child", pid, flush=True)
    return conn


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(1)
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
forgotten = handle(listener)
os.wait()
time.sleep(float(sys.argv[1]))
print("ends", flush=True)
os._exit(0)
