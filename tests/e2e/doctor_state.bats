#!/usr/bin/env bats
# The state directory is lost in the middle of an operation: doctor finds the newest state on the disk, whatever kind of
# snapshot bears it, and what was taken off the container for the operation's time.
load ../lib/workspace
load ../lib/killed

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# layered ID: three versions, and what no version holds.
layered() {
	workspace_of_versions "$1" 3
	workspace_write "$1" /data/n precious
}

# shows ID PATH: what it shows, also where it is down (and its old task may still be being deleted).
shows() {
	local mounted=$BATS_TEST_TMPDIR/mounted
	if [ "$(workspace_status "$1")" = RUNNING ]; then
		workspace_read "$1" "$2"
		return
	fi
	mkdir -p "$mounted"
	eval "$(ctr snapshots mounts "$mounted" "$(container_snapshot "$1")")"
	cat "$mounted$2"
	umount "$mounted"
}

# What a whole compaction of such a workspace tells, once for all tests.
compaction_told() {
	LIKE=$BATS_FILE_TMPDIR/compaction
	[ ! -e "$LIKE" ] || return 0
	layered like
	"$WSNAP" -v compact like >/dev/null 2>"$LIKE" </dev/null 3>&- 4>&-
}

# Active snapshots, and layers of compactions, that gc.root keeps.
kept_layers() {
	ctr snapshots ls | awk -v id="$1-" '$1 ~ "^" id "(layer|active|merged)-" { print $1 }' | while read -r name; do
		snapshot_field "$name" '.Labels | select(has("containerd.io/gc.root")) | "'"$name"'"'
	done
}

# Behind every step of a compaction the records are lost, and the leases with them once doctor has looked.
@test "a compaction whose record is lost: its workspace stands on the newest state, and nothing is kept for itself" {
	local step id number=0
	compaction_told
	for step in $(awk '$1 == "wsnap:" && $3 ~ /^[0-9.]+$/ && $4 == "ms" { print $2 }' "$LIKE"); do
		[ "$step" != release ] || continue
		id=w$((number += 1))
		layered "$id"
		killed_after "$step" compact "$id"
		rm "$(records)"
		expect 0 doctor --fix "$id"
		expect 0 doctor --fix
		collect_garbage
		same precious "$(shows "$id" /data/n)" "the state after a loss behind '$step'"
		same "$id 3" "$(shows "$id" /data/3)" "a file of a version after a loss behind '$step'"
		same "" "$(kept_layers "$id")" "layers that are kept for themselves after a loss behind '$step'"
		# What the killed Tasks.Delete of an earlier one has left may be old enough by now to be named.
		expect 0 doctor "$id"
		same true "$(expect 0 --json list "$id" && json '.versions[] | select(.version == 3) | .current')" \
			"what it stands on after a loss behind '$step'"
		expect 0 -q version "$id"
		same 4 "$output"
		timeout 20 ctr tasks delete --force "$id" >/dev/null 2>&1 || true
	done
	[ "$number" -ge 10 ] || complain "only $number steps"
}

@test "what doctor would do about a lost compaction, and that it goes back, is said before and after" {
	layered told
	compaction_told
	killed_after prepare compact told
	rm "$(records)"
	layer=$(kept_layers told)
	expect 1 doctor told
	[[ $output == *"it can be put on its newest state, which no version holds: '$layer' (active)"* ]] || complain "other words"
	expect 0 doctor --fix told
	[[ $output == *"it stands on its newest state, which no version holds: '$layer' (active)"* ]] || complain "other words"

	workspace back
	expect 0 -q version back
	ctr tasks delete --force back >/dev/null
	ctr snapshots rm "$(container_snapshot back)"
	expect 0 doctor --fix back
	matches "fixed: 'back': .* it stands on a new one of version 1; what was written since $TIME is not on the disk" "$output"
}

# As earlier builds saved one before they merged.
@test "a compaction's layer that nothing stands on becomes a version" {
	layered hidden
	ctr tasks delete --force hidden >/dev/null
	layer=hidden-layer-1
	ctr snapshots commit "$layer" "$(container_snapshot hidden)"
	ctr snapshots label "$layer" containerd.io/gc.root=now wsnap.kind=layer wsnap.container=hidden \
		wsnap.operation=0190d3a4-5b6c-4d7e-8f90-a1b2c3d4e5f6 wsnap.created=2026-01-01T00:00:00Z \
		wsnap.stands_on="$(db "SELECT runtime_snapshot_name FROM snapshots WHERE container_id = 'hidden'
			ORDER BY created_at DESC LIMIT 1")" wsnap.last_version=3 >/dev/null
	ctr containers delete hidden
	expect 1 --json doctor hidden
	same "version_unrecorded $layer" "$(json '.findings[] | select(.subject == "'"$layer"'") | "\(.kind) \(.subject)"')"
	expect 0 doctor --fix hidden
	[[ $output == *"has saved as '$layer' is version 4 now"* ]] || complain "other words"
	same "$layer compact" "$(db "SELECT s.runtime_snapshot_name, s.source FROM container_versions v
		JOIN snapshots s ON s.id = v.snapshot_id WHERE v.container_id = 'hidden' AND v.version = 4" | tr '|' ' ')"
	collect_garbage
	snapshot_exists "$layer" || complain "it is gone"
	expect 0 doctor hidden
	expect 0 delete hidden 3
}

@test "the restart monitor's label that a lost operation has taken off is found and put back" {
	local command
	for command in version compact; do
		layered "r-$command"
		layered "like-$command"
		ctr containers label "r-$command" containerd.io/restart.status=mine >/dev/null
		ctr containers label "like-$command" containerd.io/restart.status=mine >/dev/null
		told_by "$command" "like-$command"
		same '["mine",null]' "$(container_field "like-$command" '[.Labels["containerd.io/restart.status", "wsnap.restart_status"]] | tostring')"
		killed_after stop "$command" "r-$command"
		rm "$(records)"
		same null "$(container_field "r-$command" '.Labels["containerd.io/restart.status"]')"
		expect 1 --json doctor "r-$command"
		same "r-$command" "$(json '.findings[] | select(.kind == "restart_held") | .subject')"
		expect 0 doctor --fix "r-$command"
		same '["mine",null]' "$(container_field "r-$command" '[.Labels["containerd.io/restart.status", "wsnap.restart_status"]] | tostring')"
		expect 0 doctor "r-$command"
	done
	# The next operation does as much by itself.
	layered r-next
	ctr containers label r-next containerd.io/restart.status=mine >/dev/null
	told_by version "like-version"
	killed_after stop version r-next
	rm "$(records)"
	timeout 20 ctr tasks delete --force r-next >/dev/null
	expect 0 -q version r-next
	same '["mine",null]' "$(container_field r-next '[.Labels["containerd.io/restart.status", "wsnap.restart_status"]] | tostring')"
}
