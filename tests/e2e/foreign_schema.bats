#!/usr/bin/env bats
# A database that another server made: extra columns, other unique indexes, row-level settings. wsnap works with it.
load ../lib/workspace

setup_file() {
	workspaces_begin bare
	db "
	CREATE TABLE teams (id uuid PRIMARY KEY, name text NOT NULL);
	INSERT INTO teams VALUES ('00000000-0000-4000-8000-000000000001', 'one');
	CREATE FUNCTION current_team() RETURNS uuid LANGUAGE sql STABLE
		AS \$\$ SELECT current_setting('app.team_id')::uuid \$\$;
	CREATE TABLE bots (
		id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
		team_id uuid NOT NULL DEFAULT current_team() REFERENCES teams (id),
		display_name text NOT NULL, UNIQUE (team_id, id));
	CREATE TABLE containers (
		id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
		team_id uuid NOT NULL DEFAULT current_team() REFERENCES teams (id),
		bot_id uuid NOT NULL REFERENCES bots (id) ON DELETE CASCADE,
		container_id text NOT NULL, container_name text NOT NULL, image text NOT NULL,
		status text NOT NULL DEFAULT 'created', namespace text NOT NULL DEFAULT 'default',
		auto_start boolean NOT NULL DEFAULT true, container_path text NOT NULL DEFAULT '/data',
		created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
		last_started_at timestamptz, last_stopped_at timestamptz,
		UNIQUE (team_id, container_id), UNIQUE (team_id, container_name));
	CREATE TABLE snapshots (
		id uuid PRIMARY KEY DEFAULT gen_random_uuid(), team_id uuid NOT NULL DEFAULT current_team(),
		container_id text NOT NULL, runtime_snapshot_name text NOT NULL, display_name text,
		parent_runtime_snapshot_name text, snapshotter text NOT NULL, source text NOT NULL,
		created_at timestamptz NOT NULL DEFAULT now(),
		FOREIGN KEY (team_id, container_id) REFERENCES containers (team_id, container_id) ON DELETE CASCADE,
		UNIQUE (team_id, container_id, runtime_snapshot_name));
	CREATE TABLE container_versions (
		id uuid PRIMARY KEY DEFAULT gen_random_uuid(), team_id uuid NOT NULL DEFAULT current_team(),
		container_id text NOT NULL, snapshot_id uuid NOT NULL REFERENCES snapshots (id) ON DELETE RESTRICT,
		version integer NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
		FOREIGN KEY (team_id, container_id) REFERENCES containers (team_id, container_id) ON DELETE CASCADE,
		UNIQUE (team_id, container_id, version));
	CREATE TABLE lifecycle_events (
		id text PRIMARY KEY, team_id uuid NOT NULL DEFAULT current_team(), container_id text NOT NULL,
		event_type text NOT NULL, payload jsonb NOT NULL DEFAULT '{}'::jsonb,
		created_at timestamptz NOT NULL DEFAULT now(),
		FOREIGN KEY (team_id, container_id) REFERENCES containers (team_id, container_id) ON DELETE CASCADE);
	" >/dev/null
	BOT=$(cat /proc/sys/kernel/random/uuid)
	PGOPTIONS="$PGOPTIONS -c app.team_id=00000000-0000-4000-8000-000000000001"
	export BOT PGOPTIONS
	db "INSERT INTO bots (id, display_name) VALUES ('$BOT', 'a bot')"
	# A member of the team that row-level security holds to its own rows.
	db "CREATE ROLE member_$$ LOGIN;
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO member_$$;" >/dev/null
	for table in bots containers snapshots container_versions lifecycle_events; do
		db "ALTER TABLE $table ENABLE ROW LEVEL SECURITY; CREATE POLICY team ON $table USING (team_id = current_team())" >/dev/null
	done
	MEMBER=member_$$
	export MEMBER
}
teardown_file() {
	db "DROP OWNED BY $MEMBER; DROP ROLE $MEMBER" >/dev/null
	workspaces_end
}

@test "a whole history in the other server's tables" {
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$BOT")
	workspace a
	workspace_write a /data/f one
	expect 0 create a one
	workspace_write a /data/f two
	expect 0 version a
	expect 0 --json rollback "$BOT" 1
	same one "$(workspace_read a /data/f)"
	expect 0 rollback a 2
	same two "$(workspace_read a /data/f)"
	same '1 2' "$(version_numbers a)"
	same 00000000-0000-4000-8000-000000000001 "$(db "SELECT DISTINCT team_id FROM snapshots")"
}

@test "as a user whom row-level security holds to the team's rows" {
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$BOT")
	workspace b
	PGUSER=$MEMBER expect 0 create b one
	PGUSER=$MEMBER expect 0 version b
	PGUSER=$MEMBER expect 0 rollback b 1
	PGUSER=$MEMBER expect 0 --json list b
	same 2 "$(json '.versions | length')"
	PGUSER=$MEMBER expect 0 events b
}

