#!/usr/bin/env bats
# A sample of the long run of `make endurance`. It starts its own servers.

ROOT=$BATS_TEST_DIRNAME/../..

@test "200 versions with a low limit: bounded chains, exact trees, space given back" {
	MAX_DEPTH=12 "$ROOT/tests/endurance/versions.sh" 200 >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- 4>&- || {
		cat "$BATS_TEST_TMPDIR/output" >&2
		return 1
	}
}
