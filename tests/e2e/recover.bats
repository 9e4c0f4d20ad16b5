#!/usr/bin/env bats
# Operations that were cut off, and what somebody did to the workspace in between: the next run ends them, says what
# became of the container and of the version, and leaves nothing behind.
load ../lib/workspace
load ../lib/killed

setup_file() {
	workspaces_own_servers
	workspaces_begin
}
teardown_file() { workspaces_end; }

setup() {
	containerd_start
	postgres_start
}

@test "a version whose task cannot start is kept, and a rollback to one that starts takes over" {
	mortal_workspace a
	expect 7 create a broken
	same '' "$output"
	# Newer servers say no ": unknown" at the end.
	same "wsnap: 'a' is saved, but it could not be started again: $(cause)" \
		"$(sed -n '1s/: unknown$//p; 1t; 1p' <<<"$stderr")"
	[[ $stderr == *"wsnap rollback a VERSION"* ]] || complain "the hint does not say how to go on"
	expect 7 recover a
	expect 7 create a again
	same 2 "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'a'")" "versions"
	# Neither the target nor the state before starts: it stays down, and another rollback still works.
	expect 7 rollback a broken
	[[ $stderr == *"'a' is as it was, but it could not be started again"* ]] || complain "the way back is not told"
	expect 0 rollback a whole
	same RUNNING "$(workspace_status a)"
	nothing_is_left
}

@test "a compaction whose task cannot start is told as one, and the start alone is left" {
	workspace_of_versions merged 3
	workspace_exec merged rm /bin/sh
	expect 7 compact merged
	[[ $stderr == "wsnap: 'merged' is compacted, but it could not be started again: "* ]] || complain "other words"
	expect 7 recover merged
	expect 0 rollback merged 3
	same 'merged 3' "$(workspace_read merged /data/3)"
	same RUNNING "$(workspace_status merged)"
	nothing_is_left
}

cause() {
	printf 'containerd refused Tasks.Create: failed to create shim task: OCI runtime create failed: runc create '
	printf 'failed: unable to start container process: exec: "sh": executable file not found in $PATH'
}

@test "a rollback that does not start returns to what it had, saved or not" {
	mortal_workspace b
	expect 7 create b broken
	expect 0 rollback b whole
	expect 1 rollback b broken
	[[ $stderr == "wsnap: 'b' could not be started on version 2 and is back as it was: "* ]] || complain "other words"
	same RUNNING "$(workspace_status b)"
	workspace_write b /g unsaved
	expect 1 rollback b broken
	[[ $stderr == *"its state before is saved as version 3 as well"* ]] || complain "the saved version is not told"
	same unsaved "$(workspace_read b /g)"
	workspace_write b /g unsaved-still
	expect 1 rollback --no-save b broken
	same unsaved-still "$(workspace_read b /g)"
	nothing_is_left
}

@test "cut off before a start that fails, the state that no version holds outlives a collection" {
	mortal_workspace c
	expect 7 create c broken
	told_by rollback c whole
	workspace_write c /g unsaved
	killed_after repoint rollback --no-save c broken
	collect_garbage
	expect 0 recover c
	[[ $output == *"was taken back"* ]] || complain "other words"
	same RUNNING "$(workspace_status c)"
	same unsaved "$(workspace_read c /g)"
	nothing_is_left
}

@test "what list and show tell is true behind what they have finished first" {
	workspace told
	expect 0 create told one
	workspace_write told /g two
	expect 0 create told two
	told_by rollback told two
	local command
	for command in "--json list" "--json list --snapshots" "--json show"; do
		workspace_write told /g "$command"
		killed_after commit rollback told one
		# shellcheck disable=SC2086 # the words
		expect 0 ${command} told $([[ $command != *show ]] || echo one)
		[[ $stderr == *"finished first: the rollback to version 1 was completed"* ]] || complain "other words"
		case $command in
		*list) same 1 "$(jq '.versions[] | select(.current).version' <<<"$output")" ;;
		*show) same true "$(jq .current <<<"$output")" ;;
		esac
		expect 0 rollback --no-save told two
	done
	nothing_is_left
}

