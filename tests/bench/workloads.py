# SPDX-License-Identifier: MIT
"""What is served, and the load on it. Never one message in flight: waking up hides all else."""
import grp
import os
import pwd
import re
import shutil
import subprocess

from places import HERE, PYTHON, program

IN_FLIGHT = 16


def load_with(*argv):
    done = subprocess.run([str(a) for a in argv], timeout=600, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
    if done.returncode:
        raise RuntimeError("%s: %s" % (argv[0], done.stdout[-1000:]))
    return done.stdout


class Workload:
    """argv(place, port) is the server. load(port, operations) puts that many to it, and returns
    how many were done."""
    forks = False      # it tells of its children's CPU time itself
    tells_port = True  # on stdout; else it is told
    needs = ()
    fixed = False      # `operations` is not to be lessened

    def __init__(self, name, operations):
        self.name = name
        self.operations = operations  # in one slice

    def ready(self, pids):
        """Does it serve, with these processes?"""
        return True

    def lacks(self):
        """Why it cannot be run here, or None."""
        for name in self.needs:
            if not shutil.which(name):
                return "%s is not installed" % name
        return None


class Connections(Workload):
    """Connections, each sends 64 bytes and a FIN; the server reads to EOF and closes."""

    def __init__(self, name, operations, server, forks=False):
        super().__init__(name, operations)
        self.server = server
        self.forks = forks

    def argv(self, place, port):
        return [program(self.server)]

    def load(self, port, operations):
        load_with(program("load_connections"), port, operations, IN_FLIGHT, "finish")
        return operations


class Messages(Workload):
    """64 bytes each way, 16 in flight on one connection."""

    def argv(self, place, port):
        return [program("serve_messages")]

    def load(self, port, operations):
        load_with(program("load_messages"), port, 1, IN_FLIGHT, operations, 1)
        return operations


class PythonThreads(Workload):
    """http.server: a connection, a thread and an answer for each request."""

    def argv(self, place, port):
        return [PYTHON, "-B", os.path.join(HERE, "programs", "serve_http.py")]

    def load(self, port, operations):
        load_with(program("load_connections"), port, operations, IN_FLIGHT, "ask")
        return operations


class PythonAsyncio(Workload):
    """asyncio's streams: 16 connections at a time, each of ten messages."""
    each = 10

    def argv(self, place, port):
        return [PYTHON, "-B", os.path.join(HERE, "programs", "serve_asyncio.py")]

    def load(self, port, operations):
        rounds = max(operations // (IN_FLIGHT * self.each), 1)
        load_with(program("load_messages"), port, IN_FLIGHT, 1, self.each, rounds)
        return rounds * IN_FLIGHT * self.each


class Redis(Workload):
    """GET by 20 clients, each with so many requests in flight."""
    tells_port = False
    needs = ("redis-server", "redis-benchmark")

    def __init__(self, name, operations, pipelined):
        super().__init__(name, operations)
        self.pipelined = pipelined

    def argv(self, place, port):
        return ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no", "--daemonize", "no", "--dir", place,
                "--logfile", os.path.join(place, "log")]

    def load(self, port, operations):
        load_with("redis-benchmark", "-h", "127.0.0.1", "-p", port, "-q", "-t", "get",
                  "-n", operations, "-c", 20, "-P", self.pipelined)
        return operations


NGINX = """
daemon off;
worker_processes 1;
pid %(place)s/nginx.pid;
error_log %(place)s/error.log crit;
%(user)s
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path %(place)s/body;
    proxy_temp_path %(place)s/proxy;
    fastcgi_temp_path %(place)s/fastcgi;
    uwsgi_temp_path %(place)s/uwsgi;
    scgi_temp_path %(place)s/scgi;
    keepalive_requests 1000000000;
    server {
        listen 127.0.0.1:%(port)d backlog=512;
        root %(place)s;
        location / { return 200 "an answer\\n"; }
    }
}
"""


def unprivileged():
    """The worker's user: root's nginx drops its privileges."""
    if os.geteuid() != 0:
        return ""
    nobody = pwd.getpwnam("nobody")
    return "user %s %s;" % (nobody.pw_name, grp.getgrgid(nobody.pw_gid).gr_name)


class Nginx(Workload):
    """An answer from its configuration, by one worker."""
    tells_port = False

    def ready(self, pids):
        """The master listens before it has a worker."""
        return len(pids) > 1

    def argv(self, place, port):
        conf = os.path.join(place, "nginx.conf")
        with open(conf, "w") as f:
            f.write(NGINX % {"place": place, "port": port,
                             "user": unprivileged()})
        return ["nginx", "-p", place, "-c", conf, "-e", os.path.join(place, "error.log")]


class NginxKeepAlive(Nginx):
    """wrk takes no number of requests, only seconds."""
    needs = ("nginx", "wrk")
    fixed = True

    def load(self, port, operations):
        out = load_with("wrk", "-t1", "-c%d" % IN_FLIGHT, "-d%ds" % operations,
                        "http://127.0.0.1:%d/" % port)
        return int(re.search(r"(\d+) requests in", out).group(1))


class NginxShort(Nginx):
    """A connection for each request."""
    needs = ("nginx", "ab")

    def load(self, port, operations):
        load_with("ab", "-q", "-n", operations, "-c", IN_FLIGHT,
                  "http://127.0.0.1:%d/" % port)
        return operations


ALL = [
    Connections("short", 4000, "serve_short"),
    Messages("messages", 30000),
    Redis("redis-P1", 10000, 1),
    Redis("redis-P16", 60000, 16),
    NginxKeepAlive("nginx-keep-alive", 1),
    NginxShort("nginx-short", 4000),
    Connections("fork", 400, "serve_forks", forks=True),
    Connections("threads", 2500, "serve_threads"),
    PythonThreads("python-threads", 500),
    PythonAsyncio("python-asyncio", 4000),
]
