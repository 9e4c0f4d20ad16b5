#!/usr/bin/env bats
# A command with a way back.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

setup() {
	id=g$BATS_TEST_NUMBER
	workspace "$id"
	workspace_write "$id" /data/f before
	change
}

# change TEXT [STATUS]: as a command behind guard: writes into the workspace as it runs now, and ends so.
change() {
	cat >"$BATS_TEST_TMPDIR/change" <<-'END'
		#!/bin/sh
		pid=$(ctr tasks ls | awk -v id="$1" '$1 == id { print $2 }')
		echo "$2" >"/proc/$pid/root/data/f"
		exit "${3:-0}"
	END
	chmod +x "$BATS_TEST_TMPDIR/change"
	CHANGE=("$BATS_TEST_TMPDIR/change" "$id")
}

guards() {
	snapshot_names | grep "^$id-" | while read -r name; do
		ctr snapshots info "$name" | jq -r '.Labels // {} | keys[] | select(startswith("wsnap.guard"))'
	done
}

@test "a version, then the command with its streams, its status and the version's number" {
	status=0
	output=$(echo input | "$WSNAP" guard "$id" -- sh -c 'cat; echo "version $WSNAP_VERSION"; echo told >&2; exit 7' \
		2>"$BATS_TEST_TMPDIR/stderr" 3>&- 4>&-) || status=$?
	same 7 "$status"
	same $'input\nversion 1' "$output"
	same told "$(cat "$BATS_TEST_TMPDIR/stderr")"
	same 'pre_exec' "$(db "SELECT source FROM snapshots WHERE container_id = '$id'")"
	expect 0 guard "$id" -- true
	same "" "$output$stderr"
	same "" "$(guards)"
	expect 0 guard --if-changed "$id" -- sh -c 'test "$WSNAP_VERSION" = 2'
	same 2 "$(db "SELECT count(*) FROM container_versions WHERE container_id = '$id'")"
}

@test "what fails is rolled back, and that is said" {
	expect 3 guard --on-failure rollback "$id" -- "${CHANGE[@]}" after 3
	same "wsnap: warning: the command ended with status 3: '$id' is back at version 1; what it was before is version 2" "$stderr"
	same before "$(workspace_read "$id" /data/f)"
	same RUNNING "$(workspace_status "$id")"
	expect 0 guard --on-failure rollback "$id" -- "${CHANGE[@]}" after
	same "" "$stderr"
	same after "$(workspace_read "$id" /data/f)"
	expect 3 guard "$id" -- "${CHANGE[@]}" worse 3
	same worse "$(workspace_read "$id" /data/f)"
	expect 5 guard --on-failure rollback "$id" -- sh -c 'exit 5'
	[[ $stderr == *"is back at version "*"; there was nothing to save" ]] || complain "another message"
	same "" "$(guards)"
}

@test "commands that cannot be found, cannot be run, or end by a signal" {
	expect_error 127 "'no-such-command' cannot be found, and was not run" guard "$id" -- no-such-command
	expect_error 126 "'/etc/passwd' cannot be run: Permission denied" guard "$id" -- /etc/passwd
	expect_error 126 "'/etc' cannot be run: Permission denied" guard --on-failure rollback "$id" -- /etc
	expect 137 guard "$id" -- sh -c 'kill -KILL $$'
	expect 143 guard --on-failure rollback "$id" -- sh -c 'kill -TERM $$'
	expect_error 2 "'guard' needs a COMMAND behind --" guard "$id"
	expect_error 2 "'true' is one argument too many for 'guard'" guard "$id" true -- true
	expect 2 guard --on-failure nonsense "$id" -- true
}

@test "without a version the command is not run" {
	marker=$BATS_TEST_TMPDIR/ran
	expect_error 125 "'nobody' is not a container that containerd has in the namespace '$CONTAINERD_NAMESPACE'" \
		guard nobody -- touch "$marker"
	PGHOST=/nowhere expect 125 guard "$id" -- touch "$marker"
	CONTAINERD_ADDRESS=/nowhere.sock expect 125 guard "$id" -- touch "$marker"
	expect 125 --json guard nobody -- touch "$marker"
	same 'not_found 125' "$(jq -r '.error | "\(.code) \(.exit_status)"' <<<"$stderr")"
	expect 126 --json guard "$id" -- /etc/passwd
	same 126 "$(jq .error.exit_status <<<"$stderr")"
	[ ! -e "$marker" ] || complain "the command was run"
}

@test "the way back fails: 125, and the cause" {
	expect 125 guard --on-failure rollback "$id" -- sh -c "ctr tasks delete --force $id; ctr containers delete $id; exit 1"
	[[ $stderr == *"wsnap: the command ended with status 1, and '$id' was not brought back to version 1"* ]] ||
		complain "the cause is not told"
}

