# SPDX-License-Identifier: MIT
"""Reads the text report."""
import re

VERDICTS = ("eof-ignored", "eof-unread", "reset-ignored", "shutdown-unclosed", "unknown",
            "half-closed", "idle-client", "open")
FAULTS = ("slow-close", "closed-by-gc", "double-close", "eof-spin", "descriptors-exhausted")
LEAKS = VERDICTS[:4]

HEAD = re.compile(r"^closewait: LEAK: (\d+) sockets?, (\d+) places?\.  (.*), pid (\d+)"
                  r"(?: \(forked from \d+\))?, (.*)$", re.M)
GROUP = re.compile(r"^(%s)  +(\S.*?)(?:\s+\[([0-9a-f]+)\])?$" % "|".join(VERDICTS + FAULTS))
LABEL = re.compile(r"^  (?:(opened|received|found open|passed on|first read|EOF read|peer FIN|at the end"
                   r"|closed|reset|shutdown|shut down|slowest|and again)  +"
                   r"|(first write|told of FIN|told of end) )(\S.*)$")
SOURCE = re.compile(r"^ {12} +(\d+) \|  (.*)$")
SOCKET = re.compile(r"^  fd (\d+) +(.*)$")
DURATION = re.compile(r"\b(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?) ?(ms|us|s))?\b")


def duration(text):
    """Seconds of the first duration in a text ("1m58s", "4.1s", "300 ms"); None: none."""
    for found in DURATION.finditer(text):
        days, hours, minutes, number, unit = found.groups()
        if not any((days, hours, minutes, number)):
            continue
        seconds = int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes or 0) * 60
        if number:
            seconds += float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit]
        return seconds
    return None


class Group:
    def __init__(self, verdict, headline, fingerprint):
        self.verdict = verdict
        self.headline = headline
        self.fingerprint = fingerprint
        number = re.match(r"(\d+) ", headline)
        self.count = int(number.group(1)) if number else None
        self.stacks = {}  # label: [frame line, …]
        self.sources = {}  # label: (line, text) of the stack's first frame
        self.sockets = []
        self.lines = []

    @property
    def text(self):
        return "\n".join([self.headline] + self.lines)

    def stack(self, label):
        """The functions of one stack, innermost first."""
        return [frame.split()[0] for frame in self.stacks.get(label, [])]


def named(frames, *names):
    """Do these functions stand in the stack, in this order? (`name.part.0` is `name`.)"""
    rest = iter(frames)
    return all(any(re.match(re.escape(name) + r"(\W|$)", frame) for frame in rest)
               for name in names)


class Report:
    """All of one text; `head` is None if there is no leak in it."""

    def __init__(self, text):
        self.text = text
        found = HEAD.search(text)
        self.head = found.group(0) if found else None
        self.leaks = int(found.group(1)) if found else 0
        self.places = int(found.group(2)) if found else 0
        self.command = found.group(3) if found else None
        self.pid = int(found.group(4)) if found else None
        self.end = found.group(5) if found else None
        self.groups = []
        self._read(text)

    def _read(self, text):
        group, label = None, None
        for line in text.splitlines():
            begun = GROUP.match(line)
            if begun:
                group, label = Group(*begun.groups()), None
                self.groups.append(group)
                continue
            if group is None:
                continue
            if line and not line.startswith(" "):
                group = None
                continue
            group.lines.append(line)
            source = SOURCE.match(line)
            if label and source:
                group.sources[label] = int(source.group(1)), source.group(2)
                continue
            labelled = LABEL.match(line)
            if labelled:
                label = labelled.group(1) or labelled.group(2)
                group.stacks[label] = [labelled.group(3)]
            elif label and line.startswith(" " * 12) and line.strip():
                group.stacks[label].append(line.strip())
            else:
                label = None
            held = SOCKET.match(line)
            if held:
                group.sockets.append(held.group(0).strip())

    def only(self):
        """The one leak group that there must be."""
        assert self.head, "no leak reported:\n%s" % self.text
        groups = [g for g in self.groups if g.verdict in LEAKS]
        assert len(groups) == 1, self.text
        return groups[0]

    def group(self, verdict):
        groups = [g for g in self.groups if g.verdict == verdict]
        assert len(groups) == 1, "no single %s in:\n%s" % (verdict, self.text)
        return groups[0]
