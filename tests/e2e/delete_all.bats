#!/usr/bin/env bats
# Giving up a whole history: of a container that is there, of one that is gone, without its row and without its bot.
load ../lib/workspace
load ../lib/killed

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

removed() {
	ctr tasks delete --force "$1" >/dev/null
	ctr containers delete "$1"
}

# rows TABLE ID
rows() {
	db "SELECT count(*) FROM $1 WHERE container_id = '$2'"
}

# Snapshots of the workspace that gc.root keeps, or that bear a version's number and no mark.
kept() {
	local name
	for name in $(ctr snapshots ls | awk -v id="$1-" 'index($1, id) == 1 && $NF == "Committed" { print $1 }'); do
		snapshot_field "$name" '.Labels | select(has("containerd.io/gc.root") or (has("wsnap.given_up") | not)) | 1'
	done | wc -l
}

snapshots_of() {
	ctr snapshots ls | awk -v id="$1-" 'index($1, id) == 1' | wc -l
}

@test "delete --all takes one TARGET, no VERSION, and needs --yes where nobody can be asked" {
	workspace_of_versions asked 2
	expect 2 delete --all
	expect_error 2 "'--all' cannot be given with a VERSION, '1'" delete asked 1 --all --yes
	expect_error 2 "'--yes' goes with '--all' alone" delete asked 1 --yes
	expect_error 2 "'delete' needs a VERSION" delete asked
	expect_error 8 "'delete asked --all' gives up its whole history for good" delete asked --all
	[[ $stderr == *"hint: --yes insists" ]] || complain "no hint"
	same 2 "$(rows container_versions asked)"
	expect_error 3 "'nobody' is not a container that containerd has in the namespace '$CONTAINERD_NAMESPACE'" \
		delete nobody --all --yes
}

@test "on a terminal it asks, and only a yes is one" {
	command -v script >/dev/null || skip 'no script'
	local answer
	workspace_of_versions terminal 2
	for answer in n '' yess; do
		status=0
		script -qec "'$WSNAP' delete terminal --all" /dev/null <<<"$answer" >"$BATS_TEST_TMPDIR/output" 2>&1 || status=$?
		same 8 "$status"
		grep -q "give up the whole history of 'terminal', 2 versions, for good?" "$BATS_TEST_TMPDIR/output"
	done
	same 2 "$(rows container_versions terminal)"
	script -qec "'$WSNAP' delete terminal --all" /dev/null <<<y >"$BATS_TEST_TMPDIR/output" 2>&1
	same 0 "$(rows container_versions terminal)"
}

@test "a container that is there runs on, and its next version goes on from the number where it was" {
	local bot
	workspace_of_versions lives 4
	expect 0 delete lives 2
	expect 0 rollback lives 1
	workspace_write lives /data/new kept
	bot=$(db "SELECT bot_id FROM containers WHERE container_id = 'lives'")
	pid=$(workspace_pid lives)
	expect 0 --json delete lives --all --yes
	same '[1,3,4] []' "$(json '"\([.removed[].version]) \(.kept)"')"
	same "$pid" "$(workspace_pid lives)"
	same 0 "$(rows container_versions lives)"
	same 0 "$(rows snapshots lives)"
	same 0 "$(rows lifecycle_events lives)"
	same 1 "$(rows containers lives)"
	same 1 "$(db "SELECT count(*) FROM bots WHERE id = '$bot'")"
	same 0 "$(kept lives)"
	collect_garbage
	expect 0 doctor lives
	same kept "$(workspace_read lives /data/new)"
	same 'lives 1' "$(workspace_read lives /data/1)"
	expect 0 -q version lives
	same 5 "$output"
	workspace_write lives /data/new other
	expect 0 rollback lives 5
	same kept "$(workspace_read lives /data/new)"
	expect 0 doctor lives
}

# What may be gone: the container, its row, the bot's rows with all that refers to them, everything but the snapshots.
lose() {
	case $2 in
	container) removed "$1" ;;
	row) db "DELETE FROM lifecycle_events WHERE container_id = '$1'; DELETE FROM container_versions WHERE container_id = '$1';
		DELETE FROM snapshots WHERE container_id = '$1'; DELETE FROM containers WHERE container_id = '$1'" ;;
	bot) db "DELETE FROM bots WHERE id = '$(db "SELECT bot_id FROM containers WHERE container_id = '$1'")'" ;;
	esac
}

