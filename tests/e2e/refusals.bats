#!/usr/bin/env bats
# Rows that the database will not take: found out before anything is touched. Where it refuses afterwards all the same,
# nothing that follows waits for it.
load ../lib/workspace

setup_file() {
	workspaces_begin
	workspace w
	"$WSNAP" -q create w first >/dev/null
}
teardown_file() { workspaces_end; }

# refused CAUSE HINT ARGUMENT…: status 6 with these words in it, and the world is as it was.
refused() {
	local cause=$1 hint=$2 before pid
	shift 2
	before=$(world)
	pid=$(workspace_pid w)
	expect 6 "$@"
	[[ $stderr == "wsnap: 'w' was not touched, for what is saved of it could not be recorded: the database refused: "*"$cause"*$'\n'"hint: "*"$hint"* ]] ||
		complain "wanted '$cause' and the hint '$hint'"
	same "$before" "$(world)" "the world after: $*"
	same "$pid" "$(workspace_pid w)"
}

# every CAUSE HINT: whatever writes rows is refused.
every() {
	refused "$1" "$2" create w
	refused "$1" "$2" version w
	refused "$1" "$2" rollback w first
	refused "$1" "$2" create w --if-changed
}

# The trigger `deny` on a table, as the words behind it say.
deny() {
	db "CREATE OR REPLACE FUNCTION deny() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN $2 RETURN NEW; END \$\$;
		CREATE ${3:-} TRIGGER deny ${4:-BEFORE} INSERT OR UPDATE ON $1 ${5:-} FOR EACH ROW EXECUTE FUNCTION deny()" >/dev/null
}

allow() {
	db "DROP TRIGGER deny ON $1" >/dev/null
}

changed() {
	workspace_write w /data/f "$RANDOM$RANDOM"
}

@test "a column that is too short" {
	changed
	db "ALTER TABLE snapshots ALTER runtime_snapshot_name TYPE varchar(20) USING left(runtime_snapshot_name, 20)" >/dev/null
	name=$(db "SELECT runtime_snapshot_name FROM snapshots")
	refused 'value too long for type character varying(20)' 'shorter name, or widen the column' create w
	refused 'value too long for type character varying(20)' 'shorter name, or widen the column' version w
	db "ALTER TABLE snapshots ALTER runtime_snapshot_name TYPE text" >/dev/null
	full=$(snapshot_names | grep "^$name")
	db "UPDATE snapshots SET runtime_snapshot_name = '$full'"
	expect 0 create w
}

@test "a trigger that denies, at once or when the transaction ends" {
	changed
	for table in containers snapshots container_versions lifecycle_events; do
		deny "$table" "RAISE EXCEPTION 'not on a %', to_char(now(), 'Day');"
		every 'not on a' 'a trigger of the database refuses the row'
		allow "$table"
		deny "$table" "RAISE EXCEPTION 'too many';" CONSTRAINT AFTER 'DEFERRABLE INITIALLY DEFERRED'
		every 'too many' 'a trigger of the database refuses the row'
		allow "$table"
	done
	expect 0 create w
}

@test "a check that is the database's own" {
	changed
	db "ALTER TABLE snapshots ADD CONSTRAINT quota CHECK (source = 'nobody') NOT VALID" >/dev/null
	every quota 'a rule of the tables refuses the row'
	db "ALTER TABLE snapshots DROP CONSTRAINT quota" >/dev/null
}

@test "an encoding that lacks the characters of a name" {
	createdb -E LATIN1 -T template0 -l C "${PGDATABASE}_latin"
	workspace latin
	PGDATABASE=${PGDATABASE}_latin expect 0 init
	PGDATABASE=${PGDATABASE}_latin expect 0 create latin 'käse'
	pid=$(workspace_pid latin)
	PGDATABASE=${PGDATABASE}_latin expect 6 create latin '日本語'
	[[ $stderr == *"'latin' was not touched"*'"LATIN1"'*"hint: give a name"* ]] || complain "other words"
	same "$pid" "$(workspace_pid latin)"
	PGDATABASE=${PGDATABASE}_latin expect 0 version latin
	dropdb --force "${PGDATABASE}_latin"
}

