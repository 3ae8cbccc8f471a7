# SPDX-License-Identifier: MIT
"""A terminal of the test's own (tmux), to run something on its screen."""
import os
import shlex
import subprocess

from traced import until


class Screen:
    """A shell on a screen of 80x24; what is run in it sees a terminal."""

    def __init__(self, directory):
        self.socket = os.path.join(directory, "tmux")
        environment = dict(os.environ, LC_ALL="C.UTF-8", PS1="$ ")
        environment.pop("TMUX", None)
        self.run("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24",
                 "env", "ENV=", "PS1=$ ", "sh", environment=environment)
        self.run("set-option", "-g", "window-size", "manual")

    def run(self, *arguments, environment=None):
        return subprocess.check_output(["tmux", "-u", "-S", self.socket] + list(arguments),
                                       env=environment, encoding="utf-8", timeout=30)

    def type(self, *keys):
        """tmux's names: Enter, Escape, NPage, or characters."""
        self.run("send-keys", *keys)

    def command(self, *argv):
        self.run("send-keys", "-l", " ".join(shlex.quote(str(a)) for a in argv))
        self.type("Enter")

    def lines(self):
        return self.run("capture-pane", "-p").split("\n")

    def text(self):
        return "\n".join(self.lines())

    def until(self, *wanted):
        """Waits until all of these texts are on the screen; returns its lines."""
        until(lambda: all(text in self.text() for text in wanted),
              "%r on the screen, which is:\n%s" % (wanted, "".join(self.text())))
        return self.lines()

    def leave(self):
        """Types q, and waits until the shell is alone: what is typed earlier may be thrown away."""
        self.type("q")
        self.until_alone()

    def until_alone(self):
        shell = self.run("display-message", "-p", "#{pane_pid}").strip()
        until(lambda: not open("/proc/%s/task/%s/children" % (shell, shell)).read().strip(),
              "the program's end")

    def resize(self, columns, rows):
        self.run("resize-window", "-x", str(columns), "-y", str(rows))

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], stderr=subprocess.DEVNULL)