@test "an operation that recovery took back does not stop the next one" {
	mortal_workspace d
	expect 7 create d broken
	told_by rollback d whole
	workspace_write d /g unsaved
	killed_after repoint rollback d broken
	expect 0 create d next
	[[ $stderr == *"finished first"*"was taken back"* ]] || complain "the earlier operation is not told"
	same unsaved "$(workspace_read d /g)"
	nothing_is_left
}

@test "cut off on the way back, the container is still known" {
	mortal_workspace e
	expect 7 create e broken
	expect 0 rollback e whole
	LIKE=$BATS_TEST_TMPDIR/like
	"$WSNAP" -v rollback e broken >/dev/null 2>"$LIKE" </dev/null 3>&- 4>&- || true
	workspace_write e /g unsaved
	# The second `prepare` is the one of the way back; one line tells before it why.
	sed -i '0,/^wsnap: prepare /s//wsnap: first   /' "$LIKE"
	killed_after prepare rollback e broken
	expect 0 recover e
	[[ $output == *"was taken back"* ]] || complain "the container was taken for somebody else's: $output"
	same RUNNING "$(workspace_status e)"
	same unsaved "$(workspace_read e /g)"
	nothing_is_left
}

# SIGTERM only makes it think of its end, which takes longer than wsnap lives.
@test "killed while the workspace shuts down: it does not end behind recovery's back" {
	workspace dying sh -c 'trap "sleep 2; exit 0" TERM; while :; do sleep 60 & wait $!; done'
	"$WSNAP" -v create dying >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	run=$!
	servers_wait_for 60 grep -q '"stage":1' "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~dying.operation"
	sleep 0.5
	kill -KILL "$run"
	wait "$run" || true
	expect 0 recover dying
	same RUNNING "$(workspace_status dying)"
	sleep 3
	same RUNNING "$(workspace_status dying)"
	nothing_is_left
}

@test "a record is not ended in another containerd than the one it was begun in" {
	workspace other
	told_by create other
	workspace_write other /g kept
	killed_after commit create other
	file=$(records)
	sed -i 's/"server_id":"[^"]*"/"server_id":"00000000-0000-4000-8000-000000000000"/' "$file"
	expect 1 recover other
	[[ $output == *"begun in another containerd"* ]] || complain "other words"
	[ -e "$file" ] || complain "the record is gone"
	sed -i "s/00000000-0000-4000-8000-000000000000/$(ctr_uuid)/" "$file"
	expect 0 recover other
	same kept "$(workspace_read other /g)"
	nothing_is_left
}

ctr_uuid() {
	cat "$SERVERS/root/io.containerd.grpc.v1.introspection/uuid"
}

@test "stopped by its user before wsnap stops it: it stays stopped" {
	workspace halted
	told_by create halted
	delayed_at merge 2 create halted &
	run=$!
	servers_wait_for 60 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~halted.operation"
	sleep 0.5
	ctr tasks delete --force halted >/dev/null
	wait "$run" || complain "status $?"
	same "" "$(workspace_status halted)"
	nothing_is_left
}

@test "what the workspace wrote since a rollback started it is not lost when it does not start again" {
	mortal_workspace used
	expect 7 create used broken
	expect 0 rollback used whole
	told_by rollback used whole
	expect 0 create used second
	killed_after start rollback used whole
	workspace_write used /since "work of days"
	workspace_exec used rm /bin/sh
	ctr tasks delete --force used >/dev/null 2>&1 || true
	expect 7 recover used
	[[ $stderr == *"it could not be started again"* ]] || complain "other words"
	same "work of days" "$(cat "$(writable_folder used)/since")"
	expect 0 rollback used second
	same "'used' is back at version 3; what it was before is version 4" "${output% (*}"
	nothing_is_left
}

