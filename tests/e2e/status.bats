# How old, how many, how large and how deep: for people, scripts, monitors and Prometheus.
load ../lib/workspace

setup_file() {
	workspaces_begin
	workspace status-a
	workspace status-b
	workspace status-none
	"$WSNAP" -q version status-a >/dev/null
	"$WSNAP" -q version status-a >/dev/null
	"$WSNAP" -q version status-b >/dev/null
}

teardown_file() {
	workspaces_end
}

@test "a workspace's status is always in the form of several" {
	expect 0 --json status status-a
	same 1 "$(json '.workspaces | length')"
	json_has '.workspaces[0]' container_id bot_id newest_version age_s versions bytes depth open_operations last_result
	same 'status-a 2 2 2 0 done' \
		"$(json '.workspaces[0] | "\(.container_id) \(.newest_version) \(.versions) \(.depth) \(.open_operations) \(.last_result)"')"
	same "$(db "SELECT bot_id FROM containers WHERE container_id = 'status-a'")" "$(json '.workspaces[0].bot_id')"
	[ "$(json '.workspaces[0].age_s')" -lt 600 ]
	[ "$(json '.workspaces[0].bytes')" -gt 0 ]
}

@test "without TARGET all that have a history are told, in a table, JSON or by number" {
	expect 0 status
	matches 'CONTAINER +VERSIONS +NEWEST +AGE +SIZE +DEPTH +OPEN +LAST *
status-a +2 +2 +[0-9]+ (s|min) +[0-9.]+ [KM]?i?B +2 +0 +done *
status-b +1 +1 +[0-9]+ (s|min) +[0-9.]+ [KM]?i?B +1 +0 +done *' "$output"
	expect 0 --json status
	same '["status-a","status-b"]' "$(jq -c '[.workspaces[].container_id]' <<<"$output")"
	expect 0 -q status
	same $'status-a 2\nstatus-b 1' "$output"
}

@test "a container without a history is told of where it is asked for" {
	expect 0 --json status status-none
	same '[null,null,0,0]' \
		"$(jq -c '.workspaces[0] | [.newest_version, .age_s, .versions, .open_operations]' <<<"$output")"
	expect_error 3 "'nobody' is not a container that containerd has in the namespace '$CONTAINERD_NAMESPACE'" status nobody
}

@test "the bot of a container without a row is found by its label, its name, or made from its id" {
	local bot=dddddddd-1111-4222-8333-444444444444 other=dddddddd-1111-4222-8333-444444444445
	WORKSPACE_OPTIONS=(--label memoh.bot_id=$bot)
	workspace_created status-labelled
	workspace_created "mcp-$other"
	expect 0 --json status status-labelled "mcp-$other" status-none
	same "$other $bot" "$(jq -r '[.workspaces[] | select(.container_id != "status-none") | .bot_id] | join(" ")' <<<"$output")"
	matches "$UUID" "$(jq -r '.workspaces[] | select(.container_id == "status-none") | .bot_id' <<<"$output")"
	made=$(jq -r '.workspaces[] | select(.container_id == "status-none") | .bot_id' <<<"$output")
	ctr containers delete status-labelled
	ctr containers delete "mcp-$other"
	workspace_created status-made
	expect 0 --json status status-made
	other=$(json '.workspaces[0].bot_id')
	! same "$made" "$other" 2>/dev/null
	expect 0 version status-made
	same "$other" "$(db "SELECT bot_id FROM containers WHERE container_id = 'status-made'")"
	ctr containers delete status-made
	expect 0 delete status-made --all --yes
}

@test "as a check: well, late, too late, and unknown" {
	versions_made_ago status-b '3 hours'
	expect 0 status --max-age 4h
	matches 'WSNAP OK: 2 workspaces are saved in time \| oldest=10[0-9]{3}s' "$output"
	expect 1 status --max-age 4h --warn-age 2h
	matches "WSNAP WARNING: 1 of 2 workspaces are not saved in time: 'status-b' 3 h \| oldest=10[0-9]{3}s" "$output"
	same '' "$stderr"
	expect 2 status --max-age 90min
	matches "WSNAP CRITICAL: 1 of 2 .*" "$output"
	expect 0 status --max-age 90min status-a
	expect 2 status --max-age 90min status-a status-none
	matches "WSNAP CRITICAL: .*'status-none' has no version.*" "$output"
	expect 2 --json status --max-age 90min
	same 2 "$(json '.workspaces | length')"
}

