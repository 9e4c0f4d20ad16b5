#!/usr/bin/env bats
# The forms of VERSION, and names that are given afterwards.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# history ID COUNT: a workspace with that many versions.
history() {
	local number
	workspace "$1"
	for ((number = 1; number <= $2; number++)); do
		workspace_write "$1" /number "$number"
		expect 0 -q version "$1"
	done
}

# means ID WORD NUMBER
means() {
	expect 0 -q show "$1" "$2"
	same "$3" "$output" "version that '$2' means"
}

@test "@ is what the workspace stands on, and @-N counts back along the lineage" {
	history back 3
	means back @ 3
	means back @-0 3
	means back @-1 2
	means back @-2 1
	expect_error 3 "'@-3' is not a version of 'back': only 2 came before the one that it stands on" show back @-3
	expect 0 rollback back 1
	means back @ 1
	expect_error 3 "'@-1' is not a version of 'back': only 0 came before the one that it stands on" show back @-1
	workspace_write back /number 4
	expect 0 -q version back
	means back @ 4
	means back @-1 1
	expect 0 -q rollback back @-1
	same 1 "$output"
	same 1 "$(workspace_read back /number)"
}

@test "versions that were given up leave no hole in the lineage" {
	history holes 6
	expect 0 delete holes 2 3
	expect 0 delete holes 4
	same '2|1 3|2 4|3' "$(db "SELECT payload->>'version', payload->>'parent' FROM lifecycle_events
		WHERE container_id = 'holes' AND event_type = 'version_prune' ORDER BY (payload->>'version')::int" | xargs)"
	same 0 "$(db "SELECT count(*) FROM lifecycle_events WHERE container_id = 'holes' AND event_type = 'version_prune'
		AND payload->>'runtime_snapshot_name' IS DISTINCT FROM payload->>'snapshot_name'")"
	means holes @ 6
	means holes @-1 5
	means holes @-2 1
	expect 0 delete holes 1
	same null "$(db "SELECT payload->'parent' FROM lifecycle_events
		WHERE container_id = 'holes' AND event_type = 'version_prune' AND payload->>'version' = '1'")"
	means holes @-1 5
	expect_error 3 "'@-2' is not a version of 'holes': only 1 came before the one that it stands on" show holes @-2
}

@test "events of before, which do not say the parent, are bridged by the label of the snapshot" {
	history older 3
	expect 0 delete older 2
	db "UPDATE lifecycle_events SET payload = payload - 'parent' - 'runtime_snapshot_name'
		WHERE container_id = 'older' AND event_type = 'version_prune'"
	means older @-1 1
}

@test "what stands on none of ours says so" {
	workspace none
	expect_error 3 "'none' is not a version of 'none'" show none none
	expect_error 3 "'none' stands on no version" show none @
	expect_error 3 "'none' stands on no version" rollback none @-1
	ctr run --detach --null-io "$IMAGE" left sh -c "$POLITE" 3>&- 4>&-
	expect 0 create left
	ctr tasks delete --force left >/dev/null
	ctr containers delete --keep-snapshot left
	expect_error 3 "'left' stands on no version" show left @
	means left 1 1
}

@test "an age or a time means the newest that is not younger" {
	history aged 3
	db "UPDATE container_versions SET created_at = now() - (4 - version) * interval '1 day' WHERE container_id = 'aged'"
	means aged @0s 3
	means aged @1h 3
	means aged @30h 2
	means aged @2d 2
	means aged @2d1h 1
	expect_error 3 "'@4d' is not a version of 'aged': it has none that old" show aged @4d
	db "UPDATE container_versions SET created_at = ('2026-01-0' || version || ' 10:00:00Z')::timestamptz WHERE container_id = 'aged'"
	means aged @2026-01-02T10:00:00Z 2
	means aged @2026-01-02T09:59:59.999999Z 1
	means aged @2026-01-02T10:00 2
	means aged @2026-01-02T11:30+02:00 1
	means aged @2026-01-03 2
	expect_error 3 "'@2026-01-01T09:59' is not a version of 'aged': it has none that old" show aged @2026-01-01T09:59
}

@test "what stands behind an @ and is neither is a usage error" {
	for word in @x @2 @-1h @1.5h @2026-13-01; do
		expect_error 2 "'$word' says neither a place nor a time" show nowhere "$word"
	done
}

@test "a new name may not begin with an @, and an old one is reached by its number" {
	history old 2
	expect_error 2 "'@-1' cannot be a name: '@' says a version's place or time" create old @-1
	expect_error 2 "'@x' cannot be a name: '@' says a version's place or time" name old 1 @x
	db "UPDATE snapshots SET display_name = '@-1' WHERE container_id = 'old' AND runtime_snapshot_name =
		(SELECT parent_runtime_snapshot_name FROM snapshots WHERE container_id = 'old' ORDER BY created_at DESC LIMIT 1)"
	means old @-1 1
	expect 0 --json show old 1
	same @-1 "$(json .display_name)"
}

@test "delete takes every form, and refuses what must stay in each" {
	history forms 4
	expect_error 8 "'forms' stands on version 4: it stays" delete forms @
	expect 0 delete forms @-1
	means forms @-1 2
	expect 0 name forms 1 first
	expect 0 delete forms first
	expect 0 -q list forms
	same $'2\n4' "$output"
}

