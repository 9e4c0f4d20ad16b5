#!/usr/bin/env bats
# What a run says when nobody can hear it, and when it is told to end.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# versions ID COUNT: a workspace with so many.
versions() {
	local number
	workspace "$1"
	for number in $(seq "$2"); do
		workspace_write "$1" /data/f "$number"
		expect 0 version "$1"
	done
}

# into_full ARGUMENT…: with a full device for standard output. $status and $stderr.
into_full() {
	status=0
	"$WSNAP" "$@" >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" </dev/null || status=$?
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
}

# into_closed ARGUMENT…: the same with a pipe that nobody reads.
into_closed() {
	{
		sleep 0.3
		status=0
		"$WSNAP" "$@" 2>"$BATS_TEST_TMPDIR/stderr" </dev/null || status=$?
		echo "$status" >"$BATS_TEST_TMPDIR/status"
	} | true
	status=$(cat "$BATS_TEST_TMPDIR/status")
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
}

@test "versions that went are not said to be there still because that could not be written" {
	versions silent 6
	into_full delete silent 1
	same 7 "$status"
	same "2 3 4 5 6" "$(version_numbers silent)"
	matches "wsnap: standard output cannot be written.*hint: what was to be done is done all the same" \
		"$(tr '\n' ' ' <<<"$stderr" | sed 's/ $//')"
	into_closed delete silent 2
	same 7 "$status"
	same "3 4 5 6" "$(version_numbers silent)"
	into_full --json prune --keep-last 3 silent
	same 7 "$status"
	same "4 5 6" "$(version_numbers silent)"
	same incomplete "$(jq -r .error.code <<<"$stderr")"
	into_closed prune --keep-last 2 silent
	same 7 "$status"
	same "5 6" "$(version_numbers silent)"
	into_full prune --all --keep-last 1
	same 7 "$status"
	same "6" "$(version_numbers silent)"
	into_closed version --all
	same 7 "$status"
	same "6 7" "$(version_numbers silent)"
}

@test "where nothing went, that nothing could be written is a failure" {
	versions kept 2
	into_full prune --dry-run --keep-last 1 kept
	same 1 "$status"
	into_full prune --keep-last 2 kept
	same 1 "$status"
	into_closed prune --dry-run --keep-last 1 kept
	same 141 "$status"
	same "1 2" "$(version_numbers kept)"
}

@test "whatever was done is not called failed because it cannot be told" {
	local into number=0
	versions model 2
	mkdir "$BATS_TEST_TMPDIR/policies" "$BATS_TEST_TMPDIR/shown"
	printf 'every = 1s\nif_changed = no\n' >"$BATS_TEST_TMPDIR/policies/each.conf"
	ctr containers label model wsnap.policy=each >/dev/null
	for into in into_full into_closed; do
		number=$((number + 1))
		"$into" fork model 1 "fork-$number"
		same 7 "$status" "status of fork, $into"
		container_exists "fork-$number"
		"$into" name model 1 "name-$number"
		same 7 "$status" "status of name, $into"
		"$into" mount model 1 "$BATS_TEST_TMPDIR/shown"
		same 7 "$status" "status of mount, $into"
		"$into" umount "$BATS_TEST_TMPDIR/shown"
		same 7 "$status" "status of umount, $into"
		"$into" restore model "$number" /data/f
		same 7 "$status" "status of restore, $into"
		sleep 1.1
		before=$(version_numbers model)
		"$into" run-policies --policy-dir "$BATS_TEST_TMPDIR/policies"
		same 7 "$status" "status of run-policies, $into"
		[ "$before" != "$(version_numbers model)" ] || complain "nothing was due"
	done
	db 'DROP TABLE wsnap_schema, lifecycle_events, container_versions, snapshots, containers, bots CASCADE'
	into_full init
	same 7 "$status" "status of init"
	expect 0 list
}

@test "a version whose saving cannot be told to a closed pipe is saved" {
	workspace deaf
	into_closed create deaf
	same 7 "$status"
	same 1 "$(version_numbers deaf)"
}

@test "doctor of a namespace ends between two workspaces when a signal asks for it" {
	local signal
	versions a1 1
	versions b1 1
	db "INSERT INTO snapshots (container_id, runtime_snapshot_name, snapshotter, source)
		VALUES ('b1', 'b1-lost', 'overlayfs', 'manual')"
	db "INSERT INTO container_versions (container_id, snapshot_id, version)
		SELECT 'b1', id, 2 FROM snapshots WHERE runtime_snapshot_name = 'b1-lost'"
	for signal in INT TERM HUP; do
		status=0
		strace -f -qq -o /dev/null -e trace=faccessat,faccessat2 -P "$CONTAINERD_NAMESPACE~a1.operation" \
			-e inject=faccessat,faccessat2:signal=$signal:when=1 "$WSNAP" doctor \
			>"$BATS_TEST_TMPDIR/output" 2>"$BATS_TEST_TMPDIR/stderr" </dev/null || status=$?
		stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
		same 1 "$status"
		same "wsnap: interrupted by SIG$signal: 'a1' was examined, the workspaces after it were not" \
			"${stderr%%$'\n'*}"
		same '' "$(grep b1 "$BATS_TEST_TMPDIR/output" || true)" "what it says of the workspace behind"
	done
	expect 1 doctor
	[[ $output == *"'b1' version 2"* ]] || complain "there is nothing to be found"
	expect 0 delete b1 2
}

@test "recover of all namespaces finishes a pruning that was cut off in another one" {
	versions elsewhere 3
	snapshot=$(version_snapshot elsewhere 1)
	ctr snapshots label "$snapshot" wsnap.given_up=2026-01-01T00:00:00Z >/dev/null
	expect 0 -n "$CONTAINERD_NAMESPACE-other" recover
	same "1 2 3" "$(version_numbers elsewhere)"
	expect 0 -n "$CONTAINERD_NAMESPACE-other" recover --all-namespaces
	[[ $output == *"'elsewhere': 1 versions that were marked to go are gone"* ]] || complain "it is not told"
	same "2 3" "$(version_numbers elsewhere)"
}
