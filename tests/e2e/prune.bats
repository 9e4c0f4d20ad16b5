#!/usr/bin/env bats
# Giving versions up: which go, what is left of them, and what happens when the run dies in the middle.
load ../lib/workspace
load ../lib/killed

# What the layers take is measured: nobody else may write there.
setup_file() {
	workspaces_own_servers
	workspaces_begin
}
teardown_file() { workspaces_end; }

# fill ID COUNT: so many versions, each with a file /data/N of its own.
fill() {
	local n
	for ((n = 1; n <= $2; n++)); do
		workspace_write "$1" "/data/$n" "text $n"
		"$WSNAP" -q version "$1" >/dev/null
	done
}

# Snapshots of the workspace that containerd has, without the active one.
layers_of() {
	ctr snapshots ls | awk -v id="$1" 'NR > 1 && index($1, id "-") == 1 && $NF == "Committed"' | wc -l
}

@test "prune without a rule, without a target, or with both is a usage error" {
	expect_error 2 "'prune' needs a rule that says what to keep" prune nobody
	expect_error 2 "'prune' needs a TARGET or --all" prune --keep-last 1
	expect_error 2 "'--all' cannot be given with a TARGET" prune --all --keep-last 1 nobody
	expect 2 prune nobody --keep-last x
	expect 2 prune nobody --keep-within 3q
	expect_error 3 "'nobody' is not a container that containerd has in the namespace '$CONTAINERD_NAMESPACE'" \
		prune nobody --keep-last 1
}

@test "prune --keep-last 10 of 30 leaves ten versions, and the workspace and its versions are exact" {
	workspace many
	fill many 30
	before=$(layers_of many)
	expect 0 --json prune many --keep-last 10 --dry-run
	same true "$(json .dry_run)"
	same "$(seq 1 20 | xargs)" "$(json '[.removed[].version] | join(" ")')"
	same "$(seq 1 30 | xargs)" "$(version_numbers many)"
	same "$before" "$(layers_of many)"

	expect 0 --json prune many --keep-last 10
	same "$(seq 21 30 | xargs)" "$(version_numbers many)"
	same "$(seq 21 30 | xargs)" "$(json '.kept | join(" ")')"
	same 20 "$(db "SELECT count(*) FROM lifecycle_events WHERE container_id = 'many' AND event_type = 'version_prune'")"
	same true "$(json '[.removed[] | select(.held)] | length == 20')"
	same 10 "$(ctr snapshots ls | awk '/^many-v/ { print $1 }' | while read -r name; do
		snapshot_field "$name" '.Labels | has("containerd.io/gc.root")'; done | grep -c true)"
	collect_garbage
	# Layers that others stand on go once they are merged into one.
	expect 0 compact many
	expect 0 rollback many 25
	same 'text 25' "$(workspace_read many /data/25)"
	[ ! -e "$(workspace_root many)/data/26" ]
	for n in 1 20 24; do same "text $n" "$(workspace_read many "/data/$n")"; done
	expect 0 rollback many 30
	for n in 1 21 30; do same "text $n" "$(workspace_read many "/data/$n")"; done
	expect 3 rollback many 20
	expect 0 version many
	same 31 "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'many'")"
}

@test "what nothing stands on is free again, and the number is what was used" {
	workspace free
	expect 0 create free base
	for n in 1 2 3; do
		dd if=/dev/urandom of="$(workspace_root free)/data/big" bs=1M count=4 status=none
		expect 0 version free
		expect 0 rollback free base --no-save
	done
	expect 0 version free
	same '1 2 3 4 5' "$(version_numbers free)"
	two=$(version_snapshot free 2)
	used=$(ctr snapshots usage -b "$two" | awk 'NR == 2 { print $2 }')
	expect 0 --json prune free --keep-last 1 --dry-run
	foreseen=$(json .freed_bytes)
	expect 0 --json prune free --keep-last 1
	same '1 5' "$(version_numbers free)"
	same "$used" "$(json '.removed[] | select(.version == 2) | .freed_bytes')"
	same "$foreseen" "$(json .freed_bytes)"
	[ "$(json .freed_bytes)" -ge $((12 << 20)) ] || complain 'less than 12 MiB'
	! snapshot_exists "$two" || complain 'the snapshot is still there'
	expect 0 -q prune free --keep-last 1
	same '' "$output$stderr"
	expect 0 -q prune free --keep-last 1 --named
	same '' "$output$stderr"
	same 5 "$(version_numbers free)"
}

