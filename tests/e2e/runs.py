# SPDX-License-Identifier: MIT
"""What the tests of `closewait run` have in common; the fixture `run` is in conftest.py."""
from traced import program

GRACE = "20ms"
HOLD = 60  # ms; longer than GRACE


def holds_leak(count, *how):
    return [program("holds_leak"), count, HOLD] + list(how)
