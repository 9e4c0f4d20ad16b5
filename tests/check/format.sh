#!/bin/bash
# The source is laid out as .clang-format says. Versions of clang-format differ: only 14, that of Debian 12, judges.
set -u
cd "$(dirname "$0")/../.." || exit 1
what='the source is laid out as `make format` does it'
echo 1..1
if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
	echo "ok 1 $what # skip there is no clang-format 14"
	exit 0
fi
if found=$(clang-format --dry-run --Werror src/*.c src/*/*.[ch] tests/unit/*.c tests/unit/support/*.[ch] \
	tests/torture/*.c tests/bench/fleet.c 2>&1); then
	echo "ok 1 $what"
	exit 0
fi
echo "not ok 1 $what"
grep error: <<<"$found" | head -n 40 | sed 's/^/# /'
exit 1