# Bytes that the layers take, files with several names counted once.
used_bytes() {
	du -s -B1 "$SERVERS/root/io.containerd.snapshotter.v1.overlayfs/snapshots" | cut -f 1
}

# big ID PATH: 24 MiB that nothing else has.
big() {
	dd if=/dev/urandom of="$(workspace_root "$1")$2" bs=1M count=24 status=none
}

# frees ID MIB ARGUMENT…: prunes; what is said to be free is so much, and so much is free.
frees() {
	local id=$1 mib=$2 before said
	shift 2
	before=$(used_bytes)
	expect 0 --json prune "$id" "$@" --dry-run
	said=$(json .freed_bytes)
	expect 0 --json prune "$id" "$@"
	same "$said" "$(json .freed_bytes)"
	same "$mib" $(((said + (1 << 19)) >> 20)) "MiB that it says are free"
	same "$mib" $(((before - $(used_bytes) + (1 << 19)) >> 20)) "MiB that are free"
}

@test "a version that goes frees all that it holds: a merged layer has files of its own" {
	workspace shared
	big shared /data/a
	expect 0 version shared
	big shared /data/b
	expect 0 version shared
	expect 0 compact shared
	fill shared 1
	collect_garbage
	frees shared 48 --keep-last 1
	same $((24 << 20)) "$(stat -c %s "$(workspace_root shared)/data/b")"
}

@test "what versions that go hold is free, and the merged layer that only they stand on" {
	workspace several
	fill several 1
	big several /data/a
	fill several 1
	expect 0 compact several
	workspace_exec several rm /data/a
	fill several 1
	expect 0 rollback several 1
	fill several 1
	frees several 48 --keep-last 1
}

@test "a layer under a writable one that a rollback has left behind is free at once" {
	workspace left
	fill left 1
	big left /data/a
	fill left 1
	workspace_write left /data/b unsaved
	expect 0 rollback left 1 --no-save
	expect 0 version left
	expect 0 --json prune left --keep-last 1
	same false "$(json '.removed[] | select(.version == 2) | .held' || true)"
	[ "$(json .freed_bytes)" -ge $((24 << 20)) ] || complain "less than 24 MiB"
}

@test "a version that holds another one's layer is named" {
	workspace holder
	fill holder 3
	expect 0 rollback holder 1
	expect 0 delete holder 2
	same "'holder' version 2 (Version 2) is gone: its layer stays as long as version 3 stands on it" "${lines[0]:-${output%%$'\n'*}}"
	workspace alone
	fill alone 3
	expect 0 --json delete alone 2
	same 3 "$(json '.removed[0].held_by')"
}

@test "names, the newest and the current version stay" {
	workspace names
	fill names 2
	expect 0 create names 'a name'
	fill names 3
	expect 0 rollback names 2
	same '1 2 3 4 5 6' "$(version_numbers names)"
	expect 0 -q prune names --keep-last 1 --dry-run
	same '' "$output$stderr"
	expect 0 --json prune names --keep-last 1
	same '1 4 5' "$(json '[.removed[].version] | join(" ")')"
	same '2 3 6' "$(version_numbers names)"
	expect 0 -q prune names --keep-last 1 --named
	same '' "$output"
	same '2 6' "$(version_numbers names)"
	expect 0 rollback names 6
	same 'text 3' "$(workspace_read names /data/3)"
}

@test "delete takes single versions, by number and by name, and refuses what is needed" {
	workspace single
	fill single 2
	expect 0 create single gone
	fill single 2
	expect_error 8 "'single' stands on version 5: it stays" delete single 5
	expect_error 3 "'77' is not a version of 'single'" delete single 1 77
	expect 2 delete single
	expect 2 delete single 0
	same '1 2 3 4 5' "$(version_numbers single)"
	expect 0 rollback single 2
	expect_error 8 "version 5 is the newest of 'single': it stays" delete single 1 5
	same '1 2 3 4 5' "$(version_numbers single)"
	expect 0 --json delete single 1 gone 1
	same '1 3' "$(json '[.removed[].version] | join(" ")')"
	same '2 4 5' "$(version_numbers single)"
	same 'text 1' "$(workspace_read single /data/1)"
}

