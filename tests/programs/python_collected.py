# SPDX-License-Identifier: MIT
# Connections that nobody closes, each let go in its own way: one `closed-by-gc` each. What opens and
# what lets go is marked. Usage: python_collected.py CASE: says "ready" when it has happened, and waits
# for the end of its standard input.
import asyncio
import gc
import os
import socket
import sys
import threading
import time

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(50)


def client():
    return socket.create_connection(listener.getsockname())


def returns():
    def serve():
        conn, _ = listener.accept()  # opened: returns
        assert conn.recv(10) == b""

    client().close()
    serve()  # let go: returns


def raises():
    def serve():
        conn, _ = listener.accept()  # opened: raises
        if not conn.recv(10):
            raise EOFError

    client().close()
    try:
        serve()  # let go: raises
    except EOFError:  # let go: raises
        pass  # let go: raises
    return None  # let go: raises


class Session:
    def __init__(self, conn):
        self.conn = conn  # let go: collector_by_itself
        self.me = self  # let go: collector_by_itself


def cycle():
    client().close()
    session = Session(listener.accept()[0])  # opened: cycle
    assert session.conn.recv(10) == b""
    del session
    gc.collect()  # let go: cycle


def is_open(fd):
    try:
        return os.fstat(fd)  # let go: collector_by_itself
    except OSError:
        return None


def collector_by_itself():
    gc.enable()
    client().close()
    session = Session(listener.accept()[0])  # opened: collector_by_itself
    session.conn.recv(10)
    fd = session.conn.fileno()
    del session
    kept = []
    while is_open(fd):  # let go: collector_by_itself
        kept.append(Session(None))  # let go: collector_by_itself



def thread():
    def serve(conn):
        assert conn.recv(10) == b""

    client().close()
    one = threading.Thread(target=serve, args=[listener.accept()[0]])  # opened: thread
    one.start()
    one.join()


def dropped_client():
    def ask():
        one = socket.create_connection(listener.getsockname())  # opened: dropped_client
        one.sendall(b"hello")

    ask()  # let go: dropped_client
    listener.accept()[0].close()
    # Its peer is there still: within a second of the end it would not count.
    time.sleep(1.2)


def transport():
    done = []

    async def serve(reader, writer):
        done.append(await reader.read())

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.close()
        while not done:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        gc.collect()
        server.close()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()


def transport_alone():
    class Stays(asyncio.Protocol):
        def eof_received(self):
            return True

    async def main():
        server = await asyncio.get_event_loop().create_server(Stays, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.close()
        for _ in range(5):
            await asyncio.sleep(0.01)
        server.close()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()


if __name__ == "__main__":
    gc.disable()
    globals()[sys.argv[1]]()
    print("ready")
    sys.stdout.flush()
    sys.stdin.read()
