# SPDX-License-Identifier: MIT
"""closewait doctor: its verdicts, each held against what LD_PRELOAD really does."""
import errno
import glob
import os
import platform
import random
import re
import shutil
import socket
import struct
import subprocess
import tempfile

import pytest

from traced import COMMAND, DEADLINE, LIBRARY, PYTHON, environment

NOBODY = 65534
HELP = "CLOSEWAIT_OPTIONS=key=value"
LOADER_ALONE = {"x86_64": "/lib64/ld-linux-x86-64.so.2",
                "aarch64": "/lib/ld-linux-aarch64.so.1"}[platform.machine()]
OTHER_MACHINE = {"x86_64": (183, "aarch64"),
                 "aarch64": (62, "x86-64")}[platform.machine()]
HELLO = """
#include <stdio.h>
static __attribute__((noinline)) int hello(void) { return puts("hello") < 0; }
int main(void) { return hello(); }
"""


class Told:
    """What the command said."""

    def __init__(self, done):
        self.status = done.returncode
        self.text = done.stdout
        assert done.stderr == "", done.stderr
        head, *rest = done.stdout.splitlines()
        self.command, self.verdict = re.match(
            r"closewait doctor: (.*) (can be traced(?: in part)?|cannot be traced)$",
            head).groups()
        assert rest and len(rest) < 23, self.text  # one screen
        self.rows = [re.match(r"  (\w+) +(\S.*)$", line).groups() for line in rest]
        assert self.status == (1 if self.verdict == "cannot be traced" else 0)

    def of(self, label):
        return [text for name, text in self.rows if name == label]

    def one(self, label):
        assert len(self.of(label)) == 1, self.text
        return self.of(label)[0]


def run(argv, env=None, user=None, cwd=None):
    def become():
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    return subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", errors="replace", timeout=DEADLINE, cwd=cwd,
                          env=dict(environment(False, None, None), **(env or {})),
                          preexec_fn=become if user is not None else None)


def doctor(*argv, command=COMMAND, **surroundings):
    return Told(run([command, "doctor"] + list(argv), **surroundings))


def loaded(*argv, preload=LIBRARY, env=None, **surroundings):
    """How many program images the library was loaded into."""
    done = run(argv, env=dict({"LD_PRELOAD": preload, "CLOSEWAIT_OPTIONS": "help=1"},
                              **(env or {})), **surroundings)
    return done.stderr.count(HELP)


def can(told):
    return told.verdict == "can be traced"


def cannot(told):
    return told.verdict == "cannot be traced"


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """build(flag, …, source=…) compiles and links, each program once."""
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    place = tmp_path_factory.mktemp("programs")
    made = {}

    def make(*flags, source=HELLO):
        key = flags + (source,)
        if key not in made:
            text = place / ("%d.c" % len(made))
            text.write_text(source)
            out = place / ("program%d" % len(made))
            done = subprocess.run(["gcc", "-O1", str(text), "-o", str(out)] + list(flags),
                                  stderr=subprocess.PIPE, universal_newlines=True)
            if done.returncode:
                pytest.skip("gcc %s: %s" % (" ".join(flags), done.stderr.strip()))
            made[key] = out
        return made[key]
    return make


@pytest.fixture
def copy(tmp_path):
    """copy(program, name) is a copy that may be spoilt."""
    def make(program, name="copy"):
        return shutil.copy(str(program), str(tmp_path / name))
    return make


