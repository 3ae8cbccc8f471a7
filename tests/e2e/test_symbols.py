# SPDX-License-Identifier: MIT
"""Files, lines, inlined functions, C++ names and source text, by what a compiler wrote."""
import ctypes
import http.server
import os
import re
import shutil
import subprocess
import textwrap
import threading
import time

import pytest

from reports import Report
from traced import (COMMAND, await_close_wait, client, environment, traces,
                    until_older_than)

SERVER = """\
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define INLINE   static inline __attribute__((always_inline))

static volatile int sink;

static int listener(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t size = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&a, size) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)&a, &size))
		return -1;
	printf("listening on 127.0.0.1:%d\\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

INLINE ssize_t get_some(int fd, char *bytes, size_t size)
{
	ssize_t n = recv(fd,\tbytes, size, 0);   \t/* @get_some */

	sink++;
	return n;
}

INLINE int read_all(int fd)
{
	char bytes[64];

	while (get_some(fd, bytes, sizeof bytes) > 0) /* @read_all */
		sink++;
	return sink;
}

NOINLINE int serve_one(int fd)
{
	int n = read_all(fd); /* @serve_one */

	sink += n;
	return n;
}

NOINLINE int accept_one(int listening)
{
	int fd = accept(listening, NULL, NULL); /* @accept_one */

	sink++;
	return fd;
}

NOINLINE int loop(int listening)
{
	int fd = accept_one(listening); /* @loop_accept */
	int n = serve_one(fd); /* @loop_serve */

	return n + sink;
}

int main(void)
{
	int n = loop(listener()); /* @main */

	printf("served\\n");
	fflush(stdout);
	pause();
	return n;
}
"""

EOF_STACK = [("get_some", "get_some", "read_all"), ("read_all", "read_all", "serve_one"),
             ("serve_one", "serve_one", None), ("loop", "loop_serve", None),
             ("main", "main", None)]
OPEN_STACK = [("accept_one", "accept_one", None), ("loop", "loop_accept", None),
              ("main", "main", None)]

CPP_SERVER = SERVER.replace("a = {.sin_family = AF_INET};",
                            "a = {}; a.sin_family = AF_INET;")
CPP_SERVER = CPP_SERVER.replace("INLINE ssize_t get_some", textwrap.dedent("""\
    #include <vector>
    namespace ns {
    struct Reader {
    	INLINE_MEMBER static ssize_t get(int fd, char *bytes, size_t size)
    	{
    		ssize_t n = recv(fd, bytes, size, 0); /* @get */

    		sink++;
    		return n;
    	}
    };
    namespace {
    struct Hidden {
    	INLINE_MEMBER static ssize_t get(int fd, char *bytes, size_t size)
    	{
    		ssize_t n = Reader::get(fd, bytes, size); /* @hidden */

    		sink++;
    		return n;
    	}
    };
    }
    NOINLINE int read_into(std::vector<int> &found, int fd)
    {
    	char bytes[64];
    	ssize_t n;

    	while ((n = Hidden::get(fd, bytes, sizeof bytes)) > 0) /* @read_into */
    		found.push_back((int)n);
    	return (int)n;
    }
    }
    INLINE ssize_t get_some"""))
CPP_SERVER = CPP_SERVER.replace("#define INLINE ",
                                "#define INLINE_MEMBER __attribute__((always_inline))\n"
                                "#define INLINE ")
CPP_SERVER = CPP_SERVER.replace("int n = read_all(fd);",
                                "std::vector<int> v; int n = ns::read_into(v, fd);")


def lines_of(source):
    """{marker: line} of the @markers in a source text."""
    return {found: number for number, line in enumerate(source.splitlines(), 1)
            for found in re.findall(r"@(\w+)", line)}


@pytest.fixture
def compiler(need):
    return need("cc")


@pytest.fixture
def build(tmp_path, compiler):
    """build(text, *options, name=…) compiles a server below tmp_path."""
    def make(text, *options, name="server.c", cc=None):
        source = tmp_path / "src" / name
        source.parent.mkdir(exist_ok=True)
        source.write_text(text)
        binary = tmp_path / "server"
        subprocess.run([cc or compiler, "-O2", "-g", "-w", "-Wl,--build-id=sha1",
                        *options, "-o", str(binary), str(source)], check=True)
        return binary
    return make


@pytest.fixture
def serve(start, directory):
    """Runs a server to its leak and ends it; returns its trace and its own report."""
    def run(binary):
        server = start([binary], grace="20ms")
        port = server.port()
        client(port, b"request")
        server.line("^served")
        await_close_wait(port)
        until_older_than(time.monotonic(), 0.05)
        server.end()
        path, = traces(directory)
        return path, Report(server.err)
    return run