@test "stopped by its user after it was brought back: recovery does not start it again" {
	mortal_workspace back
	expect 7 create back broken
	told_by rollback back whole
	workspace_write back /g unsaved
	killed_after repoint rollback back broken
	postgres_stop
	expect 7 recover back
	same RUNNING "$(workspace_status back)"
	ctr tasks kill --signal KILL --all back
	servers_wait_for 60 is_stopped back
	postgres_start
	expect 0 recover back
	[ "$(workspace_status back)" != RUNNING ] || complain "it was started"
	expect 0 rollback back whole
	nothing_is_left
}

is_stopped() {
	[ "$(workspace_status "$1")" != RUNNING ]
}

@test "the host goes down while an operation is being taken back that had touched nothing: the workspace comes back" {
	local record=$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~halt.operation
	workspace halt
	told_by create halt
	workspace_write halt /g kept
	killed_after lease create halt
	jq '.turned_from = .new_active | .new_active = .old_active | .turned_back = true | .save = 2 |
		.failure = "SIGTERM"' "$record" >"$BATS_TEST_TMPDIR/record"
	cp "$BATS_TEST_TMPDIR/record" "$record"
	ctr tasks delete --force halt >/dev/null 2>&1
	expect 0 recover halt
	same RUNNING "$(workspace_status halt)"
	same kept "$(workspace_read halt /g)"
	nothing_is_left
}

@test "a version whose snapshot somebody has removed before it was recorded does not keep recovery from its end" {
	workspace gone
	expect 0 create gone first
	workspace_write gone /g unsaved
	told_by rollback gone first
	workspace_write gone /g precious
	killed_after unhold rollback gone first
	ctr snapshots rm "$(jq -r .saved "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~gone.operation")"
	expect 0 recover gone
	[[ $stderr == *"is recorded, but somebody has removed its snapshot"* ]] || complain "it is not told"
	expect 0 --json list gone
	same false "$(jq '.versions[-1].present' <<<"$output")"
	nothing_is_left
}

@test "a container that has lost what it stands on: the operation ends, and that is told" {
	workspace bare
	told_by create bare
	workspace_write bare /g data
	killed_after unhold create bare
	ctr tasks delete --force bare >/dev/null 2>&1
	ctr snapshots rm "$(container_snapshot bare)"
	ctr snapshots rm "$(jq -r .saved "$(records)")"
	expect 0 recover bare
	[[ $stderr == *"'bare' has lost the snapshot "*"'wsnap doctor bare'"* ]] || complain "it is not told"
	nothing_is_left
}

# without_database ARGUMENT…: a run that finishes an earlier operation first, and whose database goes meanwhile.
without_database() {
	local run
	workspace_write unwritten /g "$*"
	LIKE=$BATS_TEST_TMPDIR/whole killed_after commit create unwritten
	delayed_at start 4 "$@" &
	run=$!
	servers_wait_for 60 grep -q '^wsnap: repoint' "$BATS_TEST_TMPDIR/told"
	postgres_stop
	status=0
	wait "$run" || status=$?
	same 6 "$status" "the status of '$*'"
	same RUNNING "$(workspace_status unwritten)"
	postgres_start
	expect 0 recover unwritten
}

@test "the database goes while an earlier operation is finished: status 6, and the workspace runs" {
	workspace unwritten
	told_by create unwritten
	cp "$LIKE" "$BATS_TEST_TMPDIR/whole"
	# What finishing it tells, with the line before and behind.
	LIKE=$BATS_TEST_TMPDIR/whole killed_after commit create unwritten
	told_by list unwritten
	without_database list unwritten
	without_database show unwritten 1
	nothing_is_left
}

