# SPDX-License-Identifier: MIT
"""Shapes of stacks that only Python 3 has."""
import asyncio
import os

SHAPES = []


def shape(function):
    SHAPES.append((function.__name__, function))
    return function


@shape
def grüße(conn):
    return conn.recv(64)


@shape
def 関数(conn):
    def внутри():
        return conn.recv(64)
    return внутри()


@shape
def files_of_other_scripts(conn):
    """Kinds 1, 2 and 4 of str, relative and absolute."""
    def made(name, called):
        code = "def f(next):\n    return next()\n"
        space = {}
        exec(compile(code, name, "exec"), space)
        return lambda: space["f"](called)
    names = ["täst.py", "/x/日本.py", "🐍/🐍.py", "e" * 300 + ".py"]
    called = lambda: conn.recv(64)
    for name in names:
        called = made(name, called)
    return called()


@shape
def coroutine(conn):
    async def innermost():
        return conn.recv(64)

    async def outer():
        await asyncio.sleep(0)
        return await innermost()
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(outer())
    finally:
        loop.close()


@shape
def asynchronous_generator(conn):
    async def items():
        yield 1
        yield conn.recv(64)

    async def outer():
        async for _ in items():
            pass
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(outer())
    finally:
        loop.close()


def inner_generator(conn):
    yield conn.recv(64)


def delegating(conn):
    yield from inner_generator(conn)


@shape
def yield_from(conn):
    return list(delegating(conn))


@shape
def keyword_only(conn, *, more=1, **rest):
    f"{conn.recv(64)!r:>{more}}"


@shape
def metaclass(conn):
    class Meta(type):
        def __new__(mcs, name, bases, space):
            conn.recv(64)
            return type.__new__(mcs, name, bases, space)

    class Made(metaclass=Meta):
        pass
    return Made


@shape
def undecodable(conn):
    name = os.fsdecode(b"/x/\xff\xfe.py")
    exec(compile("conn.recv(64)", name, "exec"), {"conn": conn})
