# SPDX-License-Identifier: MIT
"""Real programs are the same with the library and without: what they say, how they end, what they
hold and what they catch. Servers' answers are compared too."""
import http.server
import os
import pwd
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from test_real_servers import accepts, free_port
from traced import DEADLINE, files_below, pythons, tool, until
from transparency import differences, plain, unlike


# Programs that end by themselves

class Page(http.server.BaseHTTPRequestHandler):
    """Answers alike whenever it is asked."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        text = ("%s %s %d\n" % (self.command, self.path, len(body))).encode()
        self.send_response_only(404 if self.path == "/absent" else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    """The port of an http server."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


SCRIPT = r"""
trap 'echo usr1' USR1; trap 'echo exiting $?' EXIT; trap '' HUP
trap -p
kill -USR1 $$
exec 3<>/dev/tcp/127.0.0.1/PORT
printf 'GET /by-bash HTTP/1.0\r\n\r\n' >&3
cat <&3
exec 4>&3 3>&-; ls -l /proc/self/fd | sed 's/.* \([0-9]* ->\)/\1/'
exec 4>&-
(echo subshell; exit 4); echo $?
{ sleep 0.01; echo background; } & wait $!; echo $?
coproc cat; echo through >&${COPROC[1]}; read -r line <&${COPROC[0]}; echo "$line"
bash -c 'kill -TERM $$'; echo $?
bash -c 'kill -SEGV $$'; echo $?
exec 5<>/dev/tcp/127.0.0.1/1 || echo refused
ulimit -n; umask; times >/dev/null; type -t kill; command -v nothing_like_it; echo $?
cat <(echo substituted) | tr a-z A-Z
exit 7
"""


def test_bash(start, tmp_path, web):
    bash = tool("bash")
    by_chance = [(re.compile(r"(line \d+:) +\d+"), r"\1 N"),
                 (re.compile(r"^children.*\n", re.M), "")]
    assert differences(start, tmp_path, [bash, "-c", SCRIPT.replace("PORT", str(web))],
                       also=by_chance) == []


def curls(port):
    here = "http://127.0.0.1:%d" % port
    return [["-sv", here + "/page"], ["-si", here + "/a", here + "/b"], ["-f", here + "/absent"],
            ["-s", "-d", "x" * 5000, here + "/post"], ["-s", "-T", "/etc/passwd", here + "/put"],
            ["-sS", "http://127.0.0.1:1/"], ["-sS", "file:///etc/hostname"],
            ["-sS", "--no-progress-meter", "--parallel"] + [here + "/%d" % i for i in range(3)],
            ["-sS", "http://no.such.name.invalid/"], ["-sS", "gopher:///"]]


@pytest.mark.parametrize("case", range(len(curls(0))))
def test_curl(start, tmp_path, need, web, case):
    argv = curls(web)[case]
    in_any_order = [(re.compile(r"\A(GET /\d 0\n)+\Z"), "the answers")]
    assert differences(start, tmp_path, [need("curl")] + argv, also=in_any_order) == []


# Of CPython's own tests what has to do with sockets, and is quick.
CASES = {
    "socket": ["test.test_socket"] + [word for name in (
        "BasicTCPTest", "BasicUDPTest", "BasicSocketPairTest", "NonBlockingTCPTests",
        "UnbufferedFileObject", "SendmsgTCPTest", "RecvmsgTCPTest", "RecvmsgSCMRights",
        "ContextManagers", "InheritanceTest", "CreateServer") for word in ("-k", name)],
    "servers": ["test.test_socketserver", "test.test_epoll", "test.test_httpservers"],
    "asyncio": ["test.test_asyncio.test_server", "test.test_asyncio.test_protocols",
                "test.test_asyncio.test_buffered_proto", "test.test_asyncio.test_streams"],
}