@test "whatever is left of a workspace goes: without its container, its row, its bot, or all of them" {
	local what id n=0
	for what in container row 'row container' 'row bot' 'container row bot' 'bot container'; do
		id=w$((n += 1))
		workspace_of_versions "$id" 3
		[ "$what" != 'bot container' ] || db "ALTER TABLE containers DROP CONSTRAINT containers_bot_id_fkey"
		for part in $what; do [ "$part" = bot ] && [[ $what == row* || $what == container* ]] || lose "$id" "$part"; done
		expect 0 -q delete "$id" --all --yes
		same '' "$output"
		same 0 "$(rows container_versions "$id")" "versions without $what"
		same 0 "$(rows snapshots "$id")" "snapshots without $what"
		same 0 "$(kept "$id")" "kept snapshots without $what"
		if [[ $what == *container* ]]; then
			same 0 "$(snapshots_of "$id")" "snapshots in containerd without $what"
			same 0 "$(rows containers "$id")" "the row without $what"
			expect 3 delete "$id" --all --yes
		else
			same RUNNING "$(workspace_status "$id")"
		fi
		expect 0 doctor
	done
}

@test "a history that doctor --fix has brought back does not start its container, and can be given up" {
	workspace_of_versions back 2
	removed back
	lose back row
	expect 0 doctor --fix
	same 'f 2' "$(db "SELECT auto_start, (SELECT count(*) FROM container_versions v WHERE v.container_id = c.container_id)
		FROM containers c WHERE container_id = 'back'" | tr '|' ' ')"
	expect 8 delete back 2
	expect 0 delete back --all --yes
	same 0 "$(snapshots_of back)"
	same 0 "$(rows containers back)"
	expect 0 doctor --fix
	same 'all is well' "$output"
}

@test "a version that is unrecorded, a compaction's layer, and another workspace's snapshot" {
	local theirs
	workspace_of_versions mixed 3
	workspace_of_versions theirs 1
	theirs=$(db "SELECT runtime_snapshot_name FROM snapshots WHERE container_id = 'theirs'")
	db "DELETE FROM container_versions WHERE container_id = 'mixed' AND version = 2;
		UPDATE snapshots SET runtime_snapshot_name = '$theirs' WHERE id =
			(SELECT snapshot_id FROM container_versions WHERE container_id = 'mixed' AND version = 1)"
	removed mixed
	expect 0 delete mixed --all --yes
	same 0 "$(snapshots_of mixed)"
	same 0 "$(rows snapshots mixed)"
	collect_garbage
	same 1 "$(kept theirs)"
	expect 0 rollback theirs 1
}

@test "one that was cut off is finished, wherever it was killed" {
	command -v strace >/dev/null || skip 'no strace'
	local call points=0
	for call in $(seq 12 5 200); do
		id=cut$call
		workspace_of_versions "$id" 3
		strace -f -qq -o /dev/null -e trace=sendto,send,sendmsg -e inject="sendto,send,sendmsg:signal=KILL:when=$call" \
			"$WSNAP" delete "$id" --all --yes >/dev/null 2>&1 </dev/null 3>&- 4>&- && break
		points=$((points + 1))
		marked=$(ctr snapshots ls | awk -v id="$id-v" 'index($1, id) == 1 { print $1 }' | while read -r name; do
			snapshot_field "$name" '.Labels | select(has("wsnap.given_up")) | 1'; done | wc -l)
		expect 0 recover
		[ "$marked" -gt 0 ] || expect 0 delete "$id" --all --yes
		same 0 "$(rows container_versions "$id")" "versions after a kill at call $call"
		same 0 "$(kept "$id")" "kept after a kill at call $call"
		expect 0 -q version "$id"
		same 4 "$output"
	done
	[ "$points" -ge 2 ] || complain "killed at $points points only"
}

# interrupted ID: a delete --all that has set its marks and deleted no row, for the database has refused that. It takes
# deletes again afterwards.
interrupted() {
	db "CREATE FUNCTION keep_them() RETURNS trigger AS \$\$ BEGIN RAISE EXCEPTION 'not now'; END \$\$ LANGUAGE plpgsql"
	db "CREATE TRIGGER keep_them BEFORE DELETE ON container_versions FOR EACH ROW EXECUTE FUNCTION keep_them()"
	expect 7 delete "$1" --all --yes
	db "DROP FUNCTION keep_them CASCADE"
}