@test "nothing is asked for where nothing has changed" {
	expect 0 create w
	deny snapshots "RAISE EXCEPTION 'no';"
	expect 0 create w --if-changed
	allow snapshots
}

@test "somebody's lock is no refusal, and is not waited for" {
	changed
	db "BEGIN; LOCK TABLE lifecycle_events IN SHARE MODE; SELECT pg_sleep(6); COMMIT" >/dev/null 3>&- 4>&- &
	locked=$!
	servers_wait_for 60 events_are_locked
	expect 0 create w
	wait "$locked"
}

events_are_locked() {
	[ "$(db "SELECT count(*) FROM pg_locks WHERE relation = 'lifecycle_events'::regclass AND mode = 'ShareLock' AND granted")" -gt 0 ]
}

# From the second time on: a sequence remembers what a transaction that was taken back has not.
deny_later() {
	db "DROP SEQUENCE IF EXISTS times; CREATE SEQUENCE times" >/dev/null
	deny container_versions "IF nextval('times') > 1 THEN RAISE EXCEPTION 'the quota of today is used up'; END IF;"
}

@test "rows that are refused behind the commit are set aside, and what follows runs" {
	workspace late
	workspace_write late /data/f one
	deny_later
	expect 7 --json create late lost
	same '' "$output"
	saved=$(snapshot_names | grep '^late-snapshot-')
	same "incomplete" "$(jq -r .error.code <<<"$stderr")"
	same "'late' is saved as the snapshot '$saved', but is no version yet: the database refused: the quota of today is used up" \
		"$(jq -r .error.message <<<"$stderr")"
	same "a trigger of the database refuses the row: change what it complains of; then 'wsnap recover late' records it" \
		"$(jq -r .error.hint <<<"$stderr")"
	same RUNNING "$(workspace_status late)"
	same '' "$(lease_names)" leases
	collect_garbage
	snapshot_exists "$saved" || complain "the snapshot is gone"
	expect 7 recover
	[[ $output == *"'late' is saved as the snapshot '$saved', but is no version yet"* ]] || complain "other words"
	for fix in '' --fix; do
		expect 1 doctor $fix late
		[[ $output == *"'late' has finished an operation, but its rows are not written: the database refused: the quota of today is used up; what it saved is the snapshot '$saved'"* ]] ||
			complain "doctor does not name it"
	done
	allow container_versions
	workspace_write late /data/f two
	expect 0 -q create late kept
	same 1 "$output"
	expect 0 recover
	same "'late': version 2 is recorded, which the database had refused" "$output"
	same "lost kept" "$(db "SELECT string_agg(display_name, ' ' ORDER BY v.version DESC) FROM container_versions v
		JOIN snapshots s ON s.id = v.snapshot_id WHERE v.container_id = 'late'")"
	same 2 "$(snapshot_field "$saved" '.Labels["wsnap.version"]')"
	same 2 "$(db "SELECT count(*) FROM lifecycle_events WHERE container_id = 'late'")"
	expect 0 rollback late lost
	same one "$(workspace_read late /data/f)"
	expect 0 recover
	same "nothing to recover" "$output"
}

@test "a version whose rows are refused outlives its container" {
	workspace bereft
	deny_later
	expect 7 create bereft kept
	ctr tasks delete --force bereft >/dev/null
	ctr containers delete bereft
	expect 7 recover bereft
	allow container_versions
	expect 0 recover bereft
	same "'bereft': version 1 is recorded, which the database had refused" "$output"
	expect 0 --json show bereft kept
	same true "$(json .present)"
}

@test "a rollback whose rows are refused is a rollback all the same" {
	workspace back
	workspace_write back /data/f one
	expect 0 create back one
	workspace_write back /data/f two
	deny_later
	expect 7 rollback back one
	same one "$(workspace_read back /data/f)"
	allow container_versions
	expect 0 doctor --fix back
	expect 0 doctor back
	same 'version_rollback 1' "$(db "SELECT event_type || ' ' || (payload->>'version') FROM lifecycle_events
		WHERE container_id = 'back' AND event_type = 'version_rollback'")"
	expect 0 rollback back 2
	same two "$(workspace_read back /data/f)"
}
