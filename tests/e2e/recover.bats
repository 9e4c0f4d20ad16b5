#!/usr/bin/env bats
# Operations that were cut off, and what somebody did to the workspace in between: the next run ends them, says what
# became of the container and of the version, and leaves nothing behind.
load ../lib/workspace

setup_file() {
	workspaces_own_servers
	workspaces_begin
}
teardown_file() { workspaces_end; }

setup() {
	containerd_start
	postgres_start
}

# killed_after STEP ARGUMENT…: runs wsnap, which SIGKILL ends when it is about to tell that this step is done. Which
# of its lines tells that comes from the same run on a workspace of the same kind, named by $LIKE.
killed_after() {
	local step=$1 told=$BATS_TEST_TMPDIR/told line
	shift
	line=$(grep -n "^wsnap: $step " "$LIKE" | head -n 1 | cut -d: -f1)
	[ -n "$line" ] || complain "no line tells of the step '$step'"
	: >"$told"
	strace -f -qq -o /dev/null -e trace=write -P "$told" -e inject=write:signal=KILL:when="$line" \
		"$WSNAP" -v "$@" >/dev/null 2>"$told" </dev/null 3>&- 4>&- || true
	same $((line - 1)) "$(wc -l <"$told")" "lines told when it was killed"
	[ -n "$(records)" ] || complain "no operation was cut off"
}

# told_by ARGUMENT…: what a whole run tells, for killed_after.
told_by() {
	LIKE=$BATS_TEST_TMPDIR/like
	"$WSNAP" -v "$@" >/dev/null 2>"$LIKE" </dev/null 3>&- 4>&-
}

records() {
	find "$WSNAP_STATE_DIR" -name '*.operation'
}

nothing_is_left() {
	same "" "$(records)" "records"
	same "" "$(lease_names)" "leases"
	expect 0 recover
	same "nothing to recover" "$output"
}

# The first process is a program of the workspace itself: without it the workspace does not start.
mortal_workspace() {
	workspace "$1" sh -c "$POLITE"
	expect 0 create "$1" whole
	workspace_write "$1" /f broken
	workspace_exec "$1" rm /bin/sh
}

