# SPDX-License-Identifier: MIT
"""closewait top: on a terminal, and where there is none."""
import os
import re
import signal
import subprocess

import pytest

from screen import Screen
from traced import COMMAND, DEADLINE, client, environment, example, until

PLACE = re.compile(r"error_path_leak\.c:\d+ main")
KEYS = "q leave"


@pytest.fixture
def screen(need, tmp_path):
    need("tmux")
    one = Screen(str(tmp_path))
    yield one
    one.close()


class Server:
    """Leaks what asks for nothing: `unread` never read again, `read` with its EOF read."""

    def __init__(self, start):
        self.one = start([example("error_path_leak"), 0, 40], grace="20ms")
        self.port = self.one.port()
        self.pid = self.one.pid

    def leak(self, unread=0, read=0):
        for request in [b"bad\n"] * unread + [b"x"] * read:
            client(self.port, request)


@pytest.fixture
def server(start):
    return Server(start)


def once(pid, *options):
    done = subprocess.run([COMMAND, "top", "--once"] + list(options) + [str(pid)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                          timeout=DEADLINE, env=environment(False, None, None))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def rows(text):
    """(count, verdict) of each row, from the top down."""
    return [(int(m.group(1)), m.group(2)) for m in
            re.finditer(r"^ *(\d+) .*%s *([a-z-]+)" % PLACE.pattern, text, re.M)]


def await_rows(pid, expected):
    until(lambda: sorted(rows(once(pid))) == sorted(expected), "rows %r" % (expected,))


# Without a terminal

def test_once_has_the_largest_place_first(server):
    server.leak(unread=2, read=5)
    await_rows(server.pid, [(5, "eof-ignored"), (2, "eof-unread")])
    text = once(server.pid)
    assert rows(text) == [(5, "eof-ignored"), (2, "eof-unread")], text
    assert "8 sockets opened, 0 closed, 7 leaked, 1 listening" in text, text
    used = len(os.listdir("/proc/%d/fd" % server.pid))
    limit = int(re.search(r"open files +(\d+)", open("/proc/%d/limits" % server.pid).read()).group(1))
    assert "pid %d: %d of %d descriptors, %d left\n" % (server.pid, used, limit, limit - used) in text


def test_once_sorts(server):
    server.leak(unread=1)
    await_rows(server.pid, [(1, "eof-unread")])
    server.leak(read=2)
    await_rows(server.pid, [(1, "eof-unread"), (2, "eof-ignored")])
    assert rows(once(server.pid, "--sort", "count"))[0] == (2, "eof-ignored")
    assert rows(once(server.pid, "--sort", "oldest"))[0] == (1, "eof-unread")
    assert rows(once(server.pid, "--sort", "bytes"))[0] == (1, "eof-unread")


def test_show_open_has_the_listener(server):
    server.leak(unread=1)
    assert " open " not in once(server.pid)
    assert re.search(r"listen\.h:\d+ \S+ +open ", once(server.pid, "--show-open"))


def test_lines_go_on_until_the_end(server, start):
    server.leak(unread=1)
    await_rows(server.pid, [(1, "eof-unread")])
    top = start([COMMAND, "top", "--interval", "100ms", server.pid], preload=False)
    until(lambda: len(rows(top.out)) >= 2, "two looks")
    server.leak(unread=3)
    until(lambda: (4, "eof-unread") in rows(top.out), "a look at the new ones")
    grown = [line for line in top.out.splitlines() if re.match(r" +4 ", line)][0]
    assert re.match(r" +4 +\+\d+\.\d ", grown), grown
    assert re.search(r"left: for \S+ at \d+\.\d more a minute", top.out), top.out
    server.one.end(signal.SIGTERM)
    assert top.wait() == 0


def test_an_interrupt_ends_the_lines(server, start):
    top = start([COMMAND, "top", "--interval", "100ms", server.pid], preload=False)
    top.line("opened")
    assert top.end(signal.SIGINT) == 0


@pytest.mark.parametrize("arguments, named", [
    (["--interval", "1ms"], "--interval: '1ms'"),
    (["--interval", "soon"], "--interval: 'soon'"),
    (["--sort", "size"], "--sort: 'size'"),
    (["--grace", "x"], "--grace: 'x'"),
    (["1", "2"], "top:"),
    (["/nowhere"], "/nowhere"),
    (["--what"], "unrecognized option '--what'"),
])
def test_bad_input_is_named_in_one_line(closewait, arguments, named):
    done = closewait("top", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and named in done.stderr, done.stderr


# On a terminal

def test_screen_shows_the_right_place_first(screen, server):
    server.leak(unread=2, read=5)
    await_rows(server.pid, [(5, "eof-ignored"), (2, "eof-unread")])
    screen.command(COMMAND, "top", server.pid)
    lines = screen.until(KEYS, "eof-ignored", "eof-unread")
    assert len(lines) == 25 and all(len(line) <= 80 for line in lines)
    assert "error_path_leak" in lines[0] and "running" in lines[0]
    assert "descriptors" in lines[1]
    assert rows("\n".join(lines)) == [(5, "eof-ignored"), (2, "eof-unread")]
    server.leak(unread=4)
    screen.until("     6 ")
    assert rows(screen.text())[0] == (6, "eof-unread")
    assert re.search(r"^ +6 +\+\d+\.\d ", screen.text(), re.M)


def test_keys(screen, server):
    server.leak(unread=1)
    await_rows(server.pid, [(1, "eof-unread")])
    server.leak(read=3)
    await_rows(server.pid, [(1, "eof-unread"), (3, "eof-ignored")])
    screen.command(COMMAND, "top", server.pid)
    screen.until("s sort: count", "eof-unread")
    screen.type("s", "s")
    screen.until("s sort: oldest")
    assert rows(screen.text())[0] == (1, "eof-unread")
    screen.type("Home", "Enter")
    screen.until("q back", "first read", "read_line")
    screen.type("q")
    screen.until(KEYS)
    screen.type("/", "ignored", "Enter")
    screen.until("q leave  /ignored")
    assert rows(screen.text()) == [(3, "eof-ignored")]
    screen.type("Enter")
    screen.until("q back", "EOF read")
    screen.type("Left")
    screen.until(KEYS)
    screen.type("/", "Escape")
    screen.until("eof-unread")
    screen.type("o")
    screen.until(" open  [")
    screen.type("p")
    screen.until("paused", "p go on")
    screen.type("p", "q")
    screen.until("$ ")
    assert KEYS not in screen.text()


def leaves_a_sane_terminal(screen, begin, leave):
    """What the terminal is set to is the same before and after."""
    screen.command("stty", "-g")
    line = screen.until("$ stty -g")
    until(lambda: re.search(r"^[0-9a-f:]{20,}$", screen.text(), re.M), "stty's answer")
    before = re.findall(r"^[0-9a-f:]{20,}$", screen.text(), re.M)[-1]
    screen.command("clear")
    begin()
    leave()
    screen.command("echo", "left", "it")
    screen.until("\nleft it\n")
    screen.command("stty", "-g")
    until(lambda: before in re.findall(r"^[0-9a-f:]{20,}$", screen.text(), re.M),
          "the terminal as it was: %s\n%s" % (before, line))
    assert screen.run("display-message", "-p", "#{alternate_on} #{cursor_flag}") == "0 1\n"


def test_leaving_leaves_a_sane_terminal(screen, server):
    def begin():
        screen.command(COMMAND, "top", server.pid)
        screen.until(KEYS)

    leaves_a_sane_terminal(screen, begin, screen.leave)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP,
                                    signal.SIGQUIT])
