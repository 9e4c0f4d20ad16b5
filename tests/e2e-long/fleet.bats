#!/usr/bin/env bats
# A hundred workspaces that run, saved in one run: that one which fails does not keep the others, and is named.

load ../lib/workspace

WORKSPACES=${WORKSPACES:-100}

# One of them has a disk of its own, which is full: the folder of another snapshotter is a small filesystem.
setup_file() {
	local number folder
	folder=$(servers_scratch)
	SMALL=$folder/root/io.containerd.snapshotter.v1.native
	export SMALL
	disk_mount "$SMALL" 128
	unset SERVERS CONTAINERD_ADDRESS
	workspaces_own_servers "$folder"
	workspaces_begin
	for ((number = 1; number < WORKSPACES; number++)); do
		workspace "many-$number"
	done
	ctr images unpack --snapshotter native "$IMAGE" >/dev/null 2>&1 || true
	WORKSPACE_OPTIONS=(--snapshotter native)
	workspace small
	for ((number = 1; number < WORKSPACES; number++)); do
		"$WSNAP" -q version "many-$number" >/dev/null
	done
	"$WSNAP" -q version small >/dev/null
}

teardown_file() {
	workspaces_end
}

# A lock that is held would keep a test that has failed from being cleared away.
teardown() {
	rm -f "$BATS_TEST_TMPDIR/locked"
	[ -n "${BATS_TEST_COMPLETED:-}" ] || { wait; workspaces_clear; }
}

# The newest version of every workspace, "ID NUMBER" a line in the order of ids.
newest() {
	db "SELECT container_id || ' ' || max(version) FROM container_versions GROUP BY container_id ORDER BY container_id COLLATE \"C\""
}

# Whatever was done, every workspace runs on.
all_run() {
	same "$WORKSPACES" "$(ctr tasks ls | grep -c RUNNING)" "running workspaces"
}

# lock_row ID: somebody holds its row until the file is gone.
lock_row() {
	: >"$BATS_TEST_TMPDIR/locked"
	{
		echo "BEGIN; SELECT 1 FROM containers WHERE container_id = '$1' FOR UPDATE;"
		echo "\\! touch $BATS_TEST_TMPDIR/is-locked"
		while [ -e "$BATS_TEST_TMPDIR/locked" ]; do sleep 0.2; done
	} | psql --no-psqlrc -qAt >/dev/null 3>&- 4>&- &
	LOCKER=$!
	servers_wait_for 20 test -e "$BATS_TEST_TMPDIR/is-locked"
}

unlock_row() {
	rm "$BATS_TEST_TMPDIR/locked" "$BATS_TEST_TMPDIR/is-locked"
	wait "$LOCKER"
}

@test "$WORKSPACES workspaces in one run" {
	expect 0 -q version --all --jobs 8
	same "$(newest)" "$output"
	same 2 "$(newest | cut -d ' ' -f 2 | sort -u)"
	all_run
}

@test "one whose disk is full and one whose row is locked: the others are done, and these are named" {
	local before
	before=$(newest)
	dd if=/dev/zero of="$SMALL/filler" bs=64k 2>/dev/null || true
	lock_row many-7
	expect 7 --json version --all --jobs 8
	cp "$BATS_TEST_TMPDIR/output" "$BATS_TEST_TMPDIR/told"
	same "$WORKSPACES" "$(jq '.workspaces | length' "$BATS_TEST_TMPDIR/told")"
	same 'many-7 small' "$(jq -r '[.workspaces[] | select(.error).container_id] | join(" ")' "$BATS_TEST_TMPDIR/told")"
	matches ".*2 of $WORKSPACES workspaces failed \('many-7', 'small'\); the first: 'many-7'.*" "$(jq -r .error.message <<<"$stderr")"
	all_run
	unlock_row
	rm "$SMALL/filler"
	expect 0 recover
	same "$(awk '{ print $1, $2 + ($1 != "small") }' <<<"$before")" "$(newest)"
	expect 0 -q version small
	all_run
	expect 0 recover
	same 'nothing to recover' "$output"
	same '' "$(lease_names)"
}

@test "the same live: no process is ended" {
	local before tasks
	before=$(newest)
	tasks=$(ctr tasks ls | sort)
	lock_row many-70
	# Where no live version is possible that is refused, and never a stop instead.
	expect 7 -q version --all --jobs 8 --live
	same "$((WORKSPACES - 2))" "$(wc -l <<<"$output")"
	unlock_row
	expect 0 recover
	same "$(awk '{ print $1, $2 + ($1 != "small") }' <<<"$before")" "$(newest)"
	same "$tasks" "$(ctr tasks ls | sort)"
}
