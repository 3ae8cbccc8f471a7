# SPDX-License-Identifier: MIT
"""Holds sockets in CLOSE_WAIT and others: close_waits.py [-6] KIND=COUNT …

  unread     the peer's FIN came after what was read, and is not read
  read       EOF was read
  data       5 bytes and then the FIN: nothing was read
  taken      the same, and the 5 bytes were read: no call has returned 0
  partly     the same, and 3 of them were read
  backlog    connections that are not accepted
  open       connected
  reset, shut    connections that are over: by a reset, by both sides' shutdown
  fresh, bound, refused   TCP sockets that were never connected
  others     one each of AF_UNIX, UDP, netlink, and a raw or packet one where permitted

Prints "ready PORT", and waits for a signal.
"""
import signal
import socket
import struct
import sys

arguments = sys.argv[1:]
family, host = socket.AF_INET, "127.0.0.1"
if arguments and arguments[0] == "-6":
    family, host = socket.AF_INET6, "::1"
    del arguments[0]
listener = socket.create_server((host, 0), family=family, backlog=4096)
listener_address = listener.getsockname()[:2]
held = []


def pair():
    client = socket.create_connection(listener_address)
    server, _ = listener.accept()
    held.append(server)
    return client, server


def until_state(sock, state):
    while sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != state:
        pass


CLOSE, CLOSE_WAIT = 7, 8


def leave(client, server, data=b""):
    if data:
        client.sendall(data)
    client.close()
    until_state(server, CLOSE_WAIT)


def unread():
    leave(*pair())


def read():
    client, server = pair()
    leave(client, server)
    assert server.recv(10) == b""


def data():
    leave(*pair(), b"hello")


def taken():
    client, server = pair()
    leave(client, server, b"hello")
    assert server.recv(10) == b"hello"


def partly():
    client, server = pair()
    leave(client, server, b"hello")
    assert server.recv(3) == b"hel"


def reset():
    client, server = pair()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    until_state(server, CLOSE)


def shut():
    client, server = pair()
    leave(client, server)
    server.shutdown(socket.SHUT_RDWR)
    until_state(server, CLOSE)


def backlog():
    socket.create_connection(listener_address).close()


def open_pair():
    held.append(pair()[0])


def fresh():
    held.append(socket.socket(family))


def bound():
    one = socket.socket(family)
    one.bind((host, 0))
    held.append(one)
    return one


def refused():
    one = socket.socket(family)
    try:
        one.connect(bound().getsockname()[:2])
    except ConnectionRefusedError:
        held.append(one)


def others():
    held.extend(socket.socketpair())
    held.append(socket.socket(family, socket.SOCK_DGRAM))
    held.append(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
    for one in ((socket.AF_INET, socket.SOCK_RAW, 1), (socket.AF_PACKET, socket.SOCK_RAW, 0)):
        try:
            held.append(socket.socket(*one))
        except PermissionError:
            pass


kinds = {"unread": unread, "read": read, "data": data, "taken": taken, "partly": partly,
         "reset": reset, "shut": shut, "open": open_pair, "fresh": fresh, "bound": bound,
         "refused": refused, "others": others, "backlog": backlog}
# What is left in the backlog would be accepted in the place of another.
for argument in sorted(arguments, key=lambda a: a.startswith("backlog")):
    kind, count = argument.split("=")
    for _ in range(int(count)):
        kinds[kind]()
print("ready %d" % listener_address[1], flush=True)
signal.pause()
