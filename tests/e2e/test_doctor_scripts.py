# SPDX-License-Identifier: MIT
"""closewait doctor: scripts, and how a command is found."""
import errno
import os
import shutil

import pytest

from doctors import can, cannot, doctor, loaded, NOBODY, run
from traced import PYTHON

pytest_plugins = ["doctor_fixtures"]


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
