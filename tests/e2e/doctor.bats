#!/usr/bin/env bats
# What doctor finds between containerd, Postgres and the state directory, and what it can put right.
load ../lib/workspace
load ../lib/killed

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# Whatever a test leaves would be the next one's finding.
teardown() {
	workspaces_clear
}

history() {
	db "SELECT v.version, s.runtime_snapshot_name, s.display_name, s.parent_runtime_snapshot_name, s.snapshotter,
		s.source, v.created_at, c.bot_id
		FROM container_versions v JOIN snapshots s ON s.id = v.snapshot_id
		JOIN containers c ON c.container_id = v.container_id ORDER BY v.container_id, v.version"
}

# What the events of versions say, but for their times.
events() {
	db "SELECT container_id, id, event_type, payload - 'version_id' FROM lifecycle_events
		WHERE event_type IN ('snapshot_create', 'version_create') ORDER BY container_id, (payload->>'version')::int"
}

kinds() {
	json '[.findings[].kind] | sort | join(" ")'
}

@test "where everything fits there is nothing to find" {
	expect 0 doctor
	same 'all is well' "$output"
	workspace w
	expect 0 create w
	expect 0 version w
	expect 0 rollback w 1
	expect 0 prune w --keep-last 1
	expect 0 doctor
	same 'all is well' "$output"
	expect 0 -q doctor w
	same '' "$output$stderr"
	expect 0 --json doctor
	same '{"findings":[]}' "$output"
	expect 3 doctor nobody
}

@test "a lost database is written again from the snapshots, with the same numbers" {
	workspace a
	workspace b
	workspace_write a /data/x first
	expect 0 create a 'the first'
	expect 0 version a
	workspace_write a /data/x second
	expect 0 rollback a 'the first'
	expect 0 version b
	ctr tasks delete --force b >/dev/null
	ctr containers delete b
	before=$(history)
	told=$(events)
	db 'DROP SCHEMA public CASCADE'
	db 'CREATE SCHEMA public'
	expect 6 doctor
	expect 0 init
	expect 1 --json doctor
	same 'version_unrecorded version_unrecorded version_unrecorded version_unrecorded' "$(kinds)"
	same 0 "$(db 'SELECT count(*) FROM container_versions')"
	expect 0 doctor --fix
	same 4 "$(grep -c '^fixed: ' <<<"$output")"
	same "$before" "$(history)"
	same "$told" "$(events)"
	expect 0 doctor
	expect 0 rollback a 3
	same second "$(workspace_read a /data/x)"
	expect 0 -q version a
	same 4 "$output"
}

@test "a database that is written again leads a bot to the same container as before" {
	local bot
	bot=$(cat /proc/sys/kernel/random/uuid)
	WORKSPACE_OPTIONS=(--label memoh.bot_id="$bot")
	workspace zz-old
	expect 0 version zz-old
	ctr tasks delete --force zz-old >/dev/null
	ctr containers delete zz-old
	WORKSPACE_OPTIONS=(--label memoh.bot_id="$bot")
	workspace aa-new
	expect 0 version aa-new
	expect 0 version aa-new
	db "DELETE FROM lifecycle_events; DELETE FROM container_versions; DELETE FROM snapshots; DELETE FROM containers"
	expect 0 doctor --fix
	expect 0 --json list "$bot"
	same aa-new "$(json .container_id)"
}

# Takes version 2 of a workspace out of the database, as one from an old backup does not know it.
forget_version_2() {
	lost=$(version_snapshot "$1" 2)
	db "DELETE FROM container_versions WHERE version = 2"
	db "DELETE FROM snapshots WHERE runtime_snapshot_name = '$lost'"
	db "DELETE FROM lifecycle_events"
}

version_of() {
	db "SELECT v.version FROM container_versions v JOIN snapshots s ON s.id = v.snapshot_id
		WHERE s.runtime_snapshot_name = '$1'"
}