def test_a_signal_leaves_a_sane_terminal(screen, server, number):
    def begin():
        screen.command(COMMAND, "top", server.pid)
        screen.until(KEYS)

    def leave():
        shell = screen.run("display-message", "-p", "#{pane_pid}").strip()
        top = subprocess.check_output(["ps", "-o", "pid=", "--ppid", shell])
        os.kill(int(top), number)
        until(lambda: not os.path.exists("/proc/%d" % int(top)), "its end: " +
              open("/proc/%d/status" % int(top)).read())

    leaves_a_sane_terminal(screen, begin, leave)


def test_screen_is_resized(screen, server):
    server.leak(unread=2, read=5)
    await_rows(server.pid, [(5, "eof-ignored"), (2, "eof-unread")])
    screen.command(COMMAND, "top", server.pid)
    screen.until(KEYS, "eof-unread")
    screen.resize(120, 40)
    until(lambda: KEYS in screen.lines()[39], "the keys in the last line of 40")
    screen.resize(40, 10)
    until(lambda: "enter stacks" in screen.lines()[9], "the keys in the last line of 10")
    assert all(len(line) <= 40 for line in screen.lines())
    screen.type("Enter")
    screen.until("q back")
    screen.resize(20, 3)
    screen.type("q")
    screen.resize(80, 24)
    until(lambda: KEYS in screen.lines()[23], "the keys in the last line of 24")
    assert rows(screen.text()) == [(5, "eof-ignored"), (2, "eof-unread")]
    screen.leave()
    screen.command("echo", "left", "it")
    screen.until("\nleft it\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_what_is_watched(screen, server, number):
    server.leak(unread=3)
    await_rows(server.pid, [(3, "eof-unread")])

    def begin():
        screen.command(COMMAND, "top", "--interval", "100ms", server.pid)
        screen.until(KEYS, "eof-unread")
        os.kill(server.pid, number)
        server.one.wait()
        screen.until("ended")
        assert (3, "eof-unread") in rows(screen.text())

    leaves_a_sane_terminal(screen, begin, screen.leave)


def test_a_session_of_run_is_watched_to_its_end(screen, run, directory, tmp_path):
    program_of_long_name = tmp_path / ("long" * 20)  # the screen has 80 columns
    program_of_long_name.symlink_to(example("error_path_leak"))
    one = run("--grace", "20ms", command=[program_of_long_name, "0", "40"])
    client(one.port(), b"bad\n")
    screen.command(COMMAND, "top", "--interval", "100ms", directory)
    screen.until("eof-unread", "running")
    child = int(subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(one.pid)]))
    os.kill(child, signal.SIGTERM)
    one.wait()
    screen.until("ended by SIGTERM", "no process of it lives any more")
    screen.type("q")


