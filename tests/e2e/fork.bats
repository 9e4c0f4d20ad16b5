#!/usr/bin/env bats
# What makes a container is kept with its versions, and a version becomes a container of its own.
load ../lib/workspace
load ../lib/killed

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# The digest of what makes the container that the version's snapshot refers to.
kept_of() {
	snapshot_field "$(db "SELECT s.runtime_snapshot_name FROM container_versions v JOIN snapshots s ON s.id = v.snapshot_id
		WHERE v.container_id = '$1' AND v.version = $2")" '.Labels["containerd.io/gc.ref.content.wsnap"]'
}

blobs() {
	ctr content ls -q | sort
}

@test "what makes the container is kept with each version, once while it does not change" {
	WORKSPACE_OPTIONS=(--env COLOUR=green --label team=red)
	workspace kept
	ctr containers info kept >"$BATS_TEST_TMPDIR/info"
	before=$(blobs | wc -l)
	expect 0 create kept
	expect 0 version kept
	expect 0 version kept
	same "$(kept_of kept 1)" "$(kept_of kept 3)"
	matches 'sha256:[0-9a-f]{64}' "$(kept_of kept 1)"
	same "$((before + 1))" "$(blobs | wc -l)" "blobs"
	ctr containers label kept team=blue >/dev/null
	expect 0 version kept
	same "$((before + 2))" "$(blobs | wc -l)" "blobs after a change"
	[ "$(kept_of kept 4)" != "$(kept_of kept 3)" ]

	expect 0 show kept 1 --spec
	same kept "$(json .container_id)"
	same "$IMAGE" "$(json .image)"
	same red "$(json .labels.team)"
	same "$(jq -r .Runtime.Name "$BATS_TEST_TMPDIR/info")" "$(json .runtime.name)"
	same "$(jq -cS .Spec "$BATS_TEST_TMPDIR/info")" "$(jq -cS .spec <<<"$output")" "the OCI spec"
	same true "$(json '.spec.process.env | index("COLOUR=green") != null')"
	expect 0 --json show kept 4 --spec
	same blue "$(json .labels.team)"
	expect 0 -q show kept @ --spec
	same blue "$(json .labels.team)"

	collect_garbage
	expect 0 show kept 1 --spec
	ctr tasks delete --force kept >/dev/null
	ctr containers delete kept
	expect 0 delete kept --all --yes
	collect_garbage
	same "$before" "$(blobs | wc -l)" "blobs when the versions are gone"
	[ -z "$(lease_names)" ]
}

@test "a version without it says so" {
	workspace bare
	expect 0 version bare
	name=$(db "SELECT runtime_snapshot_name FROM snapshots WHERE container_id = 'bare'")
	ctr snapshots label "$name" containerd.io/gc.ref.content.wsnap= >/dev/null
	expect_error 3 "nothing is kept of what made the container of version 1 of 'bare'" show bare 1 --spec
	expect 0 show bare 1
}
