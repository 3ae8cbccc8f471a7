# SPDX-License-Identifier: MIT
"""meson install: what goes where, and that it works from there."""
import json
import os
import re
import subprocess

import pytest

from traced import BUILD, DEADLINE, SOURCE, environment, files_below, tool

PAGES = ["man1/closewait.1", "man1/closewait-clean.1", "man1/closewait-doctor.1",
         "man1/closewait-explain.1", "man1/closewait-list.1", "man1/closewait-report.1",
         "man1/closewait-run.1", "man1/closewait-scan.1", "man1/closewait-top.1",
         "man7/closewait-options.7"]


def meson(*arguments):
    name = tool("meson")
    if not name:
        pytest.skip("meson is not installed")
    done = subprocess.run([name] + [str(a) for a in arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def build_options():
    text = meson("introspect", "--buildoptions", BUILD)
    return {option["name"]: option["value"] for option in json.loads(text)}


@pytest.fixture(scope="module")
def installed(tmp_path_factory, build_options):
    """The prefix, below a directory of the test's own."""
    place = tmp_path_factory.mktemp("install")
    meson("install", "-C", BUILD, "--no-rebuild", "--destdir", place)
    return str(place) + build_options["prefix"]


def run(installed, *arguments, cwd):
    return subprocess.run([os.path.join(installed, "bin", "closewait")] + list(arguments),
                          cwd=str(cwd), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", timeout=DEADLINE,
                          env=environment(False, None, None))


def test_what_is_installed_and_nothing_else(installed, build_options):
    data, man = build_options["datadir"], build_options["mandir"]
    wanted = {build_options["bindir"] + "/closewait",
              build_options["libdir"] + "/closewait/libclosewait.so"}
    if os.path.exists(os.path.join(BUILD, "docs", "man", "closewait.1")):
        wanted |= {"%s/%s" % (man, page) for page in PAGES}
    if build_options["completions"] != "disabled":
        wanted |= {data + "/bash-completion/completions/closewait",
                   data + "/zsh/site-functions/_closewait"}
    found = {os.path.relpath(path, installed) for path in files_below(installed)}
    assert found == wanted


def test_man_pages_are_made_where_scdoc_is(build_options):
    if not tool("scdoc") or build_options["man"] == "disabled":
        pytest.skip("scdoc is not installed")
    made = os.listdir(os.path.join(BUILD, "docs", "man"))
    assert {os.path.basename(page) for page in PAGES} <= set(made)


def test_installed_command_runs_a_command(installed, tmp_path):
    done = run(installed, "run", "--dir", str(tmp_path / "traces"), "--", "true", cwd="/")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "closewait: no leaks: 0 opened, 0 closed, 1 process\n"


def test_installed_command_finds_its_own_library(installed, build_options, tmp_path):
    done = run(installed, "doctor", "true", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    library = re.search(r"^  library +(\S+)$", done.stdout, re.M).group(1)
    assert library == os.path.join(os.path.realpath(installed), build_options["libdir"],
                                   "closewait", "libclosewait.so")


def test_it_can_be_configured_without_pages_and_completions(tmp_path):
    build = tmp_path / "build"
    meson("setup", build, SOURCE, "-Dman=disabled", "-Dcompletions=disabled")
    planned = json.loads(meson("introspect", "--installed", build))
    assert sorted(os.path.basename(path) for path in planned) == ["closewait",
                                                                  "libclosewait.so"]
