#!/bin/bash
# Puts wsnap to the torture on a real containerd and Postgres of its own, and checks after each blow that nothing
# is lost, nothing doubled and nothing left over. Speaks TAP.
#
#   torture.sh kill OPERATION STATE [STEP [FROM]]
#                        killed at every STEPth system call that the world can notice
#   torture.sh killall OPERATION STATE [STEP [FROM]]
#                        the same together with what it has started: the guard of a frozen workspace
#   torture.sh error OPERATION STATE [STEP [FROM [ERRNO…]]]
#                        ENOSPC, EIO, ECONNRESET and ENOMEM at every STEPth call that can fail so
#   torture.sh signals OPERATION
#                        SIGTERM, SIGINT and SIGHUP at 40 moments
#   torture.sh outage SERVER OPERATION [STATE [N]]
#                        containerd killed, or postgres stopped, at N (50) moments
#   torture.sh reboot OPERATION STATE [N]
#                        everything gone but the disks, at N (25) moments
#   torture.sh random [SEED [COUNT]]
#                        COUNT (1000) operations and blows, against a model
#   torture.sh disk state|containerd|both
#                        a filesystem that fills up
#   torture.sh sample    some of all that, within about two minutes
#   torture.sh all       everything, $JOBS (2) cases at a time; $CASES is an expression that their words must match
#
# OPERATION: create, version, rollback, restore, restore-path, compact, prune, create-live, version-live, fork, fork-start;
# STATE: running, stopped.
# CONFIGURED='max_depth = 2' is the configuration: with that one every version merges layers.
# MAPPED=100000 is the first id of the host of a user namespace that the workspace is in, whose image containerd 2 maps: its
# files, all written by its own root, must have that owner ever after. For running ones, without reboots.
# BETWEEN='stop start' is what another client tries behind each kill, before anything is recovered.
set -u
here=$(dirname "$(readlink -f "$0")")
root=$(cd "$here/../.." && pwd)
. "$root/tests/lib/servers.sh"
. "$root/tests/lib/image.sh"
. "$here/model.bash"
. "$here/kill.bash"
. "$here/outage.bash"
. "$here/random.bash"
. "$here/disk.bash"
. "$here/all.bash"

BUILT=${WSNAP:-$root/build/wsnap}
VERDICTS=0

# A copy of the program: a build meanwhile must not change what is under torture.
prepare() {
	local folder
	folder=$(servers_scratch) || exit 1
	trap finish EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	SERVERS=$folder
	[[ ! ${1:-} =~ ^(containerd|both)$ ]] || disk_mount "$folder/root" 192 || exit 1
	SERVERS_POSTGRES_OPTIONS='-c max_connections=50' servers_start "$folder" || exit 1
	SCRATCH=$SERVERS/torture
	mkdir -p "$SCRATCH/cni"
	export CONTAINERD_NAMESPACE=wsnap-torture-$$ WSNAP_STATE_DIR=$SERVERS/wsnap WSNAP_CONFIG=$SCRATCH/conf
	export NETCONFPATH=$SCRATCH/cni
	unset WSNAP_DATABASE
	printf '%s\n' "${CONFIGURED:-}" >"$WSNAP_CONFIG"
	WSNAP=$SCRATCH/wsnap STRIKE=$SCRATCH/strike
	cp "$BUILT" "$WSNAP"
	"${CC:-gcc}" -std=gnu17 -D_GNU_SOURCE -O2 -o "$STRIKE" "$here/strike.c" || exit 1
	image_build "$SERVERS/image.tar" && image_import "$CONTAINERD_NAMESPACE" "$SERVERS/image.tar" || exit 1
	"$WSNAP" init >/dev/null || exit 1
}

finish() {
	servers_end
}

# verdict WHAT: one line of TAP for the case that begin_case began.
verdict() {
	VERDICTS=$((VERDICTS + 1))
	[ "$FAULTS" -eq "$CASE_FAULTS" ] || printf 'not '
	printf 'ok %d %s: %d points, %d faults (%d s)\n' "$VERDICTS" "$1" $((POINTS - CASE_POINTS)) \
		$((FAULTS - CASE_FAULTS)) "$SECONDS"
}

sample() {
	local operation
	torture_kill version running 17 5
	torture_kill rollback running 19 7
	torture_kill create stopped 29 11
	torture_error version running 61 1 ENOSPC ECONNRESET
	torture_outage containerd version running 3
	torture_outage postgres rollback running 3
	torture_random "${SEED:-1}" 30
}

main() {
	local mode=${1:-all} words="${*:-all}"
	[ "$(id -u)" = 0 ] || { echo "the torture needs root: sudo $0" >&2; exit 1; }
	[ $# -eq 0 ] || shift
	[ "$mode" = all ] || prepare "$([ "$mode" != disk ] || echo "${1:-state}")"
	case $mode in
	kill) torture_kill "${1:-version}" "${2:-running}" "${3:-1}" "${4:-1}" ;;
	killall) torture_killall "${1:-version}" "${2:-running}" "${3:-1}" "${4:-1}" ;;
	error) torture_error "${1:-version}" "${2:-running}" "${@:3}" ;;
	signals) torture_signals "${1:-version}" ;;
	outage) torture_outage "${1:-containerd}" "${2:-version}" "${3:-running}" "${4:-50}" ;;
	reboot) torture_reboot "${1:-version}" "${2:-running}" "${3:-25}" ;;
	random) torture_random "${1:-1}" "${2:-1000}" ;;
	disk) "torture_disk_${1:-state}" ;;
	sample) sample ;;
	all) torture_all ;;
	*) echo "see the head of $0" >&2; exit 2 ;;
	esac
	echo "1..$VERDICTS"
	echo "# $words: $POINTS points, $FAULTS faults, $LOST losses in $SECONDS s"
	[ "$FAULTS" -eq 0 ]
}

# Read to its end before it begins, so that it may be changed meanwhile.
{ main "$@"; exit; }