def with_tests():
    """An interpreter that has its own tests, the newest."""
    def version(path):
        return [int(number) for number in re.findall(r"\d+", path)]

    for python in sorted(pythons(), key=version, reverse=True):
        done = subprocess.run([python, "-c", "import test.test_socket"],
                              stderr=subprocess.DEVNULL)
        if done.returncode == 0:
            return python
    pytest.skip("no Python here has its own tests")


def results(text):
    """{test: its result} of verbose output."""
    return dict(re.findall(r"^(test\w+ \([\w.]+\))(?:\n.*)? \.\.\. (\w+)", text, re.M))


@pytest.mark.parametrize("case", sorted(CASES))
def test_cpython_s_own_tests(start, case):
    argv = [with_tests(), "-m", "unittest", "-v"] + CASES[case]
    native, traced = start(argv, preload=False), start(argv, report="none")
    assert traced.wait() == native.wait(), traced.out + traced.err
    one, other = (results(run.err) for run in (native, traced))
    assert len(one) > 10, native.err
    assert other == one
    assert "closewait" not in traced.err


# Servers

@pytest.fixture
def key_and_certificate(need, tmp_path):
    openssl = need("openssl")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-keyout", key, "-out", certificate], check=True,
                   stderr=subprocess.DEVNULL)
    return key, certificate


SECRETS = [(re.compile(r"[0-9A-Fa-f]{32,}"), "HEX"),
           (re.compile(r"^ *[0-9a-f]{4} - .*\n", re.M), ""),
           (re.compile(r"Start Time: \d+"), "Start Time"),
           (re.compile(r"^read:errno.*\n|^\d+ items.*\n", re.M), ""),
           (re.compile(r"\b\d+ (bytes|server accepts|items)"), r"N \1")]


def openssl_session(start, openssl, keys, preload, client_preload):
    """What s_client says of a session with s_server, and what that says."""
    port = free_port()
    server = start([openssl, "s_server", "-accept", "127.0.0.1:%d" % port, "-key", keys[0],
                    "-cert", keys[1], "-www", "-naccept", "2"], preload=preload, grace="1s")
    until(lambda: "ACCEPT" in server.out, "s_server")
    said = []
    for _ in range(2):
        client = start(["sh", "-c", "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | exec \"$@\"", "sh",
                        openssl, "s_client", "-quiet", "-connect", "127.0.0.1:%d" % port,
                        "-CAfile", keys[1]], preload=client_preload, grace="1s")
        said.append((client.wait(), plain(client.out, client, SECRETS),
                     plain(client.err, client, SECRETS)))
    return said, server.wait(), plain(server.out, server, SECRETS), server.err


def test_openssl(start, directory, need, key_and_certificate):
    openssl = need("openssl")
    native = openssl_session(start, openssl, key_and_certificate, False, False)
    assert openssl_session(start, openssl, key_and_certificate, True, True) == native
    assert "Cipher" in native[0][0][1]
    assert files_below(directory) == []


def compared(start, start_server, talk, end=signal.SIGTERM, numbers=True):
    """Starts a server with and without the library, compares its answers, then the two while
    they live, and how they end. Returns the one with the library."""
    native, traced = start_server(False), start_server(True)
    expected = talk(native)
    assert talk(traced) == expected
    assert settled(native, traced, numbers) == []
    assert traced.end(end) == native.end(end)
    assert plain(traced.out, traced) == plain(native.out, native)
    assert "closewait" not in traced.err, traced.err
    return traced


def settled(native, traced, numbers):
    """What differs even after a while: a closed connection is held for a moment more, a thread or
    a child ends late."""
    for _ in range(100):
        try:
            found = unlike(native.pid, traced.pid, numbers)
        except OSError:  # it ended while it was looked at
            continue
        if not found:
            break
        time.sleep(0.05)
    return found


def ask(port, *lines):
    """Sends lines one by one; returns what came to each, to its last line."""
    answers = []
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as s:
        file = s.makefile("rb")
        for line, last in lines:
            s.sendall(line)
            got = [file.readline()]
            while not got[-1].startswith(last):
                assert got[-1], answers
                got.append(file.readline())
            answers.append(b"".join(got))
    return answers


