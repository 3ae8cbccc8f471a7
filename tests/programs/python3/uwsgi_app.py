# SPDX-License-Identifier: MIT
"""An application for uWSGI, which keeps what it should not: /connects a connection of its own, /keeps the
client's, on which it writes itself."""
import os
import socket

import uwsgi

KEPT = []
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(10)


def connects():
    conn = socket.create_connection(listener.getsockname())
    listener.accept()[0].close()
    conn.recv(1)  # reads the end
    KEPT.append(conn)


def application(env, start):
    path = env["PATH_INFO"]
    if path.endswith("connects"):
        connects()
    if path.endswith("keeps"):
        KEPT.append(os.dup(uwsgi.connection_fd()))
    write = start("200 OK", [("Content-Type", "text/plain")])
    write(b"done")  # writes
    return []
