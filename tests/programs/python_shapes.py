# SPDX-License-Identifier: MIT
"""Threads that block in recv at the end of stacks of every shape, and what the interpreter itself
says of these stacks before the peer closes.

Usage: python_shapes.py DIRECTORY   One line of JSON for each shape, then "ready"; ends with its
standard input. For Python 2.7 and 3.
"""
import functools
import json
import os
import socket
import sys
import threading
import time
from contextlib import contextmanager

here = os.path.dirname(os.path.abspath(__file__))
SHAPES = []


def shape(function):
    SHAPES.append((function.__name__, function))
    return function


@shape
def plain(conn):
    conn.recv(64)


@shape
def nested(conn):
    def middle():
        def inner():
            return conn.recv(64)
        return inner()
    return middle()


@shape
def recursion(conn, depth=9):
    if depth:
        return recursion(conn, depth - 1)
    return conn.recv(64)


@shape
def deep(conn, depth=95):
    return deep(conn, depth - 1) if depth else conn.recv(64)


def gen_of(conn):
    yield 1
    yield conn.recv(64)


@shape
def generator(conn):
    for _ in gen_of(conn):
        pass


@shape
def generator_expression(conn):
    return list(conn.recv(64) for _ in range(1))


def decorate(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper


@decorate
def decorated_inner(conn):
    return conn.recv(64)


@shape
def decorator(conn):
    return decorated_inner(conn)


@shape
def lambdas(conn):
    return (lambda c: (lambda d: d.recv(64))(c))(conn)


@shape
def list_comprehension(conn):
    return [conn.recv(64) for _ in range(1)]


@shape
def dict_comprehension(conn):
    return {n: conn.recv(64)
            for n in range(1)}


@shape
def class_body(conn):
    class Body(object):
        attribute = 1
        data = conn.recv(64)
    return Body


@shape
def executed(conn):
    source = "\n\ndef f(c):\n    x = 1\n    return c.recv(64)\n\nf(conn)\n"
    exec(compile(source, "<made up>", "exec"), {"conn": conn})


@shape
def evaluated(conn):
    return eval("conn.recv(64)", {"conn": conn})


@contextmanager
def managed(conn):
    conn.recv(64)
    yield


@shape
def context_manager(conn):
    with managed(conn):
        pass


class Manager(object):
    def __init__(self, conn):
        self.conn = conn

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.conn.recv(64)


@shape
def context_exit(conn):
    with Manager(conn):
        x = 1
    return x


@shape
def sorted_key(conn):
    return sorted([1], key=lambda n: len(conn.recv(64)))


@shape
def mapped(conn):
    def called(n):
        return conn.recv(64)
    return list(map(called, [1]))


@shape
def partial(conn):
    return functools.partial(plain, conn)()


@shape
def reduced(conn):
    return functools.reduce(lambda a, b: conn.recv(64), [1, 2])


def adder(conn):
    count = [0]

    def closure():
        count[0] += 1
        return conn.recv(64)
    return closure


@shape
def closures(conn):
    return adder(conn)()


@shape
def try_finally(conn):
    try:
        int("1")
    finally:
        conn.recv(64)


@shape
def except_clause(conn):
    try:
        raise ValueError
    except ValueError:
        conn.recv(
            64)


@shape
def loop_with_else(conn):
    for _ in range(3):
        continue
    else:
        while True:
            if conn.recv(
                    64) is not None:
                break


class Holder(object):
    def __init__(self, conn):
        self.conn = conn

    def method(self):
        return self.conn.recv(64)

    @classmethod
    def of_class(cls, conn):
        return conn.recv(64)

    @staticmethod
    def of_none(conn):
        return conn.recv(64)

    @property
    def prop(self):
        return self.conn.recv(64)

    def __getattr__(self, name):
        return self.conn.recv(64)

    def __len__(self):
        self.conn.recv(64)
        return 1

    def __call__(self):
        return self.conn.recv(64)

    def __lt__(self, other):
        return bool(self.conn.recv(64))


class Derived(Holder):
    def method(self):
        return super(Derived, self).method()


@shape
def method(conn):
    return Derived(conn).method()


@shape
def class_method(conn):
    return Holder.of_class(conn)


@shape
def static_method(conn):
    return Holder.of_none(conn)


@shape
def property_of(conn):
    return Holder(conn).prop


@shape
def get_attribute(conn):
    return Holder(conn).missing


@shape
def length(conn):
    return len(Holder(conn))


@shape
def call_object(conn):
    return Holder(conn)()


@shape
def compared(conn):
    return sorted([Holder(conn), Holder(conn)]) and None


@shape
def file_object(conn):
    return conn.makefile("rb").read(4)


@shape
def imported(conn):
    sys.imported_connection = conn
    __import__("imported_shape")


def write_line_shapes(directory):
    """Functions with more lines than a byte tells, and lines longer than one tells columns."""
    blank = "\n" * 300
    with open(os.path.join(directory, "line_shapes.py"), "w") as f:
        f.write("def far(conn):\n    x = 1\n" + blank + "    x = 2\n" + blank * 2 +
                "    return conn.recv(64)\n\n\n")
        f.write("def long_line(conn):\n    return [" + "1, " * 200 + "conn.recv(64)]\n\n\n")
        f.write("def long_argument(conn):\n    return max([" + "1,\n" * 400 +
                "        len(conn.recv(64)),\n" + "2,\n" * 400 + "])\n\n\n")
        f.write("def much_code(conn):\n" + "    x = [1, 2, 3, str(4)]\n" * 600 +
                "    conn.recv(64)\n" + "    x = [1, 2, 3]\n" * 600)
    with open(os.path.join(directory, "imported_shape.py"), "w") as f:
        f.write("import sys\n\n\nsys.imported_connection.recv(64)\n")


def stack_of(thread):
    frame = sys._current_frames().get(thread.ident)
    stack = []
    while frame:
        code = frame.f_code
        stack.append([getattr(code, "co_qualname", code.co_name), code.co_filename,
                      frame.f_lineno])
        frame = frame.f_back
    return stack


def settled(thread):
    """The stack once it has stayed the same for a while: the thread is in recv."""
    same, last = 0, None
    while same < 4:
        time.sleep(0.008)
        stack = stack_of(thread)
        same = same + 1 if stack and stack == last else 0
        last = stack
    return last


KEPT = []


def run(function, listener):
    peer = socket.create_connection(listener.getsockname())
    conn, _ = listener.accept()
    KEPT.append(conn)
    thread = threading.Thread(target=function, args=(conn,))
    thread.daemon = True
    thread.start()
    stack = settled(thread)
    peer.close()
    thread.join()
    return stack


def main():
    directory = sys.argv[1]
    write_line_shapes(directory)
    sys.path.insert(0, directory)
    sys.dont_write_bytecode = True
    sys.setrecursionlimit(10000)
    import line_shapes
    for name in ("far", "long_line", "long_argument", "much_code"):
        SHAPES.append((name, getattr(line_shapes, name)))
    if sys.version_info >= (3, 6):
        sys.path.insert(0, os.path.join(here, "python3"))
        import shapes3
        SHAPES.extend(shapes3.SHAPES)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(5)
    for name, function in SHAPES:
        stack = run(function, listener)
        print(json.dumps({"shape": name, "stack": stack, "cwd": os.getcwd()}))
    print("ready")
    sys.stdout.flush()
    sys.stdin.read()


main()