@test "a rollback that was cut off is finished first: the version that it leads to stays" {
	local command
	workspace late
	fill late 4
	expect 0 rollback late 4
	told_by rollback late 3
	for command in "delete late 2" "prune late --keep-last 1"; do
		workspace_write late /data/new "$command"
		killed_after prepare rollback late 2
		if [ "$command" = "delete late 2" ]; then
			expect 8 delete late 2
			[[ $stderr == *"'late' stands on version 2: it stays"* ]] || complain "other words"
		else
			expect 0 prune late --keep-last 1
		fi
		same 1 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'late' AND version = 2")"
		same 'text 2' "$(workspace_read late /data/2)"
	done
}

@test "where the database does not let versions go they stay as they are" {
	workspace fixed
	fill fixed 3
	db "CREATE TABLE pins (version uuid REFERENCES container_versions (id));
		INSERT INTO pins SELECT id FROM container_versions WHERE container_id = 'fixed' AND version = 2"
	expect 6 delete fixed 1 2
	[[ $stderr == *"no version of 'fixed' went: "*pins* ]] || complain "other words"
	same '1 2 3' "$(version_numbers fixed)"
	expect 0 recover
	same "nothing to recover" "$output"
	db "DROP TABLE pins"
	db "CREATE ROLE reader_$$ LOGIN; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO reader_$$"
	PGUSER=reader_$$ expect_error 6 "the database user may not delete rows of table 'snapshots'" prune fixed --keep-last 1
	db "DROP OWNED BY reader_$$; DROP ROLE reader_$$"
	expect 0 recover
	same "nothing to recover" "$output"
	expect 0 delete fixed 1 2
	same 3 "$(version_numbers fixed)"
}

@test "a wait for the database that takes too long is no refusal: what is marked goes later" {
	workspace waits
	fill waits 3
	psql -qAtc "SELECT pg_advisory_lock(2004053601, hashtext('waits'))" -c "SELECT pg_sleep(4)" >/dev/null &
	local holder=$!
	servers_wait_for 60 db_has_lock
	PGOPTIONS="$PGOPTIONS -c lock_timeout=300" expect 7 delete waits 1
	same '1 2 3' "$(version_numbers waits)"
	wait "$holder"
	expect 0 recover waits
	same '2 3' "$(version_numbers waits)"
	! snapshot_exists "$(version_snapshot waits 1)" || complain "it is still there"
}

db_has_lock() {
	[ "$(db "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")" -gt 0 ]
}

