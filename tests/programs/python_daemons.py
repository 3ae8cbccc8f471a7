# SPDX-License-Identifier: MIT
"""Ends while daemon threads are in recv, and are woken just then. For Python 2.7 and 3."""
import atexit
import socket
import threading

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(50)
peers, kept = [], []


def serve(conn):
    while True:
        if not conn.recv(10):
            conn, peer = pair()
            kept.append((conn, peer))
            conn.close()
            return


def pair():
    peer = socket.create_connection(listener.getsockname())
    return listener.accept()[0], peer


for _ in range(12):
    conn, peer = pair()
    peers.append(peer)
    kept.append(conn)
    thread = threading.Thread(target=serve, args=(conn,))
    thread.daemon = True
    thread.start()


@atexit.register
def wake():
    for one in peers:
        one.shutdown(socket.SHUT_WR)