def allow_root():
    return ["-u", "root"] if os.geteuid() == 0 else []


def test_memcached(start, directory, need):
    binary = need("memcached")

    def server(preload):
        port = free_port()
        run = start([binary, "-l", "127.0.0.1", "-p", port, "-U", "0", "-t", "3", "-m", "8"] +
                    allow_root(), preload=preload, grace="200ms")
        until(lambda: accepts(port) or not run.alive(), "memcached")
        assert run.alive(), run.err
        run.port_number = port
        return run

    def talk(run):
        return [ask(run.port_number, (b"set k%d 0 0 5\r\nhello\r\n" % i, b"STORED"),
                    (b"get k%d\r\n" % i, b"END"), (b"get none\r\n", b"END"),
                    (b"nonsense\r\n", b"ERROR"), (b"version\r\n", b"VERSION"))
                for i in range(100)]

    compared(start, server, talk)
    assert files_below(directory) == []


@pytest.mark.parametrize("name", ["node", "java-selector", "java-threads"])
def test_runtime(start, directory, runtime, name):
    def server(preload):
        run = start(runtime(name), preload=preload, grace="1s")
        run.port_number = run.port()
        return run

    def talk(run):
        answers = []
        for _ in range(30):
            with socket.create_connection(("127.0.0.1", run.port_number), DEADLINE) as s:
                s.sendall(b"hello")
                answers.append(s.recv(5))
        return answers

    # Java opens what it needs when it needs it: which number that gets hangs on whether the last
    # connection was closed by then.
    compared(start, server, talk, numbers=name != "java-threads")
    assert files_below(directory) == []


# OpenSSH's server

SSHD = """
Port %(port)d
ListenAddress 127.0.0.1
HostKey %(place)s/host
AuthorizedKeysFile %(place)s/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PrintMotd no
"""


@pytest.fixture
def ssh_keys(need, tmp_path):
    """A directory with a host's key and a user's."""
    keygen = need("ssh-keygen", "ssh", "sshd")
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)],
                       check=True)
    if os.geteuid() == 0 and not os.path.isdir("/run/sshd"):
        os.mkdir("/run/sshd", 0o755)  # where it confines the part that knows nothing yet
    return str(tmp_path)


def ssh(place, port, *words):
    done = subprocess.run(["ssh", "-F", "none", "-p", str(port), "-i", place + "/user",
                           "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
                           "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                           "%s@127.0.0.1" % pwd.getpwuid(os.geteuid()).pw_name] + list(words),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8", timeout=DEADLINE)
    return done.returncode, plain(done.stdout), done.stderr


def test_sshd(start, directory, ssh_keys):
    """Which forks, executes itself, drops privileges and confines its children by seccomp."""
    def server(preload):
        port = free_port()
        place = os.path.join(ssh_keys, "sshd%d.conf" % port)
        with open(place, "w") as f:
            f.write(SSHD % {"port": port, "place": ssh_keys})
        run = start([tool("sshd"), "-D", "-e", "-f", place], preload=preload, grace="1s")
        until(lambda: "listening on" in run.err or not run.alive(), "sshd")
        assert run.alive(), run.err
        run.port_number = port
        return run

    def talk(run):
        port = run.port_number
        return [ssh(ssh_keys, port, "echo", "hello", "&&", "exit", "5"),
                ssh(ssh_keys, port, "ls", "-l", "/proc/self/fd", "|",
                    r"sed 's/.* \([0-9]* ->\)/\1/; /proc/d'"),
                ssh(ssh_keys, port, "grep", "-E", "^(SigBlk|SigIgn|SigCgt|Threads)",
                    "/proc/self/status"),
                ssh(ssh_keys, port, "kill", "-TERM", "$$")]

    traced = compared(start, server, talk)
    assert "error" not in traced.err and "fatal" not in traced.err, traced.err
    assert files_below(directory) == []