@test "--all leaves what is another host's alone" {
	workspace here
	fill here 2
	db "INSERT INTO containers (bot_id, container_id, container_name, image, namespace)
		SELECT bot_id, 'there', 'there', '', namespace FROM containers WHERE container_id = 'here';
		INSERT INTO snapshots (container_id, runtime_snapshot_name, snapshotter, source)
		SELECT 'there', 'there-v' || n, 'overlayfs', 'manual' FROM generate_series(1, 3) n;
		INSERT INTO container_versions (container_id, snapshot_id, version)
		SELECT 'there', id, right(runtime_snapshot_name, 1)::int FROM snapshots WHERE container_id = 'there'"
	expect 0 prune --all --keep-last 1
	[[ $output != *there* ]] || complain "it was looked at"
	[ ! -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~there.lock" ] || complain "it is taken for one of this host from now on"
	same '1 2 3' "$(version_numbers there)"
	db "DELETE FROM container_versions WHERE container_id = 'there'; DELETE FROM snapshots WHERE container_id = 'there';
		DELETE FROM containers WHERE container_id = 'there'"
}

@test "a row without a snapshot stays when pruned, and goes by its number" {
	workspace rows
	fill rows 2
	db "INSERT INTO snapshots (container_id, runtime_snapshot_name, display_name, snapshotter, source)
		VALUES ('rows', 'elsewhere', 'far', 'overlayfs', 'manual')"
	db "INSERT INTO container_versions (container_id, snapshot_id, version)
		SELECT 'rows', id, 3 FROM snapshots WHERE runtime_snapshot_name = 'elsewhere'"
	expect 0 -q prune rows --keep-last 1 --named
	same '2 3' "$(version_numbers rows)"
	expect 8 delete rows far
	expect 0 -q delete rows 3
	same '2' "$(version_numbers rows)"
	same 0 "$(db "SELECT count(*) FROM snapshots WHERE runtime_snapshot_name = 'elsewhere'")"
}

@test "the versions of a container that was removed can be given up" {
	workspace removed
	fill removed 3
	ctr tasks delete --force removed >/dev/null
	ctr containers delete removed
	expect 0 --json prune removed --keep-last 1
	same '1 2' "$(json '[.removed[].version] | join(" ")')"
	same 3 "$(version_numbers removed)"
	snapshot_exists "$(version_snapshot removed 3)"
}

@test "--all prunes every workspace, and the configuration gives rules" {
	workspace one
	workspace two
	fill one 3
	fill two 3
	printf 'keep_last = 2\n' >"$WSNAP_CONFIG"
	expect 0 --json prune --all
	: >"$WSNAP_CONFIG"
	same '2 3' "$(json '.workspaces[] | select(.container_id == "one") | .kept | join(" ")')"
	same '2 3' "$(version_numbers one)"
	same '2 3' "$(version_numbers two)"
	expect 0 -q prune --all --keep-last 1
	same '' "$output"
	same 3 "$(version_numbers one)"
}

@test "an interrupted prune is finished by the next, wherever it was killed" {
	command -v strace >/dev/null || skip 'no strace'
	workspace cut
	local call points=0 versions
	for call in $(seq 12 6 200); do
		fill cut 3
		strace -f -qq -o /dev/null -e trace=sendto,send,sendmsg -e inject="sendto,send,sendmsg:signal=KILL:when=$call" \
			"$WSNAP" prune cut --keep-last 2 >/dev/null 2>&1 </dev/null 3>&- 4>&- && break
		points=$((points + 1))
		expect 0 prune cut --keep-last 2
		versions=$(version_numbers cut)
		same 2 "$(wc -w <<<"$versions")" "versions after a kill at call $call"
		same 0 "$(ctr snapshots ls | awk '/^cut-v/ { print $1 }' | while read -r name; do
			snapshot_field "$name" '.Labels | select(has("wsnap.given_up") and has("containerd.io/gc.root")) | 1'
		done | wc -l)" "marked and kept after a kill at call $call"
		same 2 "$(ctr snapshots ls | awk '/^cut-v/ { print $1 }' | while read -r name; do
			snapshot_field "$name" '.Labels | select(has("containerd.io/gc.root")) | 1'
		done | wc -l)" "kept snapshots after a kill at call $call"
		same 0 "$(db "SELECT count(*) - count(DISTINCT payload->>'version') FROM lifecycle_events
			WHERE container_id = 'cut' AND event_type = 'version_prune'")" 'events doubled'
	done
	[ "$points" -ge 2 ] || complain "killed at $points points only"
	same "text 3" "$(workspace_read cut /data/3)"
}

@test "a signal in the middle of a prune makes no failure of what was done" {
	workspace signalled
	local call status finished=0
	for call in $(seq 6 4 60); do
		fill signalled 3
		status=0
		strace -f -qq -o /dev/null -e trace=sendto -e inject=sendto:signal=TERM:when="$call" \
			"$WSNAP" prune signalled --keep-last 2 >"$BATS_TEST_TMPDIR/output" 2>"$BATS_TEST_TMPDIR/stderr" \
			</dev/null 3>&- 4>&- || status=$?
		case $status in
		143) ;; # before anything was held: as it was
		0)
			grep -q "^'signalled': [0-9]* versions went, 2 stay" "$BATS_TEST_TMPDIR/output"
			same 2 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'signalled'")" versions
			! grep -q 'SIGTERM came while' "$BATS_TEST_TMPDIR/stderr" || finished=$((finished + 1))
			;;
		*) complain "status $status at call $call" ;;
		esac
	done
	[ "$finished" -gt 2 ] || complain "only $finished prunes had the signal in the middle"
}

# at TIME ARGUMENT…: the program, for which the clock stands still at that time.
at() {
	local time=$1
	shift
	FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 faketime -f "$time" "$WSNAP" "$@" 3>&- 4>&-
}

