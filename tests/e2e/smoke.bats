#!/usr/bin/env bats
# The main job of every command, and the outputs that scripts rely on.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

@test "init is idempotent and says so with status 0" {
	expect 0 init
	expect 0 init
	same "bots container_versions containers lifecycle_events snapshots" \
		"$(db "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r'
			AND relname IN ('bots', 'containers', 'snapshots', 'container_versions', 'lifecycle_events')")"
}

@test "--version and --help need no server" {
	CONTAINERD_ADDRESS=/nowhere PGHOST=/nowhere expect 0 --version
	matches 'wsnap [0-9]+\.[0-9]+\.[0-9]+' "$output"
	CONTAINERD_ADDRESS=/nowhere PGHOST=/nowhere expect 0 --help
	help=$output
	# All of what the commands do begins in one column; it stands below where the words need that.
	same '' "$(sed -n '/^Commands:/,/^$/p' <<<"$help" | sed '1d;$d' | grep -Ev '^.{31} [a-z]|[].A-Z]$')"
	for command in create version list rollback show events recover init; do
		[[ $help == *$'\n'*" $command "* ]] || complain "no $command in the help"
		CONTAINERD_ADDRESS=/nowhere PGHOST=/nowhere expect 0 "$command" --help
		[[ $output == *"$command"* ]] || complain "the help of $command does not name it"
	done
}

@test "create saves a version that is a snapshot, a row and an event" {
	workspace a
	workspace_write a /data/file one
	before=$(workspace_pid a)
	expect 0 --json create a 'first one'
	json_has . container_id snapshot_name runtime_snapshot_name display_name snapshotter source version \
		created_at operation_id downtime_ms steps
	same a "$(json .container_id)"
	same 'first one' "$(json .snapshot_name)"
	same 'first one' "$(json .display_name)"
	same overlayfs "$(json .snapshotter)"
	same manual "$(json .source)"
	same number:1 "$(json '(.version | type) + ":" + (.version | tostring)')"
	matches "$TIME" "$(json .created_at)"
	matches "$UUID" "$(json .operation_id)"
	same true "$(json '.downtime_ms > 0')"
	same true "$(json '.steps | length > 0 and all(has("name") and has("ms"))')"
	runtime=$(json .runtime_snapshot_name)
	matches 'a-snapshot-[0-9]{19}' "$runtime"

	same Committed "$(snapshot_field "$runtime" .Kind)"
	same true "$(snapshot_field "$runtime" '.Labels | has("containerd.io/gc.root")')"
	active=$(container_snapshot a)
	same "$runtime" "$(snapshot_field "$active" .Parent)"
	same RUNNING "$(workspace_status a)"
	[ "$before" != "$(workspace_pid a)" ]
	same one "$(workspace_read a /data/file)"

	same "$runtime|first one|overlayfs|manual" "$(db "SELECT runtime_snapshot_name, display_name, snapshotter, source
		FROM snapshots WHERE container_id = 'a'")"
	same 1 "$(db "SELECT version FROM container_versions WHERE container_id = 'a'")"
	same "first one|first one|$runtime|overlayfs|manual|1" "$(db "SELECT payload->>'snapshot_name',
		payload->>'display_name', payload->>'runtime_snapshot_name', payload->>'snapshotter', payload->>'source',
		payload->>'version' FROM lifecycle_events WHERE container_id = 'a' AND event_type = 'snapshot_create'")"
	same '' "$(lease_names)"
}

@test "create without a name shows as Version N" {
	workspace b
	expect 0 --json create b
	same 'Version 1' "$(json .snapshot_name)"
	same null "$(jq -r .display_name <<<"$output")"
	same '' "$(db "SELECT display_name FROM snapshots WHERE container_id = 'b'")"
}

@test "create takes another source" {
	workspace c
	expect 0 --json create --source nightly c
	same nightly "$(json .source)"
	same nightly "$(db "SELECT source FROM snapshots WHERE container_id = 'c'")"
}

@test "version saves with the source pre_exec" {
	workspace d
	expect 0 --json version d
	json_has . id container_id version snapshot_name runtime_snapshot_name display_name source created_at \
		operation_id downtime_ms steps
	same pre_exec "$(json .source)"
	same 'Version 1' "$(json .snapshot_name)"
	matches 'd-v[0-9]{19}' "$(json .runtime_snapshot_name)"
	same "$(json .id)" "$(db "SELECT id FROM container_versions WHERE container_id = 'd'")"
	same "$(json .runtime_snapshot_name)|1|$(json .id)" "$(db "SELECT payload->>'snapshot_name', payload->>'version',
		payload->>'version_id' FROM lifecycle_events WHERE container_id = 'd' AND event_type = 'version_create'")"
}