@test "the workspace is free while the command runs, and the version is kept" {
	"$WSNAP" guard "$id" -- sh -c "echo \$\$ >$BATS_TEST_TMPDIR/pid; exec sleep 30" 3>&- 4>&- &
	guard=$!
	servers_wait_for 20 eval '[ -n "$(guards)" ]'
	expect 0 -w 0 version "$id"
	expect 0 -w 0 version "$id"
	expect_error 8 "version 1 of '$id' is the way back of the guard with the process $guard: it stays" delete "$id" 1
	expect 0 prune "$id" --keep-last 1
	[[ $stderr == *"version 1 of '$id' stays as long as the guard with the process $guard may go back to it"* ]] ||
		complain "prune does not say it"
	kill -KILL "$guard"
	wait "$guard" || true
	expect 0 delete "$id" 1
	kill "$(cat "$BATS_TEST_TMPDIR/pid")"
}

@test "a guard in a PID namespace of its own keeps its version as well" {
	unshare --pid --fork --mount-proc --kill-child "$WSNAP" guard --on-failure rollback "$id" -- \
		sh -c "touch $BATS_TEST_TMPDIR/ran; while [ ! -e $BATS_TEST_TMPDIR/end ]; do sleep 0.1; done; exit 3" \
		2>"$BATS_TEST_TMPDIR/stderr" 3>&- 4>&- &
	guard=$!
	servers_wait_for 20 test -e "$BATS_TEST_TMPDIR/ran"
	kept=$(version_newest "$id")
	workspace_write "$id" /data/f after
	expect 0 -q version --live "$id"
	expect 0 prune "$id" --keep-last 1
	[[ $stderr == *"version $kept of '$id' stays as long as the guard with the process"* ]] ||
		complain "prune does not say it"
	touch "$BATS_TEST_TMPDIR/end"
	status=0
	wait "$guard" || status=$?
	same 3 "$status"
	same "" "$(guards)"
}

@test "signals are passed on, and the status is the command's" {
	for signal in TERM INT HUP USR1; do
		rm -f "$BATS_TEST_TMPDIR/said" # so that it is not the last one's `ready` that is seen
		# A shell lets what runs beside it ignore SIGINT.
		env --default-signal=INT "$WSNAP" guard "$id" -- bash -c "trap 'echo $signal; exit 9' $signal; echo ready; while :; do sleep 0.1; done" \
			>"$BATS_TEST_TMPDIR/said" 2>"$BATS_TEST_TMPDIR/stderr" 3>&- 4>&- &
		guard=$!
		servers_wait_for 20 grep -qs ready "$BATS_TEST_TMPDIR/said"
		kill -"$signal" "$guard"
		status=0
		wait "$guard" || status=$?
		same 9 "$status" "status after SIG$signal"
		same "ready
$signal" "$(cat "$BATS_TEST_TMPDIR/said")"
	done
	same "" "$(guards)"
}

@test "killed at any moment it leaves the command running and goes back nowhere" {
	"$WSNAP" guard --on-failure rollback "$id" -- sh -c "${CHANGE[*]} after; echo \$\$ >$BATS_TEST_TMPDIR/pid; exec sleep 20" 3>&- 4>&- &
	guard=$!
	servers_wait_for 20 test -s "$BATS_TEST_TMPDIR/pid"
	kill -KILL "$guard"
	wait "$guard" || true
	sleep 0.3
	kill -0 "$(cat "$BATS_TEST_TMPDIR/pid")"
	same after "$(workspace_read "$id" /data/f)"
	kill "$(cat "$BATS_TEST_TMPDIR/pid")"
}

@test "SIGTERM while the version is taken: the command is not run" {
	for delay in 0.02 0.05 0.1 0.2; do
		rm -f "$BATS_TEST_TMPDIR/ran"
		"$WSNAP" guard "$id" -- sh -c "touch $BATS_TEST_TMPDIR/ran; sleep 5; touch $BATS_TEST_TMPDIR/late" 2>"$BATS_TEST_TMPDIR/stderr" 3>&- 4>&- &
		guard=$!
		sleep $delay
		kill -TERM "$guard"
		status=0
		wait "$guard" || status=$?
		# 125: there is no version.
		[ "$status" = 143 ] || [ "$status" = 125 ] || complain "status after $delay: $status"
		[ ! -e "$BATS_TEST_TMPDIR/late" ] || complain "the command went on"
		same RUNNING "$(workspace_status "$id")"
	done
	expect 0 recover
}

# strike_at OPERATION PHASE: the hook at that moment sends $SIGNAL to the guard, once.
strike_at() {
	mkdir -p "$BATS_FILE_TMPDIR/hooks.d"
	cat >"$BATS_FILE_TMPDIR/hooks.d/strike" <<-END
		#!/bin/sh
		[ "\$WSNAP_CONTAINER_ID \$WSNAP_OPERATION \$WSNAP_PHASE" = "$id $1 $2" ] || exit 0
		rm "$BATS_FILE_TMPDIR/hooks.d/strike"
		kill -$SIGNAL \$PPID
	END
	chmod 755 "$BATS_FILE_TMPDIR/hooks.d/strike"
}

