# shellcheck shell=bash
#
# Operations that are cut off, for the tests of what comes behind that. Load it behind workspace.bash.

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

# The folder of what the container writes into.
writable_folder() {
	snapshot_folder "$(container_snapshot "$1")"
}

# kill_traced TRACER: SIGKILL for what strace makes stand still, and for its guard before it. Strace itself would wait until the
# delay is over, and the program for strace.
kill_traced() {
	local program
	program=$(pgrep -P "$1")
	pkill -KILL -P "$program" || true
	kill -KILL "$program"
	kill -KILL "$1" 2>/dev/null || true
	wait "$1" || true
	servers_wait_for 5 has_ended "$program"
}

has_ended() {
	! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"
}

# cut_in_move ARGUMENT…: runs wsnap, which SIGKILL ends right behind the move of the writable layer's folder.
cut_in_move() {
	local tracer
	strace -f -qq -o /dev/null -P "$(writable_folder "${*: -1}")" -e trace=renameat,renameat2 \
		-e inject=renameat,renameat2:delay_exit=4000000 \
		"$WSNAP" "$@" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	tracer=$!
	servers_wait_for 20 layer_has_moved "${*: -1}"
	kill_traced "$tracer"
	[ -n "$(records)" ] || complain "no operation was cut off"
}

layer_has_moved() {
	local record
	record=$(records)
	[ -n "$record" ] && [ -e "$(jq -r '.moved_to // empty' "$record")/data/n" ]
}