@test "whatever hinders a check is status 3" {
	expect 3 status --max-age 4h nobody
	expect 3 status --max-age soon
	expect 3 status --max-age
	expect 3 status --max-age=4h --no-such-option
	expect 3 --address "$BATS_TEST_TMPDIR/nothing" status --max-age 4h
	PGDATABASE=nowhere expect 3 status --max-age 4h
	PGDATABASE=nowhere expect 6 status
	PGDATABASE=nowhere expect 3 --json status --max-age 4h
	same 'database_unavailable 3' "$(jq -r '.error | "\(.code) \(.exit_status)"' <<<"$stderr")"
	expect 2 status --warn-age 4h
	expect 2 status --no-such-option
}

@test "one that cannot be looked at keeps nobody from being told of the others" {
	local message="'nobody' is not a container that containerd has in the namespace '$CONTAINERD_NAMESPACE'"
	expect 3 --json status nobody status-b status-a
	same '[["nobody","not_found",3],["status-a",null,null],["status-b",null,null]]' \
		"$(jq -c '[.workspaces[] | [.container_id, .error.code, .error.exit_status]]' <<<"$output")"
	same "$message" "$(json '.workspaces[0].error.message')"
	same "1 of 3 workspaces failed ('nobody'); the first: $message" "$(jq -r .error.message <<<"$stderr")"
	expect 3 --json status nobody
	same '["nobody","not_found"]' "$(jq -c '.workspaces[0] | [.container_id, .error.code]' <<<"$output")"
	same "$message" "$(jq -r .error.message <<<"$stderr")"
	expect 3 status status-b nobody
	matches 'CONTAINER .*
status-b +1 .*' "$output"
	same "wsnap: 1 of 2 workspaces failed ('nobody'); the first: $message" "${stderr%%$'\n'*}"
	expect 3 -q status nobody status-b
	same 'status-b 1' "$output"
	expect 3 status --max-age 40h nobody status-b
	matches "WSNAP UNKNOWN: 1 of 2 workspaces cannot be looked at: 'nobody'; 1 workspaces are saved in time \| oldest=[0-9]+s" "$output"
	# Metrics are whole or not there.
	expect_error 3 "1 of 2 workspaces failed ('nobody'); the first: $message" status --prometheus nobody status-b
	expect 3 status --prometheus -o "$BATS_TEST_TMPDIR/metrics" nobody status-b
	[ ! -e "$BATS_TEST_TMPDIR/metrics" ] || complain "a part of the metrics was written"
}

@test "a filter that nothing matches is said, and is no error" {
	expect 0 --json status --filter no=such
	same '{"workspaces":[]}' "$output"
	same "wsnap: warning: no container of the namespace '$CONTAINERD_NAMESPACE' matches the filter" "$stderr"
}

@test "-o replaces a file, and writes to what is none" {
	local at=$BATS_TEST_TMPDIR
	mknod "$at/null" c 1 3
	expect 0 status -o "$at/null"
	same 'character special file' "$(stat -c %F "$at/null")"
	mkfifo "$at/pipe"
	timeout 20 cat "$at/pipe" >"$at/read" &
	expect 0 -q status -o "$at/pipe"
	wait
	same $'status-a 2\nstatus-b 1' "$(cat "$at/read")"
	same fifo "$(stat -c %F "$at/pipe")"
	ln -s /dev/stdout "$at/out"
	same $'status-a 2\nstatus-b 1' "$("$WSNAP" -q status -o "$at/out" | cat)"
	printf 'mine\n' >"$at/file"
	ln -s file "$at/link"
	expect_error 8 "'$at/link' is a link to a file, which could not be written whole or not at all" status -o "$at/link"
	same mine "$(cat "$at/file")"
	same 'symbolic link' "$(stat -c %F "$at/link")"
	expect_error 1 "'$at' cannot be written: Is a directory" status -o "$at"
	expect 0 -q status -o "$at/file"
	same $'status-a 2\nstatus-b 1' "$(cat "$at/file")"
}

@test "an idle workspace raises no alarm" {
	versions_made_ago status-a '3 hours'
	expect 2 status --max-age 2h status-a
	expect 0 create --if-changed status-a
	expect 0 status --max-age 2h status-a
	expect 0 --json status status-a
	[ "$(json '.workspaces[0].age_s')" -lt 600 ]
	same 2 "$(json '.workspaces[0].newest_version')"
}

