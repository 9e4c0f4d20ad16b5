#!/usr/bin/env bats
# Versions that are shown on folders of the host.
load ../lib/workspace

setup_file() { workspaces_begin; }

teardown_file() {
	awk '{ print $5 }' /proc/self/mountinfo | grep -F "$BATS_FILE_TMPDIR" | while read -r point; do
		umount "$point"
	done
	workspaces_end
}

# views: names of the views of this namespace.
views() {
	snapshot_names | grep -- -view- || true
}

folder() {
	mkdir -p "$BATS_TEST_TMPDIR/$1"
	printf '%s' "$BATS_TEST_TMPDIR/$1"
}

saved() {
	workspace_write "$1" /data/f "$2"
	expect 0 -q create "$1"
}

@test "a version is shown read-only, and taken away again" {
	workspace a
	saved a one
	saved a two
	dir=$(folder m)
	expect 0 mount a 1 "$dir"
	same "version 1 of 'a' is mounted at '$dir'" "$output"
	same one "$(cat "$dir/data/f")"
	options=$(awk -v d="$dir" '$5 == d { print $6 }' /proc/self/mountinfo)
	for option in ro nosuid nodev; do
		[[ ,$options, == *,$option,* ]] || complain "not $option: $options"
	done
	! echo x >"$dir/data/f" || complain "it can be written"
	view=$(views)
	same 'view 1 true' "$(snapshot_field "$view" '"\(.Labels["wsnap.kind"]) \(.Labels["wsnap.version"]) \(.Labels | has("containerd.io/gc.root"))"')"
	same "$dir" "$(snapshot_field "$view" '.Labels["wsnap.mounted_at"]')"
	expect 0 --json list a
	same "[\"$dir\"]" "$(json '.versions[0].mounted_at | tojson')"
	expect 0 --json umount "$dir"
	same "a 1 $dir" "$(json '"\(.container_id) \(.version) \(.mounted_at)"')"
	same "" "$(views)"
	same "" "$(ls "$dir")"
	same "" "$(lease_names)"
}

@test "several at once, and what is mounted stays" {
	workspace b
	for n in 1 2 3 4; do saved b $n; done
	one=$(folder one) two=$(folder two)
	expect 0 -q mount b 1 "$one"
	same 1 "$output"
	expect 0 -q mount b @-2 "$two"
	same 2 "$output"
	expect_error 8 "version 1 of 'b' is mounted at '$one': it stays" delete b 1
	expect 0 prune b --keep-last 1
	[[ $stderr == *"version 1 of 'b' stays as long as it is mounted at '$one'"* ]] || complain "prune does not say it"
	[[ $stderr == *"version 2 of 'b' stays as long as it is mounted at '$two'"* ]] || complain "prune does not say it"
	expect 0 -q list b
	same $'1\n2\n4' "$output"
	expect 8 delete b --all --yes
	collect_garbage
	same 1 "$(cat "$one/data/f")"
	same 2 "$(cat "$two/data/f")"
	expect 0 umount "$one"
	expect 0 prune b --keep-last 1
	expect 0 -q list b
	same $'2\n4' "$output"
	expect 0 umount "$two"
}

@test "prune --all keeps what is mounted while it waits for another workspace" {
	workspace first
	workspace then
	for n in 1 2 3; do saved first $n && saved then $n; done
	dir=$(folder late)
	flock "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~first.lock" sleep 30 3>&- 4>&- &
	holder=$!
	servers_wait_for 20 pgrep -P "$holder"
	"$WSNAP" -w 60 prune --all --keep-last 1 >"$BATS_TEST_TMPDIR/pruned" 2>&1 3>&- 4>&- &
	pruner=$!
	servers_wait_for 20 grep -q 'first' "$BATS_TEST_TMPDIR/pruned" || sleep 2
	expect 0 mount then 1 "$dir"
	pkill -P "$holder" sleep
	wait "$pruner"
	expect 0 -q list then
	same $'1\n3' "$output"
	same 1 "$(cat "$dir/data/f")"
	expect 0 umount "$dir"
	expect 0 prune --all --keep-last 1
	expect 0 -q list then
	same 3 "$output"
}

@test "what is shown does not change while versions come, go and are merged" {
	workspace c
	saved c kept
	dir=$(folder m)
	expect 0 mount c 1 "$dir"
	before=$(cd "$dir" && find . -printf '%p %y %m %s %T@\n' | LC_ALL=C sort | sha256sum)
	for n in 1 2 3 4 5 6 7 8; do
		saved c $n
		[ $((n % 4)) -ne 0 ] || expect 0 compact c
	done
	expect 0 prune c --keep-last 1
	collect_garbage
	expect 0 rollback c 1
	same "$before" "$(cd "$dir" && find . -printf '%p %y %m %s %T@\n' | LC_ALL=C sort | sha256sum)"
	same kept "$(cat "$dir/data/f")"
	expect 0 umount "$dir"
}

