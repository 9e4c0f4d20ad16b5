#!/usr/bin/env bats
# One writer per workspace, and the container always there.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

@test "twenty runs at once make twenty consecutive versions" {
	workspace a
	pids=()
	for number in $(seq 20); do
		timeout 200 "$WSNAP" --wait 180 -q create a >"$BATS_TEST_TMPDIR/$number" 2>&1 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || complain "a run failed: $(cat "$BATS_TEST_TMPDIR"/[0-9]*)"
	done
	same "$(seq 20)" "$(cat "$BATS_TEST_TMPDIR"/[0-9]* | sort -n)"
	same "$(seq 20)" "$(db "SELECT version FROM container_versions WHERE container_id = 'a' ORDER BY version")"
	same RUNNING "$(workspace_status a)"
	same '' "$(lease_names)"
}

@test "--wait 0 fails at once while another run holds the workspace" {
	workspace b sh -c 'trap "sleep 3; exit 0" TERM; while :; do sleep 60 & wait $!; done'
	sleep 0.3
	"$WSNAP" -q create b >/dev/null 2>&1 3>&- &
	first=$!
	sleep 1
	began=$SECONDS
	expect 4 --wait 0 create b
	[ $((SECONDS - began)) -le 1 ]
	same '' "$output"
	expect 4 --json --wait 0 create b
	same busy "$(jq -r .error.code <<<"$stderr")"
	expect 0 list b
	wait "$first"
	same 1 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'b'")"
}

@test "other workspaces are not held up" {
	workspace c sh -c 'trap "sleep 3; exit 0" TERM; while :; do sleep 60 & wait $!; done'
	workspace d
	sleep 0.3
	"$WSNAP" -q create c >/dev/null 2>&1 3>&- &
	first=$!
	sleep 0.5
	expect 0 --wait 0 create d
	wait "$first"
}

@test "the container is in the list at every moment" {
	workspace e
	touch "$BATS_TEST_TMPDIR/go"
	(
		while [ -e "$BATS_TEST_TMPDIR/go" ]; do
			container_exists e || echo missing
			echo looked >>"$BATS_TEST_TMPDIR/looked"
		done >"$BATS_TEST_TMPDIR/watch" 3>&-
	) &
	watcher=$!
	for number in 1 2 3 4 5; do
		expect 0 create e "v$number"
		expect 0 rollback e 1
	done
	rm "$BATS_TEST_TMPDIR/go"
	wait "$watcher"
	same '' "$(cat "$BATS_TEST_TMPDIR/watch")"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/looked")" -gt 20 ]
}

@test "garbage collection takes nothing that a version needs" {
	workspace f
	for number in 1 2 3 4 5; do
		workspace_write f /data/f "$number"
		expect 0 create f
		collect_garbage
	done
	expect 0 rollback f 1
	collect_garbage
	collect_garbage
	expect 0 --json list f
	same true "$(json '[.versions[].present] | all')"
	for number in 5 2 4 3; do
		expect 0 rollback f "$number"
		same "$number" "$(workspace_read f /data/f)"
		collect_garbage
	done
}

@test "collections at the same time as operations take nothing" {
	workspace g
	touch "$BATS_TEST_TMPDIR/go"
	(
		while [ -e "$BATS_TEST_TMPDIR/go" ]; do
			collect_garbage 3>&-
		done
	) &
	collector=$!
	for number in $(seq 12); do
		workspace_write g /data/f "$number"
		expect 0 create g
	done
	rm "$BATS_TEST_TMPDIR/go"
	wait "$collector"
	expect 0 --json list g
	same '12 true' "$(json '[(.versions | length | tostring), ([.versions[].present] | all | tostring)] | join(" ")')"
	expect 0 rollback g 1
	same 1 "$(workspace_read g /data/f)"
}