@test "what a clock that was ahead has dated stays, and takes no place of what was dated rightly" {
	command -v faketime >/dev/null || skip 'no faketime'
	local n
	workspace ahead
	for n in 1 2 3; do
		workspace_write ahead /data/x "$n"
		at "$(date -u -d "+1 year $n minutes" '+%F %T')" -q version ahead
	done
	fill ahead 4
	expect 0 --json prune ahead --keep-last 3 --dry-run
	same '1 2 3 5 6 7' "$(json '.kept | join(" ")')"
	[[ $stderr == *"'ahead': 3 versions have times in the future and stay, whatever the rules say: 3, 2, 1"* ]] ||
		complain "it does not say so"
	expect 0 prune ahead --keep-last 3
	same '1 2 3 5 6 7' "$(version_numbers ahead)"
	expect 0 prune ahead --keep-daily 2
	same '1 2 3 5 7' "$(version_numbers ahead)"
}

@test "a clock that stands still: no name is given twice, and each version has what was saved as it" {
	command -v faketime >/dev/null || skip 'no faketime'
	local time n
	# Not so far from containerd's clock that the leases have expired before they are made.
	time=$(date -u '+%F %T')
	workspace still
	for n in 1 2 3; do
		workspace_write still /data/x "$n"
		at "$time" -q version still
	done
	workspace_write still /data/x 4
	at "$time" -q create still B
	at "$time" -q compact still
	workspace_write still /data/x 5
	at "$time" -q rollback still 1
	same 1 "$(workspace_read still /data/x)"
	same '1 2 3 4 5' "$(version_numbers still)"
	for n in 2 3 4 5; do
		expect 0 rollback still "$n"
		same "$n" "$(workspace_read still /data/x)"
	done
	expect 0 doctor still
}

# rows_from_backup ID NUMBER: the version is given up, and then its rows are there again, as from a backup made before.
rows_from_backup() {
	db "CREATE TABLE old_snapshot AS SELECT * FROM snapshots WHERE runtime_snapshot_name = '$(version_snapshot "$1" "$2")';
	    CREATE TABLE old_version AS SELECT * FROM container_versions WHERE container_id = '$1' AND version = $2"
	expect 0 delete "$1" "$2"
	db "INSERT INTO snapshots SELECT * FROM old_snapshot; INSERT INTO container_versions SELECT * FROM old_version;
	    DROP TABLE old_snapshot, old_version"
}

# unprotect ID NUMBER…: somebody takes off what keeps them; what stands on them does so as well.
unprotect() {
	local number
	for number in "${@:2}"; do
		ctr snapshots label "$(version_snapshot "$1" "$number")" containerd.io/gc.root= >/dev/null
	done
}

# comes_back ID NUMBER: with the file that it was saved with.
comes_back() {
	collect_garbage
	snapshot_exists "$(version_snapshot "$1" "$2")" || complain "version $2 of '$1' is lost"
	expect 0 rollback "$1" "$2" --no-save
	same "$1 $2" "$(workspace_read "$1" "/data/$2")"
}

@test "a version whose row came back from a backup outlives those that stand on it" {
	workspace_of_versions backup 5
	rows_from_backup backup 2
	expect 0 rollback backup 1
	expect 0 version backup
	expect 0 delete backup 3 4 5
	same '1 2 6' "$(version_numbers backup)"
	comes_back backup 2

	workspace_of_versions ruled 5
	rows_from_backup ruled 4
	expect 0 rollback ruled 1
	expect 0 version ruled
	expect 0 prune ruled --keep-last 3
	same '4 5 6' "$(version_numbers ruled)"
	expect 0 delete ruled 5
	comes_back ruled 4
}

@test "a version that nothing else keeps outlives that the workspace leaves its layer" {
	workspace_of_versions leaving 3
	expect 0 rollback leaving 2
	expect 0 delete leaving 1
	workspace_write leaving /data/more more
	unprotect leaving 2 3
	expect 0 compact leaving
	comes_back leaving 2

	workspace_of_versions back 3
	expect 0 rollback back 2
	unprotect back 2 3
	expect 0 rollback back 1 --no-save
	comes_back back 2

	workspace_of_versions merged 3
	expect 0 rollback merged 2
	unprotect merged 2 3
	printf 'max_depth = 2\n' >"$WSNAP_CONFIG"
	expect 0 version merged
	: >"$WSNAP_CONFIG"
	comes_back merged 2
}