@test "how the last operation ended is told until the next one" {
	expect 3 rollback status-a 99
	expect 0 --json status status-a
	same not_found "$(json '.workspaces[0].last_result')"
	matches ".*99.*" "$(json '.workspaces[0].last_message')"
	expect 0 -q version status-a
	expect 0 --json status status-a
	same done "$(json '.workspaces[0].last_result')"
}

# The rules of the text format: HELP and TYPE once and before the samples of their metric, which stand together.
follows_the_format() {
	awk '
		/^# HELP [a-z_]+ ./ { help[$3]++; next }
		/^# TYPE [a-z_]+ (gauge|counter)$/ { type[$3]++; open = $3; next }
		/^[a-z_]+\{([a-z_]+="([^"\\\n]|\\\\|\\"|\\n)*",?)*\} -?[0-9]+(\.[0-9]+)?$/ {
			name = $0
			sub(/\{.*/, "", name)
			if (name != open || help[name] != 1 || type[name] != 1 || seen[$0]++) { print "wrong: " $0; bad = 1 }
			next
		}
		{ print "no line of the format: " $0; bad = 1 }
		END { exit bad }
	' "$1" && [ -z "$(tail -c 1 "$1" | tr -d '\n')" ] || return
	# Where it is there, Prometheus' own check of names, units and texts.
	! command -v promtool >/dev/null || promtool check metrics <"$1"
}

@test "the text format of Prometheus, to standard output and whole into a file" {
	expect 0 status --prometheus
	follows_the_format "$BATS_TEST_TMPDIR/output"
	grep -qxE "wsnap_versions\{namespace=\"$CONTAINERD_NAMESPACE\",container=\"status-b\",bot=\"$UUID\"\} 1" \
		"$BATS_TEST_TMPDIR/output"
	expect 0 status --prometheus -o "$BATS_TEST_TMPDIR/wsnap.prom"
	same '' "$output"
	follows_the_format "$BATS_TEST_TMPDIR/wsnap.prom"
	same 644 "$(stat -c %a "$BATS_TEST_TMPDIR/wsnap.prom")"
	# A run that fails leaves the file as it was.
	cp "$BATS_TEST_TMPDIR/wsnap.prom" "$BATS_TEST_TMPDIR/before"
	PGDATABASE=nowhere expect 6 status --prometheus -o "$BATS_TEST_TMPDIR/wsnap.prom"
	cmp "$BATS_TEST_TMPDIR/wsnap.prom" "$BATS_TEST_TMPDIR/before"
	expect 1 status --prometheus -o "$BATS_TEST_TMPDIR/missing/wsnap.prom"
	expect 2 --json status --prometheus
}

@test "a clock that was set back makes nothing younger than now, in no form" {
	versions_made_ago status-b '-1 hour'
	expect 0 status --prometheus status-b
	same 0 "$(sed -n 's/^wsnap_age_seconds.* //p' "$BATS_TEST_TMPDIR/output")"
	expect 0 --json status status-b
	same 0 "$(json '.workspaces[0].age_s')"
	expect 0 status --max-age 1min status-b
	versions_made_ago status-b '0 hours'
}

@test "a version that was made while the clock was ahead hides no age of later ones" {
	workspace_of_versions status-ahead 3
	versions_made_ago status-ahead '5 days'
	db "UPDATE container_versions SET created_at = now() + interval '5 years' WHERE container_id = 'status-ahead' AND version = 2"
	expect 2 status --max-age 1d status-ahead
	expect 0 --json status status-ahead
	same 432000 "$(json '.workspaces[0].age_s / 10 | floor * 10')"
	expect 0 --json list
	same 3 "$(json '.workspaces[] | select(.container_id == "status-ahead") | .newest_version')"
	same true "$(json '.workspaces[] | select(.container_id == "status-ahead") | (.newest_at < (now | todate))')"
	db "UPDATE container_versions SET created_at = now() + interval '5 years' WHERE container_id = 'status-ahead' AND version = 3"
	expect 0 -q create --if-changed status-ahead
	ctr snapshots label "$(container_snapshot status-ahead)" wsnap.unchanged_at="$(date -u -d '-2 hours' +%FT%T.000000Z)" >/dev/null
	expect 2 status --max-age 1h status-ahead
}
