#!/bin/bash
# Puts wsnap to the torture on a real containerd and Postgres of its own, and checks after each blow that nothing
# is lost, nothing doubled and nothing left over.
#
#   torture.sh kill OPERATION STATE [STEP]    killed at every STEPth system call that the world can notice
#   torture.sh error OPERATION STATE [STEP]   an error at every STEPth call that can fail (ERRNOS)
#   torture.sh sample                         some of all that, within about two minutes
#   torture.sh all                            everything
#
# OPERATION: create, version, rollback, compact; STATE: running, stopped.
set -u
here=$(dirname "$(readlink -f "$0")")
root=$(cd "$here/../.." && pwd)
. "$root/tests/lib/servers.sh"
. "$root/tests/lib/image.sh"
. "$here/model.bash"

WSNAP=${WSNAP:-$root/build/wsnap}
ERRNOS=${ERRNOS:-ENOSPC EIO ECONNRESET ENOMEM}

# What the world outside can notice of a process, and what can fail.
KILL_CALLS=openat,write,pwrite64,sendto,sendmsg,fsync,fdatasync,syncfs,renameat,renameat2,unlinkat,mkdirat,linkat
KILL_CALLS+=,mknodat,symlinkat,flock,connect,clone,clone3,vfork,execve,ftruncate,exit_group
FAIL_CALLS=openat,read,write,pwrite64,sendto,recvfrom,fsync,syncfs,renameat,renameat2,unlinkat,mkdirat,linkat,flock
FAIL_CALLS+=,connect,socket,poll,ftruncate,mmap,getdents64,faccessat2,newfstatat

prepare() {
	servers_start "" || exit 1
	trap finish EXIT
	SCRATCH=$SERVERS/torture
	mkdir -p "$SCRATCH"
	export CONTAINERD_NAMESPACE=wsnap-torture-$$ WSNAP_STATE_DIR=$SERVERS/wsnap WSNAP_CONFIG=$SCRATCH/conf
	export NETCONFPATH=$SCRATCH/cni
	: >"$WSNAP_CONFIG"
	image_build "$SERVERS/image.tar" && image_import "$CONTAINERD_NAMESPACE" "$SERVERS/image.tar" || exit 1
	"$WSNAP" init >/dev/null || exit 1
}

finish() {
	local id
	for id in $(ctr containers ls -q); do
		remove_workspace "$id"
	done
	servers_end
}

# The words of the operation on the workspace of the case.
operate() {
	case $OPERATION in
	rollback) "$@" "$WSNAP" rollback "$ID" 1 ;;
	create) "$@" "$WSNAP" create "$ID" "a name" ;;
	*) "$@" "$WSNAP" "$OPERATION" "$ID" ;;
	esac >"$SCRATCH/run.out" 2>&1 </dev/null
}

# Something for the operation to do: a change, and for `compact` layers to merge.
stir() {
	TURN=$((${TURN:-0} + 1))
	remember "$1" "turn $TURN"
	[ "$OPERATION" != compact ] || { "$WSNAP" -q version "$1" && "$WSNAP" -q version "$1"; } >/dev/null
	remember "$1" "turn $TURN"
}

# measure CALLS: the numbers of the first call that matters (the first connection) and of the last.
measure() {
	stir "$1"
	operate strace -f -qq -e "trace=$2" -o "$SCRATCH/trace" || complain "the operation fails by itself"
	local main
	main=$(head -n 1 "$SCRATCH/trace" | awk '{ print $1 }')
	LAST=$(grep -c "^$main " "$SCRATCH/trace")
	FIRST=$(grep "^$main " "$SCRATCH/trace" | awk '/ connect\(| socket\(/ { print NR; exit }')
	check_all
}

torture_kill() {
	local step=${3:-1} at
	OPERATION=$1 CASE="kill $1 $2"
	make_workspace ws "$2" || exit 1
	measure ws "$KILL_CALLS"
	for ((at = FIRST; at <= LAST; at += step)); do
		CASE="kill $1 $2 at call $at of $LAST"
		stir ws
		operate strace -f -qq -e trace=none -e "inject=$KILL_CALLS:signal=KILL:when=$at" -o /dev/null
		recover
		check_all
		[ $((at % 40)) -ne 0 ] || renew ws "$2"
	done
	remove_workspace ws
	forget ws
}

# A new workspace now and then, so that thousands of points do not share one history.
renew() {
	remove_workspace "$1"
	forget "$1"
	make_workspace "$1" "$2"
}

forget() {
	local name
	db "DELETE FROM lifecycle_events WHERE container_id = '$1'; DELETE FROM container_versions WHERE container_id = '$1';
	    DELETE FROM snapshots WHERE container_id = '$1'"
	for name in $(ctr snapshots ls | awk 'NR > 1 { print $1 }' | grep "^$1-"); do
		ctr snapshots label "$name" containerd.io/gc.root= >/dev/null 2>&1
	done
	rm -f "$WSNAP_STATE_DIR"/*.operation
	ctr leases create --id collect >/dev/null && ctr leases rm --sync collect >/dev/null
}

# An operation that says it failed has left everything as it was, without any recovery; one that says it is
# done is done.
check_word() {
	local status=$1
	case $status in
	0) [ "$OPERATION" = rollback ] || [ "$OPERATION" = compact ] || WANT_NEW=1 ;;
	7) ;;
	*)
		[ -n "$(find "$WSNAP_STATE_DIR" -name '*.operation')" ] && [ "$status" -ne 5 ] &&
			complain "status $status with a record left"
		[ "$(task_line "$ID" | awk '{ print $2 }')" = "$STATUS_BEFORE" ] ||
			complain "status $status, but its task is not as it was"
		[ "$status" -lt 128 ] || complain "ended by a signal: status $status"
		;;
	esac
}

torture_error() {
	local step=${3:-1} at errno status
	OPERATION=$1 CASE="error $1 $2"
	make_workspace ws "$2" || exit 1
	measure ws "$FAIL_CALLS"
	for errno in $ERRNOS; do
		for ((at = FIRST; at <= LAST; at += step)); do
			CASE="$errno in $1 $2 at call $at of $LAST"
			stir ws
			status=0 WANT_NEW=0
			operate timeout 150 strace -f -qq -e trace=none -e "inject=$FAIL_CALLS:error=$errno:when=$at" \
				-o /dev/null || status=$?
			check_word "$status"
			recover
			check_all
			[ "$NEW_VERSIONS" -ge "$WANT_NEW" ] || complain "status 0, but no version"
			[ $((at % 40)) -ne 0 ] || renew ws "$2"
		done
	done
	remove_workspace ws
	forget ws
}

report() {
	printf '%s: %d points, %d faults\n' "$1" "$POINTS" "$FAULTS"
}

main() {
	prepare
	case ${1:-all} in
	kill) torture_kill "${2:-version}" "${3:-running}" "${4:-1}" ;;
	error) torture_error "${2:-version}" "${3:-running}" "${4:-1}" ;;
	*) echo "see the head of $0" >&2; exit 2 ;;
	esac
	report "$*"
	[ "$FAULTS" -eq 0 ]
}

main "$@"