@test "a version that was marked to go and is brought back stays" {
	workspace marked2
	workspace_write marked2 /g one
	expect 0 version marked2
	workspace_write marked2 /g two
	expect 0 version marked2
	local name
	name=$(db "SELECT runtime_snapshot_name FROM snapshots WHERE container_id = 'marked2' ORDER BY created_at LIMIT 1")
	ctr snapshots label "$name" wsnap.given_up=2026-01-01T00:00:00Z
	expect 0 rollback marked2 1
	expect 0 recover
	same "nothing to recover" "$output"
	expect 0 rollback marked2 2
	expect 0 rollback marked2 1
	same one "$(workspace_read marked2 /g)"
	nothing_is_left
}

@test "a container that was removed in between: the version is kept, and recovery ends" {
	workspace f
	told_by create f
	workspace_write f /g kept
	killed_after commit create f lost
	servers_wait_for 20 ctr containers delete f # its shim may be ending
	expect 0 recover f
	same "'f': the container was removed by somebody; its state is kept as version 2" "$output"
	same 2 "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'f'")"
	nothing_is_left
}

@test "a container that was made anew under the same id and snapshot is left alone" {
	# The snapshot that ctr made, of the container's own name, is the one that is saved.
	workspace_created g-like
	told_by create g-like
	workspace_created g
	killed_after commit create g
	servers_wait_for 20 ctr containers delete g
	workspace g
	workspace_write g /g new
	local pid
	pid=$(workspace_pid g)
	expect 0 recover g
	same "'g': the container was removed by somebody, and another one made; its state is kept as version 1" "$output"
	same "$pid" "$(workspace_pid g)" "the task"
	same new "$(workspace_read g /g)"
	same g "$(container_snapshot g)"
	expect 0 create g
	same "version 2 of 'g' saved" "${output%% (*}"
	nothing_is_left
}

@test "a task that somebody started in between stays as it is" {
	workspace_created hh
	told_by create hh
	workspace_created h2
	killed_after repoint create h2
	ctr tasks start --detach --null-io h2 3>&- 4>&-
	local pid
	pid=$(workspace_pid h2)
	expect 0 recover h2
	same "$pid" "$(workspace_pid h2)" "the task"
	nothing_is_left
}

@test "the database is away: the workspace comes back first, its version at the next run" {
	workspace k
	told_by create k
	workspace_write k /g data
	killed_after commit create k cut
	postgres_stop
	expect 7 recover k
	[[ $output == *"is back and its state is saved, but that is not recorded yet"* ]] || complain "other words"
	same RUNNING "$(workspace_status k)"
	local pid
	pid=$(workspace_pid k)
	expect 6 create k
	postgres_start
	expect 0 create k next
	[[ $stderr == *"finished first: version 2 was completed"* ]] || complain "the version is not told"
	same "cut next" "$(db "SELECT string_agg(display_name, ' ' ORDER BY created_at) FROM snapshots WHERE container_id = 'k'")"
	nothing_is_left
}

# brought_back STEP WORDS: wsnap is killed behind the step, the database goes, and an operation cannot be begun.
brought_back() {
	workspace_write q /g "$1"
	killed_after "$1" create q cut
	[ "$(workspace_status q)" != RUNNING ] || complain "it runs in between"
	postgres_stop
	expect 6 version q
	[[ $stderr == *"$2"* ]] || complain "other words"
	same RUNNING "$(workspace_status q)"
	same "$1" "$(workspace_read q /g)"
	postgres_start
}

@test "the database is away: an operation that needs it brings back what an earlier one left down" {
	workspace q
	told_by create q
	brought_back stop "finished first: the create was taken back"
	brought_back commit "'q' has an unfinished operation: 'q' is back and its state is saved"
	expect 0 recover q
	[[ $output == *"version 2 was completed"* ]] || complain "other words"
	nothing_is_left
}