@test "list tells the versions, oldest first" {
	workspace e
	expect 0 create e one
	workspace_write e /data/f 1
	expect 0 version e
	expect 0 --json list e
	same e "$(json .container_id)"
	same '1 2' "$(json '[.versions[].version] | join(" ")')"
	json_has '.versions[0]' id version snapshot_name runtime_snapshot_name display_name source created_at current present
	same 'one Version 2' "$(json '[.versions[].snapshot_name] | join(" ")')"
	same 'false true' "$(json '[.versions[].current | tostring] | join(" ")')"
	same 'true true' "$(json '[.versions[].present | tostring] | join(" ")')"
	expect 0 list e
	matches '.*\bone\b.*' "${output//$'\n'/ }"
	expect 0 -q list e
	same $'1\n2' "$output"
	same '' "$stderr"
}

@test "list --snapshots goes from the active snapshot down to the image's base" {
	workspace f
	expect 0 create f base
	expect 0 --json list --snapshots f
	same f "$(json .container_id)"
	same overlayfs "$(json .snapshotter)"
	json_has '.snapshots[0]' snapshotter name display_name runtime_snapshot_name parent kind created_at updated_at \
		labels source managed version
	same "$(container_snapshot f)" "$(json '.snapshots[0].name')"
	same active "$(json '.snapshots[0].kind | ascii_downcase')"
	same manual "$(json '.snapshots[1].source')"
	same 1 "$(json '.snapshots[1].version')"
	same true "$(json '.snapshots[1].managed')"
	same image_layer "$(json '.snapshots[-1].source')"
	same false "$(jq '.snapshots[-1].managed' <<<"$output")"
	same '' "$(jq -r '.snapshots[-1].parent // ""' <<<"$output")"
}

@test "list --snapshots goes on with the other snapshots of the history" {
	workspace f2
	expect 0 create f2 'the base'
	workspace_write f2 /data/f 1
	expect 0 --json version f2
	later=$(json .runtime_snapshot_name)
	expect 0 rollback f2 1
	collect_garbage
	expect 0 --json list --snapshots f2
	same 'active manual image_layer pre_exec' "$(json '[.snapshots[].source] | join(" ")')"
	same "$later" "$(json '.snapshots[-1].name')"
	same true "$(json '.snapshots | all(.name == .runtime_snapshot_name)')"
	same true "$(json '.snapshots | all((.created_at | test("Z$")) and (.updated_at | test("Z$")))')"
	same 'the base' "$(json '.snapshots[1].display_name')"
	same 2 "$(json '.snapshots[-1].version')"
	same 1 "$(json '.snapshots[1].labels["wsnap.version"]')"
	names=$(json '.snapshots[].name')
	expect 0 -q list --snapshots f2
	same "$names" "$output"
}

@test "list without a target tells of every workspace" {
	workspace g1
	workspace g2
	expect 0 create g1
	expect 0 create g2
	expect 0 list
	[[ $output == *g1* && $output == *g2* ]] || complain "a workspace is missing"
	expect 0 --json list
	same 'running running' "$(json '[.workspaces[] | select(.container_id | startswith("g")) | .status] | join(" ")')"
	json_has '.workspaces[0]' container_id bot_id image snapshotter status versions newest_version newest_at
	same true "$(json '.workspaces | all(.newest_at | test("Z$"))')"
	expect 0 -q list
	grep -qx g1 <<<"$output"
	grep -qx g2 <<<"$output"
}

@test "a workspace that has no version yet has an empty history" {
	workspace y
	expect 0 --json list y
	same '{"container_id":"y","versions":[]}' "$output"
	expect 0 --json events y
	same '{"container_id":"y","events":[]}' "$output"
	expect 0 -q list y
	same '' "$output"
	expect 0 --json list --snapshots y
	same 'active image_layer' "$(json '[.snapshots[].source] | join(" ")')"
	same false "$(json '.snapshots | any(.managed) | tostring')"
}

