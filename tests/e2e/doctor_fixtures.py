# SPDX-License-Identifier: MIT
"""Makes what closewait doctor is asked about: a plugin of the tests that do."""
import os
import shutil
import subprocess
import tempfile

import pytest

from doctors import HELLO
from traced import COMMAND, LIBRARY


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