@test "the database is away on the way back: said, and recorded at the next run" {
	mortal_workspace m
	expect 7 create m broken
	told_by rollback m whole
	workspace_write m /g unsaved
	killed_after repoint rollback m broken
	postgres_stop
	expect 7 recover m
	[[ $output == *"is back as it was, but what it saved is not recorded yet"* ]] || complain "other words"
	same RUNNING "$(workspace_status m)"
	same unsaved "$(workspace_read m /g)"
	postgres_start
	expect 0 recover m
	[[ $output == *"version 3 holds the state before"* ]] || complain "other words"
	nothing_is_left
}

@test "containerd is killed in the middle and comes back: the operation waits and ends well" {
	workspace n
	told_by create n
	workspace_write n /g data
	killed_after stop create n cut
	containerd_kill
	expect 5 recover n
	containerd_start
	expect 0 recover n
	same "'n': the create was taken back: the workspace is as it was" "$output"
	same RUNNING "$(workspace_status n)"
	same data "$(workspace_read n /g)"
	(sleep 1; exec "$BATS_TEST_DIRNAME/../torture/blow.sh" containerd later) 3>&- 4>&- &
	workspace slow sh -c 'trap : TERM; while :; do sleep 1; done'
	expect 0 -t 2 create slow saved
	wait $!
	same RUNNING "$(workspace_status slow)"
	nothing_is_left
}

# A network whose ADD fails while $BATS_FILE_TMPDIR/no-address is there.
scripted_network() {
	export CNI_PATH=$BATS_FILE_TMPDIR/plugins
	mkdir -p "$CNI_PATH"
	cat >"$CNI_PATH/scripted" <<-END
		#!/bin/sh
		cat >/dev/null
		[ "\$CNI_COMMAND" = ADD ] || exit 0
		if [ -e "$BATS_FILE_TMPDIR/no-address" ]; then
			echo '{"cniVersion":"1.0.0","code":100,"msg":"no address today"}'
			exit 1
		fi
		echo '{"cniVersion":"1.0.0","interfaces":[],"ips":[]}'
	END
	chmod +x "$CNI_PATH/scripted"
	echo 'network = attach' >"$WSNAP_CONFIG"
	echo '{"cniVersion":"1.0.0","name":"recover","plugins":[{"type":"scripted"}]}' >"$NETCONFPATH/10.conflist"
}

@test "a network that is pending: recovery attaches it, and every operation can take it over" {
	scripted_network
	workspace p
	: >"$BATS_FILE_TMPDIR/no-address"
	local cause="network 'recover': plugin 'scripted' failed with code 100: no address today"
	expect_error 7 "'p' runs, but without its network: $cause" create p
	same RUNNING "$(workspace_status p)"
	expect 7 recover p
	expect_error 7 "'p' runs, but without its network: $cause" create p second
	expect_error 7 "'p' runs, but without its network: $cause" version --if-changed p
	expect_error 7 "'p' runs, but without its network: $cause" version --live p
	expect 7 recover p
	expect 3 rollback p nothing
	[[ $stderr == *"warning: 'p' runs, but without its network: $cause"* ]] || complain "it is not told"
	# Both versions are recorded: nothing is said to be missing when the database is away.
	postgres_stop
	expect 7 recover p
	same "'p': 'p' runs, but without its network: $cause" "$output"
	rm "$BATS_FILE_TMPDIR/no-address"
	expect 0 recover p
	same "'p': version 3 was completed" "$output"
	[ -e "/var/lib/cni/results/recover-p-eth0" ] || complain "it is not attached"
	postgres_start
	expect 0 --network none create p third
	same 4 "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'p'")"
	nothing_is_left
	ctr tasks delete --force p >/dev/null 2>&1
	rm -rf "$NETCONFPATH/10.conflist" "/var/lib/cni/results/recover-p-eth0"
}