def frame(name, line, into, file="server.c"):
    return name, "%s:%d" % (file, line), into


def frames(group, label):
    """(function, place, inlined into) of each frame."""
    found = []
    for line in group.stacks[label]:
        name, place, into = re.match(
            r"(\S.*?)  +(\S+)(?:   \(inlined into (.*)\))?$", line).groups()
        found.append((name, place, into))
    return found


def expected(stack, lines):
    return [frame(name, lines[marker], into) for name, marker, into in stack]


def must_have_all_lines(group):
    lines = lines_of(SERVER)
    assert frames(group, "EOF read") == expected(EOF_STACK, lines)
    assert frames(group, "opened") == expected(OPEN_STACK, lines)


def split_off(binary, debug, need):
    objcopy = need("objcopy", "strip")
    subprocess.run([objcopy, "--only-keep-debug", str(binary), str(debug)], check=True)
    subprocess.run(["strip", "--strip-all", str(binary)], check=True)


def link_to(binary, debug, need):
    subprocess.run([need("objcopy"), "--add-gnu-debuglink=" + debug.name, str(binary)],
                   check=True, cwd=str(debug.parent))


def build_id(binary, need):
    notes = subprocess.run([need("readelf"), "-n", str(binary)], check=True,
                           stdout=subprocess.PIPE, universal_newlines=True).stdout
    return re.search(r"Build ID: (\w+)", notes).group(1)


def test_every_frame_has_its_file_and_line(build, serve, read_report):
    path, own = serve(build(SERVER))
    group = read_report(path).only()
    must_have_all_lines(group)
    assert group.fingerprint == own.only().fingerprint


