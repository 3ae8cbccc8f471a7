#!/bin/sh
# SPDX-License-Identifier: MIT
# A gate for continuous integration: runs a server under closewait and tests against it, ends
# it, and fails if the server leaked or the tests failed.
#
# Usage: gate.sh PORT TESTS SERVER [ARGUMENT ...]
#
#     gate.sh 8080 'pytest tests/api' ./server -p 8080
#
# PORT is where the server listens; TESTS is a command line for the shell. In the environment:
# CLOSEWAIT is the command (closewait), PAUSE how many seconds pass between the tests and the
# server's end (2): what the last test left must be older than `grace` (1s) to be judged.
set -eu

[ $# -ge 3 ] || {
	echo "usage: gate.sh PORT TESTS SERVER [ARGUMENT ...]" >&2
	exit 2
}
port=$1
tests=$2
shift 2

"${CLOSEWAIT:-closewait}" run --exitcode 23 -- "$@" &
pid=$!
trap 'kill -TERM "$pid" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM HUP

# ss does not connect: the server sees nothing of it.
listens() {
	ss -Hltn "sport = :$port" | grep -q .
}

tries=0
until listens; do
	tries=$((tries + 1))
	if [ $tries -gt 300 ] || ! kill -0 "$pid" 2>/dev/null; then
		echo "gate.sh: nobody listens on port $port" >&2
		exit 1
	fi
	sleep 0.1
done

tested=0
sh -c "$tests" || tested=$?
sleep "${PAUSE:-2}"

kill -TERM "$pid" || true
served=0
wait "$pid" || served=$?
trap - EXIT

# 143 is death by SIGTERM, which is how this script ends a server.
case $served in
0 | 143) ;;
23) echo "gate.sh: the server leaked sockets" >&2 ;;
*) echo "gate.sh: the server ended with status $served" >&2 ;;
esac
[ "$tested" = 0 ] || echo "gate.sh: the tests ended with status $tested" >&2
case $served in
0 | 143) exit "$tested" ;;
*) exit "$served" ;;
esac
