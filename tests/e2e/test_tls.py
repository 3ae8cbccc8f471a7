# SPDX-License-Identifier: MIT
"""Connections that OpenSSL reads and writes: the stacks lead through it to the program's code."""
import os

import pytest

from reports import Report, named
from traced import program

HOLD = 60  # ms; longer than GRACE


def served(start, how):
    if not os.path.exists(program("tls_server")):
        pytest.skip("it was built without OpenSSL 3 (libssl-dev)")
    run = start([program("tls_server"), HOLD, how], grace="10ms")
    assert run.wait() == 0, run.err
    return run


def test_eof_is_told_with_the_function_that_called_for_it(start):
    group = Report(served(start, "leak").err).only()
    assert (group.verdict, group.count) == ("eof-ignored", 1), group.text
    stack = group.stacks["EOF read"]
    assert named(stack, "SSL_read", "read_request", "serve_connection", "main"), group.text
    assert named(group.stacks["first read"], "serve_connection", "main"), group.text


def test_farewell_of_tls_is_no_eof(start):
    group = Report(served(start, "shutdown").err).only()
    assert (group.verdict, group.count) == ("eof-unread", 1), group.text
    assert "never read again" in group.headline, group.text


def test_closed_connection_is_no_finding(start):
    assert served(start, "close").err == ""
