# SPDX-License-Identifier: MIT
"""Runs a program with the library and without, and compares all that can be seen of it."""
import os
import re
import signal

from traced import LIBRARY, program

SELF_LOOK = program("self_look") + ".so"

# The library's own handlers, which sigaction() hides; the kernel's SigCgt shows them.
OURS = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1,
        signal.SIGUSR2, signal.SIGPIPE, signal.SIGALRM, signal.SIGXCPU, signal.SIGABRT,
        signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE]

CHANCE = [  # what differs from run to run, and what stands for it
    (re.compile(r"/run\d+(?=/|\b)"), "/RUN"),
    (re.compile(r"\b(127\.0\.0\.1|localhost|::1)([\]:. ]+|\s+port )\d+"), r"\1\2PORT"),
    (re.compile(r"\b(port|pid|PID)([ =:]+)\d+"), r"\1\2N"),
    (re.compile(r"\b(socket|pipe):\[\d+\]"), r"\1:[N]"),
    (re.compile(r"/proc/\d+/"), "/proc/N/"),
    (re.compile(r"\b0x[0-9a-f]{6,}\b"), "ADDRESS"),
    (re.compile(r"\b\d\d:\d\d:\d\d(\.\d+)?\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|sec|seconds?|s)\b"), "TIME"),
]


def plain(text, run=None, also=()):
    """The text with stand-ins for pids, ports, addresses and times."""
    if run:
        text = re.sub(r"\b%d\b" % run.pid, "PID", text)
    for pattern, word in list(also) + CHANCE:
        text = re.sub(pattern, word, text)
    return text


def bits(mask):
    return {n for n in range(1, 65) if int(mask, 16) >> (n - 1) & 1}


def caught(mask, handled):
    """The signals that the kernel calls caught, but for those of our handlers' that sigaction()
    hides."""
    return bits(mask) - (set(map(int, OURS)) - handled)


def plain_look(text, also):
    """One process's look at itself."""
    handled = {int(n) for n in re.findall(r"^signal (\d+) handler", text, re.M)}
    text = re.sub(r"^SigCgt:\s*(\w+)$",
                  lambda found: "SigCgt: %s" % sorted(caught(found.group(1), handled)),
                  text, flags=re.M)
    return plain(text, None, also)


def looks(path, also):
    """What each process wrote of itself at its end, in an order of its own."""
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return sorted(plain_look(part, also) for part in f.read().split("\n\n") if part.strip())


def looking(preload, path, env=None):
    """The environment of a program that is to look at itself."""
    together = "%s %s" % (LIBRARY, SELF_LOOK) if preload is True else SELF_LOOK
    if isinstance(preload, str):  # another library in its place
        together = "%s %s" % (preload, SELF_LOOK)
    return dict(env or {}, LD_PRELOAD=together, SELF_LOOK=path)


def quiet(text):
    """Standard error without the library's own messages; its report goes to a file."""
    return "".join(line for line in text.splitlines(True) if not line.startswith("closewait: "))


class Seen:
    """All that can be seen of one run that has ended."""

    def __init__(self, run, look, also=()):
        self.status = run.wait()
        self.out = plain(run.out, run, also)
        self.err = plain(quiet(run.err), run, also)
        self.looks = looks(look, also)

    def differences(self, other):
        found = []
        for what in ("status", "out", "err"):
            if getattr(self, what) != getattr(other, what):
                found.append("%s: %r, and with the library %r" % (
                    what, getattr(self, what), getattr(other, what)))
        if self.looks != other.looks:
            found.append(different_lines(self.looks, other.looks))
        return found


def different_lines(one, other):
    if len(one) != len(other):
        return "%d processes looked at themselves, with the library %d" % (len(one), len(other))
    lines = []
    for a, b in zip(one, other):
        lines += ["-" + line for line in a.splitlines() if line not in b.splitlines()]
        lines += ["+" + line for line in b.splitlines() if line not in a.splitlines()]
    return "looks: " + "; ".join(lines)


def differences(start, tmp_path, argv, preload=True, env=None, also=(), **options):
    """Runs argv twice, the one beside the other, and tells what is not the same."""
    if preload is True:
        options.setdefault("report", str(tmp_path / "report"))
    paths = [str(tmp_path / "look-without"), str(tmp_path / "look-with")]
    for path in paths:
        if os.path.exists(path):
            os.remove(path)
    native = start(argv, preload=False, env=looking(False, paths[0], env))
    traced = start(argv, preload=preload is True, env=looking(preload, paths[1], env), **options)
    return Seen(native, paths[0], also).differences(Seen(traced, paths[1], also))


# Servers that live

def names(pid, fd):
    try:
        return re.sub(r":\[\d+\]", "", os.readlink("/proc/%d/fd/%s" % (pid, fd)))
    except OSError:
        return ""


def descriptors(pid):
    """{number: what it is}; files of the test's own by their last name alone."""
    found = {}
    for fd in os.listdir("/proc/%d/fd" % pid):
        found[int(fd)] = re.sub(r"^/.*/run\d+/", "RUN/", names(pid, fd))
    return found


def threads(pid):
    """The names of its threads."""
    found = []
    for tid in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/comm" % (pid, tid)) as f:
            found.append(f.read().strip())
    return sorted(found)


def children(pid):
    found = []
    for tid in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, tid)) as f:
            found += [int(word) for word in f.read().split()]
    return sorted(found)


def tree(pid):
    """The process and all its descendants, each before its own."""
    return [pid] + [one for child in children(pid) for one in tree(child)]


def status(pid, field):
    with open("/proc/%d/status" % pid) as f:
        return re.search(r"^%s:\s*(\S+)" % field, f.read(), re.M).group(1)


def living(pid):
    """What can be seen from outside of one process: SigCgt but for what our handlers may add."""
    may_differ = set(map(int, OURS))
    return {
        "descriptors": descriptors(pid),
        "threads": threads(pid),
        "children": len(children(pid)),
        "caught": bits(status(pid, "SigCgt")) - may_differ,
        "ignored": status(pid, "SigIgn"),
        "blocked": status(pid, "SigBlk"),
        "seccomp": status(pid, "Seccomp"),
    }


def caught_without(native, traced):
    """Signals that one catches without the library and not with it."""
    return bits(status(native, "SigCgt")) - bits(status(traced, "SigCgt"))


def unlike(native, traced, numbers=True):
    """What differs between two living process trees, but for the signals that the library
    may catch. `numbers`: of the descriptors, too, and not only what they are."""
    one, other = tree(native), tree(traced)
    if len(one) != len(other):
        return ["%d processes, and with the library %d" % (len(one), len(other))]
    found = []
    for a, b in zip(one, other):
        without, with_it = living(a), living(b)
        if not numbers:
            for seen in (without, with_it):
                seen["descriptors"] = sorted(seen["descriptors"].values())
        found += ["%s: %s, and with the library %s" % (what, without[what], with_it[what])
                  for what in without if without[what] != with_it[what]]
        if caught_without(a, b):
            found.append("not caught with the library: %s" % caught_without(a, b))
    return found