@test "a network that is missing behind a restore: recovery attaches it" {
	local cause="network 'recover': plugin 'scripted' failed with code 100: no address today" run status=0
	scripted_network
	workspace parted
	workspace_write parted /data/f first
	expect 0 -q create --live parted
	workspace_write parted /data/f second
	ctr tasks delete --force parted >/dev/null 2>&1
	: >"$BATS_FILE_TMPDIR/no-address"
	strace -qq -o /dev/null -e trace=linkat -e inject=linkat:delay_enter=3000000:when=1 "$WSNAP" restore parted 1 --no-save \
		>/dev/null 2>"$BATS_TEST_TMPDIR/words" </dev/null 3>&- 4>&- &
	run=$!
	servers_wait_for 20 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~parted.restore"
	sleep 0.5
	ctr tasks start --detach --null-io parted 3>&- 4>&-
	wait "$run" || status=$?
	same 7 "$status"
	grep -qF "wsnap: 'parted' runs, but without its network: $cause" "$BATS_TEST_TMPDIR/words" || complain "$(cat "$BATS_TEST_TMPDIR/words")"
	same 'RUNNING first' "$(workspace_status parted) $(workspace_read parted /data/f)"
	expect 7 recover parted
	same "'parted': 'parted' runs, but without its network: $cause" "$output"
	rm "$BATS_FILE_TMPDIR/no-address"
	expect 0 recover parted
	same "'parted': the restore of version 1 was completed" "$output"
	[ -e "/var/lib/cni/results/recover-parted-eth0" ] || complain "it is not attached"
	nothing_is_left
	ctr tasks delete --force parted >/dev/null 2>&1
	rm -rf "$NETCONFPATH/10.conflist" "/var/lib/cni/results/recover-parted-eth0"
}

@test "a record that cannot be read is shown, and neither obeyed nor removed" {
	workspace r
	expect 0 create r
	local record=$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~r.operation
	echo '{"format":1,"operation_id":"no uuid"}' >"$record"
	expect 1 create r
	[[ $stderr == *"'$record' cannot be read"* ]] || complain "the file is not named"
	expect 1 recover r
	same RUNNING "$(workspace_status r)"
	rm "$record"
	nothing_is_left
}

@test "a lease that has expired in between takes nothing with it" {
	workspace s
	told_by create s
	workspace_write s /g data
	killed_after prepare create s cut
	lease_names | xargs -r -n 1 ctr leases rm >/dev/null
	collect_garbage
	expect 0 recover s
	same "'s': version 2 was completed" "$output"
	same data "$(workspace_read s /g)"
	nothing_is_left
}

@test "a lease that is made while the clock is weeks behind containerd's lasts all the same" {
	command -v faketime >/dev/null || skip 'no faketime'
	local hooks=$BATS_TEST_TMPDIR/hooks leases=$BATS_TEST_TMPDIR/leases expires
	mkdir "$hooks"
	cat >"$hooks/look" <<-END
		#!/bin/bash
		PATH=$PATH CONTAINERD_ADDRESS=$CONTAINERD_ADDRESS CONTAINERD_NAMESPACE=$CONTAINERD_NAMESPACE
		export PATH CONTAINERD_ADDRESS CONTAINERD_NAMESPACE
		[ ! -e "$leases" ] || exit 0
		ctr leases ls >"$leases"
		ctr leases create --id "$CONTAINERD_NAMESPACE" && ctr leases rm --sync "$CONTAINERD_NAMESPACE"
	END
	chmod 755 "$hooks/look"
	workspace behind
	workspace_write behind /g data
	echo "hooks_dir = $hooks" >"$WSNAP_CONFIG"
	DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f -30d "$WSNAP" -q create behind 3>&- 4>&-
	: >"$WSNAP_CONFIG"
	expires=$(grep -o 'containerd.io/gc.expire=[^, ]*' "$leases" | cut -d= -f2)
	[ "$(date -d "$expires" +%s)" -gt $(($(date +%s) + 10 * 24 * 3600)) ] || complain "the lease ends at $expires"
	same data "$(workspace_read behind /g)"
	nothing_is_left
}