@test "a fork needs a bot that exists there, and an undelete has its own" {
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$BOT")
	workspace origin
	workspace_write origin /data/f kept
	expect 0 version origin
	world >"$BATS_TEST_TMPDIR/before"
	expect_error 8 "'child' needs a bot: the tables are another server's" fork origin 1 child
	same 'hint: --bot UUID names one that exists there' "$(tail -n 1 <<<"$stderr")"
	expect 3 fork origin 1 child --bot aaaaaaaa-1111-4222-8333-444444444444
	expect 3 fork origin 1 child --label memoh.bot_id=aaaaaaaa-1111-4222-8333-444444444444
	expect 3 fork origin 1 workspace-aaaaaaaa-1111-4222-8333-444444444444
	expect_error 8 "'child' needs a bot: the tables are another server's" fork origin @ child --live
	expect 3 fork origin @ child --live --bot aaaaaaaa-1111-4222-8333-444444444444
	world | diff "$BATS_TEST_TMPDIR/before" -
	PGUSER=$MEMBER expect 0 fork origin 1 child --bot "$BOT" --start
	same "$BOT 00000000-0000-4000-8000-000000000001" "$(db "SELECT bot_id || ' ' || team_id FROM containers WHERE container_id = 'child'")"
	same "child|1|fork|origin|1" "$(db "SELECT container_id, payload->>'version', event_type, payload->>'origin_container_id',
		payload->>'origin_version' FROM lifecycle_events WHERE container_id = 'child'")"
	same kept "$(workspace_read child /data/f)"
	expect 0 fork origin 1 labelled --label "memoh.bot_id=$BOT"
	expect 0 fork origin 1 "mcp-$BOT"
	same 2 "$(db "SELECT count(*) FROM containers WHERE container_id IN ('labelled', 'mcp-$BOT') AND bot_id = '$BOT'")"
	expect 0 -q version child
	same 2 "$output"
	ctr tasks delete --force origin >/dev/null
	ctr containers delete origin
	expect 0 fork origin 1 origin --start
	same kept "$(workspace_read origin /data/f)"
	same "$BOT" "$(db "SELECT bot_id FROM containers WHERE container_id = 'origin'")"
	same '1 2' "$(version_numbers origin)"
}

@test "where two teams' rows cannot be told apart no version goes" {
	WORKSPACE_OPTIONS=(--label memoh.bot_id="$BOT")
	workspace twice
	"$WSNAP" -q version twice >/dev/null
	expect 0 version twice
	db "INSERT INTO teams VALUES ('00000000-0000-4000-8000-000000000002', 'two');
		INSERT INTO containers (team_id, bot_id, container_id, container_name, image)
		SELECT '00000000-0000-4000-8000-000000000002', bot_id, 'twice', 'twice', '' FROM containers WHERE container_id = 'twice';
		INSERT INTO snapshots (team_id, container_id, runtime_snapshot_name, snapshotter, source)
		VALUES ('00000000-0000-4000-8000-000000000002', 'twice', 'elsewhere', 'overlayfs', 'manual');
		INSERT INTO container_versions (team_id, container_id, snapshot_id, version)
		SELECT team_id, container_id, id, 1 FROM snapshots WHERE runtime_snapshot_name = 'elsewhere'"
	before=$(world)
	for command in 'create twice' 'version twice' 'rollback twice 1' 'delete twice 1' 'list twice' 'compact twice'; do
		# shellcheck disable=SC2086 # words
		expect_error 8 "'twice' has several rows in the table containers, of team 00000000-0000-4000-8000-000000000001 and team 00000000-0000-4000-8000-000000000002" $command
	done
	same "$before" "$(world)"
	same 3 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'twice'")"
	PGUSER=$MEMBER expect 0 delete twice 1
	same elsewhere "$(db "SELECT runtime_snapshot_name FROM container_versions v JOIN snapshots s ON s.id = v.snapshot_id
		WHERE v.container_id = 'twice' AND version = 1")"
	db "DELETE FROM container_versions WHERE container_id = 'twice' AND team_id <> current_team();
		DELETE FROM containers WHERE container_id = 'twice' AND team_id <> current_team()"
}

@test "by which containers the server goes is not changed" {
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$BOT")
	workspace kept
	expect 0 create kept
	db "UPDATE containers SET updated_at = '2020-02-02Z' WHERE container_id = 'kept'"
	expect 0 create kept
	expect 0 rollback kept 1
	same 1580601600 "$(db "SELECT extract(epoch FROM updated_at)::int FROM containers WHERE container_id = 'kept'")"
}

