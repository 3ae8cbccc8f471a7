# SPDX-License-Identifier: MIT
"""--help, man pages, completions and the README name the same verbs and options."""
import glob
import os
import re
import subprocess

import pytest

from documents import OPTION, help_of, keys, options, read, verbs, words
from traced import SOURCE, tool

PAGES = sorted(glob.glob(os.path.join(SOURCE, "docs", "man", "*.scd")))
VERBS = ["run", "report", "scan", "top", "list", "clean", "explain", "doctor"]


def page(verb):
    return read("docs", "man", "closewait%s.1.scd" % ("-" + verb if verb else ""))


def page_options(verb):
    return set(re.findall(r"^\*(%s)\*" % OPTION, page(verb), re.M))


def test_verbs_are_those_of_these_tests():
    assert sorted(verbs()) == sorted(VERBS)


@pytest.mark.parametrize("verb", VERBS + [""])
def test_options_of_help_are_those_of_the_man_page(verb):
    assert page_options(verb) == options(verb)


def test_verbs_of_help_are_those_of_the_man_page():
    section = re.search(r"^# VERBS$(.*?)^# ", page(""), re.M | re.S).group(1)
    assert sorted(re.findall(r"^\*([a-z]+)\*$", section, re.M)) == sorted(VERBS)


def test_each_page_refers_to_pages_that_exist():
    own = {os.path.basename(path)[:-len(".scd")] for path in PAGES}
    assert len(own) == len(VERBS) + 2
    for path in PAGES:
        referred = set(re.findall(r"\*(closewait[a-z-]*)\*\((\d)\)", read(path)))
        assert referred and {"%s.%s" % pair for pair in referred} <= own, path


@pytest.mark.parametrize("path", PAGES, ids=os.path.basename)
def test_page_has_its_sections(path):
    sections = re.findall(r"^# (.*)$", read(path), re.M)
    wanted = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES",
              "SEE ALSO"]
    assert [name for name in sections if name in wanted] == wanted


@pytest.mark.parametrize("path", PAGES, ids=os.path.basename)
def test_page_renders_without_a_warning(path, need, tmp_path):
    need("scdoc")
    with open(path, "rb") as source:
        made = subprocess.run(["scdoc"], stdin=source, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    assert (made.returncode, made.stderr) == (0, b"")
    if not tool("man") or not tool("groff"):
        return
    rendered = tmp_path / os.path.basename(path)[:-len(".scd")]
    rendered.write_bytes(made.stdout)
    shown = subprocess.run(["man", "--warnings=w", "-E", "UTF-8", "-l", str(rendered)],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env=dict(os.environ, MANWIDTH="80", LC_ALL="C.UTF-8"))
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert b"SEE ALSO" in shown.stdout


# The options of the library

def test_keys_of_the_library_are_those_of_its_help():
    table = re.findall(r'^\t\{"([a-z_]+)", set_', read("preload", "options.c"), re.M)
    assert set(table) - {"session"} == set(keys())


def test_keys_of_the_library_are_in_its_man_page_with_their_defaults():
    text = read("docs", "man", "closewait-options.7.scd")
    entries = dict(re.findall(r"^\*([a-z_]+)=.*\n((?:\t.*\n)+)", text, re.M))
    assert set(entries) == set(keys())
    for key, default in keys().items():
        # The directory and those without a default are told in words.
        if default and not re.search(r"[/ ]|not set", default):
            assert "*%s*" % default in entries[key], (key, default)


def test_keys_of_the_library_are_in_the_readme():
    section = read("README.md").split("\n## Options of the library\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z_]+)=", section, re.M)) == set(keys())


# The README

def test_readme_names_every_verb_and_no_other():
    named = re.findall(r"`closewait ([a-z]+)", read("README.md"))
    assert set(named) == set(VERBS)


def test_readme_names_no_option_that_is_not_there():
    text = re.sub(r"tests/run --[a-z]+", "", read("README.md"))
    known = set.union(*(options(verb) for verb in VERBS + [""]))
    assert set(re.findall(r"(?<![\w-])" + OPTION, text)) <= known


@pytest.mark.parametrize("text", ["README.md", "docs/man/closewait.1.scd",
                                  "docs/man/closewait-explain.1.scd"])
def test_every_verdict_and_fault_is_named(text):
    mark = "`" if text.endswith(".md") else "*"
    for word in words():
        assert mark + word + mark in read(text), word


@pytest.mark.parametrize("path", ["README.md", "CONTRIBUTING.md", "examples/systemd/README.md",
                                  "examples/prometheus/README.md", "docs/scan.md",
                                  "examples/container/README.md"])
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", read(path)):
        assert re.match(r"https?:", target) or os.path.exists(
            os.path.join(SOURCE, os.path.dirname(path), target)), target


@pytest.mark.parametrize("path", ["README.md", "docs/man/closewait-run.1.scd",
                                  "docs/man/closewait-report.1.scd"])
def test_suppressions_of_the_documents_are_understood(path, closewait, tmp_path):
    shown = re.search(r"^(?:    )?# the metrics library.*\n(?:(?:    )?[a-z-]+:.*\n)+", read(path), re.M)
    rules = tmp_path / "rules"
    rules.write_text(shown.group(0))
    done = closewait("run", "--dir", tmp_path / "traces", "--suppressions", rules, "--", "true")
    assert done.returncode == 0, done.stderr


def test_news_names_every_verb():
    for verb in VERBS:
        assert re.search(r"closewait %s\b" % verb, read("NEWS")), verb


def test_help_leads_to_the_verbs():
    assert "closewait VERB --help" in help_of()
