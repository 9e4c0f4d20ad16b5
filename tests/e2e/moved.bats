#!/usr/bin/env bats
# A writable layer that is moved onto merged ones, and a run that ends in between: whoever starts the workspace then must
# not find it without what it had written.
load ../lib/workspace
load ../lib/killed

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

setup() {
	: >"$WSNAP_CONFIG"
}

# Two layers, and something that is in no version.
unsaved_workspace() {
	workspace "$1"
	workspace_write "$1" /data/f one
	expect 0 version "$1"
	workspace_write "$1" /data/g two
	expect 0 version "$1"
	workspace_write "$1" /data/f unsaved
}

# moved_and_killed ID ARGUMENT…: runs wsnap, which SIGKILL ends when the layer has just left its place.
moved_and_killed() {
	local place
	place=$(dirname "$(writable_folder "$1")")
	shift
	strace -f -qq -o /dev/null -P "$place" -e trace=fsync -e inject=fsync:signal=KILL:when=1 \
		"$WSNAP" "$@" >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
	[ -n "$(records)" ] || complain "no operation was cut off"
}

# What a workspace that is down shows in two files; nothing where it cannot be mounted.
shown() {
	local mount=$BATS_TEST_TMPDIR/mount
	mkdir -p "$mount"
	eval "$(ctr snapshots mounts "$mount" "$(container_snapshot "$1")")" 2>/dev/null || return 0
	cat "$mount/data/f" "$mount/data/g" | xargs
	umount "$mount"
}

shows_all_or_nothing() {
	matches '|unsaved two' "$(shown "$1")"
}

# What is left of the old task goes, as whoever wants it back would have it.
started_by_others() {
	local try
	for try in 1 2 3 4 5; do
		ctr tasks delete --force "$1" >/dev/null 2>&1 || true
		ctr tasks start --detach --null-io "$1" >/dev/null 2>&1 3>&- 4>&- && break
		sleep 0.3
	done
}

# ends_as VERSIONS ID: whatever others have tried meanwhile.
ends_as() {
	expect 0 recover "$2"
	same RUNNING "$(workspace_status "$2")"
	same "unsaved two" "$(cat "$(workspace_root "$2")/data/f" "$(workspace_root "$2")/data/g" | xargs)"
	nothing_is_left
	collect_garbage
	same "unsaved two" "$(cat "$(workspace_root "$2")/data/f" "$(workspace_root "$2")/data/g" | xargs)"
	workspace_write "$2" /data/h three
	expect 0 version "$2"
	same "$(($1 + 1))" "$(db "SELECT max(version) FROM container_versions WHERE container_id = '$2'")"
	expect 0 rollback "$2" 1
	same one "$(workspace_read "$2" /data/f)"
	expect 0 rollback "$2" "$(($1 + 1))"
	same "unsaved two three" "$(cd "$(workspace_root "$2")/data" && cat f g h | xargs)"
	expect 0 doctor "$2"
}

@test "a workspace that others start in the middle of a compaction runs on its own layer afterwards" {
	unsaved_workspace a
	moved_and_killed a compact a
	shows_all_or_nothing a
	started_by_others a
	ends_as 2 a
}

@test "a workspace that others start in the middle of a version on merged layers runs on its own layer afterwards" {
	unsaved_workspace b
	echo 'max_depth = 2' >"$WSNAP_CONFIG"
	moved_and_killed b version b
	: >"$WSNAP_CONFIG"
	shows_all_or_nothing b
	started_by_others b
	ends_as 2 b
}

@test "what is moved is back in its place when nobody has done anything" {
	unsaved_workspace c
	moved_and_killed c compact c
	ends_as 2 c
}

# What doctor finds where the record of that is lost.
found_by_doctor() {
	local stood_on moved_to
	stood_on=$(container_snapshot "$1")
	moved_to=$(snapshot_field "$stood_on" '.Labels["wsnap.moved_to"]')
	snapshot_exists "$moved_to" || moved_to=${moved_to%-work}
	rm "$(records)"
	for operation in create version compact "rollback --no-save"; do
		# shellcheck disable=SC2086 # words
		expect_error 1 "an operation that was cut off, and whose record is lost, has moved what '$1' had written to the snapshot '$moved_to'" \
			$operation "$1" $([ "$operation" = "${operation#rollback}" ] || echo 1)
		[[ $stderr == *"hint: 'wsnap doctor $1' says what is left of it"* ]] || complain "no hint"
	done
	expect 1 doctor "$1"
	[[ $output == *"'$1': the folder of its snapshot '$stood_on' is gone; it can be put on its newest state, which no version holds: "* ]] ||
		complain "other words"
	expect 0 doctor --fix "$1"
	expect 0 doctor --fix
	collect_garbage
	same "unsaved two" "$(shown "$1")"
	expect 0 -q version "$1"
	same 3 "$output"
	expect 0 rollback "$1" 1
	expect 0 rollback "$1" 3
	collect_garbage
	nothing_is_left
	expect 0 doctor "$1"
}

@test "a compaction whose record is lost behind the move is found by doctor" {
	unsaved_workspace d
	moved_and_killed d compact d
	found_by_doctor d
}

@test "a version on merged layers whose record is lost behind the move is found by doctor" {
	unsaved_workspace e
	echo 'max_depth = 2' >"$WSNAP_CONFIG"
	moved_and_killed e version e
	: >"$WSNAP_CONFIG"
	found_by_doctor e
}

@test "a folder that somebody makes where the layer was is not taken for the layer" {
	local home newest
	unsaved_workspace g
	moved_and_killed g compact g
	home=$(writable_folder g)
	newest=$(snapshot_field "$(container_snapshot g)" '.Labels["wsnap.moved_to"]')
	rm "$(records)"
	mkdir -p "$home/data"
	: >"$home/data/later"
	expect_error 1 "an operation that was cut off, and whose record is lost, has moved what 'g' had written to the snapshot '$newest'" \
		version g
	expect 1 doctor --fix g
	[[ $output$stderr == *"something lies in '$home', where the layer was"* ]] || complain "other words"
	rm -r "$home/data"
	expect 0 doctor --fix g
	same "$newest" "$(container_snapshot g)"
	collect_garbage
	same "unsaved two" "$(shown g)"
	expect 0 version g
	expect 0 doctor g
}
