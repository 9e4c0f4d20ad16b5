#!/usr/bin/env bats
# A long history of one workspace, while garbage is collected and other containers come and go.

load ../lib/workspace

VERSIONS=${VERSIONS:-300}

setup_file() {
	workspaces_begin
}

teardown_file() {
	workspaces_end
}

# Beside the operations: other containers are made and removed, and collections forced, until the file is gone.
disturb() {
	local turn=0
	while [ -e "$BATS_TEST_TMPDIR/disturb" ]; do
		turn=$((turn + 1))
		ctr containers create "$IMAGE" "other-$turn" true
		ctr containers delete "other-$turn"
		collect_garbage
		sleep 0.05
	done
}

# The container is looked for all the time; every time it is not there is written down.
watch_container() {
	while [ -e "$BATS_TEST_TMPDIR/disturb" ]; do
		container_exists long || echo missing >>"$BATS_TEST_TMPDIR/missing"
	done
}

@test "$VERSIONS versions with collections and removals beside them: nothing is lost" {
	local number
	workspace long sleep 1000000
	: >"$BATS_TEST_TMPDIR/disturb"
	disturb 3>&- 4>&- >/dev/null 2>&1 &
	watch_container 3>&- 4>&- >/dev/null 2>&1 &
	for number in $(seq "$VERSIONS"); do
		workspace_write long /data/number "$number"
		expect 0 -q version long
		same "$number" "$output" "the version"
	done
	rm "$BATS_TEST_TMPDIR/disturb"
	wait
	[ ! -e "$BATS_TEST_TMPDIR/missing" ] || complain "the container was missing $(wc -l <"$BATS_TEST_TMPDIR/missing") times"
	same "$VERSIONS" "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'long'")" "rows"
	same "$VERSIONS" "$(snapshot_names | grep -c '^long-v')" "snapshots"
}

@test "the first, the middle and the last come back" {
	local number
	for number in 1 $((VERSIONS / 2)) "$VERSIONS"; do
		expect 0 -q rollback long "$number"
		same "$number" "$(workspace_read long /data/number)" "the file"
		collect_garbage
	done
}