@test "show tells of one version, by number or by name" {
	workspace hh
	expect 0 create hh shown
	expect 0 --json show hh 1
	same shown "$(json .display_name)"
	json_has . container_id id version snapshot_name runtime_snapshot_name display_name source created_at parent \
		snapshotter current present size_bytes size_inodes operation_id
	first=$(json .id)
	expect 0 --json show hh shown
	same "$first" "$(json .id)"
}

@test "rollback brings a file back and saves what was there" {
	workspace r
	workspace_write r /data/f good
	expect 0 create r good
	workspace_write r /data/f bad
	expect 0 --json rollback r 1
	same r "$(json .container_id)"
	same 1 "$(json .rolled_back_to)"
	same 2 "$(json .saved_version)"
	json_has . operation_id downtime_ms steps
	same good "$(workspace_read r /data/f)"
	matches 'r-rollback-[0-9]{19}' "$(container_snapshot r)"
	same rollback "$(db "SELECT source FROM snapshots s JOIN container_versions v ON v.snapshot_id = s.id
		WHERE v.container_id = 'r' AND version = 2")"
	target=$(version_snapshot r 1)
	same "$target|1|rollback" "$(db "SELECT payload->>'snapshot_name', payload->>'version', payload->>'source'
		FROM lifecycle_events WHERE container_id = 'r' AND event_type = 'version_rollback'")"
	expect 0 rollback r 2
	same bad "$(workspace_read r /data/f)"
}

@test "events are told oldest first" {
	workspace s
	expect 0 create s
	expect 0 version s
	expect 0 --json events s
	same 'snapshot_create version_create' "$(json '[.events[].event_type] | join(" ")')"
	expect 0 events s
	[[ $output == *snapshot_create*version_create* ]] || complain "not in order"
	expect 0 -q events s
	same "$(db "SELECT id FROM lifecycle_events WHERE container_id = 's' ORDER BY created_at")" "$output"
}

@test "-q prints the version number and nothing else" {
	workspace t
	expect 0 -q create t
	same 1 "$output"
	same '' "$stderr"
	expect 0 -q version t
	same 2 "$output"
	same '' "$stderr"
	expect 0 create -q t
	same 3 "$output"
	expect 0 -q rollback t 2
	same 2 "$output"
	same '' "$stderr"
	expect 0 -q show t 3
	same 3 "$output"
	expect 0 -q recover t
	same '' "$output$stderr"
}

@test "results go to standard output, steps with -v to standard error" {
	workspace u
	expect 0 -v create u
	[[ $stderr == *ms* ]] || complain "no milliseconds among the steps"
	expect 0 create u
	same '' "$stderr"
}

@test "recover with nothing to do is done" {
	expect 0 recover
	workspace v
	expect 0 recover v
	same RUNNING "$(workspace_status v)"
}

@test "every transaction tells listeners" {
	workspace w
	(psql --no-psqlrc -qAt -c 'LISTEN wsnap_lifecycle' -c 'SELECT pg_sleep(4)' -c 'SELECT 1' \
		>"$BATS_TEST_TMPDIR/heard" 3>&-) &
	listener=$!
	sleep 0.5
	expect 0 create w
	expect 0 version w
	expect 0 rollback w 1
	wait "$listener"
	heard=$(sed -n 's/.*wsnap_lifecycle" with payload "\(.*\)" received.*/\1/p' "$BATS_TEST_TMPDIR/heard")
	same $'w snapshot_create 1\nw version_create 2\nw version_rollback 1' \
		"$(jq -r '[.container_id, .event_type, .version] | join(" ")' <<<"$heard")"
	same "$(db "SELECT bot_id FROM containers WHERE container_id = 'w'")" "$(jq -r .bot_id <<<"$heard" | sort -u)"
}

@test "a script goes back when what it tried has failed" {
	workspace x
	workspace_write x /data/f before
	version=$("$WSNAP" -q version x)
	workspace_write x /data/f after
	false || expect 0 -q rollback x "$version"
	same "$version" "$output"
	same before "$(workspace_read x /data/f)"
}

@test "an operation whose result cannot be written is not one that failed" {
	workspace told
	status=0
	"$WSNAP" create told >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	same 7 "$status"
	grep -q "^hint: the operation is done all the same: 'wsnap list told' shows it" "$BATS_TEST_TMPDIR/stderr"
	same 1 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'told'")"
}