@test "with a database from an old backup no number is given twice" {
	workspace a
	expect 0 version a
	expect 0 version a
	forget_version_2 a
	expect 0 -q version a
	same 3 "$output"
	expect 0 doctor --fix a
	same 2 "$(version_of "$lost")"
	expect 0 doctor
	db 'DROP SCHEMA public CASCADE'
	db 'CREATE SCHEMA public'
	expect 0 init
	expect 0 -q create a
	same 4 "$output"
	expect 0 doctor --fix a
	same 4 "$(grep -c . <<<"$(db "SELECT version FROM container_versions WHERE container_id = 'a'")")"
	same 2 "$(version_of "$lost")"
}

@test "a lost database and a new container of the same id: its numbers go on" {
	workspace r
	expect 0 version r
	expect 0 version r
	ctr tasks delete --force r >/dev/null
	ctr containers delete r
	db 'DROP SCHEMA public CASCADE'
	db 'CREATE SCHEMA public'
	expect 0 init
	workspace r
	expect 0 -q version r
	same 3 "$output"
}

@test "a number that is another version's by now is not taken from it, and moves no other number" {
	workspace a
	for _ in 1 2 3; do
		expect 0 version a
	done
	ctr snapshots label "$(version_snapshot a 2)" wsnap.version=1 >/dev/null
	forget_version_2 a
	third=$(version_snapshot a 3)
	db "DELETE FROM container_versions WHERE version = 3"
	db "DELETE FROM snapshots WHERE runtime_snapshot_name = '$third'"
	expect 0 doctor --fix a
	[[ $output == *"another one has the number 1 by now"* ]] || complain "it does not say so"
	same 3 "$(version_of "$third")"
	same 4 "$(version_of "$lost")"
	same 4 "$(snapshot_field "$lost" '.Labels["wsnap.version"]')"
	expect 0 doctor
}

@test "a version that has lost its row and what keeps it is found all the same" {
	workspace a
	expect 0 version a
	expect 0 version a
	forget_version_2 a
	ctr snapshots label "$lost" containerd.io/gc.root= >/dev/null
	expect 1 doctor a
	expect 0 doctor --fix a
	collect_garbage
	same 2 "$(version_of "$lost")"
	[ "$(snapshot_field "$lost" '.Labels["containerd.io/gc.root"]')" != null ] || complain "nothing keeps it"
	expect 0 doctor
}

@test "a row whose snapshot is gone is found, and delete takes it away" {
	workspace a
	expect 0 version a
	expect 0 rollback a 1
	workspace_write a /data/x one
	expect 0 version a
	expect 0 rollback a 1
	expect 0 version a
	gone=$(version_snapshot a 2)
	ctr snapshots label "$gone" containerd.io/gc.root= >/dev/null
	collect_garbage
	! snapshot_exists "$gone"
	expect 1 doctor
	same "'a' version 2: its snapshot '$gone' is gone; 'wsnap delete a 2' takes its row away" "$output"
	expect 1 doctor --fix
	expect 0 delete a 2
	expect 0 doctor
}

@test "a version that nothing protects is protected again" {
	workspace a
	expect 0 version a
	name=$(version_snapshot a 1)
	ctr snapshots label "$name" containerd.io/gc.root= >/dev/null
	expect 1 --json doctor
	same version_unprotected "$(kinds)"
	same "$name" "$(json '.findings[0].subject')"
	expect 0 --json doctor --fix
	same true "$(json '.findings[0].fixed')"
	same true "$(snapshot_field "$name" '.Labels | has("containerd.io/gc.root")')"
	expect 0 doctor
}

@test "a pruning that was cut off is found and finished" {
	workspace a
	for n in 1 2 3; do expect 0 version a; done
	ctr snapshots label "$(version_snapshot a 1)" wsnap.given_up=2026-01-01T00:00:00Z >/dev/null
	ctr snapshots label "$(version_snapshot a 3)" wsnap.given_up=2026-01-01T00:00:00Z >/dev/null
	first=$(version_snapshot a 1) third=$(version_snapshot a 3)
	expect 1 --json doctor
	same prune_open "$(kinds)"
	expect 0 doctor --fix
	same '2 3' "$(db "SELECT string_agg(version::text, ' ' ORDER BY version) FROM container_versions")"
	same false "$(snapshot_field "$first" '.Labels | has("containerd.io/gc.root")')"
	same false "$(snapshot_field "$third" '.Labels | has("wsnap.given_up")')"
	expect 0 doctor
}

