# SPDX-License-Identifier: MIT
"""Servers of asyncio in one loop, each with a handler of another kind, which all leave their
connections: they read, answer and never close.

Usage: asyncio_handlers.py   Prints a line of JSON for each server, then "ready"; ends with
its standard input. A line has the server's name, its port, and its handler's function, file and
first line as Python itself tells them. For Python 3.6 and later.
"""
import asyncio
import functools
import json
import sys
import threading

kept = []


async def serve(reader, writer):
    kept.append((reader, writer))
    writer.write(await reader.read(64))
    await writer.drain()


async def handle_function(reader, writer):
    await serve(reader, writer)


async def handle_other(reader, writer):
    await serve(reader, writer)


async def handle_partial(word, reader, writer):
    await serve(reader, writer)


class Server:
    async def handle_method(self, reader, writer):
        await serve(reader, writer)

    async def handle_partial_method(self, word, reader, writer):
        await serve(reader, writer)


class Keeping(asyncio.Protocol):
    limit = 64

    def __init__(self, word=None):
        self.word = word

    def connection_made(self, transport):
        kept.append(transport)
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def eof_received(self):
        return True


class Callable:
    def __call__(self):
        return Keeping()


def only(function):
    return function.__code__


server = Server()
made = lambda: Keeping("made")  # noqa: E731
streams = [
    ("function", handle_function, only(handle_function)),
    ("other", handle_other, only(handle_other)),
    ("method", server.handle_method, only(Server.handle_method)),
    ("partial", functools.partial(handle_partial, 1), only(handle_partial)),
    ("partial of a method", functools.partial(server.handle_partial_method, 1),
     only(Server.handle_partial_method)),
    ("lambda that is a handler", lambda r, w: serve(r, w), None),
]
protocols = [
    ("class", Keeping, only(Keeping.connection_made)),
    ("lambda", made, only(made)),
    ("partial of a class", functools.partial(Keeping, 1), only(Keeping.connection_made)),
    ("no function at all", Callable(), None),
]


def told(name, listening, code):
    where = None
    if name == "lambda that is a handler":
        code = only(streams[-1][1])
    if code:
        where = [getattr(code, "co_qualname", code.co_name), code.co_filename,
                 code.co_firstlineno]
    port = listening.sockets[0].getsockname()[1]
    print(json.dumps({"name": name, "port": port, "handler": where}))


async def main(loop, ended):
    for name, handler, code in streams:
        told(name, await asyncio.start_server(handler, "127.0.0.1", 0), code)
    for name, factory, code in protocols:
        told(name, await loop.create_server(factory, "127.0.0.1", 0), code)
    print("ready")
    sys.stdout.flush()
    await ended


def until_stdin_ends(loop, ended):
    sys.stdin.read()
    loop.call_soon_threadsafe(ended.set_result, None)


loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
ended = loop.create_future()
threading.Thread(target=until_stdin_ends, args=(loop, ended), daemon=True).start()
loop.run_until_complete(main(loop, ended))
