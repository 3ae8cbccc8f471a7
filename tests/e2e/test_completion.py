# SPDX-License-Identifier: MIT
"""Completion: bash's function is called as readline calls it, zsh's is typed at."""
import os
import pty
import re
import select
import shlex
import subprocess
import time

import pytest

from documents import options, verbs, words
from traced import DEADLINE, SOURCE, program

BASH = os.path.join(SOURCE, "completions", "closewait.bash")
VERBS = ["run", "report", "scan", "top", "list", "clean", "explain", "doctor"]


def complete(*typed, cwd=None):
    """What bash offers for the last of these words."""
    script = """
        source "$0"
        COMP_WORDS=(closewait "$@") COMP_CWORD=$#
        _closewait closewait "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        [ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script, BASH] + list(typed), cwd=cwd,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                          timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_verbs():
    assert sorted(complete("")) == sorted(verbs())
    assert complete("re") == ["report"]


@pytest.mark.parametrize("verb", VERBS + [""])
def test_options_of_help_are_offered_and_no_others(verb):
    offered = complete(*filter(None, [verb]), "--")
    assert len(offered) == len(set(offered))
    assert set(offered) == options(verb)


def test_explain_offers_verdicts_and_faults():
    assert sorted(complete("explain", "")) == sorted(words())
    assert complete("explain", "double") == ["double-close"]


@pytest.mark.parametrize("verb", ["run", "report"])
def test_fail_on_offers_a_list_of_names(verb):
    assert sorted(complete(verb, "--fail-on", "")) == sorted(words() + ["leak"])
    assert complete(verb, "--fail-on", "leak,slow") == ["leak,slow-close"]
    assert complete(verb, "--fail-on", "=", "leak,slow") == ["leak,slow-close"]


def test_states_and_processes_for_scan():
    assert complete("scan", "--state", "close-wait,fin") == ["close-wait,fin-wait-1",
                                                             "close-wait,fin-wait-2"]
    assert str(os.getpid()) in complete("scan", "--pid", "")
    assert str(os.getpid()) in complete("scan", "--pid", "=", "")


@pytest.mark.parametrize("option", ["--json", "--report", "--suppressions", "--baseline"])
def test_files_for_options_that_take_a_file(option, tmp_path):
    (tmp_path / "leaks file").write_text("")
    assert complete("run", option, "lea", cwd=str(tmp_path)) == ["leaks file"]
    assert complete("run", option, "=", "lea", cwd=str(tmp_path)) == ["leaks file"]


@pytest.mark.parametrize("verb", ["run", "list", "clean"])
def test_directories_for_dir(verb, tmp_path):
    (tmp_path / "traces").mkdir()
    (tmp_path / "trace.txt").write_text("")
    assert complete(verb, "--dir", "tr", cwd=str(tmp_path)) == ["traces"]


def test_fixed_values():
    assert complete("run", "--annotate", "") == ["github"]
    assert sorted(complete("report", "--color", "=")) == ["always", "auto", "never"]


def test_command_of_run_has_its_own_options(tmp_path):
    (tmp_path / "--all-of-it").write_text("")
    assert "--all" not in complete("run", "--exitcode", "23", "ls", "--a", cwd=str(tmp_path))
    assert "--all" not in complete("run", "--", "ls", "--a", cwd=str(tmp_path))
    assert "bash" in complete("run", "--exitcode", "23", "--", "bas")
    assert "bash" in complete("run", "--exitcode", "=", "23", "bas")
    assert "bash" in complete("doctor", "bas")


def test_report_offers_traces_and_processes_with_the_library(start, tmp_path):
    (tmp_path / "1.0.cwtrace").write_text("")
    one = start([program("ends"), 0, "wait"])
    one.line("ready")
    other = start([program("ends"), 0, "wait"], preload=False)
    other.line("ready")
    offered = complete("report", "", cwd=str(tmp_path))
    assert str(one.pid) in offered and "1.0.cwtrace" in offered
    assert str(other.pid) not in offered


# zsh

class Zsh:
    """A zsh on a terminal."""

    def __init__(self, home):
        setup = "\n".join([
            "fpath=(%s $fpath)" % shlex.quote(os.path.join(SOURCE, "completions")),
            "autoload -Uz compinit; compinit -u -d %s" % shlex.quote(str(home / "dump")),
            "PS1='READY> '; LISTMAX=1000; setopt no_always_last_prompt; unsetopt beep",
            "zstyle ':completion:*' list-prompt ''",
        ])
        (home / ".zshrc").write_text(setup + "\n")
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "ZDOTDIR": str(home),
               "TERM": "dumb", "LC_ALL": "C.UTF-8", "LINES": "200", "COLUMNS": "120"}
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(str(home))
            os.execvpe("zsh", ["zsh", "-i", "-d"], env)

    def shown(self, *patterns):
        """All that it shows until each pattern is there."""
        text, end = "", time.monotonic() + DEADLINE
        while not all(re.search(pattern, text) for pattern in patterns):
            left = end - time.monotonic()
            assert left > 0 and select.select([self.terminal], [], [], left)[0], text
            text += os.read(self.terminal, 65536).decode("utf-8", "replace")
        return text

    def tab(self, typed, *patterns):
        os.write(self.terminal, (typed + "\t\t").encode())
        text = self.shown(*patterns)
        os.write(self.terminal, b"\x15")  # the line is taken back
        return text

    def close(self):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


@pytest.fixture
def zsh(need, terminals, tmp_path):
    need("zsh")
    one = Zsh(tmp_path)
    one.shown("READY> ")
    yield one
    one.close()


def test_zsh_offers_verbs(zsh):
    zsh.tab("closewait ", *(r"\b%s +--" % verb for verb in VERBS))


@pytest.mark.parametrize("verb", VERBS)
def test_zsh_offers_the_options(zsh, verb):
    others = options(verb)
    if len(others) == 1:
        zsh.tab("closewait %s --" % verb, r"--help ")
    else:
        zsh.tab("closewait %s --" % verb, *(r"(?m)%s\s+--" % option for option in others))


def test_zsh_names_no_option_that_is_not_there():
    with open(os.path.join(SOURCE, "completions", "_closewait")) as f:
        named = set(re.findall(r"'(?:\*|\([^)]*\))?(--[a-z-]+)=?\[", f.read()))
    known = set.union(*(options(verb) for verb in VERBS + [""]))
    assert named == known


def test_zsh_offers_verdicts_and_faults(zsh):
    zsh.tab("closewait explain ", *(r"\b%s +--" % word for word in words()))


def test_zsh_completes_a_list_of_names(zsh):
    zsh.tab("closewait run --fail-on leak,slow", r"leak,slow-close")


def test_zsh_completes_files(zsh, tmp_path):
    (tmp_path / "known.json").write_text("{}")
    zsh.tab("closewait run --baseline kno", r"known\.json")