# unmarked ID VERSION: as if that run had been cut off before it came to this one.
unmarked() {
	ctr snapshots label "$(version_snapshot "$1" "$2")" wsnap.given_up= >/dev/null
}

# stay ID VERSION…: after recovery and a collection there are these versions, with their snapshots, and no other.
stay() {
	local id=$1 number
	shift
	expect 0 recover
	collect_garbage
	same "$*" "$(version_numbers "$id")" "versions"
	for number; do
		same true "$(snapshot_field "$(version_snapshot "$id" "$number")" \
			'.Labels | has("containerd.io/gc.root") and (has("wsnap.given_up") | not)')" "version $number is kept"
	done
	expect 0 recover
	same "nothing to recover" "$output"
	expect 0 doctor "$id"
	same "all is well" "$output"
}

@test "behind one that was cut off, what is saved and what is gone back to stays" {
	workspace_of_versions used 3
	interrupted used
	workspace_write used /data/new precious
	expect 0 -q version used
	same 4 "$output"
	workspace_write used /data/new unsaved
	expect 0 --json rollback used 2
	same 5 "$(json .saved_version)"
	workspace_write used /data/new live
	expect 0 -q version --live used
	same 6 "$output"
	stay used 2 4 5 6
	expect 0 rollback used 4
	same precious "$(workspace_read used /data/new)"
	expect 0 rollback used 5
	same unsaved "$(workspace_read used /data/new)"
	expect 0 rollback used 2
	same 'used 2' "$(workspace_read used /data/2)"
	same "" "$(workspace_read used /data/3 2>/dev/null || true)"
	expect 0 delete used --all --yes
	same 0 "$(rows container_versions used)"
	same 0 "$(kept used)"
	expect 0 -q version used
	same 7 "$output"
}

@test "behind one that was cut off, the version that holds what is unchanged stays, whether it was marked yet or not" {
	workspace_of_versions same 3
	interrupted same
	expect 0 -q version --if-changed same
	same 3 "$output"
	stay same 3
	workspace_write same /data/new changed
	expect 0 -q version same
	same 4 "$output"
	interrupted same
	unmarked same 3
	stay same
	workspace_of_versions between 3
	interrupted between
	unmarked between 2
	unmarked between 3
	expect 0 -q version --if-changed between
	same 3 "$output"
	stay between 3
}

@test "behind one that was cut off between its marks, the rest goes as well, and what is mounted stays" {
	local folder=$BATS_TEST_TMPDIR/mounted
	workspace_of_versions rest 4
	interrupted rest
	unmarked rest 1
	unmarked rest 4
	mkdir "$folder"
	expect 0 mount rest 2 "$folder"
	expect 0 -q version rest
	same 5 "$output"
	stay rest 2 5
	same 'rest 2' "$(cat "$folder/data/2")"
	expect 0 umount "$folder"
}

@test "the mark of an earlier program does not say how far: what does not bear it stays" {
	local number
	workspace_of_versions early 3
	for number in 1 2; do
		ctr snapshots label "$(version_snapshot early "$number")" "wsnap.given_up=all 2026-01-01T00:00:00Z" >/dev/null
	done
	expect 0 -q version early
	stay early 3 4
}

@test "a container that is made anew behind one that was cut off keeps its versions and its row" {
	local name
	workspace_of_versions again 3
	interrupted again
	removed again
	lose again row
	ctr snapshots rm again 2>/dev/null || true
	workspace again
	workspace_write again /data/new precious
	expect 0 -q version again
	name=$(version_snapshot again "$output")
	stay again "$output"
	[ -n "$name" ] && snapshot_exists "$name" || complain "the version is lost"
	same 1 "$(rows containers again)"
}