@test "one that was unmounted by hand, or by a reboot, is removed by the next run" {
	workspace d
	saved d 1
	saved d 2
	dir=$(folder m)
	expect 0 mount d 1 "$dir"
	umount "$dir"
	[ -n "$(views)" ] || complain "there is no view to be stale"
	expect 0 delete d 1
	same "" "$(views)"
	saved d 3
	expect 0 mount d 2 "$dir"
	umount "$dir"
	expect 0 recover
	same "" "$(views)"
	expect 0 mount d 2 "$dir"
	umount "$dir"
	expect 0 umount "$dir"
	same "version 2 of 'd' was not mounted at '$dir' any more; what was left of that is gone" "$output"
	same "" "$(views)"
	expect 0 mount d 2 "$dir"
	ctr snapshots label "$(views)" wsnap.boot=another >/dev/null
	umount "$dir"
	expect 0 list d
	expect 0 recover d
	same "" "$(views)"
}

@test "a folder that is in use, not empty, not there, or shows nothing of ours" {
	workspace e
	saved e 1
	dir=$(folder 'with space')
	expect 0 mount e 1 "$dir"
	sleep 30 <"$dir/data/f" 3>&- 4>&- &
	sleeper=$!
	expect_error 1 "'$dir' cannot be unmounted: Device or resource busy" umount "$dir"
	same 1 "$(cat "$dir/data/f")"
	expect 0 --force umount "$dir"
	kill "$sleeper"
	same "" "$(views)"
	full=$(folder full)
	touch "$full/x"
	expect_error 8 "the folder '$full' is not empty: a mount would hide what is in it" mount e 1 "$full"
	expect 0 --force mount e 1 "$full"
	expect 0 umount "$full"
	expect_error 1 "the folder '/nowhere' cannot be found: No such file or directory" mount e 1 /nowhere
	expect_error 3 "'$dir' shows no version" umount "$dir"
	expect_error 3 "'9' is not a version of 'e'" mount e 9 "$dir"
	same "" "$(views)"
	same "" "$(lease_names)"
}

@test "of two on one folder the one that is seen is taken away, and what lies beneath stays kept" {
	workspace two
	for n in 1 2 3; do saved two $n; done
	dir=$(folder m)
	expect 0 mount two 1 "$dir"
	expect 0 --force mount two 2 "$dir"
	same 2 "$(cat "$dir/data/f")"
	expect 0 umount "$dir"
	same "version 2 of 'two' is mounted at '$dir' no more" "$output"
	same 1 "$(cat "$dir/data/f")"
	expect_error 8 "version 1 of 'two' is mounted at '$dir': it stays" delete two 1
	expect 0 delete two 2
	mount -t tmpfs another "$dir"
	expect_error 1 "'$dir' cannot be unmounted: something else is mounted over version 1 of 'two'" umount "$dir"
	same tmpfs "$(stat -f -c %T "$dir")"
	umount "$dir"
	expect 0 umount "$dir"
	same "version 1 of 'two' is mounted at '$dir' no more" "$output"
	same "" "$(views)"
}

@test "of two of another snapshotter as well" {
	WORKSPACE_OPTIONS=(--snapshotter native)
	workspace plain
	for n in 1 2 3; do saved plain $n; done
	dir=$(folder m)
	expect 0 mount plain 1 "$dir"
	expect 0 --force mount plain 2 "$dir"
	expect 0 umount "$dir"
	same "version 2 of 'plain' is mounted at '$dir' no more" "$output"
	same 1 "$(cat "$dir/data/f")"
	umount "$dir"
	mount -t tmpfs another "$dir"
	expect 0 umount "$dir"
	same "version 1 of 'plain' was not mounted at '$dir' any more; what was left of that is gone" "$output"
	same another "$(findmnt -n -o SOURCE "$dir")"
	umount "$dir"
	same "" "$(ctr snapshots --snapshotter native ls | grep -- -view- || true)"
}

@test "a version stays also where a folder above its mount has been renamed, or it is shown in a further place" {
	workspace moved
	for n in 1 2 3; do saved moved $n; done
	mkdir -p "$BATS_TEST_TMPDIR/old/m"
	expect 0 mount moved 1 "$BATS_TEST_TMPDIR/old/m"
	mv "$BATS_TEST_TMPDIR/old" "$BATS_TEST_TMPDIR/new"
	dir=$BATS_TEST_TMPDIR/new/m
	expect 0 --json list moved
	same "[\"$dir\"]" "$(json '.versions[0].mounted_at | tojson')"
	expect_error 8 "version 1 of 'moved' is mounted at '$dir': it stays" delete moved 1
	mount --bind "$dir" "$(folder further)"
	expect 0 umount "$dir"
	same "version 1 of 'moved' is mounted at '$dir' no more" "$output"
	expect 0 prune moved --keep-last 1
	[[ $stderr == *"version 1 of 'moved' stays as long as it is mounted at '$BATS_TEST_TMPDIR/further'"* ]] ||
		complain "prune does not say it"
	expect 0 umount "$BATS_TEST_TMPDIR/further"
	same "" "$(views)"
	expect 0 prune moved --keep-last 1
	expect 0 -q list moved
	same 3 "$output"
}