@test "a version is named, named anew, and loses its name" {
	history named 2
	before=$(workspace_pid named)
	expect 0 name named 1 '  before the upgrade '
	same "version 1 of 'named' is called 'before the upgrade'" "$output"
	means named 'before the upgrade' 1
	snapshot=$(db "SELECT runtime_snapshot_name FROM snapshots WHERE container_id = 'named' ORDER BY created_at LIMIT 1")
	same 'before the upgrade' "$(snapshot_field "$snapshot" '.Labels["wsnap.name"]')"
	expect 0 --json name named @-1 later
	same '1 later later' "$(json '"\(.version) \(.display_name) \(.snapshot_name)"')"
	same later "$(snapshot_field "$snapshot" '.Labels["wsnap.name"]')"
	expect 0 -q name named 1 ''
	same 1 "$output"
	expect 0 --json show named 1
	same 'null Version 1' "$(json '"\(.display_name) \(.snapshot_name)"')"
	same null "$(snapshot_field "$snapshot" '.Labels["wsnap.name"]')"
	expect 0 name named 1 ''
	same "version 1 of 'named' has no name" "$output"
	same "$before" "$(workspace_pid named)"
	same '1|before the upgrade 1|later 1| 1|' "$(db "SELECT payload->>'version', payload->>'display_name'
		FROM lifecycle_events WHERE container_id = 'named' AND event_type = 'name' ORDER BY created_at" | paste -sd ' ')"
}

@test "a name given afterwards outlives retention" {
	history kept 3
	expect 0 name kept 1 release
	expect 0 prune kept --keep-last 1
	expect 0 -q list kept
	same $'1\n3' "$output"
}

@test "naming is refused with the right status, and then nothing has changed" {
	history refused 1
	world >"$BATS_TEST_TMPDIR/before"
	expect_error 3 "'2' is not a version of 'refused'" name refused 2 x
	expect_error 2 "'7' cannot be a name: digits alone are a version's number" name refused 1 7
	expect_error 2 "'name' needs a NAME" name refused 1
	expect 3 name nobody 1 x
	flock "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~refused.lock" sleep 3 3>&- 4>&- &
	sleep 0.5
	expect 4 -w 0 name refused 1 x
	wait
	PGOPTIONS='-c default_transaction_read_only=on' expect 6 name refused 1 x
	diff "$BATS_TEST_TMPDIR/before" <(world)
}

@test "a version of another host is named in the database" {
	history elsewhere 2
	snapshot=$(db "SELECT runtime_snapshot_name FROM snapshots WHERE container_id = 'elsewhere' ORDER BY created_at LIMIT 1")
	db "UPDATE snapshots SET runtime_snapshot_name = 'theirs' WHERE runtime_snapshot_name = '$snapshot'"
	expect 0 name elsewhere 1 theirs
	means elsewhere theirs 1
	db "UPDATE snapshots SET snapshotter = 'unheard-of' WHERE runtime_snapshot_name = 'theirs'"
	expect 0 name elsewhere 1 still
	means elsewhere still 1
}

@test "what only changes the history is announced on a channel of its own" {
	history heard 3
	(psql --no-psqlrc -qAt -c 'LISTEN wsnap_saved' -c 'LISTEN wsnap_lifecycle' -c 'SELECT pg_sleep(4)' -c 'SELECT 1' \
		>"$BATS_TEST_TMPDIR/heard" 2>&1 3>&- 4>&-) &
	sleep 1
	expect 0 name heard 1 x
	expect 0 delete heard 2
	wait
	heard=$(sed -n 's/.*notification "\(.*\)" with payload "\(.*\)" received.*/\1 \2/p' "$BATS_TEST_TMPDIR/heard")
	bot=$(db "SELECT bot_id FROM containers WHERE container_id = 'heard'")
	same "wsnap_saved {\"container_id\":\"heard\",\"bot_id\":\"$bot\",\"event_type\":\"name\",\"version\":1}
wsnap_saved {\"container_id\":\"heard\",\"bot_id\":\"$bot\",\"event_type\":\"version_prune\",\"version\":2}" "$heard"
}

@test "what a workspace stands on is waited for while an operation has not recorded it yet" {
	workspace hasty
	expect 0 -q version hasty
	before=$(container_snapshot hasty)
	workspace_write hasty /data/hasty yes
	strace -f -qq -o /dev/null -e trace=syncfs -e inject=syncfs:delay_enter=6000000 \
		"$WSNAP" -q version hasty >"$BATS_TEST_TMPDIR/slow" 2>&1 3>&- 4>&- &
	slow=$!
	moved() { [ "$(container_snapshot hasty)" != "$before" ]; }
	servers_wait_for 20 moved
	expect 4 -w 0 diff hasty
	expect 4 -w 0 show hasty @
	expect 4 -w 0 fork hasty @ hasty-fork
	expect 0 diff hasty
	same '' "$output"
	expect 0 -q show hasty @
	same 2 "$output"
	wait "$slow"
	same 2 "$(cat "$BATS_TEST_TMPDIR/slow")"
}
