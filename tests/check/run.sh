#!/bin/bash
# run.sh [SUITE…]: builds, starts two private servers, and runs suites of tests. Without a SUITE: static, unit, e2e.
# `static` is every other script in this folder, `unit` the programs of tests/unit; any other name is the folder
# tests/NAME with its *.bats files and its *.sh scripts that speak TAP (`ok 1 what`, `not ok 2 what`).
#
# JOBS=2 is how many files run at the same time, LIMIT=SECONDS how long one may take. KEEP=FOLDER keeps their output.
# The last line is `N passed, N failed`; the exit status is 0 only when nothing failed and something passed.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/lib/servers.sh"
cd "$root" || exit 1
JOBS=${JOBS:-2}
passed=0 failed=0 skipped=0
bad_files=()

# --- one file -------------------------------------------------------------------------------------

# limited SECONDS COMMAND…: a hang ends as status 124 or 137.
limited() {
	timeout --kill-after=10 "$@" </dev/null
}

# Runs a file of a suite; its TAP goes to standard output.
run_file() {
	local suite=$1 file=$2
	case $suite:$file in
	unit:*) CMOCKA_MESSAGE_OUTPUT=TAP limited "${LIMIT:-600}" "build/tests/unit/$(basename "$file" .c)" 2>&1 ;;
	e2e:*.bats) limited "${LIMIT:-1800}" bats --tap "$file" 2>&1 ;;
	*:*.bats) limited "${LIMIT:-14400}" bats --tap "$file" 2>&1 ;;
	static:*) limited "${LIMIT:-300}" bash "$file" 2>&1 ;;
	*) limited "${LIMIT:-14400}" bash "$file" 2>&1 ;;
	esac
}

work() {
	local name=$1 began=$SECONDS
	run_file "$2" "$3" >"$results/$name.tap"
	echo "$? $((SECONDS - began))" >"$results/$name.status"
}

# Adds up a finished file. A file that ends badly without a failed test, or tells of no test, is one failure.
tally() {
	local name=$1 tap=$results/$1.tap status seconds good bad skip
	read -r status seconds <"$results/$name.status" || status=1 seconds=0
	skip=$(grep -ciE '^(not )?ok .*# *skip' "$tap")
	good=$(grep -E '^ok ' "$tap" | grep -civE '# *skip')
	# cmocka calls a skipped test not ok.
	bad=$(grep -E '^not ok ' "$tap" | grep -civE '# *skip')
	[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	[ "$status" -ne 124 ] && [ "$status" -ne 137 ] || echo "# $name did not end in time" >>"$tap"
	if [ $((good + bad + skip)) -eq 0 ]; then
		echo "# $name tells of no test" >>"$tap"
		bad=1
	fi
	passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skip))
	printf '%-4s %-40s %4d passed %3d failed %3d skipped %5d s\n' \
		"$([ "$bad" -eq 0 ] && echo ok || echo FAIL)" "$name" "$good" "$bad" "$skip" "$seconds"
	if [ "$bad" -gt 0 ]; then
		bad_files+=("$name")
		grep -vE '^ok ' "$tap" | tail -n 400 | sed 's/^/     /'
		[ "$status" -eq 0 ] || echo "     (exit status $status)"
	elif [ "$skip" -gt 0 ]; then
		grep -iE '^(not )?ok .*# *skip' "$tap" | sed 's/^/     /'
	fi
}

# --- suites ---------------------------------------------------------------------------------------

suite_files() {
	case $1 in
	static) find tests/check -maxdepth 1 -name '*.sh' ! -name run.sh | sort ;;
	unit) find tests/unit -maxdepth 1 -name '*.c' | sort ;;
	*) find "tests/$1" -maxdepth 1 \( -name '*.bats' -o -name '*.sh' \) 2>/dev/null | sort ;;
	esac
}

finish_those_done() {
	local name left=()
	for name in "${running[@]}"; do
		if [ -e "$results/$name.status" ]; then
			tally "$name"
		else
			left+=("$name")
		fi
	done
	running=("${left[@]}")
}

run_suite() {
	local suite=$1 file name at_once=$JOBS
	running=()
	if [ -z "$(suite_files "$suite")" ]; then
		echo "FAIL there is no suite '$suite'"
		failed=$((failed + 1))
	fi
	# Unit tests are quick, and some of them want the database to themselves.
	[ "$suite" != unit ] || at_once=1
	for file in $(suite_files "$suite"); do
		while [ ${#running[@]} -ge "$at_once" ]; do
			wait -n
			finish_those_done
		done
		name=$suite-$(basename "${file%.*}")
		running+=("$name")
		work "$name" "$suite" "$file" &
	done
	wait
	finish_those_done
}

# --- all together ---------------------------------------------------------------------------------

finish() {
	servers_end
	[ -n "${KEEP:-}" ] || rm -rf "$results"
}

# What failed, again and shortly: the beginning of a long output is what is cut off first.
tell_failures() {
	local name
	for name in "${bad_files[@]}"; do
		echo "FAIL $name"
		awk '/^ok |^1\.\.|^TAP / { told = 0 } /^not ok / && !/# *[Ss][Kk][Ii][Pp]/ { told = 25 } told-- > 0' \
			"$results/$name.tap" | cut -c1-400 | head -n 100 | sed 's/^/     /'
	done
}

summary() {
	tell_failures
	[ "$skipped" -eq 0 ] || echo "$skipped skipped"
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

build() {
	make --no-print-directory -j"$(nproc)" "$@" >"$results/build.log" 2>&1 && return
	cat "$results/build.log"
	echo "the build failed"
	failed=1
	summary
	exit 1
}

[ "$(id -u)" = 0 ] || { echo "the tests need root: sudo make check" >&2; exit 1; }
results=${KEEP:-$(mktemp -d)}
mkdir -p "$results"
unset SERVERS
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
[ $# -gt 0 ] || set -- static unit e2e
case " $* " in
' unit ') build unit-tests ;;
' static ') ;;
*' unit '*) build all unit-tests ;;
*) build all ;;
esac
# A copy, so that building while the tests run does no harm.
if [ -e build/wsnap ] && [ -z "${WSNAP:-}" ]; then
	WSNAP=$results/wsnap
	export WSNAP
	cp build/wsnap "$WSNAP"
fi
folder=$(servers_scratch) && servers_start "$folder" || exit 1
for suite in "$@"; do
	run_suite "$suite"
done
servers_end || failed=$((failed + 1))
summary
