# SPDX-License-Identifier: MIT
"""A dispatcher that passes each connection on to its worker, which forgets it after its end.

Usage: passes_on.py HOLD_SECONDS
"""
import os
import socket
import sys
import time


def take_in(channel):
    _, fds, _, _ = socket.recv_fds(channel, 1, 1)
    return socket.socket(fileno=fds[0])


def work(channel):
    with channel:
        conn = take_in(channel)
    assert conn.recv(10) == b"?"
    conn.sendall(b"!")
    assert conn.recv(10) == b""
    time.sleep(float(sys.argv[1]))
    os._exit(0)


def pass_on(channel, conn):
    socket.send_fds(channel, [b"x"], [conn.fileno()])
    conn.close()


def dispatch(channel):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
        conn, _ = listener.accept()
        pass_on(channel, conn)


ours, theirs = socket.socketpair()
if os.fork() == 0:
    ours.close()
    work(theirs)
theirs.close()
dispatch(ours)
ours.close()
os.wait()
