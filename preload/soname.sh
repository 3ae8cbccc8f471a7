#!/bin/sh
# SPDX-License-Identifier: MIT
# soname.sh LIBRARY COMPILER…: prints the soname by which -lLIBRARY is loaded at run time.
set -eu
library=$1
shift
out=$(mktemp)
trap 'rm -f "$out"' EXIT
echo 'int main(void) { return 0; }' |
	"$@" -x c - -Wl,--no-as-needed "-l$library" -o "$out"
readelf -d "$out" | sed -n "s/.*(NEEDED).*\[\(lib$library\.so\.[0-9]*\)\].*/\1/p"