@test "settings can come in the connection string" {
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$BOT")
	workspace c
	PGOPTIONS='' expect 0 -d "dbname=$PGDATABASE options='-c app.team_id=00000000-0000-4000-8000-000000000001'" create c
	same 1 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'c'")"
}

@test "a bot that is not there is status 3, before anything is touched" {
	workspace d
	pid=$(workspace_pid d)
	before=$(world)
	expect 3 create d
	matches "wsnap: bot '[0-9a-f-]{36}' has no row in the table bots" "${stderr%%$'\n'*}"
	same "$pid" "$(workspace_pid d)"
	same "$before" "$(world)"
}

# A superuser sees every team's rows, and writes none of them for nobody.
@test "a setting that the tables read is asked for, before anything is touched" {
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$BOT")
	workspace unsaid
	pid=$(workspace_pid unsaid)
	before=$(world)
	hint="hint: the tables want the setting 'app.team_id': give it in --database, as in"
	hint+=" \"dbname=… options='-c app.team_id=VALUE'\", or in PGOPTIONS"
	for body in "SELECT current_setting('app.team_id')::uuid" \
		"BEGIN IF coalesce(current_setting('app.team_id', true), '') = '' THEN
			RAISE EXCEPTION 'app.team_id is not set' USING ERRCODE = '42501'; END IF;
			RETURN current_setting('app.team_id')::uuid; END"; do
		language=sql
		[[ $body != BEGIN* ]] || language=plpgsql
		db "CREATE OR REPLACE FUNCTION current_team() RETURNS uuid LANGUAGE $language STABLE AS \$\$ $body \$\$" >/dev/null
		PGOPTIONS='' expect 6 create unsaid
		[[ $stderr == "wsnap: 'unsaid' was not touched"*"$hint" ]] || complain "other words"
		same "$before" "$(world)"
		same "$pid" "$(workspace_pid unsaid)"
	done
	expect 0 create unsaid
	db "CREATE OR REPLACE FUNCTION current_team() RETURNS uuid LANGUAGE sql STABLE
		AS \$\$ SELECT current_setting('app.team_id')::uuid \$\$" >/dev/null
}

@test "a team that is not there, and rows that a policy denies, are refused before anything is touched" {
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$BOT")
	workspace nobody
	expect 0 create nobody
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$BOT")
	workspace fresh
	before=$(world)
	for id in nobody fresh; do
		PGOPTIONS="-c app.team_id=00000000-0000-4000-8000-000000000009" expect 6 version $id
		[[ $stderr == *"Key (team_id"*"00000000-0000-4000-8000-000000000009"*"hint: make the row that is referred to"* ]] ||
			complain "other words"
		same "$before" "$(world)"
	done
	db "CREATE POLICY readers ON snapshots AS RESTRICTIVE FOR INSERT WITH CHECK (display_name IS NULL)"
	PGUSER=$MEMBER expect 6 create nobody named
	[[ $stderr == *'violates row-level security policy "readers" for table "snapshots"'*"that the policy asks for"* ]] ||
		complain "other words"
	PGUSER=$MEMBER expect 0 version nobody
	db "DROP POLICY readers ON snapshots"
}

@test "init leaves the other server's tables alone" {
	before=$(db "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2")
	status=0
	"$WSNAP" init >"$BATS_TEST_TMPDIR/output" 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	same "$before" "$(db "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2")"
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$BOT")
	workspace e
	expect 0 create e
}

# The record is written last: a lock on the events keeps a run there, with the workspace back.
@test "a bot and its container that are gone before the version is recorded: recovery ends" {
	local file=$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~orphan.operation
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$BOT")
	workspace orphan
	db "BEGIN; LOCK TABLE lifecycle_events IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT" >/dev/null 3>&- 4>&- &
	locked=$!
	servers_wait_for 60 events_are_locked
	"$WSNAP" create orphan >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	run=$!
	servers_wait_for 60 grep -q '"stage":2' "$file"
	saved=$(jq -r .saved "$file")
	kill -KILL "$run"
	wait "$run" || true
	wait "$locked"
	ctr tasks delete --force orphan >/dev/null
	ctr containers delete orphan
	db "DELETE FROM bots WHERE id = '$BOT'"
	expect 0 recover
	[[ $stderr == *"what was saved of 'orphan' stays as the snapshot '$saved', but is no version"* ]] ||
		complain "it does not say what became of it"
	snapshot_exists "$saved" || complain "the snapshot is gone"
	[ ! -e "$file" ] || complain "the record is left"
	same "" "$(lease_names)" "leases"
	expect 0 recover
	same "nothing to recover" "$output"
}

events_are_locked() {
	[ "$(db "SELECT count(*) FROM pg_locks WHERE relation = 'lifecycle_events'::regclass
		AND mode = 'AccessExclusiveLock' AND granted")" -gt 0 ]
}