@pytest.fixture
def script(tmp_path):
    def make(text, name="script"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return str(path)
    return make


@pytest.fixture
def tree():
    """A copy of the command and its library, in a place that every user can reach."""
    place = tempfile.mkdtemp(prefix="closewait-")
    os.chmod(place, 0o755)
    for source, directory in ((COMMAND, "tools"), (LIBRARY, "preload")):
        os.mkdir(os.path.join(place, directory))
        shutil.copy(source, os.path.join(place, directory))
    yield place
    shutil.rmtree(place)


@pytest.fixture
def root():
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")


# Dynamic programs, and what they tell of themselves

def test_dynamic_program_with_debug_information(build):
    program = build("-g")
    told = doctor(program)
    assert can(told) and loaded(program) == 1
    assert told.command == str(program)
    assert re.match(r"%s  \(ELF \S+, dynamic, glibc\)$" % program, told.one("program"))
    assert told.one("library") == os.path.realpath(LIBRARY)
    assert [label for label, _ in told.rows] == ["program", "library"]


def test_no_debug_information(build):
    told = doctor(build())
    assert can(told)
    assert re.match("no debug information: functions but no lines.*-g.*-dbgsym.*"
                    "DEBUGINFOD_URLS$", told.one("note"))


def test_stripped(build):
    told = doctor(build("-s"))
    assert can(told) and loaded(build("-s")) == 1
    assert "no .symtab: exported functions but no lines" in told.one("note")


def test_debug_servers_are_named_and_not_asked(build):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = "http://127.0.0.1:%d/" % server.getsockname()[1]
        told = doctor(build(), env={"DEBUGINFOD_URLS": url})
        with pytest.raises(BlockingIOError):
            server.accept()
    assert "DEBUGINFOD_URLS is set" in told.one("note")


def split_debug(program, debug):
    """Moves the debug information of `program` to `debug`."""
    subprocess.check_call(["objcopy", "--only-keep-debug", program, debug])
    subprocess.check_call(["objcopy", "--strip-all", "--add-gnu-debuglink=" + debug,
                           program])


@pytest.mark.parametrize("directory", [".", ".debug"])
def test_debug_file_by_its_link(build, copy, tmp_path, need, directory):
    need("objcopy")
    program = copy(build("-g"))
    debug = str(tmp_path / "copy.debug")
    split_debug(program, debug)
    os.makedirs(str(tmp_path / directory), exist_ok=True)
    os.rename(debug, str(tmp_path / directory / "copy.debug"))
    assert doctor(program).of("note") == []
    os.unlink(str(tmp_path / directory / "copy.debug"))
    assert len(doctor(program).of("note")) == 1


def test_debug_file_of_another_build_is_not_taken(build, copy, tmp_path, need):
    need("objcopy")
    program = copy(build("-g"))
    debug = str(tmp_path / "copy.debug")
    split_debug(program, debug)
    other = build("-g", source=HELLO + "int more;\n")
    subprocess.check_call(["objcopy", "--only-keep-debug", str(other), debug])
    assert "exported functions but no lines" in doctor(program).one("note")


def test_debug_file_by_build_id(build):
    files = sorted(glob.glob("/usr/lib/debug/.build-id/??/*.debug"))
    if not files:
        pytest.skip("no debug files are installed")
    identity = "".join(files[0][:-len(".debug")].split("/")[-2:])
    assert doctor(build("-Wl,--build-id=0x" + identity)).of("note") == []
    assert len(doctor(build("-Wl,--build-id=0x" + identity[::-1])).of("note")) == 1


# No loader, or not ours

@pytest.mark.parametrize("flag, kind", [("-static", "static"),
                                        ("-static-pie", "static-pie")])
def test_static(build, flag, kind):
    program = build(flag)
    told = doctor(program)
    assert cannot(told) and loaded(program) == 0
    assert kind in told.one("program")
    assert "LD_PRELOAD" in told.one("reason") and flag in told.one("reason")


def test_another_machine(build, copy):
    program = copy(build())
    with open(program, "r+b") as f:
        f.seek(18)
        f.write(struct.pack("=H", OTHER_MACHINE[0]))
    told = doctor(program)
    assert cannot(told)
    assert OTHER_MACHINE[1] in told.one("program")
    assert "another machine" in told.one("reason")


def test_32_bits(tmp_path):
    program = tmp_path / "small"
    program.write_bytes(b"\177ELF" + bytes([1, 1, 1]) + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH", 2, 3, 1, 0, 0, 0, 0, 52, 32, 0, 40, 0, 0))
    program.chmod(0o755)
    told = doctor(program)
    assert cannot(told)
    assert "i386 32-bit" in told.one("program")
    assert "another machine" in told.one("reason")


def replace_loader(program, loader):
    with open(program, "rb") as f:
        bytes_ = f.read()
    old = LOADER_ALONE.encode() + b"\0"
    assert bytes_.count(old) == 1 and len(loader) < len(old)
    with open(program, "wb") as f:
        f.write(bytes_.replace(old, loader.encode().ljust(len(old), b"\0")))


def test_musl_by_its_loader(build, copy):
    program = copy(build())
    replace_loader(program, "/lib/ld-musl-x86_64.so.1")
    told = doctor(program)
    assert cannot(told)
    assert "dynamic, musl" in told.one("program")
    assert any("musl" in reason for reason in told.of("reason"))


@pytest.mark.parametrize("soname, name", [("libc.musl-x86_64.so.1", "musl"),
                                          ("libc.so", "musl"), ("libc.so.0", "uClibc")])
def test_another_libc_by_what_is_needed(build, tmp_path, soname, name):
    stub = build("-shared", "-fPIC", "-nostdlib", "-Wl,-soname," + soname,
                 source="int stub;\n")
    told = doctor(build("-Wl,--no-as-needed", str(stub)))
    assert cannot(told)
    assert told.one("reason").startswith("its C library is " + name)


def test_loader_that_is_missing(build, copy):
    program = copy(build())
    replace_loader(program, "/lib/ld-gone.so")
    told = doctor(program)
    assert cannot(told) and "/lib/ld-gone.so" in told.one("reason")
    with pytest.raises(FileNotFoundError):
        run([program])


def test_no_libc(build):
    if platform.machine() != "x86_64":
        pytest.skip("written for x86_64")
    start = 'void _start(void) { __asm__("mov $60, %eax\\nxor %edi, %edi\\nsyscall"); }\n'
    program = build("-nostdlib", "-pie", "-fPIE", source=start)
    assert run([program]).returncode == 0
    told = doctor(program)
    assert cannot(told) and "own system calls" in told.one("reason")


def test_the_loader_itself(build):
    told = doctor(LOADER_ALONE, build())
    assert can(told) and loaded(LOADER_ALONE, build()) == 1
    assert "Name that one" in told.one("note")


def test_library_and_object_file(build):
    library = build("-shared", "-fPIC", "-Wl,-soname,liblone.so")
    assert "a shared library" in doctor(library).one("reason")
    half = build("-c")
    half.chmod(0o755)
    assert "an object file" in doctor(half).one("reason")
    with pytest.raises(OSError, match="Exec format"):
        run([half])


# Privileges

def test_set_uid(build, copy, root):
    program = copy(build())
    os.chmod(program, 0o4755)
    assert can(doctor(program)) and loaded(program) == 1  # root's own
    os.chown(program, NOBODY, -1)
    os.chmod(program, 0o4755)
    told = doctor(program)
    assert told.one("reason").startswith(
        "set-uid to user %d: the loader drops LD_PRELOAD" % NOBODY)
    assert cannot(told) and loaded(program) == 0


@pytest.mark.parametrize("mode, secure", [(0o2755, True), (0o2745, False)])
def test_set_gid(build, copy, root, mode, secure):
    program = copy(build())
    os.chown(program, -1, NOBODY)
    os.chmod(program, mode)
    told = doctor(program)
    assert cannot(told) == secure and loaded(program) == (0 if secure else 1)
    if secure:
        assert "set-gid to group %d" % NOBODY in told.one("reason")


def test_set_uid_script_is_not_set_uid(script, root):
    path = script("#!%s\n" % PYTHON)
    os.chown(path, NOBODY, -1)
    os.chmod(path, 0o4755)
    assert can(doctor(path)) and loaded(path) == 1


def test_set_uid_is_void_without_new_privileges(build, copy, root, need):
    alone = [need("setpriv"), "--no-new-privs"]
    program = copy(build())
    os.chown(program, NOBODY, -1)
    os.chmod(program, 0o4755)
    assert can(Told(run(alone + [COMMAND, "doctor", program])))
    assert loaded(*(alone + [program])) == 2  # setpriv, and the program


@pytest.mark.parametrize("capability, secure", [("cap_net_raw+ep", True),
                                                ("cap_net_raw+p", True),
                                                ("cap_net_raw+i", False)])
def test_file_capabilities(build, tree, root, need, capability, secure):
    setcap = need("setcap")
    program = shutil.copy(str(build()), tree)
    here = {"command": os.path.join(tree, "tools", "closewait"), "user": NOBODY,
            "cwd": "/"}
    there = {"preload": os.path.join(tree, "preload", "libclosewait.so"), "user": NOBODY,
             "cwd": "/"}
    assert can(doctor(program, **here)) and loaded(program, **there) == 1
    done = run([setcap, capability, program])
    if done.returncode:
        pytest.skip("setcap: " + done.stderr)
    told = doctor(program, **here)
    assert cannot(told) == secure and loaded(program, **there) == (0 if secure else 1)
    if secure:
        assert "file capabilities" in told.one("reason")
    assert can(doctor(program)) and loaded(program) == 1  # root gains nothing by them


# Runtimes

def test_address_sanitizer(build):
    program = build("-fsanitize=address")
    told = doctor(program)
    assert told.verdict == "can be traced in part"
    runtime = re.match(r"AddressSanitizer: (libasan\.so\.\d+) must come first",
                       told.one("partly")).group(1)
    refused = run([program], env={"LD_PRELOAD": LIBRARY})
    assert refused.returncode != 0 and "does not come first" in refused.stderr
    assert loaded(program, preload=runtime + ":" + LIBRARY) == 1


def test_address_sanitizer_of_clang(build):
    runtime = "libclang_rt.asan-%s.so" % platform.machine()
    stub = build("-shared", "-fPIC", "-Wl,-soname," + runtime, source="int runtime;\n")
    told = doctor(build("-Wl,--no-as-needed", str(stub)))
    assert told.one("partly").startswith("AddressSanitizer: %s must" % runtime)


@pytest.mark.parametrize("sanitizer", ["thread", "leak"])
def test_other_sanitizers_do_not_mind(build, sanitizer):
    program = build("-fsanitize=" + sanitizer)
    if run([program]).stdout != "hello\n":
        pytest.skip("-fsanitize=%s does not work here" % sanitizer)
    assert can(doctor(program)) and loaded(program) == 1


@pytest.mark.parametrize("section", [".go.buildinfo", ".note.go.buildid"])
@pytest.mark.parametrize("flag, verdict", [("-g", "can be traced in part"),
                                           ("-static", "cannot be traced")])
def test_go(build, copy, tmp_path, need, section, flag, verdict):
    need("objcopy")
    program = copy(build(flag))
    (tmp_path / "section").write_bytes(b"\xff Go buildinf:" + bytes(18))
    subprocess.check_call(["objcopy", "--add-section",
                           "%s=%s" % (section, tmp_path / "section"), program])
    told = doctor(program)
    assert told.verdict == verdict
    assert ", Go)" in told.one("program")
    assert "Go" in told.one("partly" if flag == "-g" else "reason")


def test_preload_that_is_set_already(build, tmp_path):
    other = build("-shared", "-fPIC", source="int other;\n")
    told = doctor(build("-g"), env={"LD_PRELOAD": str(other),
                                   "ASAN_OPTIONS": "verify_asan_link_order=0"})
    assert can(told) and str(other) in told.one("note")
    assert loaded(build("-g"), preload="%s:%s" % (other, LIBRARY)) == 1


# Scripts

@pytest.mark.parametrize("line", ["#!%s" % PYTHON, "#! \t%s -u \t" % PYTHON,
                                  "#!/usr/bin/env python3",
                                  "#!/usr/bin/env -S python3 -u",
                                  "#!/usr/bin/env -S -u B A=1 python3 -u"])
def test_script(script, line):
    path = script(line + "\nprint('ran')\n")
    env = {"PATH": "/usr/bin:/bin"}
    assert run([path], env=env).stdout == "ran\n"
    told = doctor(path, env=env)
    assert can(told) and loaded(path, env=env) == (2 if "env" in line else 1)
    assert told.one("script").startswith(path + "  (#!/")
    assert told.one("program").split("  ")[0] == os.path.realpath(PYTHON)


def test_script_that_clears_the_environment(script):
    for option in ("-i", "-", "-C / -i", "-u LD_PRELOAD", "-uLD_PRELOAD",
                   "--unset=LD_PRELOAD", "LD_PRELOAD=", "-u A -- B= LD_PRELOAD="):
        path = script("#!/usr/bin/env -S %s %s\n" % (option, PYTHON))
        told = doctor(path)
        assert cannot(told) and "LD_PRELOAD out of the environment" in told.one("reason")
        assert loaded(path) == 1  # env alone


def test_env_that_gets_two_words_as_one(script):
    path = script("#!/usr/bin/env python3 -u\n")
    assert run([path]).returncode == 127
    told = doctor(path)
    assert cannot(told) and any("-S python3 -u" in text for text in told.of("reason"))


def test_chain_of_scripts_as_deep_as_the_kernel_goes(script):
    path = script("#!%s\n" % PYTHON, "script1")
    for level in range(2, 8):
        path = script("#!%s\n" % path, "script%d" % level)
        told = doctor(path)
        try:
            run([path])
            assert can(told), told.text
            assert len(told.of("script")) == level
        except OSError as error:
            assert error.errno == errno.ELOOP and cannot(told), told.text
    assert cannot(told) and "ELOOP" in told.one("reason")


def test_script_that_is_its_own_interpreter_by_env(script, tmp_path):
    script("#!/usr/bin/env round\n", "round")
    told = doctor("round", env={"PATH": "%s:/usr/bin" % tmp_path})
    assert cannot(told)


@pytest.mark.parametrize("interpreter, why", [
    ("/nowhere/interpreter", "No such file"), ("/usr", "is a directory"),
    ("/etc/passwd", "not executable"), ("/usr/bin/env nowhere", "no command 'nowhere'"),
    ("/usr/bin/env", "names no program")])
def test_interpreter_that_cannot_be_started(script, interpreter, why):
    told = doctor(script("#!%s\n" % interpreter))
    assert cannot(told)
    assert why in told.one("reason") and interpreter.split()[-1] in told.one("reason")


def test_text_without_an_interpreter_is_run_by_sh(script):
    path = script("echo ran\n")
    assert run(["env", path]).stdout == "ran\n"  # by execvp
    told = doctor(path)
    assert can(told) and told.one("script") == path
    assert told.one("program").split("  ")[0] == os.path.realpath("/bin/sh")
    assert "inherits" in told.one("note")


def test_line_that_is_longer_than_the_kernel_looks(script):
    for length, taken in ((200, True), (300, False)):
        path = script("#!%s%s\n" % ("/" * (length - len(PYTHON)), PYTHON))
        told = doctor(path)
        assert (told.one("program").split("  ")[0] == os.path.realpath(PYTHON)) == taken
        if taken:
            assert run([path]).returncode == 0
        else:
            with pytest.raises(OSError, match="Exec format"):
                run([path])


def test_shim(script):
    path = script("#!/usr/bin/env bash\nexec %s \"$@\"\n" % PYTHON, "shims/python3")
    told = doctor(path)
    assert can(told) and loaded(path) == 3  # env, bash, python
    assert "bash" in told.one("program")
    assert "is a shim" in told.one("note") and "pyenv which python3" in told.one("note")
    elsewhere = script("#!/usr/bin/env bash\n", "others/python3")
    assert "is a shim" not in doctor(elsewhere).text


# Names

def test_command_that_does_not_exist(tmp_path):
    for name in ("no-such-command", tmp_path / "none", ""):
        told = doctor(name)
        assert cannot(told) and [label for label, _ in told.rows] == ["library", "reason"]


def test_file_that_is_not_executable(tmp_path):
    (tmp_path / "text").write_text("#!/bin/sh\n")
    told = doctor(tmp_path / "text")
    assert cannot(told) and "is not executable. chmod +x" in told.one("reason")
    assert "is a directory" in doctor(tmp_path).one("reason")


def test_path_is_searched_as_execvp_does(build, tmp_path):
    for directory, mode in (("first", 0o644), ("second", 0o755), ("third", 0o755)):
        (tmp_path / directory).mkdir()
        shutil.copy(str(build("-g")), str(tmp_path / directory / "it"))
        (tmp_path / directory / "it").chmod(mode)
    path = ":".join(str(tmp_path / d) for d in ("none", "first", "second", "third"))
    assert doctor("it", env={"PATH": path}).one("program").startswith(
        str(tmp_path / "second" / "it"))
    told = doctor("it", env={"PATH": str(tmp_path / "first")})
    assert str(tmp_path / "first" / "it") in told.one("reason")
    for relative in ("", ":/usr/bin", "/usr/bin:"):
        assert doctor("it", env={"PATH": relative}, cwd=str(tmp_path / "third")).one(
            "program").startswith(str(tmp_path / "third" / "it"))


def test_names_cannot_drive_the_terminal(tmp_path):
    told = doctor("./\033[2Jx")
    assert "\033" not in told.text and told.command == "./?[2Jx"


def test_file_that_may_be_run_but_not_read(build, tree, root):
    program = shutil.copy(str(build()), tree)
    os.chmod(program, 0o711)
    told = doctor(program, command=os.path.join(tree, "tools", "closewait"), user=NOBODY,
                  cwd="/")
    assert told.verdict == "can be traced in part"
    assert "cannot be read" in told.one("partly")


# Damaged files

def test_damaged_program(build, copy):
    program = copy(build())
    for size in (4, 20, 63):
        with open(program, "r+b") as f:
            f.truncate(size)
    told = doctor(program)
    assert cannot(told) and "damaged" in told.one("reason")


def test_hostile_files_end_in_a_verdict(build, copy):
    with open(str(build("-g")), "rb") as f:
        whole = f.read()
    program = copy(build("-g"))
    dice = random.Random(20)
    for _ in range(80):
        size = dice.choice([len(whole), dice.randrange(64, len(whole))])
        spoilt = bytearray(whole[:size])
        for _ in range(dice.randrange(1, 12)):
            at = dice.randrange(4, dice.choice([64, 1024, size])) % size
            spoilt[at] = dice.choice([0, 0x7f, 0xff, dice.randrange(256)])
        with open(program, "wb") as f:
            f.write(spoilt)
        doctor(program)


# The library

def test_library_is_found_from_any_directory(build, tmp_path):
    link = tmp_path / "closewait"
    link.symlink_to(COMMAND)
    (tmp_path / "preload").mkdir()
    (tmp_path / "preload" / "libclosewait.so").write_text("not this one")
    (tmp_path / "tools").mkdir()
    told = doctor(build("-g"), command=str(link), cwd=str(tmp_path / "tools"))
    assert can(told) and told.one("library") == os.path.realpath(LIBRARY)


def test_library_where_it_is_installed(build, tmp_path):
    (tmp_path / "bin").mkdir()
    command = shutil.copy(COMMAND, str(tmp_path / "bin"))
    told = doctor(build("-g"), command=command)
    assert cannot(told) and told.of("library") == []
    place = re.match(r"the library is not where it was installed \((.*): No such file",
                     told.one("reason")).group(1)
    assert re.match(r"%s/bin/\.\./lib.*/closewait/libclosewait\.so$" % tmp_path, place)
    os.makedirs(os.path.dirname(os.path.normpath(place)))
    shutil.copy(LIBRARY, place)
    told = doctor(build("-g"), command=command)
    assert can(told) and told.one("library") == os.path.normpath(place)


def test_library_that_is_damaged_or_of_another_machine(build, tree):
    command = os.path.join(tree, "tools", "closewait")
    library = os.path.join(tree, "preload", "libclosewait.so")
    with open(library, "r+b") as f:
        f.seek(18)
        f.write(struct.pack("=H", OTHER_MACHINE[0]))
    assert "another machine" in doctor(build("-g"), command=command).one("reason")
    assert loaded(build("-g"), preload=library) == 0
    with open(library, "r+b") as f:
        f.truncate(20)
    assert "damaged" in doctor(build("-g"), command=command).one("reason")


def test_library_that_may_not_be_read(build, tree, root):
    command = os.path.join(tree, "tools", "closewait")
    library = os.path.join(tree, "preload", "libclosewait.so")
    program = shutil.copy(str(build("-g")), tree)
    os.chmod(library, 0o700)
    told = doctor(program, command=command, user=NOBODY, cwd="/")
    assert cannot(told) and "cannot be read by this user" in told.one("reason")
    assert loaded(program, preload=library, user=NOBODY, cwd="/") == 0


@pytest.mark.parametrize("name", ["a place", "a:place"])
def test_library_whose_path_cannot_be_preloaded(build, tree, name):
    place = os.path.join(tree, name)
    for directory in ("tools", "preload"):
        shutil.copytree(os.path.join(tree, directory), os.path.join(place, directory))
    told = doctor(build("-g"), command=os.path.join(place, "tools", "closewait"))
    assert cannot(told) and "blank or a colon" in told.one("reason")
    assert loaded(build("-g"), preload=told.one("library")) == 0


# Use

def test_use():
    usage = run([COMMAND, "doctor", "--help"])
    assert usage.returncode == 0 and usage.stderr == ""
    assert len(usage.stdout.splitlines()) < 24
    assert max(map(len, usage.stdout.splitlines())) <= 80
    for argv in ([], ["--nothing"], ["--help=1"]):
        done = run([COMMAND, "doctor"] + argv)
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr.startswith("closewait") and done.stderr.count("\n") == 1
    assert can(doctor(PYTHON, "--help"))  # the command's own
