#!/usr/bin/env bats
# Samples of the long runs, which have targets of their own: `make torture` and `make endurance`. They start their
# own servers.

ROOT=$BATS_TEST_DIRNAME/../..

# Fails with what the run said about it.
run_sample() {
	"$@" >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- 4>&- || { cat "$BATS_TEST_TMPDIR/output" >&2; return 1; }
}

@test "200 versions with a low limit: bounded chains, exact trees, space given back" {
	MAX_DEPTH=12 run_sample "$ROOT/tests/endurance/versions.sh" 200
}

@test "a sample of the torture: nothing lost, nothing doubled, nothing left over" {
	run_sample "$ROOT/tests/torture/torture.sh" sample
}
