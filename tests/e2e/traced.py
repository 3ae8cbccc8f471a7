# SPDX-License-Identifier: MIT
"""Starts programs, with the library or without, and sees to it that they end."""
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("CLOSEWAIT_BUILD", os.path.join(SOURCE, "B")))
LIBRARY = os.path.join(BUILD, "preload", "libclosewait.so")
COMMAND = os.path.join(BUILD, "tools", "closewait")
PYTHON = "/usr/bin/python3"
DEADLINE = float(os.environ.get("CLOSEWAIT_TEST_DEADLINE", "30"))  # seconds


def example(name):
    """An example: a script in the source tree, or a program in the build tree."""
    script = os.path.join(SOURCE, "examples", name)
    return script if os.path.exists(script) else os.path.join(BUILD, "examples", name)


def program(name):
    script = os.path.join(HERE, "..", "programs", name)
    if os.path.exists(script):
        return os.path.abspath(script)
    return os.path.join(BUILD, "tests", "programs", "test_" + name)


def is_sanitized():
    """Whether the build is one with sanitizers."""
    with open(COMMAND, "rb") as f:
        return b"__asan_init" in f.read()


def pythons():
    """The interpreters under test: Debian's, and those that pyenv has built. What the sanitizers
    look at is the library, which does the same in most of them: two of them are enough there."""
    built = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python")))
    return [PYTHON] + (built[:1] + built[-1:] if is_sanitized() else built)


def until(condition, what, seconds=DEADLINE):
    """Asks until the answer is true, and returns the answer."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("waited %g s for %s" % (seconds, what))
        time.sleep(0.005)


def until_older_than(moment, seconds):
    """Returns when `moment` (monotonic) is that long ago."""
    until(lambda: time.monotonic() > moment + seconds, "time to pass")


def default_signals():
    """In a child: who runs the tests in the background, or by nohup, ignores some of these."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Traced:
    """One program that was started. stdout and stderr go to files."""

    def __init__(self, argv, place, env, stdin):
        os.makedirs(place)
        self.argv = argv
        self.out_path = os.path.join(place, "stdout")
        self.err_path = os.path.join(place, "stderr")
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(argv, stdin=stdin, stdout=out, stderr=err,
                                            env=env, cwd=place, preexec_fn=default_signals)
        self.pid = self.process.pid

    @property
    def out(self):
        with open(self.out_path, errors="replace") as f:
            return f.read()

    @property
    def err(self):
        with open(self.err_path, errors="replace") as f:
            return f.read()

    def line(self, pattern):
        """Waits for a line of output, and returns the match."""
        def look():
            found = re.search(pattern, self.out, re.M)
            if not found and self.process.poll() is not None:
                found = re.search(pattern, self.out, re.M)
                assert found, "%s ended with %s before it printed %r:\n%s%s" % (
                    self.argv, self.process.returncode, pattern, self.out, self.err)
            return found
        return until(look, "a line like %r of %s" % (pattern, self.argv))

    def port(self):
        return int(self.line(r"listening on 127\.0\.0\.1:(\d+)$").group(1))

    def alive(self):
        return self.process.poll() is None

    def wait(self):
        """The wait status, as subprocess gives it: -N is death by signal N."""
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise AssertionError("%s did not end:\n%s" % (self.argv, self.err))

    def end(self, number=signal.SIGTERM):
        os.kill(self.pid, number)
        return self.wait()

    def clean_up(self):
        if self.alive():
            self.process.kill()
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()


def environment(preload, options, directory, extra=None):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("CLOSEWAIT_", "LD_", "PYTHON", "PYENV"))}
    env["LC_ALL"] = "C"
    if preload:
        settings = {"dir": directory}
        settings.update(options or {})
        env["LD_PRELOAD"] = LIBRARY
        env["CLOSEWAIT_OPTIONS"] = ":".join(
            "%s='%s'" % pair for pair in settings.items() if pair[1] is not None)
    env.update(extra or {})
    return env


def client(port, data=b"", answer=0):
    """Connects, sends, reads `answer` bytes, closes. Returns the address it had."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as s:
        address = "%s:%d" % s.getsockname()
        if data:
            s.sendall(data)
        while answer > 0:
            got = s.recv(answer)
            assert got, "the server closed before it had answered"
            answer -= len(got)
    return address


def close_wait(port):
    """What ss says of the sockets of this port in CLOSE_WAIT: a list of dicts."""
    out = subprocess.run(["ss", "-Htne", "state", "close-wait", "sport", "=", ":%d" % port],
                         stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout
    sockets = []
    for line in out.splitlines():
        word = line.split()
        sockets.append({
            "queue": int(word[0]), "local": word[2], "peer": word[3],
            "ino": re.search(r"\bino:(\d+)", line).group(1),
            "sk": re.search(r"\bsk:(\w+)", line).group(1),
        })
    return sockets


def await_close_wait(port, count=1):
    return until(lambda: [s for s in [close_wait(port)] if len(s) == count],
                 "%d sockets of port %d in CLOSE_WAIT" % (count, port))[0]


def traces(directory):
    return sorted(glob.glob(os.path.join(glob.escape(str(directory)), "*", "*.cwtrace")))


def files_below(directory):
    return sorted(os.path.join(d, f) for d, _, names in os.walk(str(directory)) for f in names)


def closewait_lines(text):
    """The library's own messages, a report's headline not counted."""
    return [line for line in text.splitlines()
            if line.startswith("closewait: ") and not line.startswith("closewait: LEAK")]


def tool(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
