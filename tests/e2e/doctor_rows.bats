#!/usr/bin/env bats
# Rows that do not say what they should: one that names another workspace's snapshot takes nothing from that, and one
# that cannot be read is named, while all the others go on.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# claims ID VERSION NAME: the row of a version of one workspace says that it is this snapshot.
claims() {
	db "UPDATE snapshots SET runtime_snapshot_name = '$3' WHERE runtime_snapshot_name = '$(version_snapshot "$1" "$2")'"
}

@test "a row that names another workspace's snapshot never takes that one's version" {
	local name
	workspace_of_versions mine 2
	workspace_of_versions thief 3
	name=$(version_snapshot mine 1)
	claims thief 1 "$name"
	expect 1 --json doctor thief
	same 1 "$(json '[.findings[] | select(.message | contains("is that of '"'mine'"'"))] | length')"
	expect 0 prune thief --keep-last 1
	expect 0 delete thief 1
	collect_garbage
	same "$name 1" "$(snapshot_field "$name" '"\(.Name) \(.Labels["wsnap.version"])"')"
	same true "$(snapshot_field "$name" '.Labels | has("containerd.io/gc.root")')"
	same false "$(snapshot_field "$name" '.Labels | has("wsnap.given_up")')"
	same '3' "$(version_numbers thief)"
	expect 0 rollback mine 1
	[ ! -e "$(workspace_root mine)/data/2" ] || complain "it is not version 1"
	same 'mine 1' "$(workspace_read mine /data/1)"
}

# Of another tool's snapshots only the rows tell whose they are.
@test "a snapshot without labels that two workspaces' rows name is let go by neither" {
	local name
	workspace_of_versions one 2
	workspace_of_versions two 3
	name=$(version_snapshot one 1)
	ctr snapshots label "$name" wsnap.container= wsnap.kind= wsnap.operation= >/dev/null
	claims two 1 "$name"
	expect 8 delete two 1
	[[ $stderr == *"its snapshot '$name' is in the database as that of 'one' as well"* ]] || complain "other words"
	snapshot_exists "$name"
	same null "$(snapshot_field "$name" '.Labels["wsnap.given_up"]')"
	same '1 2 3' "$(version_numbers two)"
	db "DELETE FROM container_versions WHERE container_id = 'two' AND version = 1;
		DELETE FROM snapshots WHERE container_id = 'two' AND runtime_snapshot_name = '$name'"
	expect 0 delete one 1
}

# What can be wrong with what the database and containerd hold of one workspace.
spoil() {
	case $1 in
	image) db "UPDATE containers SET image = repeat('i', 5000) WHERE container_id = 'bad'" ;;
	time) db "UPDATE container_versions SET created_at = 'infinity' WHERE container_id = 'bad' AND version = 1" ;;
	number) db "ALTER TABLE container_versions DROP CONSTRAINT IF EXISTS container_versions_version_check;
		UPDATE container_versions SET version = -7 WHERE container_id = 'bad' AND version = 1" ;;
	name) db "UPDATE snapshots SET display_name = repeat('n', 5000) WHERE runtime_snapshot_name = '$(version_snapshot bad 1)'" ;;
	label) ctr snapshots label "$(version_snapshot bad 1)" wsnap.container=bad/slash wsnap.given_up=2026-01-01T00:00:00Z >/dev/null ;;
	id) db "INSERT INTO containers (bot_id, container_id, container_name, image)
		SELECT bot_id, repeat('c', 5000), repeat('c', 5000), '' FROM containers WHERE container_id = 'bad'" ;;
	esac
}

mend() {
	case $1 in
	image) db "UPDATE containers SET image = 'i' WHERE container_id = 'bad'" ;;
	time) db "UPDATE container_versions SET created_at = now() WHERE container_id = 'bad' AND version = 1" ;;
	number) db "UPDATE container_versions SET version = 1 WHERE container_id = 'bad' AND version = -7" ;;
	name) db "UPDATE snapshots SET display_name = NULL WHERE length(display_name) > 1000" ;;
	label) ctr snapshots label "$(version_snapshot bad 1)" wsnap.container=bad wsnap.given_up= >/dev/null ;;
	id) db "DELETE FROM containers WHERE length(container_id) > 1000" ;;
	esac
}

# goes_on STATUSES ARGUMENT…: whatever is said of the bad one, the run ends with one of these.
goes_on() {
	local statuses=$1
	shift
	status=0
	output=$("$WSNAP" "$@" 2>"$BATS_TEST_TMPDIR/stderr") || status=$?
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
	[[ " $statuses " == *" $status "* ]] || complain "wanted a status of $statuses from: wsnap $*"
}