@test "a version whose task cannot start is kept, and a rollback to one that starts takes over" {
	mortal_workspace a
	expect_error 7 "'a' is saved, but it could not be started again: $(cause)" create a broken
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

cause() {
	printf 'containerd refused Tasks.Create: failed to create shim task: OCI runtime create failed: runc create '
	printf 'failed: unable to start container process: exec: "sh": executable file not found in $PATH: unknown'
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

# What stays when the client of Tasks.Create dies while containerd starts the shim: a shim without its folder that
# waits for a reader of its log, with a socket that the next Tasks.Create of the container is led to.
forgotten_shim() {
	local folder=$BATS_TEST_TMPDIR/bundle
	# As long as the old one is there, it is the one that is "started".
	servers_wait_for 10 has_no_shim "$1" || complain "the old shim stays"
	mkdir "$folder" && mkfifo "$folder/log" && echo '{"ociVersion":"1.0.2","annotations":{}}' >"$folder/config.json"
	(cd "$folder" && timeout 10 containerd-shim-runc-v2 -namespace "$CONTAINERD_NAMESPACE" -id "$1" \
		-address "$CONTAINERD_ADDRESS" start) </dev/null >/dev/null 3>&- 4>&-
	servers_wait_for 5 waits_for_reader "$1" || complain "the shim does not wait for a reader of its log"
	rm -r "$folder"
	same 1 "$(shims_of "$1" | wc -l)" "shims before"
}

shims_of() {
	local shim
	for shim in $(servers_shims); do
		tr '\0' ' ' <"/proc/$shim/cmdline" | grep -q -- "-namespace $CONTAINERD_NAMESPACE -id $1 " && echo "$shim"
	done
}

# The kernel's word for a process in open(2) of a FIFO.
waits_for_reader() {
	cat "/proc/$(shims_of "$1")/task/"*/wchan | grep -q wait_for_partner
}

# The Tasks.Delete whose client died may have left a half task; without its shim, containerd takes that away.
has_no_shim() {
	local shim
	shim=$(shims_of "$1")
	[ -z "$shim" ] || kill -KILL "$shim"
	[ -z "$shim" ] && [ ! -e "$SERVERS/state/io.containerd.runtime.v2.task/$CONTAINERD_NAMESPACE/$1" ]
}

@test "a shim that containerd has forgotten does not keep the workspace down" {
	workspace forgotten sh -c "$POLITE"
	told_by create forgotten
	workspace_write forgotten /g saved
	killed_after repoint create forgotten broken
	same "" "$(workspace_status forgotten)"
	forgotten_shim forgotten
	expect 0 recover forgotten
	same RUNNING "$(workspace_status forgotten)"
	same saved "$(workspace_read forgotten /g)"
	same 1 "$(shims_of forgotten | wc -l)" "shims after"
	nothing_is_left
}

# What containerd leaves when it is killed while it removes the folder of a task.
half_removed() {
	mkdir "$BUNDLES/.$1" && echo '{}' >"$BUNDLES/.$1/config.json"
}

@test "a folder that containerd had not removed when it was killed does not keep the workspace down" {
	BUNDLES=$SERVERS/state/io.containerd.runtime.v2.task/$CONTAINERD_NAMESPACE
	workspace bundle sh -c "$POLITE"
	half_removed bundle
	expect 0 create bundle
	same RUNNING "$(workspace_status bundle)"
	[ ! -e "$BUNDLES/.bundle" ] || complain "it is still there"
}

@test "a folder that containerd cannot get past is removed, unless something lies in it" {
	BUNDLES=$SERVERS/state/io.containerd.runtime.v2.task/$CONTAINERD_NAMESPACE
	workspace stuck sh -c "$POLITE"
	told_by create stuck
	workspace_write stuck /g saved
	killed_after repoint create stuck
	same "" "$(workspace_status stuck)"
	half_removed stuck
	mkdir -p "$BUNDLES/stuck/rootfs/precious"
	expect 7 recover stuck
	[ -d "$BUNDLES/stuck/rootfs/precious" ] || complain "what lay in it is gone"
	rmdir "$BUNDLES/stuck/rootfs/precious"
	expect 0 recover stuck
	same RUNNING "$(workspace_status stuck)"
	same saved "$(workspace_read stuck /g)"
	nothing_is_left
}

# The folder of what the container writes into.
writable_folder() {
	ctr snapshots mounts /nowhere "$(container_snapshot "$1")" | grep -o 'upperdir=[^, ]*' | cut -d= -f2
}

@test "a power cut has taken the folder of the new active snapshot: it is made anew" {
	workspace cut sh -c "$POLITE"
	told_by create cut
	local step
	for step in repoint unhold; do
		workspace_write cut /g "$step"
		killed_after "$step" create cut "$step"
		ctr tasks delete --force cut >/dev/null 2>&1 || true
		rm -r "$(dirname "$(writable_folder cut)")"
		expect 0 recover cut
		# With `unhold` its part was done: as after any power cut, somebody else starts it.
		[ "$step" = unhold ] || same RUNNING "$(workspace_status cut)"
		[ "$step" = repoint ] || ctr tasks start --detach --null-io cut
		same "$step" "$(workspace_read cut /g)"
	done
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
	servers_wait_for 5 is_stopped back
	postgres_start
	expect 0 recover back
	[ "$(workspace_status back)" != RUNNING ] || complain "it was started"
	expect 0 rollback back whole
	nothing_is_left
}

is_stopped() {
	[ "$(workspace_status "$1")" != RUNNING ]
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

# delayed_at STEP SECONDS ARGUMENT…: runs wsnap, which stands still for a while when it tells that the step is done.
delayed_at() {
	local step=$1 seconds=$2 told=$BATS_TEST_TMPDIR/told line
	shift 2
	line=$(grep -n "^wsnap: $step " "$LIKE" | head -n 1 | cut -d: -f1)
	: >"$told"
	strace -f -qq -o /dev/null -e trace=write -P "$told" \
		-e inject=write:delay_enter="${seconds}000000":when="$line" \
		"$WSNAP" -v "$@" >"$BATS_TEST_TMPDIR/result" 2>"$told" </dev/null 3>&- 4>&-
}

# A commit is written to the snapshotter's database first, then to containerd's own; each takes two syncs.
kill_containerd_in_commit() {
	local pid
	pid=$(cat "$SERVERS/containerd.pid")
	strace -f -qq -o /dev/null -e trace=fdatasync -e inject=fdatasync:signal=KILL:when=3 -p "$pid" \
		</dev/null >/dev/null 2>&1 3>&- 4>&- || true
	servers_wait_gone "$pid" 5
	rm -f "$SERVERS/containerd.pid"
	containerd_start
}

# commit_struck TURN: one create of `half` with containerd killed in its commit. Whether that was between the
# databases (`hit`) depends on what else containerd writes; the workspace has to be right in any case.
commit_struck() {
	local run
	workspace_write half /g "precious $1"
	delayed_at stop 5 create half "turn $1" &
	run=$!
	servers_wait_for 10 grep -q '^wsnap: detach' "$BATS_TEST_TMPDIR/told"
	sleep 0.3
	kill_containerd_in_commit
	status=0
	wait "$run" || status=$?
	: >"$BATS_TEST_TMPDIR/stderr"
	[ "$status" -eq 0 ] || { [ "$status" -eq 7 ] && expect 0 -v recover half; }
	cp "$BATS_TEST_TMPDIR/stderr" "$BATS_TEST_TMPDIR/struck"
	same RUNNING "$(workspace_status half)"
	same "precious $1" "$(workspace_read half /g)"
	collect_garbage
	expect 0 rollback half first
	expect 0 rollback half "turn $1"
	same "precious $1" "$(workspace_read half /g)"
	nothing_is_left
	hit=$(cat "$BATS_TEST_TMPDIR/told" "$BATS_TEST_TMPDIR/struck" | grep -c 'its files are saved from' || true)
}

@test "containerd is killed between its two databases in a commit: the files are saved all the same" {
	local turn hit=0
	workspace half
	expect 0 create half first
	told_by create half
	for turn in 1 2 3 4; do
		: >"$BATS_TEST_TMPDIR/struck"
		commit_struck "$turn"
		[ "$hit" -eq 0 ] || break
	done
	expect 0 doctor half
	[ "$hit" -gt 0 ] || skip "containerd was never hit between its databases"
}

# SIGTERM only makes it think of its end, which takes longer than wsnap lives.
@test "killed while the workspace shuts down: it does not end behind recovery's back" {
	workspace dying sh -c 'trap "sleep 2; exit 0" TERM; while :; do sleep 60 & wait $!; done'
	"$WSNAP" -v create dying >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	run=$!
	servers_wait_for 10 grep -q '"stopping":true' "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~dying.operation"
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
	servers_wait_for 10 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~halted.operation"
	sleep 0.5
	ctr tasks delete --force halted >/dev/null
	wait "$run" || complain "status $?"
	same "" "$(workspace_status halted)"
	nothing_is_left
}

@test "a container that was removed in between: the version is kept, and recovery ends" {
	workspace f
	told_by create f
	workspace_write f /g kept
	killed_after commit create f lost
	ctr containers delete f
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
	ctr containers delete g
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
	workspace_created h
	told_by create h
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
	same RUNNING "$(workspace_status dying)"
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
	expect 3 rollback p nothing
	[[ $stderr == *"warning: 'p' runs, but without its network: $cause"* ]] || complain "it is not told"
	# Both versions are recorded: nothing is said to be missing when the database is away.
	postgres_stop
	expect 7 recover p
	same "'p': 'p' runs, but without its network: $cause" "$output"
	rm "$BATS_FILE_TMPDIR/no-address"
	expect 0 recover p
	same "'p': version 2 was completed" "$output"
	postgres_start
	expect 0 --network none create p third
	same 3 "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'p'")"
	nothing_is_left
	ctr tasks delete --force p >/dev/null 2>&1
	rm -rf "$NETCONFPATH/10.conflist" "/var/lib/cni/results/recover-p-eth0"
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
