# SPDX-License-Identifier: MIT
"""An event loop that is told of its peers' FINs, and stops watching them instead of closing."""
import select
import socket

connections = {}


def accept_connection(listener, poller):
    connection, _ = listener.accept()
    connections[connection.fileno()] = connection
    poller.register(connection, select.EPOLLIN | select.EPOLLRDHUP)


def handle_event(poller, fd, event):
    if event & select.EPOLLRDHUP:
        poller.unregister(fd)
        print("peer of fd %d has closed" % fd, flush=True)
    else:
        connections[fd].send(connections[fd].recv(100))


def serve(listener, poller):
    while True:
        for fd, event in poller.poll():
            if fd == listener.fileno():
                accept_connection(listener, poller)
            else:
                handle_event(poller, fd, event)


listener = socket.create_server(("127.0.0.1", 0))
poller = select.epoll()
poller.register(listener, select.EPOLLIN)
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
serve(listener, poller)