def test_lines_are_those_of_addr2line(build, serve, read_report, closewait, need):
    addr2line = need("addr2line")
    binary = build(SERVER, "-no-pie")
    path, own = serve(binary)
    group = read_report(path).only()
    symbols = {line.split()[2]: int(line.split()[0], 16) for line in subprocess.run(
        [need("nm"), str(binary)], stdout=subprocess.PIPE, check=True,
        universal_newlines=True).stdout.splitlines() if len(line.split()) == 3}
    name, offset = own.only().stacks["EOF read"][0].split()[0].split("+")
    said = subprocess.run(
        [addr2line, "-i", "-f", "-C", "-s", "-e", str(binary),
         hex(symbols[name] + int(offset, 16))],
        stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout.split("\n")
    said = [(said[i], said[i + 1].split(" ")[0]) for i in range(0, len(said) - 1, 2)]
    assert len(said) == 3
    assert [found[:2] for found in frames(group, "EOF read")[:3]] == said


@pytest.mark.parametrize("place", ["", ".debug"])
def test_debug_file_beside_the_binary(build, serve, read_report, need, place):
    binary = build(SERVER)
    debug = binary.parent / place / "server.debug"
    debug.parent.mkdir(exist_ok=True)
    split_off(binary, debug, need)
    link_to(binary, debug, need)
    path, _ = serve(binary)
    must_have_all_lines(read_report(path).only())


def test_debug_file_without_build_id_goes_by_its_checksum(build, serve, read_report, need):
    binary = build(SERVER, "-Wl,--build-id=none")
    debug = binary.parent / "server.debug"
    split_off(binary, debug, need)
    link_to(binary, debug, need)
    path, _ = serve(binary)
    must_have_all_lines(read_report(path).only())
    with open(debug, "ab") as f:
        f.write(b"x")
    assert frames_without_lines(read_report(path).only())


def frames_without_lines(group):
    return not re.search(r"server\.c:\d", group.text)


@pytest.fixture
def debug_directory(need):
    """debug_directory(binary, suffix) makes the path that its build-id stands for."""
    made = []

    def make(binary, suffix):
        number = build_id(binary, need)
        directory = os.path.join("/usr/lib/debug/.build-id", number[:2])
        if not os.access("/usr/lib/debug", os.W_OK):
            pytest.skip("/usr/lib/debug is not writable")
        os.makedirs(directory, exist_ok=True)
        made.append(os.path.join(directory, number[2:] + suffix))
        return made[-1]

    yield make
    for path in made:
        if os.path.exists(path):
            os.unlink(path)
        for directory in (os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
            try:
                os.rmdir(directory)
            except OSError:
                pass


def test_debug_file_by_build_id(build, serve, read_report, need, debug_directory):
    binary = build(SERVER)
    split_off(binary, debug_directory(binary, ".debug"), need)
    path, _ = serve(binary)
    must_have_all_lines(read_report(path).only())


@pytest.mark.parametrize("end", ["gone", "rebuilt"])
@pytest.mark.parametrize("kept", ["", ".debug"])
def test_the_build_that_ran_is_found_by_its_id(build, serve, read_report, need, end, kept,
                                               debug_directory):
    binary = build(SERVER)
    path, _ = serve(binary)
    place = debug_directory(binary, kept)
    if kept:
        split_off(binary, place, need)
    else:
        shutil.copy(binary, place)
    os.unlink(binary)
    if end == "rebuilt":
        build("int x;\n" + SERVER, "-O1")
    must_have_all_lines(read_report(path).only())


@pytest.fixture
def debuginfod(monkeypatch, tmp_path):
    """debuginfod({path: file}) answers for these files, and is told to the command."""
    servers = []

    def serve(files):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = files.get(self.path)
                if not name:
                    return self.send_error(404)
                self.send_response(200)
                self.end_headers()
                with open(name, "rb") as f:
                    shutil.copyfileobj(f, self.wfile)

            def log_message(self, *args):
                pass

        try:
            ctypes.CDLL("libdebuginfod.so.1")
        except OSError:
            pytest.skip("libdebuginfod is not installed")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        monkeypatch.setenv("DEBUGINFOD_URLS", "http://127.0.0.1:%d" % server.server_port)
        monkeypatch.setenv("DEBUGINFOD_CACHE_PATH", str(tmp_path / "cache"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("kept", ["executable", "debuginfo"])
def test_debuginfod_is_asked_where_it_is_set(build, serve, read_report, need, debuginfod, kept,
                                             tmp_path):
    binary = build(SERVER)
    number = build_id(binary, need)
    if kept == "debuginfo":
        split_off(binary, tmp_path / "kept", need)
        path, _ = serve(binary)
    else:
        path, _ = serve(binary)
        binary.rename(tmp_path / "kept")
    debuginfod({"/buildid/%s/%s" % (number, kept): str(tmp_path / "kept")})
    must_have_all_lines(read_report(path).only())


def test_functions_and_offsets_without_debug_information(build, serve, read_report, need):
    binary = build(SERVER)
    subprocess.run([need("strip"), "--strip-debug", str(binary)], check=True)
    path, own = serve(binary)
    group = read_report(path).only()
    assert [re.match(r"(\w+)\+0x[0-9a-f]+  +server$", line).group(1)
            for line in group.stacks["EOF read"]] == ["serve_one", "loop", "main"]
    assert group.stacks == own.only().stacks
    assert not group.sources


def test_a_binary_that_was_rebuilt_gives_no_names(build, serve, closewait):
    binary = build(SERVER)
    path, _ = serve(binary)
    os.unlink(binary)
    build("int one_line_more;\n" + SERVER.replace("serve_one", "serve_two"))
    done = closewait("report", path)
    assert done.stderr == "closewait: %s: has changed since: no names from it\n" % binary
    group = Report(done.stdout).only()
    assert group.verdict == "eof-ignored"
    for label in ("EOF read", "opened"):
        for line in group.stacks[label]:
            assert re.match(r"server\+0x[0-9a-f]+$", line), done.stdout


def test_a_binary_that_is_gone_is_said_so_once(build, serve, closewait):
    binary = build(SERVER)
    path, _ = serve(binary)
    os.unlink(binary)
    done = closewait("report", path)
    line, = done.stderr.splitlines()
    assert line.startswith("closewait: %s: " % binary)
    assert line.endswith(": no names from it")


@pytest.mark.parametrize("what", ["fifo", "device", "directory", "empty"])
def test_a_path_that_is_no_binary_is_not_read(build, serve, closewait, what):
    binary = build(SERVER)
    path, _ = serve(binary)
    os.unlink(binary)
    if what == "fifo":
        os.mkfifo(binary)
    elif what == "device":
        os.symlink("/dev/zero", binary)
    elif what == "directory":
        binary.mkdir()
    else:
        binary.touch()
    done = closewait("report", path)
    line, = done.stderr.splitlines()
    assert line.startswith("closewait: %s: " % binary)
    assert line.endswith(": no names from it")
    assert Report(done.stdout).only().verdict == "eof-ignored"


@pytest.mark.parametrize("place", ["", ".debug"])
def test_a_debug_file_that_is_a_fifo_does_not_hang(build, serve, read_report, need, place):
    binary = build(SERVER)
    debug = binary.parent / place / "server.debug"
    debug.parent.mkdir(exist_ok=True)
    split_off(binary, debug, need)
    link_to(binary, debug, need)
    path, _ = serve(binary)
    os.unlink(debug)
    os.mkfifo(debug)
    assert frames_without_lines(read_report(path).only())


def test_split_debug_information_that_is_a_fifo_does_not_hang(build, serve, read_report):
    binary = build(SERVER, "-gsplit-dwarf")
    path, _ = serve(binary)
    replaced = list(binary.parent.rglob("*.dwo"))
    assert replaced
    for one in replaced:
        one.unlink()
        os.mkfifo(one)
    assert read_report(path).only().verdict == "eof-ignored"


def test_source_of_the_first_frame_is_shown(build, serve, read_report):
    path, own = serve(build(SERVER))
    group = read_report(path).only()
    lines = lines_of(SERVER)
    assert group.sources["EOF read"] == (
        lines["get_some"], "ssize_t n = recv(fd, bytes, size, 0);    /* @get_some */")
    assert group.sources["opened"] == (
        lines["accept_one"], "int fd = accept(listening, NULL, NULL); /* @accept_one */")
    assert not own.only().sources


def test_source_that_is_newer_than_the_binary_is_marked(build, serve, read_report, tmp_path):
    binary = build(SERVER)
    path, _ = serve(binary)
    built = os.stat(binary).st_mtime_ns
    os.utime(tmp_path / "src" / "server.c", ns=(built, built + 1))
    for _, text in read_report(path).only().sources.values():
        assert text.endswith("*/  (changed since)")
    os.utime(tmp_path / "src" / "server.c", ns=(built, built))
    for _, text in read_report(path).only().sources.values():
        assert text.endswith("*/")


@pytest.mark.parametrize("what", ["gone", "fifo", "shorter"])
def test_source_that_cannot_be_read_is_left_out(build, serve, read_report, tmp_path, what):
    path, _ = serve(build(SERVER))
    source = tmp_path / "src" / "server.c"
    source.unlink()
    if what == "fifo":
        os.mkfifo(source)
    elif what == "shorter":
        source.write_text("one line\n")
    group = read_report(path).only()
    assert not group.sources
    must_have_all_lines(group)


def test_source_named_relative_to_where_it_was_compiled(build, serve, read_report, tmp_path,
                                                        compiler):
    build(SERVER)
    subprocess.run([compiler, "-O2", "-g", "-w", "-o", str(tmp_path / "server"), "server.c"],
                   check=True, cwd=str(tmp_path / "src"))
    path, _ = serve(tmp_path / "server")
    group = read_report(path).only()
    must_have_all_lines(group)
    assert group.sources["opened"][0] == lines_of(SERVER)["accept_one"]


def test_cpp_names_are_demangled(build, serve, read_report, need):
    path, own = serve(build(CPP_SERVER, name="server.cpp", cc=need("c++")))
    group = read_report(path).only()
    lines = lines_of(CPP_SERVER)
    hidden = "ns::(anonymous namespace)::Hidden::get"
    outer = "ns::read_into(std::vector<int, std::allocator<int> >&, int)"
    assert [(name.split("(int,")[0], *rest)
            for name, *rest in frames(group, "EOF read")[:4]] == [
        frame("ns::Reader::get", lines["get"], hidden, "server.cpp"),
        frame(hidden, lines["hidden"], outer, "server.cpp"),
        frame(outer, lines["read_into"], None, "server.cpp"),
        frame("serve_one(int)", lines["serve_one"], None, "server.cpp"),
    ]
    assert "ns::Reader::get(int, char*, unsigned long)" in group.text
    assert own.only().stacks["EOF read"][0].startswith("_ZN2ns9read_into")
    assert group.fingerprint == own.only().fingerprint


def test_cpp_names_stay_mangled_without_the_demangler(build, serve, read_report, need,
                                                      tmp_path):
    path, own = serve(build(CPP_SERVER, name="server.cpp", cc=need("c++")))
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "libstdc++.so.6").write_text("no library\n")
    env = dict(environment(False, None, None), LD_LIBRARY_PATH=str(tmp_path / "none"))
    done = subprocess.run([COMMAND, "report", path], stdout=subprocess.PIPE, env=env,
                          universal_newlines=True)
    if done.returncode == 127:
        pytest.skip("the command itself needs libstdc++: a sanitizer's does")
    assert done.returncode == 0
    group = Report(done.stdout).only()
    assert "_ZN2ns9read_intoERSt6vectorIiSaIiEEi" in group.text
    assert group.fingerprint == own.only().fingerprint