@test "a bad row of one workspace is named, and list, doctor, prune and recover of the others go on" {
	local fault
	workspace_of_versions good 2
	workspace_of_versions bad 2
	for fault in image time number name label id; do
		spoil "$fault"
		goes_on "0" list
		[[ $output == *good* ]] || complain "'$fault': list does not tell of the good one"
		workspace_write good /data/new "$fault"
		expect 0 -q version good
		goes_on "0 6" prune --all --keep-last 1
		[[ $(version_numbers good) != *' '* ]] || complain "'$fault': the good one was not pruned"
		[ "$fault" != image ] || [[ $stderr == *"the row of 'bad': "*"too long"* ]] || complain "'$fault': it is not named"
		goes_on "0 1 6" doctor
		[ "$fault" != image ] || [[ $stderr == *"the row of 'bad': "*"too long"* ]] || complain "doctor does not name it"
		[[ $output$stderr != *"'good'"* ]] || complain "'$fault': doctor found something at the good one"
		goes_on "0 1 6" recover
		[[ $stderr != *"'good'"* ]] || complain "'$fault': recover failed at the good one"
		mend "$fault"
	done
	goes_on "0" recover
}

@test "an event whose payload is too long is named, and the others are told" {
	workspace_of_versions told 2
	db "UPDATE lifecycle_events SET payload = payload || jsonb_build_object('much', repeat('x', 1100000))
		WHERE id = (SELECT id FROM lifecycle_events WHERE container_id = 'told' ORDER BY created_at LIMIT 1)"
	expect 0 --json events told
	same 1 "$(json '.events | length')"
	[[ $stderr == *"an event of 'told' is passed over: "*"too long"* ]] || complain "it is not named"
}

@test "a version that only another server made is labelled as ours, so that it is found when its workspace is gone" {
	workspace_of_versions served 1
	ctr snapshots prepare served-own "$(snapshot_field "$(container_snapshot served)" .Parent)" >/dev/null
	ctr snapshots commit served-own-v served-own
	# Other tests' collections must not take it while nothing of ours keeps it.
	ctr snapshots prepare served-keeper served-own-v >/dev/null
	db "INSERT INTO snapshots (container_id, runtime_snapshot_name, display_name, snapshotter, source)
		VALUES ('served', 'served-own-v', 'by the server', 'overlayfs', 'manual');
		INSERT INTO container_versions (container_id, snapshot_id, version)
		SELECT 'served', id, 2 FROM snapshots WHERE runtime_snapshot_name = 'served-own-v'"
	# ctr has put it there.
	ctr snapshots label served-own-v containerd.io/gc.root= >/dev/null
	expect 1 --json doctor served
	same version_unprotected "$(json '.findings[].kind')"
	expect 0 doctor --fix served
	same 'version served 2 manual by the server true' "$(snapshot_field served-own-v '.Labels |
		"\(.["wsnap.kind"]) \(.["wsnap.container"]) \(.["wsnap.version"]) \(.["wsnap.source"]) \(.["wsnap.name"]) \(has("containerd.io/gc.root"))"')"
	expect 0 doctor served
	# What an earlier doctor has kept without more.
	ctr snapshots label served-own-v wsnap.container= wsnap.kind= wsnap.version= >/dev/null
	expect 1 --json doctor served
	same version_unlabelled "$(json '.findings[].kind')"
	expect 0 doctor --fix served
	expect 0 doctor served
	# The workspace goes, and all that the database knows of it.
	ctr tasks delete --force served >/dev/null
	ctr containers delete served
	db "DELETE FROM lifecycle_events WHERE container_id = 'served';
		DELETE FROM container_versions WHERE container_id = 'served';
		DELETE FROM snapshots WHERE container_id = 'served'; DELETE FROM containers WHERE container_id = 'served'"
	expect 1 --json doctor served
	same '1 2' "$(json '[.findings[].message | capture("version (?<n>[0-9]+)").n] | sort | join(" ")')"
	[[ $output == *"'wsnap delete served --all' gives all of it up"* ]] || complain "no way out"
	ctr snapshots rm served-keeper
	expect 0 delete served --all --yes
	! snapshot_exists served-own-v || complain "it is still there"
}

@test "a version in a snapshotter that is not here is not called gone, and no hint leads to its end" {
	workspace_of_versions archived 2
	db "INSERT INTO snapshots (container_id, runtime_snapshot_name, display_name, snapshotter, source)
		VALUES ('archived', 'archived-1', 'far', 'archive', 'manual');
		INSERT INTO container_versions (container_id, snapshot_id, version)
		SELECT 'archived', id, 3 FROM snapshots WHERE runtime_snapshot_name = 'archived-1'"
	expect 0 doctor archived
	same 'all is well' "$output"
	expect 0 doctor --fix archived
	expect 0 prune archived --keep-last 1 --named
	same '2 3' "$(version_numbers archived)"
	expect 8 delete archived far
	[[ $stderr != *hint* ]] || complain "a hint leads to its end"
}