# guarded STATUS: a command that changes the workspace and fails with 3 under a guard that is to roll back, with hooks.
guarded() {
	rm -f "$BATS_TEST_TMPDIR/ran"
	cp "$WSNAP_CONFIG" "$BATS_TEST_TMPDIR/config"
	echo "hooks_dir = $BATS_FILE_TMPDIR/hooks.d" >>"$BATS_TEST_TMPDIR/config"
	WSNAP_CONFIG=$BATS_TEST_TMPDIR/config expect "$1" guard --on-failure rollback "$id" -- \
		sh -c "touch $BATS_TEST_TMPDIR/ran; ${CHANGE[*]} after 3; ${2:-exit 3}"
}

versions() {
	db "SELECT count(*) FROM container_versions WHERE container_id = '$id'"
}

@test "SIGINT, SIGTERM and SIGHUP at each moment" {
	local number before=0
	for SIGNAL in INT TERM HUP; do
		number=$((128 + $(kill -l $SIGNAL)))
		# Before anything is touched: there is no version, so the command is not run.
		workspace_write "$id" /data/f before
		strike_at version pre
		guarded 125
		[[ $stderr == *"'$id' was not touched: interrupted by SIG$SIGNAL"* ]] || complain "another cause"
		[ ! -e "$BATS_TEST_TMPDIR/ran" ] || complain "the command was run"
		same $((before)) "$(versions)"
		# When the version is there.
		strike_at version post
		guarded $number
		[[ $stderr == *"SIG$SIGNAL came before the command was run; version "*" of '$id' was taken"* ]] || complain "not told"
		[ ! -e "$BATS_TEST_TMPDIR/ran" ] || complain "the command was run"
		same $((before + 1)) "$(versions)"
		# While the command runs: it is passed on, and what it ends by is a failure.
		guarded $number "kill -$SIGNAL \$PPID; sleep 20"
		same before "$(workspace_read "$id" /data/f)"
		[[ $stderr == *"the command ended with status $number: '$id' is back at version "* ]] || complain "not told"
		same $((before + 3)) "$(versions)"
		# At the beginning of the way back: the workspace is as the command left it, and that is said.
		strike_at rollback pre
		guarded 125
		[[ $stderr == *"the command ended with status 3, and '$id' was not brought back to version "*"interrupted by SIG$SIGNAL"* ]] ||
			complain "another cause"
		same after "$(workspace_read "$id" /data/f)"
		same $((before + 4)) "$(versions)"
		workspace_write "$id" /data/f before
		# At its end it is finished first.
		strike_at rollback post
		guarded 3
		same before "$(workspace_read "$id" /data/f)"
		before=$(versions)
		same RUNNING "$(workspace_status "$id")"
		expect 0 recover
		same 'nothing to recover' "$output"
		same "" "$(guards)"
	done
}

@test "SIGKILL at each moment: what was begun is ended by recover, the way back is not gone" {
	local moment
	SIGNAL=KILL
	for moment in 'version pre' 'version post' 'rollback pre' 'rollback post'; do
		workspace_write "$id" /data/f before
		# shellcheck disable=SC2086 # two words
		strike_at $moment
		guarded 137
		case $moment in
		version*) [ ! -e "$BATS_TEST_TMPDIR/ran" ] || complain "the command was run" ;;
		*) [ -e "$BATS_TEST_TMPDIR/ran" ] || complain "the command was not run" ;;
		esac
		expect 0 recover
		same RUNNING "$(workspace_status "$id")"
		case $moment in
		'rollback pre') same after "$(workspace_read "$id" /data/f)" "what is there after $moment" ;;
		*) same before "$(workspace_read "$id" /data/f)" "what is there after $moment" ;;
		esac
		expect 0 -q version "$id"
		expect 0 prune "$id" --keep-last 1
		same 1 "$(versions)"
		same "" "$(lease_names)"
	done
}

@test "a signal while another run holds the workspace ends it at once" {
	exec 8>>"$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~$id.lock"
	flock 8
	"$WSNAP" guard "$id" -- touch "$BATS_TEST_TMPDIR/ran" 2>"$BATS_TEST_TMPDIR/stderr" 3>&- 4>&- 8>&- &
	guard=$!
	sleep 1
	kill -TERM "$guard"
	SECONDS=0 status=0
	wait "$guard" || status=$?
	exec 8>&-
	[ "$SECONDS" -lt 10 ] || complain "it waited for $SECONDS s"
	[ "$status" -eq 143 ] || [ "$status" -eq 125 ] || complain "status $status"
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
	same 0 "$(versions)"
}