def test_an_unknown_terminal_is_named(screen, server):
    screen.command("env", "TERM=nothing-like-this", COMMAND, "top", server.pid)
    screen.until("this terminal is not known")
    screen.until_alone()
    screen.command("echo", "left", "it")
    screen.until("\nleft it\n")


def test_a_terminal_without_a_screen_is_named(screen, server):
    screen.command("env", "TERM=dumb", COMMAND, "top", server.pid)
    screen.until("this terminal has no screen")
    screen.command("echo", "left", "it")
    screen.until("\nleft it\n")


def test_lines_that_cannot_be_written_end_it(server):
    with open("/dev/full", "w") as full:
        done = subprocess.run([COMMAND, "top", "--interval", "100ms", str(server.pid)],
                              stdout=full, stderr=subprocess.PIPE, encoding="utf-8", timeout=30)
    assert done.returncode == 2
    assert done.stderr == "closewait: standard output: No space left on device\n"


def test_a_terminal_that_is_gone_ends_it(server, terminals):
    """Also if no SIGHUP says so: this is not its controlling terminal."""
    ours, theirs = os.openpty()
    top = subprocess.Popen([COMMAND, "top", str(server.pid)], stdin=theirs, stdout=theirs,
                           stderr=theirs, env=dict(os.environ, TERM="xterm"))
    os.close(theirs)
    until(lambda: b"OPENED IN" in os.read(ours, 65536), "the screen")
    os.close(ours)
    try:
        assert top.wait(30) == 0
    finally:
        top.kill()


# Metrics

def test_metrics_are_those_of_the_look(server, closewait, tmp_path, need):
    need("promtool")
    server.leak(unread=2, read=5)
    await_rows(server.pid, [(5, "eof-ignored"), (2, "eof-unread")])
    path = tmp_path / "closewait.prom"
    done = closewait("top", "--once", "--quiet", "--prometheus", path, server.pid)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = path.read_text()
    labels = 'command="error_path_leak",pid="%d"' % server.pid
    for line in ['closewait_sockets{%s,eof="read"} 5' % labels,
                 'closewait_sockets{%s,eof="unread"} 2' % labels,
                 'closewait_open_fds{%s} %d' % (labels, len(os.listdir("/proc/%d/fd" % server.pid)))]:
        assert line + "\n" in text, text
    report = closewait("report", server.pid).stdout
    for verdict, count in (("eof-ignored", 5), ("eof-unread", 2)):
        mark = re.search(r"^%s .*\[([0-9a-f]{8})\]" % verdict, report, re.M).group(1)
        site = r'closewait_site_sockets\{fingerprint="%s",place="%s"\} %d\n' % (
            mark, PLACE.pattern, count)
        assert re.search(site, text), text
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, encoding="utf-8",
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_metrics_follow_each_look(server, start, tmp_path):
    path = tmp_path / "closewait.prom"
    top = start([COMMAND, "top", "--quiet", "--interval", "100ms", "--prometheus", path,
                 server.pid], preload=False)
    until(path.exists, "the first look")
    server.leak(read=3)
    until(lambda: ',eof="read"} 3\n' in path.read_text(), "a look at the leaks")
    server.one.end(signal.SIGTERM)
    assert top.wait() == 0
    assert (top.out, top.err) == ("", "")


def test_metrics_that_cannot_be_written_are_named(server, closewait):
    done = closewait("top", "--once", "--prometheus", "/nowhere/closewait.prom", server.pid)
    assert done.returncode == 2
    assert "/nowhere/closewait.prom" in done.stderr and done.stderr.count("\n") == 1
