# SPDX-License-Identifier: MIT
"""nginx, redis-server and Node under the library: every answer as without, no finding."""
import grp
import http.client
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from traced import DEADLINE, closewait_lines, files_below, program, until

REQUESTS = 2000


def free_port():
    """A port that was free a moment ago, for servers that cannot say which they got."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Answers:
    """Asks an http server the same things over and over; keeps what differs."""

    def __init__(self, port, requests):
        self.port = port
        self.requests = requests  # (method, path, body)
        self.seen = []

    def ask(self, connection, request):
        method, path, body = request
        connection.request(method, path, body)
        answer = connection.getresponse()
        text = answer.read()
        headers = sorted((name.lower(), value) for name, value in answer.getheaders()
                         if name.lower() not in ("date", "last-modified", "etag"))
        return answer.status, headers, text

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)

    def keep_alive(self, count):
        connection = self.connect()
        answers = [self.ask(connection, self.requests[i % len(self.requests)])
                   for i in range(count)]
        connection.close()
        return answers

    def one_connection_each(self, count):
        answers = []
        for i in range(count):
            connection = self.connect()
            answers.append(self.ask(connection, self.requests[i % len(self.requests)]))
            connection.close()
        return answers


def load_with_ab(port, path):
    """20 clients at a time, with keep-alive and without."""
    if not shutil.which("ab"):
        return
    for keep in ([], ["-k"]):
        out = subprocess.run(["ab", "-q", "-n", str(REQUESTS), "-c", "20"] + keep +
                             ["http://127.0.0.1:%d%s" % (port, path)], timeout=120,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             universal_newlines=True).stdout
        assert re.search(r"Complete requests: +%d\b" % REQUESTS, out), out
        assert re.search(r"Failed requests: +0\b", out), out
        assert "Non-2xx" not in out, out
        if keep:
            kept = re.search(r"Keep-Alive requests: +(\d+)", out)
            assert kept and int(kept.group(1)) > REQUESTS * 0.9, out


def http_answers(port, requests):
    asked = Answers(port, requests)
    return asked.keep_alive(REQUESTS), asked.one_connection_each(REQUESTS // 2)


# nginx

NGINX = """
daemon off;
worker_processes 2;
pid %(place)s/nginx.pid;
error_log %(place)s/error.log notice;
%(user)s
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path %(place)s/body;
    proxy_temp_path %(place)s/proxy;
    fastcgi_temp_path %(place)s/fastcgi;
    uwsgi_temp_path %(place)s/uwsgi;
    scgi_temp_path %(place)s/scgi;
    keepalive_requests 100000;
    sendfile on;
    server {
        listen 127.0.0.1:%(port)d;
        root %(place)s/www;
        location /answer { return 200 "an answer\\n"; }
    }
}
"""


def unprivileged():
    """The workers' user: root's nginx drops its privileges, as in production."""
    if os.geteuid() != 0:
        return ""
    nobody = pwd.getpwnam("nobody")
    return "user %s %s;" % (nobody.pw_name, grp.getgrgid(nobody.pw_gid).gr_name)


@pytest.fixture
def nginx(start, need):
    """nginx(preload, **options): a running nginx, and its port."""
    binary = need("nginx")
    places = []

    def run(preload=True, prefix=(), **options):
        place = tempfile.mkdtemp(prefix="closewait-nginx-")  # its workers drop privileges
        places.append(place)
        os.chmod(place, 0o755)
        os.mkdir(place + "/www")
        with open(place + "/www/small.txt", "w") as f:
            f.write("a small file\n")
        with open(place + "/www/large.txt", "w") as f:
            f.write("0123456789abcdef" * 20000)
        port = free_port()
        with open(place + "/nginx.conf", "w") as f:
            f.write(NGINX % {"place": place, "port": port,
                             "user": unprivileged()})
        server = start(list(prefix) + [binary, "-p", place, "-c", place + "/nginx.conf",
                                       "-e", place + "/error.log"],
                       preload=preload, **options)
        until(lambda: accepts(port) or not server.alive(), "nginx")
        assert server.alive(), server.err
        server.place = place
        return server, port

    yield run
    for place in places:
        shutil.rmtree(place, ignore_errors=True)


NGINX_REQUESTS = [("GET", "/small.txt", None), ("GET", "/answer", None),
                  ("GET", "/absent", None), ("HEAD", "/small.txt", None),
                  ("GET", "/large.txt", None)]


@pytest.mark.parametrize("ending", [signal.SIGQUIT, signal.SIGTERM],
                         ids=lambda number: number.name)
def test_nginx(nginx, directory, ending):
    native, port = nginx(preload=False)
    expected = http_answers(port, NGINX_REQUESTS)
    assert native.end(ending) == 0
    server, port = nginx(grace="100ms")
    assert http_answers(port, NGINX_REQUESTS) == expected
    load_with_ab(port, "/small.txt")
    assert server.end(ending) == 0
    assert server.err == native.err == ""
    assert files_below(directory) == []


def test_nginx_reloads(nginx, directory):
    server, port = nginx(grace="100ms")
    for i in range(3):
        before = children(server.pid)
        os.kill(server.pid, signal.SIGHUP)
        until(lambda: len(set(children(server.pid)) - set(before)) == 2, "new workers")
        until(lambda: not set(children(server.pid)) & set(before), "the end of the old ones")
        assert Answers(port, NGINX_REQUESTS).keep_alive(10)[0][0] == 200
    assert server.end(signal.SIGQUIT) == 0
    assert server.err == ""
    assert files_below(directory) == []


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(word) for word in f.read().split()]


# redis

class Redis:
    """One client connection, and the raw bytes of the answers."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self.file = self.socket.makefile("rb")

    def ask(self, *words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(parts))
        return self.answer()

    def answer(self):
        line = self.file.readline()
        if line[:1] == b"$" and line != b"$-1\r\n":
            return line + self.file.read(int(line[1:]) + 2)
        if line[:1] == b"*":
            return line + b"".join(self.answer() for _ in range(int(line[1:])))
        return line

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def redis(start, need, tmp_path):
    binary = need("redis-server")

    def run(preload=True, prefix=(), **options):
        port = free_port()
        server = start(list(prefix) + [binary, "--port", port, "--bind", "127.0.0.1",
                                       "--save", "", "--appendonly", "no",
                                       "--daemonize", "no", "--dir", tmp_path],
                       preload=preload, **options)
        until(lambda: accepts(port) or not server.alive(), "redis-server")
        assert server.alive(), server.out + server.err
        return server, port

    return run


