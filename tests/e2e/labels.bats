#!/usr/bin/env bats
# Labels of the active snapshot that are others': a quota, how ids are mapped, what steers a snapshotter. They go along
# to whatever the workspace stands on next.
load ../lib/workspace
load ../lib/killed

setup_file() {
	workspaces_begin
}
teardown_file() { workspaces_end; }

# How ids are mapped is not among them: containerd 2 obeys that (snapshotters.bats).
FOREIGN='{"containerd.io/snapshot/example":"0:100000:65536","example.org/quota":"10 GiB","odd \"key\"":"x,y=\\z"}'

# label ID: what others, and what holds for this one snapshot alone.
label() {
	local key
	key=$(container_snapshot "$1")
	jq -r 'to_entries[] | .key + "=" + .value' <<<"$FOREIGN" | while IFS= read -r pair; do
		ctr snapshots label "$key" "$pair" >/dev/null
	done
	ctr snapshots label "$key" containerd.io/snapshot.ref=elsewhere containerd.io/gc.ref.content.x=sha256:0 \
		wsnap.other=ours >/dev/null
}

# foreign NAME: all of a snapshot's labels that are not ours.
foreign() {
	snapshot_field "$1" '.Labels | with_entries(select(.key | startswith("wsnap.") | not))' | jq -cS .
}

has_foreign() {
	same "$(jq -cS . <<<"$FOREIGN")" "$(foreign "$(container_snapshot "$1")")" "labels after $2"
	same null "$(snapshot_field "$(container_snapshot "$1")" '.Labels["wsnap.other"]')" "a label of ours after $2"
}

@test "labels of others go along with every operation, and what holds for one snapshot does not" {
	workspace a
	label a
	for operation in "create a one" "version a" "compact a" "rollback a one" "rollback a 2 --no-save"; do
		# shellcheck disable=SC2086 # words
		expect 0 $operation
		has_foreign a "$operation"
	done
}

@test "labels of others go along with a way back" {
	mortal_workspace b
	label b
	expect 7 create b broken
	expect 0 rollback b whole
	has_foreign b "a rollback"
	workspace_write b /g unsaved
	expect 1 rollback b broken
	has_foreign b "the way back"
	expect 1 rollback --no-save b broken
	has_foreign b "the way back to what was not saved"
}

@test "labels of others go along with an operation that was cut off once the old snapshot was gone" {
	workspace like
	label like
	told_by version like
	workspace d
	label d
	killed_after commit version d
	expect 0 recover
	has_foreign d "recovery"
	nothing_is_left
}

@test "doctor's repair gives them back, of a version that remembers them" {
	workspace c
	label c
	expect 0 create c one
	ctr tasks delete --force c >/dev/null
	ctr snapshots rm "$(container_snapshot c)"
	expect 0 doctor --fix c
	has_foreign c "doctor's repair"
	expect 0 doctor c
}
