# shellcheck shell=bash
#
# The blows that wsnap itself takes: killed, failed and signalled at one system call after the other.

# The words of the operation on the workspace of the case, behind those of strike. With BEGUN_WITH=/path/to/wsnap an
# older program begins what the one under test has to finish.
operate() {
	local words=("${OPERATION%%-*}" "$ID")
	[[ $OPERATION != *-live ]] || words+=(--live)
	case ${OPERATION%-live} in
	fork) words+=(1 child) ;;
	fork-start) words+=(1 child --start) ;;
	rollback | restore) words+=(1) ;;
	restore-path) words=(restore "$ID" 1 /set /token) ;;
	create) words+=("a name") ;;
	prune) words+=(--keep-last 1 --named) ;;
	esac
	timeout 150 "$@" "${BEGUN_WITH:-$WSNAP}" -v "${words[@]}" >"$SCRATCH/run.out" 2>&1 </dev/null
}

# stir ID: something for the operation to do. A change; for `compact` and `prune` layers and versions as well.
stir() {
	TURN=$((${TURN:-0} + 1))
	case $OPERATION in
	compact | prune) { "$WSNAP" -q version "$1" && "$WSNAP" -q version "$1"; } >/dev/null ;;
	esac
	remember "$1" "turn $TURN"
}

# strike_at SET AT ACTION: runs the operation so. STRUCK is the call's name, or "-" when it had no more calls.
strike_at() {
	local status=0 began=$SECONDS
	operate "$STRIKE" "$1" "$2" "$3" "$SCRATCH/report" || status=$?
	read -r CALLS STRUCK <"$SCRATCH/report"
	[ $((SECONDS - began)) -lt 10 ] || echo "# slow: $CASE ($STRUCK): $((SECONDS - began)) s, status $status"
	return "$status"
}

# How many calls the operation has, undisturbed.
measure() {
	stir ws
	strike_at "$1" 0 none || complain "the operation fails by itself"
	check_all
}

begin_case() {
	OPERATION=$2 CASE="$1 $2 $3" CASE_POINTS=$POINTS CASE_FAULTS=$FAULTS
	make_workspace ws "$3" || exit 1
}

end_case() {
	remove_workspace ws
	forget ws
	verdict "$1"
}

# What another client tries, before anything is recovered: what he has started runs on.
between() {
	local act
	[ -n "${BETWEEN:-}" ] || return 0
	for act in $BETWEEN; do
		client "$act" ws
	done
	[[ $(task_line ws) != *RUNNING ]] || STATUS_AFTER=RUNNING
}

# The next case begins in the same state.
behind() {
	unset STATUS_AFTER
	[ -z "${BETWEEN:-}" ] || [ "$1" = running ] || client_stop ws
	freshen "$1"
}

torture_kill() {
	local step=${3:-1} at=${4:-1}
	begin_case kill "$1" "$2"
	while :; do
		CASE="kill $1 $2 at call $at"
		stir ws
		strike_at noticed "$at" "${KILLED:-kill}"
		[ "$STRUCK" != - ] || break
		CASE+=" ($STRUCK)"
		between
		recover
		check_all
		behind "$2"
		at=$((at + step))
	done
	check_all
	end_case "${KILLED:-kill} $1 $2"
}

# The same where the processes that wsnap has started, as the guard of a frozen workspace, are killed with it.
torture_killall() {
	KILLED=killall torture_kill "$@"
}

# An operation that says it failed has left everything as it was, without any recovery; one that says it is
# done is done; one that is incomplete has left its record.
check_word() {
	local status=$1 records
	records=$(find "$WSNAP_STATE_DIR" -name '*.operation')
	case $status in
	0 | 7) ;;
	1 | 2 | 4 | 5 | 6)
		[ -z "$records" ] || [ "$status" -eq 5 ] || complain "status $status with a record left"
		[ "$(task_line "$ID" | cut -d ' ' -f 2)" = "$STATUS_BEFORE" ] ||
			complain "status $status, but its task is not as it was"
		;;
	*) complain "ended with status $status" ;;
	esac
	[ "$status" -ne 0 ] || [ -z "$records" ] || complain "status 0 with a record left"
	[ "$status" -eq 0 ] || grep -q '^wsnap: ' "$SCRATCH/run.out" || complain "status $status without a word"
}

# What an operation that ended with status 0 has promised, and one with another has not done.
check_promise() {
	case ${OPERATION%-live}:$1 in
	create:0 | version:0) [ "$NEW_VERSIONS" -eq 1 ] || lose "status 0, but no version" ;;
	fork:0 | fork-start:0) [ "$FORKED" -eq 1 ] || lose "status 0, but no fork" ;;
	fork:[1-46] | fork-start:[1-46]) [ "$FORKED" -eq 0 ] || complain "status $1, but there is a fork" ;;
	rollback:0 | restore*:0) [ "$ROLLED_BACK" -eq 1 ] || complain "status 0, but not rolled back" ;;
	restore*:1) [ "$ROLLED_BACK" -eq 0 ] || complain "status 1, but it is restored" ;;
	create:1 | version:1) [ "$NEW_VERSIONS" -eq 0 ] || complain "status 1, but there is a version" ;;
	esac
}

torture_error() {
	local step=${3:-1} from=${4:-1} errnos=("${@:5}") at status errno error_number=0
	[ ${#errnos[@]} -gt 0 ] || errnos=(ENOSPC EIO ECONNRESET ENOMEM)
	begin_case error "$1" "$2"
	for errno in "${errnos[@]}"; do
		# Steps above 1 begin elsewhere for every errno.
		for ((at = from + error_number++ % step; ; at += step)); do
			CASE="$errno in $1 $2 at call $at"
			stir ws
			status=0
			strike_at failing "$at" "error:$errno" || status=$?
			[ "$STRUCK" != - ] || break
			CASE+=" ($STRUCK)"
			check_word "$status"
			recover
			check_all
			check_promise "$status"
			freshen "$2"
		done
		recover
		check_all
	done
	end_case "error $1 $2"
}

# A signal before anything is held back ends it untouched; one in the middle waits until it is done.
torture_signals() {
	local names=(TERM INT HUP) at status name step total
	begin_case signals "$1" running
	SIGNAL_STATUS=
	measure noticed
	total=$CALLS
	step=$(((total + 39) / 40))
	for ((at = 1; at <= total; at += step)); do
		name=${names[at % 3]}
		CASE="SIG$name in $1 at call $at of $total"
		stir ws
		status=0
		strike_at noticed "$at" "signal:$name" || status=$?
		check_signal_word "$status" "$name"
		check_all
		if [ "$status" -lt 128 ]; then
			check_promise "$status"
		elif [ "$NEW_VERSIONS" -gt 0 ] || [ "$ROLLED_BACK" -gt 0 ]; then
			complain "ended by the signal, but it had done its work"
		fi
	done
	echo "# statuses:$SIGNAL_STATUS"
	end_case "signals $1"
}

# Ended by the signal itself before the operation began, obeyed with status 1 before the workspace was held, or done.
check_signal_word() {
	case $1 in
	0) ;;
	1) grep -q "was not touched: interrupted by SIG$2" "$SCRATCH/run.out" || complain "status 1 for something else" ;;
	129 | 130 | 143) ;;
	*) complain "ended with status $1" ;;
	esac
	SIGNAL_STATUS+=" $1"
}