def redis_answers(port):
    answers = []
    kept = Redis(port)
    for i in range(REQUESTS):
        key = b"key:%d" % (i % 50)
        answers.append(kept.ask(b"SET", key, b"v" * (i % 700)))
        answers.append(kept.ask(b"GET", key))
        answers.append(kept.ask(b"RPUSH", b"list", key))
    answers.append(kept.ask(b"LRANGE", b"list", b"0", b"-1"))
    answers.append(kept.ask(b"NOSUCHCOMMAND"))
    for i in range(REQUESTS // 2):
        one = Redis(port)
        answers.append(one.ask(b"GET", b"key:%d" % (i % 60)))
        one.close()
    kept.close()
    return answers


def test_redis(redis, directory):
    native, port = redis(preload=False)
    expected = redis_answers(port)
    assert native.end() == 0
    server, port = redis(grace="100ms")
    assert redis_answers(port) == expected
    if shutil.which("redis-benchmark"):
        for keep in ("1", "0"):
            out = subprocess.run(["redis-benchmark", "-h", "127.0.0.1", "-p", str(port), "-q",
                                  "-n", str(REQUESTS), "-c", "20", "-k", keep, "-t",
                                  "set,get,lpush"], timeout=120, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, universal_newlines=True).stdout
            assert out.count("requests per second") == 3 and "Error" not in out, out
    assert server.end() == native.process.returncode
    assert closewait_lines(server.out + server.err) == []
    assert "closewait" not in server.err
    assert files_below(directory) == []


# Node

@pytest.fixture
def node(start, need):
    binary = need("node")

    def run(preload=True, prefix=(), **options):
        server = start(list(prefix) + [binary, program("http_server.js")], preload=preload,
                       **options)
        return server, server.port()

    return run


NODE_REQUESTS = [("GET", "/a", None), ("POST", "/b", "a body"), ("GET", "/c?d=e", None),
                 ("PUT", "/f", "x" * 70000)]


@pytest.mark.parametrize("ending", ["process.exit", "SIGTERM"])
def test_node(node, directory, ending):
    native, port = node(preload=False)
    expected = http_answers(port, NODE_REQUESTS)
    native.end()
    server, port = node(grace="100ms")
    assert http_answers(port, NODE_REQUESTS) == expected
    load_with_ab(port, "/path")
    if ending == "SIGTERM":
        assert server.end() == native.process.returncode == -signal.SIGTERM
    else:
        connection = Answers(port, []).connect()
        connection.request("GET", "/exit", headers={"Connection": "close"})
        connection.getresponse().read()
        connection.close()
        assert server.wait() == 0
    assert server.err == native.err == ""
    assert files_below(directory) == []
