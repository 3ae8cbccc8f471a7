# SPDX-License-Identifier: MIT
# Every way in which a healthy program of CPython 3 closes its connections, in C and in Python: no
# fault must be told of any. Usage: python_closes_well.py [CERTIFICATE [CASE …]]
import _socket
import asyncio
import concurrent.futures
import contextlib
import gc
import http.client
import http.server
import logging
import logging.handlers
import multiprocessing
import multiprocessing.connection
import os
import selectors
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import urllib.request
import weakref
import xmlrpc.client
import xmlrpc.server

certificate = sys.argv[1] if len(sys.argv) > 1 else ""
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(50)
cases = {}


def case(function):
    cases[function.__name__] = function
    return function


def pair():
    """A connection: what connected, which is closed by now, and what accepted, to be closed."""
    client = socket.create_connection(listener.getsockname())
    conn, _ = listener.accept()
    client.close()
    assert conn.recv(10) == b""
    return conn


@case
def by_method():
    pair().close()
    conn = pair()
    close = conn.close
    del conn
    close()


@case
def by_with():
    with pair():
        pass
    with contextlib.closing(pair()):
        pass
    with contextlib.ExitStack() as stack:
        stack.enter_context(pair())
        stack.callback(pair().close)


@case
def by_an_exception():
    for _ in range(3):
        conn = pair()
        try:
            with conn:
                raise ValueError
        except ValueError:
            pass


@case
def by_number():
    os.close(pair().detach())
    conn = pair()
    fd = conn.fileno()
    os.closerange(fd, fd + 1)
    conn.detach()
    conn = pair()
    spare = os.open(os.devnull, os.O_RDONLY)
    fd = conn.detach()
    os.dup2(spare, fd)
    os.close(spare)
    os.close(fd)


@case
def by_file():
    os.fdopen(pair().detach(), "rb", 0).close()
    with os.fdopen(pair().detach(), "rb"):
        pass
    conn = pair()
    stream = conn.makefile("rwb")
    stream.close()
    conn.close()
    conn = pair()
    stream = conn.makefile("rwb")
    conn.close()
    stream.close()
    # What close() has been called on goes away with the stream.
    conn = pair()
    stream = conn.makefile("rb")
    conn.close()
    del conn, stream


@case
def by_raw_type():
    conn = pair()
    own = _socket.socket(conn.family, conn.type, conn.proto, conn.detach())
    own.close()


@case
def by_letting_go_on_purpose():
    class Owner:
        def __init__(self):
            self.conn = pair()

        def close(self):
            self.conn = None

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.forget()

        def forget(self):
            del self.conn

    Owner().close()
    with Owner():
        pass


@case
def by_a_finalizer():
    class Owner:
        pass

    owner = Owner()
    weakref.finalize(owner, pair().close)
    del owner

    class Dies:
        def __init__(self):
            self.conn = pair()

        def __del__(self):
            self.conn.close()

    Dies()
    one = Dies()
    one.circle = one
    del one
    gc.collect()


@case
def by_a_copy():
    conn = pair()
    other = conn.dup()
    conn.close()
    other.close()
    with pair() as conn, socket.fromfd(conn.fileno(), conn.family, conn.type) as other:
        assert other.recv(1) == b""


@case
def probes_that_never_connected():
    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
        socket.socket(socket.AF_INET, kind)
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.connect(("127.0.0.1", 9))  # to learn the own address
    probe.getsockname()
    del probe
    refused = socket.socket()
    with contextlib.suppress(OSError):
        refused.connect(("127.0.0.1", 1))
    del refused
    socket.socketpair()


@case
def by_a_reset():
    client = socket.create_connection(listener.getsockname())
    conn, _ = listener.accept()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    with conn:
        with contextlib.suppress(ConnectionResetError):
            conn.recv(10)


@case
def by_selector():
    client = socket.create_connection(listener.getsockname())
    conn, _ = listener.accept()
    with selectors.DefaultSelector() as selector:
        selector.register(conn, selectors.EVENT_READ)
        client.close()
        (key, _), = selector.select()
        assert key.fileobj.recv(1) == b""
        selector.unregister(key.fileobj)
        key.fileobj.close()


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield "127.0.0.1", server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline()
        if line == b"raise\n":
            raise ValueError("asked for")
        self.wfile.write(line)


@case
def socket_servers():
    kinds = [socketserver.TCPServer, socketserver.ThreadingTCPServer,
             socketserver.ForkingTCPServer]
    for kind in kinds:
        with serving(kind(("127.0.0.1", 0), Echo)) as address:
            kind.handle_error = lambda *_: None
            for line in b"hello\n", b"raise\n":
                with socket.create_connection(address) as client:
                    client.sendall(line)
                    while client.recv(10):
                        pass


class Page(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


class ThreadingHTTPServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    pass


@case
def http_server_and_clients():
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Page)) as (host, port):
        url = "http://%s:%d/" % (host, port)
        with urllib.request.urlopen(url) as answer:
            answer.read()
        urllib.request.urlopen(url).close()
        # At its end an answer closes itself.
        assert urllib.request.urlopen(url).read() == b"hello"
        connection = http.client.HTTPConnection(host, port)
        for _ in range(3):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"hello"
        connection.close()