@test "a lease of ours without an operation is found and let go, others are left" {
	ctr leases create --id wsnap-0190d3a4-5b6c-4d7e-8f90-a1b2c3d4e5f6 >/dev/null
	ctr leases create --id somebody-else >/dev/null
	expect 1 --json doctor
	same lease_stale "$(kinds)"
	expect 0 doctor --fix
	same somebody-else "$(lease_names)"
	ctr leases rm somebody-else >/dev/null
	expect 0 doctor
}

@test "an operation that was cut off is found and finished" {
	command -v strace >/dev/null || skip 'no strace'
	workspace a
	expect 0 version a
	strace -f -qq -o /dev/null -e trace=renameat,renameat2,rename -e inject=renameat,renameat2,rename:signal=KILL:when=2 \
		"$WSNAP" version a >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
	[ -n "$(find "$WSNAP_STATE_DIR" -name '*.operation')" ] || complain 'nothing was cut off'
	expect 1 --json doctor
	same operation_open "$(json '.findings[0].kind')"
	expect 0 doctor --fix
	same '' "$(find "$WSNAP_STATE_DIR" -name '*.operation')"
	same RUNNING "$(workspace_status a)"
	expect 0 doctor
}

@test "a container without its snapshot is put on its newest version" {
	workspace a
	workspace_write a /data/x kept
	expect 0 version a
	ctr tasks delete --force a >/dev/null
	active=$(container_snapshot a)
	ctr snapshots rm "$active"
	expect 1 doctor
	same "'a': its snapshot '$active' is gone; it can be put on version 1" "$output"
	expect 0 doctor --fix
	expect 0 doctor
	ctr tasks start --detach --null-io a 3>&- 4>&-
	same kept "$(workspace_read a /data/x)"
	expect 0 -q version a
	same 2 "$output"
}