@test "one that was killed anywhere takes nothing that was saved behind it" {
	command -v strace >/dev/null || skip 'no strace'
	local call points=0 id number
	for call in $(seq 20 7 200); do
		id=behind$call
		workspace_of_versions "$id" 3
		strace -f -qq -o /dev/null -e trace=sendto,send,sendmsg -e inject="sendto,send,sendmsg:signal=KILL:when=$call" \
			"$WSNAP" delete "$id" --all --yes >/dev/null 2>&1 </dev/null 3>&- 4>&- && break
		points=$((points + 1))
		workspace_write "$id" /data/new precious
		expect 0 -q version "$id"
		number=$output
		same 4 "$number"
		expect 0 recover
		collect_garbage
		[ "$(version_newest "$id")" = 4 ] || complain "killed at call $call: version 4 is lost"
		is_one_of "$(version_numbers "$id")" 4 "1 2 3 4" || complain "killed at call $call: $(version_numbers "$id") are left"
		workspace_write "$id" /data/new other
		expect 0 rollback "$id" 4
		same precious "$(workspace_read "$id" /data/new)"
	done
	[ "$points" -ge 2 ] || complain "killed at $points points only"
}

is_one_of() {
	local word
	for word in "${@:2}"; do
		[ "$word" != "$1" ] || return 0
	done
	return 1
}

# refused ID: a version that is saved, and whose rows the database has refused to take. It takes them again afterwards.
refused() {
	db "CREATE FUNCTION take_none() RETURNS trigger AS \$\$ BEGIN RAISE EXCEPTION 'not now'; END \$\$ LANGUAGE plpgsql"
	killed_after unhold version "$1"
	db "CREATE TRIGGER take_none BEFORE INSERT ON container_versions FOR EACH ROW EXECUTE FUNCTION take_none()"
	expect 7 recover "$1"
	db "DROP FUNCTION take_none CASCADE"
	[ "$(refusals)" -eq 1 ] || complain "no record was set aside"
}

refusals() {
	find "$WSNAP_STATE_DIR" -name '*.refused' | wc -l
}

@test "what the database had refused to record goes with the history, and does not come back" {
	command -v strace >/dev/null || skip 'no strace'
	workspace like1
	told_by version like1
	workspace_of_versions refused 2
	refused refused
	expect 0 delete refused --all --yes
	same 0 "$(refusals)"
	same 0 "$(kept refused)"
	expect 0 recover
	same "nothing to recover" "$output"
	same "" "$(version_numbers refused)"
}

@test "what the database had refused to record and another state directory has given up does not come back" {
	command -v strace >/dev/null || skip 'no strace'
	local what
	workspace like2
	told_by version like2
	for what in given removed; do
		workspace_of_versions "$what" 2
		refused "$what"
		expect 0 --state-dir "$BATS_TEST_TMPDIR/other" delete "$what" --all --yes
		[ "$what" = given ] || removed removed
		collect_garbage
		same 1 "$(refusals)"
		expect 0 recover
		[[ $stderr == *"what an operation has saved of '$what' becomes no version: its snapshot '$what-v"* ]] ||
			complain "recover does not say so: $stderr"
		same 0 "$(refusals)"
		same "" "$(version_numbers "$what")"
		expect 0 doctor "$what"
	done
}

@test "what the database had refused behind one that was cut off is recorded, and stays" {
	command -v strace >/dev/null || skip 'no strace'
	workspace like3
	told_by version like3
	workspace_of_versions later 2
	interrupted later
	workspace_write later /data/new precious
	refused later
	stay later 3
}

@test "what only rows tell of may be another host's: that needs --force" {
	workspace_of_versions far 2
	removed far
	collect_garbage
	ctr snapshots ls | awk '/^far-/ { print $1 }' | while read -r name; do
		ctr snapshots label "$name" containerd.io/gc.root= >/dev/null
	done
	collect_garbage
	rm "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~far.lock"
	expect_error 8 "nothing of 'far' is on this host: its history may be another host's" delete far --all --yes
	same 2 "$(rows container_versions far)"
	expect 0 delete far --all --yes --force
	same 0 "$(rows container_versions far)"
}

@test "in tables that are another server's only versions and snapshots go" {
	workspace_of_versions foreign 2
	db "DROP TABLE wsnap_schema"
	removed foreign
	expect 0 delete foreign --all --yes
	same 0 "$(rows container_versions foreign)"
	same 0 "$(rows snapshots foreign)"
	same 1 "$(rows containers foreign)"
	[ "$(rows lifecycle_events foreign)" -ge 4 ] || complain "events are gone"
	same 0 "$(snapshots_of foreign)"
}