@case
def xmlrpc_server_and_client():
    server = xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False)
    server.register_function(pow)
    with serving(server) as address:
        with xmlrpc.client.ServerProxy("http://%s:%d" % address) as proxy:
            assert proxy.pow(2, 3) == 8


@case
def logging_handler():
    class Records(socketserver.StreamRequestHandler):
        def handle(self):
            self.rfile.read()

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Records)
    server.daemon_threads = False
    with serving(server) as address:
        handler = logging.handlers.SocketHandler(*address)
        handler.handle(logging.makeLogRecord({"msg": "hello"}))
        handler.close()


def run(main):
    if hasattr(asyncio, "run"):
        return asyncio.run(main)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


async def finished(writer):
    writer.close()
    if hasattr(writer, "wait_closed"):
        await writer.wait_closed()


@case
def asyncio_streams():
    async def handle(reader, writer):
        try:
            while True:
                data = await reader.read(100)
                if not data:
                    break
                writer.write(data)
        finally:
            writer.close()

    async def main():
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        for _ in range(3):
            reader, writer = await asyncio.open_connection(*address[:2])
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            await finished(writer)
        # One whose client is still there when the loop ends.
        reader, writer = await asyncio.open_connection(*address[:2])
        writer.write(b"hello")
        await reader.readexactly(5)
        server.close()
        writer.close()
        await asyncio.sleep(0.05)

    run(main())


@case
def asyncio_protocols():
    class Once(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            self.transport.write(data)
            self.transport.close()

    class Dropped(asyncio.Protocol):
        """Does nothing at the end: then the transport closes itself."""

    async def main():
        loop = asyncio.get_event_loop()
        for kind in Once, Dropped:
            server = await loop.create_server(kind, "127.0.0.1", 0)
            address = server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(*address[:2])
            writer.write(b"hello")
            if kind is Once:
                await reader.read()
            await finished(writer)
            await asyncio.sleep(0.05)
            server.close()
            await server.wait_closed()

    run(main())


@case
def asyncio_aborts():
    async def main():
        async def handle(reader, writer):
            await reader.read(1)
            writer.transport.abort()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"h")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        await finished(writer)
        server.close()
        await server.wait_closed()

    run(main())


@case
def subprocesses():
    conn = pair()
    subprocess.run([sys.executable, "-c", "pass"], stdin=conn, stdout=subprocess.PIPE,
                   check=True)
    conn.close()

    async def main():
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)",
                                                     stdout=subprocess.PIPE)
        await child.communicate()

    run(main())


def square(n):
    return n * n


@case
def process_pools():
    with multiprocessing.Pool(2) as pool:
        assert pool.map(square, range(4)) == [0, 1, 4, 9]
    with multiprocessing.Manager() as manager:
        shared = manager.dict()
        shared["a"] = 1
    with concurrent.futures.ProcessPoolExecutor(2) as executor:
        assert list(executor.map(square, range(4))) == [0, 1, 4, 9]
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        assert list(executor.map(square, range(4))) == [0, 1, 4, 9]


@case
def connections_of_multiprocessing():
    for family in "AF_INET", "AF_UNIX":
        with multiprocessing.connection.Listener(None, family) as server:
            def talk():
                with multiprocessing.connection.Client(server.address) as client:
                    client.send(1)

            thread = threading.Thread(target=talk)
            thread.start()
            with server.accept() as conn:
                assert conn.recv() == 1
            thread.join()
            # A Connection closes in its __del__: its own business.
            thread = threading.Thread(target=talk)
            thread.start()
            server.accept().recv()
            thread.join()


@case
def tls():
    if not certificate:
        return
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if hasattr(ssl, "PROTOCOL_TLS_SERVER")
                          else ssl.PROTOCOL_SSLv23)
    mine.load_cert_chain(certificate)
    theirs = ssl._create_unverified_context()

    def answer():
        for _ in range(3):
            conn, _ = listener.accept()
            try:
                with mine.wrap_socket(conn, server_side=True) as secure:
                    secure.sendall(secure.recv(10))
            except (ssl.SSLError, OSError):
                conn.close()

    thread = threading.Thread(target=answer)
    thread.start()
    with theirs.wrap_socket(socket.create_connection(listener.getsockname())) as client:
        client.sendall(b"hello")
        assert client.recv(10) == b"hello"
    client = theirs.wrap_socket(socket.create_connection(listener.getsockname()))
    client.sendall(b"hello")
    client.recv(10)
    with contextlib.suppress(OSError):
        client = client.unwrap()
    client.close()
    with socket.create_connection(listener.getsockname()) as client:
        client.sendall(b"this is no TLS\n\n")
        with contextlib.suppress(OSError):
            client.recv(10)
    thread.join()


@case
def tls_in_asyncio():
    if not certificate:
        return
    mine = ssl.SSLContext(ssl.PROTOCOL_SSLv23)
    mine.load_cert_chain(certificate)

    async def handle(reader, writer):
        writer.write(await reader.readexactly(5))
        await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=mine)
        reader, writer = await asyncio.open_connection(
            *server.sockets[0].getsockname()[:2], ssl=ssl._create_unverified_context())
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        await finished(writer)
        await asyncio.sleep(0.05)
        server.close()

    run(main())


if __name__ == "__main__":
    import warnings

    # What Python warns of, it would have collected itself.
    warnings.simplefilter("ignore")
    for name in sys.argv[2:] or list(cases):
        cases[name]()
        gc.collect()
    listener.close()
    print("done")