@test "a stopped workspace is versioned and not started" {
	ctr tasks kill --signal KILL "$id" >/dev/null
	servers_wait_for 10 eval '[ "$(workspace_status '"$id"')" != RUNNING ]'
	ctr tasks delete "$id" >/dev/null 2>&1 || true
	expect 4 guard --on-failure rollback "$id" -- sh -c 'exit 4'
	same "" "$(workspace_status "$id")"
	same 1 "$(db "SELECT min(version) FROM container_versions WHERE container_id = '$id'")"
}

@test "the terminal is the command's: Ctrl-C ends it, and it knows the terminal" {
	cat >"$BATS_TEST_TMPDIR/inner" <<-'END'
		test -t 0 && test -t 1 && echo terminal
		trap 'echo interrupted; exit 6' INT
		echo ready
		while :; do sleep 0.1; done
	END
	mkfifo "$BATS_TEST_TMPDIR/keys"
	env --default-signal=INT script -qefc "exec $WSNAP guard $id -- bash $BATS_TEST_TMPDIR/inner" /dev/null <"$BATS_TEST_TMPDIR/keys" \
		>"$BATS_TEST_TMPDIR/seen" 2>&1 3>&- 4>&- &
	terminal=$!
	exec 7>"$BATS_TEST_TMPDIR/keys"
	servers_wait_for 30 grep -q ready "$BATS_TEST_TMPDIR/seen"
	printf '\003' >&7
	status=0
	wait "$terminal" || status=$?
	exec 7>&-
	same 6 "$status"
	tr -d '\r' <"$BATS_TEST_TMPDIR/seen" | grep -qx terminal
	tr -d '\r' <"$BATS_TEST_TMPDIR/seen" | grep -q interrupted
}

@test "with --live the workspace goes on running, and comes back all the same" {
	before=$(workspace_pid "$id")
	expect 0 guard --live "$id" -- true
	same "$before" "$(workspace_pid "$id")"
	same 1 "$(db "SELECT count(*) FROM container_versions WHERE container_id = '$id'")"
	expect 3 guard --live --on-failure rollback "$id" -- "${CHANGE[@]}" after 3
	same before "$(workspace_read "$id" /data/f)"
	expect_error 2 "'--live' and '--stop' exclude each other" guard --live --stop "$id" -- true
}

@test "what fails is restored while the workspace goes on running, and that is said" {
	pid=$(workspace_pid "$id")
	expect 3 guard --live --on-failure restore "$id" -- "${CHANGE[@]}" after 3
	same "wsnap: warning: the command ended with status 3: '$id' is back at version 1; what it was before is version 2" "$stderr"
	same before "$(workspace_read "$id" /data/f)"
	same "$pid" "$(workspace_pid "$id")"
	same restore "$(db "SELECT s.source FROM snapshots s JOIN container_versions v ON v.snapshot_id = s.id
		WHERE v.container_id = '$id' AND v.version = 2")"
	expect 0 guard --live --on-failure restore "$id" -- "${CHANGE[@]}" after
	same after "$(workspace_read "$id" /data/f)"
	expect 5 guard --live --on-failure restore "$id" -- sh -c 'exit 5'
	[[ $stderr == *"is back at version "*"; there was nothing to save" ]] || complain "another message"
	same "$pid" "$(workspace_pid "$id")"
	same "" "$(guards)"
}

@test "where files cannot be restored the command is not run" {
	WORKSPACE_OPTIONS=(--snapshotter native)
	ctr images unpack --snapshotter native "$IMAGE" >/dev/null 2>&1 || true
	workspace native
	expect_error 125 "files of 'native' cannot be restored while it runs: its snapshotter has no layers that can be read" \
		guard --on-failure restore native -- touch "$BATS_TEST_TMPDIR/ran"
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
	same 0 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'native'")"
}

@test "where it could not be frozen, or its root is another, the command is not run either" {
	workspace shared
	shim_joins shared
	expect_error 125 "'shared': its processes cannot be frozen: wsnap, containerd or the shim is in their control group" \
		guard --on-failure restore shared -- touch "$BATS_TEST_TMPDIR/ran"
	[[ $stderr == *"hint: --on-failure rollback brings the workspace back as a whole"* ]] || complain "another hint"
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
	same 0 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'shared'")"
	shim_leaves shared
	workspace rooted sh -c 'mkdir -p /jail/bin; cp /bin/busybox /jail/bin/; exec chroot /jail /bin/busybox sleep 1000000'
	servers_wait_for 10 test ! -e "$(workspace_root rooted)/etc"
	expect 125 guard --on-failure restore rooted -- touch "$BATS_TEST_TMPDIR/ran"
	[[ $stderr == *"hint: --on-failure rollback brings the workspace back as a whole"* ]] || complain "another hint"
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
}
