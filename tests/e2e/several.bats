# Several workspaces in one run: how they are chosen, what is said of them, and that one does not stop the others.
load ../lib/workspace

setup_file() {
	workspaces_begin
	local id
	for id in several-a several-b several-c; do
		workspace "$id"
	done
	ctr containers label several-a team=red rank=1 >/dev/null
	ctr containers label several-b team=red >/dev/null
	ctr containers label several-c team=blue >/dev/null
}

teardown_file() {
	workspaces_end
}

@test "several TARGETs are all saved, and told by container id" {
	expect 0 -q version several-b several-a
	same $'several-a 1\nseveral-b 1' "$output"
	expect 0 version several-a several-b
	matches "CONTAINER +RESULT *
several-a +version 2 of 'several-a' saved \(downtime [0-9]+ ms\)
several-b +version 2 of 'several-b' saved \(downtime [0-9]+ ms\)" "$output"
	same 0 "$(version_newest several-c)"
}

@test "the same container twice counts once" {
	local bot
	bot=$(db "SELECT bot_id FROM containers WHERE container_id = 'several-a'")
	expect 0 -q version several-a "$bot" several-a
	same "several-a $(version_newest several-a)" "$output"
	same 3 "$(version_newest several-a)"
}

@test "the form of one TARGET is that of one" {
	expect 0 -q version several-b
	same 3 "$output"
	expect 0 --json version several-b
	same several-b "$(json .container_id)"
}

@test "one that fails does not stop the others, and gives the status" {
	expect 3 --json version several-a nobody several-b
	same '["nobody","several-a","several-b"]' "$(jq -c '[.workspaces[].container_id]' <<<"$output")"
	same not_found "$(json '.workspaces[0].error.code')"
	same 3 "$(json '.workspaces[0].error.exit_status')"
	same "$(version_newest several-a)" "$(json '.workspaces[1].version')"
	json_has '.workspaces[1]' id version snapshot_name runtime_snapshot_name operation_id downtime_ms steps
	same not_found "$(jq -r .error.code <<<"$stderr")"
	expect 3 -q version several-a nobody several-b
	same "several-a $(version_newest several-a)
several-b $(version_newest several-b)" "$output"
	matches ".*1 of 3 workspaces failed \('nobody'\); the first: 'nobody' .*" "$stderr"
}

@test "of several failures the first in the order of ids gives the status" {
	# `wait` is refused as busy, `zz` is not known.
	local holder
	exec 8>>"$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~several-a.lock"
	flock 8
	expect 4 --wait 0 version zz several-a several-c
	exec 8>&-
	same 1 "$(version_newest several-c)"
}

@test "--filter chooses containers by their labels, all of which must hold" {
	expect 0 -q version --filter team=red
	same "several-a $(version_newest several-a)
several-b $(version_newest several-b)" "$output"
	expect 0 -q version --filter team=red --filter rank
	same "several-a $(version_newest several-a)" "$output"
	expect 0 -q create --filter team=blue
	same "several-c $(version_newest several-c)" "$output"
}

@test "a filter that nothing matches is no error, and said" {
	expect 0 version --filter team=green
	same '' "$output"
	same "wsnap: warning: no container of the namespace '$CONTAINERD_NAMESPACE' matches the filter" "$stderr"
	expect 0 --json version --filter team=green
	same '{"workspaces":[]}' "$output"
	expect 0 -q version --filter team=green
	same '' "$output$stderr"
}

@test "--all is every workspace that has a history and a container here" {
	workspace several-new
	expect 0 -q version several-c
	expect 0 -q version --all --jobs 2
	same "several-a $(version_newest several-a)
several-b $(version_newest several-b)
several-c $(version_newest several-c)" "$output"
	same 0 "$(version_newest several-new)"
	expect 0 -q version --filter team --all
	[ "$(wc -l <"$BATS_TEST_TMPDIR/output")" -eq 3 ]
}

@test "prune, compact, recover and doctor take several as well" {
	expect 0 --json prune --keep-last 1 several-a several-b
	same '[["several-a",1],["several-b",1]]' \
		"$(jq -c '[.workspaces[] | [.container_id, (.kept | length)]]' <<<"$output")"
	expect 0 -q compact several-a several-b several-c
	[ "$(wc -l <"$BATS_TEST_TMPDIR/output")" -eq 3 ]
	expect 0 --json recover several-a several-b
	same '[["several-a",[]],["several-b",[]]]' \
		"$(jq -c '[.workspaces[] | [.container_id, .recovered]]' <<<"$output")"
	expect 0 --json doctor --all
	same '["several-a","several-b","several-c"]' "$(jq -c '[.workspaces[].container_id]' <<<"$output")"
	expect 0 prune --keep-last 1 --filter team=blue
	same 1 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'several-c'")"
}

@test "words that do not go together are refused before anything is done" {
	local before
	before=$(world)
	expect_error 2 "'--all' cannot be given with a TARGET" version --all several-a
	expect_error 2 "'--filter' cannot be given with a TARGET" compact --filter team several-a
	expect_error 2 "'--all' cannot be given with a TARGET or a NAME" create --all several-a
	expect_error 2 "'--filter' cannot be '=red': '=red' names no label: a filter is LABEL or LABEL=VALUE" \
		version --filter =red
	expect_error 2 "'several-b' is one argument too many for 'rollback'" rollback several-a 1 several-b
	expect 2 version --jobs 0 --all
	expect 2 version several-a 'no good'
	same "$before" "$(world)"
}

@test "a signal ends it in order: what is under way is finished, what has not begun is not begun" {
	local before_b before_c pid status=0
	before_b=$(version_newest several-b) before_c=$(version_newest several-c)
	# The first one takes a while to stop; the others wait for it.
	ctr tasks delete --force several-a >/dev/null 2>&1
	ctr containers delete several-a >/dev/null
	workspace several-a sh -c 'trap "sleep 2; exit 0" TERM; while :; do sleep 60 & wait $!; done'
	"$WSNAP" --json version --jobs 1 several-a several-b several-c >"$BATS_TEST_TMPDIR/several" 2>/dev/null &
	pid=$!
	servers_wait_for 60 grep -q '"stage":1' "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~several-a.operation"
	kill -TERM "$pid"
	wait "$pid" || status=$?
	same 1 "$status"
	output=$(cat "$BATS_TEST_TMPDIR/several")
	same '[false,true,true]' "$(jq -c '[.workspaces[] | has("error")]' <<<"$output")"
	same "'several-b' was not touched: interrupted by SIGTERM" "$(json '.workspaces[1].error.message')"
	same RUNNING "$(workspace_status several-a)"
	same "$before_b $before_c" "$(version_newest several-b) $(version_newest several-c)"
	same '' "$(find "$WSNAP_STATE_DIR" -name '*.operation')"
}