@test "a workspace of which nothing is left here is found, another host's is not" {
	workspace gone
	expect 0 version gone
	only=$(version_snapshot gone 1)
	ctr tasks delete --force gone >/dev/null
	ctr containers delete gone
	ctr snapshots label "$only" containerd.io/gc.root= wsnap.kind= >/dev/null
	collect_garbage
	! snapshot_exists "$only" || complain "the snapshot is still there"
	expect 1 doctor
	[[ $output == "'gone' version 1: "*"where no other host has it, 'wsnap delete gone 1'"* ]] || complain "other words"
	expect 1 doctor gone
	rm "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~gone.lock"
	expect 0 doctor
	# Whoever names it is told, and it stays another host's.
	expect 1 doctor gone
	expect 1 doctor --fix gone
	[ ! -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~gone.lock" ] || complain "doctor made a lock of another host's"
	expect 0 doctor
	expect 0 delete gone 1
}

@test "doctor of one workspace looks at the leases of its operations, and at no others" {
	workspace a
	workspace b
	expect 0 create a
	expect 0 create b
	local operation=wsnap-0190d3a4-5b6c-4d7e-8f90-a1b2c3d4e5f6
	ctr leases create --id "$operation" wsnap.container=a >/dev/null
	ctr leases create --id wsnap-older wsnap.container=a >/dev/null
	ctr leases create --id somebody-else wsnap.container=a >/dev/null
	ctr leases create --id wsnap-doctor-0190d3a4-5b6c-4d7e-8f90-a1b2c3d4e5f6 >/dev/null
	expect 0 doctor b
	expect 1 --json doctor a
	same "$operation wsnap-older" "$(json '[.findings[].subject] | sort | join(" ")')"
	expect 0 doctor --fix a
	same 'somebody-else wsnap-doctor-0190d3a4-5b6c-4d7e-8f90-a1b2c3d4e5f6' "$(lease_names | sort | paste -sd ' ')"
	expect 0 doctor
}

@test "a compaction that ends keeps nothing for itself, and what it has moved outlives the loss of its record" {
	local n layer
	workspace small
	for n in 1 2 3; do
		workspace_write small /data/n "$n"
		expect 0 version small
	done
	told_by compact small
	same '' "$(kept_active small)"
	for n in 4 5; do
		workspace_write small /data/n "$n"
		expect 0 version small
	done
	workspace_write small /data/n precious
	killed_after prepare compact small
	layer=$(kept_active small)
	[ -n "$layer" ] || complain "nothing keeps what is moved"
	rm "$(records)"
	ctr leases ls -q | grep '^wsnap-' | xargs -r -n 1 ctr leases rm --sync
	snapshot_exists "$layer" || complain "it is gone"
	expect 0 doctor --fix small
	same "$layer" "$(container_snapshot small)"
	same '' "$(kept_active small)"
}

# Active snapshots that gc.root keeps.
kept_active() {
	ctr snapshots ls | awk -v id="$1-active-" 'index($1, id) == 1 { print $1 }' | while read -r name; do
		snapshot_field "$name" '.Labels | select(has("containerd.io/gc.root")) | "'"$name"'"'
	done
}

@test "a bot is found by what its snapshots say when nothing else knows it" {
	local bot=0190d3a4-5b6c-4d7e-8f90-a1b2c3d4e5f6
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$bot")
	workspace lost
	db "INSERT INTO bots (id) VALUES ('$bot')"
	expect 0 version lost
	ctr tasks delete --force lost >/dev/null
	ctr containers delete lost
	db 'TRUNCATE bots, containers, snapshots, container_versions, lifecycle_events CASCADE'
	expect 1 --json doctor "${bot^^}"
	same 'version_unrecorded lost' "$(json '.findings[] | "\(.kind) \(.container_id)"')"
	expect 3 doctor 11111111-2222-3333-4444-555555555555
	workspace twin
	expect 0 version twin
	expect 0 --json show twin 1
	ctr snapshots label "$(json .runtime_snapshot_name)" "wsnap.bot=$bot" >/dev/null
	expect_error 2 "'$bot' is the bot of 2 workspaces that the database does not know" doctor "$bot"
}

@test "of a record that cannot be read doctor says why, with --fix and without" {
	workspace r
	expect 0 create r
	local record=$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~r.operation
	echo '{"format":1,"operation_id":"no uuid"}' >"$record"
	expect 1 doctor r
	[[ $output == "'r' has an unfinished operation whose record '$record' cannot be read: "* ]] || complain "other words"
	expect 1 doctor --fix r
	[[ $output == *"it could not be fixed: "*"'$record' cannot be read"* ]] || complain "other words"
	[ -e "$record" ] || complain "the record is gone"
	rm "$record"
	expect 0 doctor
}

@test "what waits in another namespace is pointed at by doctor, files that only look like it are not" {
	workspace a
	expect 0 create a
	: >"$WSNAP_STATE_DIR/elsewhere~b.operation"
	: >"$WSNAP_STATE_DIR/nowhere~c.operation.lock"
	expect 0 doctor
	same "wsnap: warning: the namespace 'elsewhere' has interrupted operations: 'wsnap -n elsewhere recover' finishes them" \
		"$stderr"
	expect 0 doctor a
	same '' "$stderr"
}

@test "with --wait 0 what another run holds is left out, unless it is named" {
	workspace held
	expect 0 create held
	exec 7<>"$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~held.lock"
	flock 7
	expect 0 -w 0 doctor
	same 'all is well' "$output"
	expect 4 -w 0 doctor held
	expect 4 -w 1 doctor
	exec 7>&-
	expect 0 -w 0 doctor held
}

@test "the lease of a run with another state directory is left alone while that lives, and when it was killed" {
	local other=$BATS_TEST_TMPDIR/other run lease
	workspace busy
	told_by version busy
	delayed_at lease 6 version busy &
	run=$!
	servers_wait_for 20 grep -q '^wsnap: journal ' "$BATS_TEST_TMPDIR/told"
	servers_wait_for 20 sh -c 'ctr leases ls -q | grep -q "^wsnap-"'
	expect 0 --wait 0 --state-dir "$other" doctor --fix
	lease=$(lease_names | grep '^wsnap-') || complain "the lease of a run that lives was deleted"
	wait $run
	same "" "$(lease_names)" "leases"
	killed_after commit version busy
	lease=$(lease_names | grep '^wsnap-')
	expect 1 --wait 0 --json --state-dir "$other" doctor --fix
	same lock_held "$(kinds)"
	same "$lease" "$(lease_names | grep '^wsnap-')" "the lease of an operation that was cut off"
	expect 0 recover
	nothing_is_left
}

# half_restored ID: it does not run, and a restore of version 1 ends when not all of it is done.
half_restored() {
	workspace "$1"
	workspace_write "$1" /data/f first
	ln -s f "$(workspace_root "$1")/data/z"
	expect 0 create "$1"
	workspace_write "$1" /data/f second
	rm "$(workspace_root "$1")/data/z"
	ctr tasks delete --force "$1" >/dev/null
	not_to_the_end restore "$1" 1
}

not_to_the_end() {
	local status=0
	strace -qq -o /dev/null -e trace=symlinkat -e inject=symlinkat:error=ENOSPC "$WSNAP" "$@" >/dev/null 2>&1 \
		</dev/null 3>&- 4>&- || status=$?
	same 7 "$status" "status of: $*"
}

@test "what an operation needs that has ended incomplete is let alone with another state directory, and what needs nothing is not" {
	local other=$BATS_TEST_TMPDIR/other lease try
	half_restored half
	lease=$(lease_names | grep '^wsnap-') || complain "it has no lease"
	expect 1 --json --state-dir "$other" doctor --fix
	same lock_held "$(kinds)"
	[[ $(json '.findings[0].message') == "'half' is held by another run ("*"state directory '$WSNAP_STATE_DIR'), which has ended and is that directory's to finish; "* ]] ||
		complain "another word"
	same "$lease" "$(lease_names | grep '^wsnap-')" "the lease of an operation that has ended incomplete"
	# Nor is anything done to the workspace in between.
	expect 4 --wait 0 --state-dir "$other" version half
	[[ $stderr == *"hint: that run has ended: 'wsnap --state-dir $WSNAP_STATE_DIR recover half' ends what it left;"* ]] ||
		complain "another hint"
	# However often it is tried, the lock is the same few leases.
	for try in 1 2 3 4; do not_to_the_end recover half; done
	same 2 "$(lease_names | grep -c '^wsnap.lock')" "leases of the lock"
	expect 4 --wait 0 --state-dir "$other" version half
	# A lease of no operation goes all the same.
	ctr leases create --id wsnap-0190d3a4-5b6c-4d7e-8f90-a1b2c3d4e5f6 >/dev/null
	expect 1 --json --state-dir "$other" doctor --fix
	same 'lease_stale true,lock_held false' "$(json '[.findings[] | .kind + " " + (.fixed | tostring)] | sort | join(",")')"
	collect_garbage
	expect 0 recover
	same '' "$stderr"
	same "'half': the restore of version 1 was completed" "$output"
	nothing_is_left
	expect 0 --state-dir "$other" version half
	expect 0 doctor
	# Where that directory is lost, the lock is taken away by the operator's word, and the lease is stale.
	half_restored gone
	rm -rf "$WSNAP_STATE_DIR"
	expect 0 --wait 0 recover --break-lock gone
	expect 1 --json doctor
	[[ $(kinds) == *lease_stale* ]] || complain "the lease is not found"
	expect 0 doctor --fix
	same '' "$(lease_names)"
}

@test "doctor waits for a run that is at work, and then has nothing to say of its workspace" {
	workspace slow sh -c 'trap "sleep 3; exit 0" TERM; while :; do sleep 60 & wait $!; done'
	expect 0 version slow
	"$WSNAP" version slow >"$BATS_TEST_TMPDIR/version" 2>&1 3>&- &
	sleep 1
	expect 0 doctor
	same 'all is well' "$output"
	wait $!
	same 2 "$(version_newest slow)"
	"$WSNAP" version slow >"$BATS_TEST_TMPDIR/version" 2>&1 3>&- &
	sleep 1
	expect 0 doctor --fix slow
	same 'all is well' "$output"
	wait $!
}