@test "recover knows whom it is about" {
	expect 3 recover nosuch
	[ -z "$output" ] || complain "it says something all the same"
	expect 3 recover 11111111-2222-3333-4444-555555555555
	expect 6 -d host=/nonexistent recover 11111111-2222-3333-4444-555555555555
	[[ $stderr == *"wsnap: '11111111-2222-3333-4444-555555555555' cannot be looked up: "* ]] || complain "other words"
	expect_error 2 "'--all-namespaces' does not go with a TARGET, 'nosuch'" recover --all-namespaces nosuch
}

@test "what waits in another namespace is pointed at, and --all-namespaces finishes it" {
	workspace here
	told_by create here
	killed_after commit create here
	CONTAINERD_NAMESPACE=elsewhere expect 0 recover
	same "nothing to recover" "$output"
	[[ $stderr == *"'wsnap -n $CONTAINERD_NAMESPACE recover' finishes them"* ]] || complain "no word of it"
	CONTAINERD_NAMESPACE=elsewhere expect 0 --json recover --all-namespaces
	same "$CONTAINERD_NAMESPACE here" "$(json '.recovered[] | "\(.namespace) \(.container_id)"')"
	same RUNNING "$(workspace_status here)"
	nothing_is_left
}

@test "a pruning that was cut off waits for the database, and is told when it is done" {
	workspace marked
	expect 0 version marked
	expect 0 version marked
	expect 0 --json show marked 1
	ctr snapshots label "$(json .runtime_snapshot_name)" wsnap.given_up=2026-01-01T00:00:00Z >/dev/null
	expect 6 -d host=/nonexistent recover
	[[ $stderr == *"1 versions are marked to go"* ]] || complain "other words"
	expect 0 recover
	same "'marked': 1 versions that were marked to go are gone" "$output"
	nothing_is_left
}

@test "records that cannot be read: the error names the workspace, and how many there are" {
	local folder=$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE
	echo '{}' >"$folder~u1.operation"
	expect 1 -q recover
	same "" "$output"
	[[ $stderr == "wsnap: 'u1' has an unfinished operation whose record '$folder~u1.operation' cannot be read: "*hint:* ]] ||
		complain "other words"
	expect 1 --json recover
	same 'null u1 1' "$(json '.recovered[] | "\(.operation_id) \(.container_id) \(.exit_status)"')"
	echo '{}' >"$folder~u2.operation"
	expect 1 -q recover
	same "" "$output"
	[[ $stderr == "wsnap: 2 operations could not be finished; the first: 'u1' has "* ]] || complain "other words"
	rm "$folder~u1.operation" "$folder~u2.operation"
	nothing_is_left
}

@test "with --wait 0 what another run is at is no failure, unless it is named" {
	workspace taken
	told_by create taken
	killed_after commit create taken
	exec 7<>"$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~taken.lock"
	flock 7
	expect 0 -w 0 recover
	same "nothing to recover" "$output"
	expect 4 -w 0 recover taken
	expect 4 -w 1 recover
	exec 7>&-
	expect 0 -w 0 recover
	[[ $output == "'taken': "* ]] || complain "it was not finished"
	nothing_is_left
}

@test "a record that cannot be finished keeps no other workspace's pruning from its end" {
	workspace broken-off
	workspace pruned
	expect 0 version pruned
	expect 0 version pruned
	expect 0 --json show pruned 1
	ctr snapshots label "$(json .runtime_snapshot_name)" wsnap.given_up=2026-01-01T00:00:00Z >/dev/null
	echo 'no record' >"$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~broken-off.operation"
	expect 1 recover
	[[ $output == *"'pruned': 1 versions that were marked to go are gone"* ]] || complain "the pruning was left"
	rm "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~broken-off.operation"
	nothing_is_left
}
