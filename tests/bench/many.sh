#!/bin/bash
# What saving many running workspaces in one run takes, beside saving one after the other: WORKSPACES (100) of them, each
# with a change, stopped and live, with --jobs 1 and with --jobs JOBS (8), in turn, ROUNDS (3) times. Prints medians and
# judges nothing.
set -u
. "$(dirname "$(readlink -f "$0")")/common.bash"

WORKSPACES=${WORKSPACES:-100}
JOBS=${JOBS:-8}
ROUNDS=${ROUNDS:-3}

# A process that ends at SIGTERM at once, as most servers do.
make_workspaces() {
	local number ids=()
	for ((number = 1; number <= WORKSPACES; number++)); do
		ctr run --detach --null-io "$IMAGE" "many-$number" \
			sh -c 'trap "exit 0" TERM; while :; do sleep 60 & wait $!; done' || exit 1
		ids+=("many-$number")
	done
	"$WSNAP" -q version --jobs "$JOBS" "${ids[@]}" >/dev/null || exit 1
}

change_all() {
	local pid
	for pid in $(ctr tasks ls | awk 'NR > 1 { print $2 }'); do
		echo "$RANDOM" >"/proc/$pid/root/changed"
	done
}

# sample MODE JOBS
sample() {
	change_all
	"$SCRATCH/measure" "$SCRATCH/$1.$2" "$WSNAP" -q version --all "--$1" --jobs "$2" >"$SCRATCH/out" || exit 1
	[ "$(wc -l <"$SCRATCH/out")" -eq "$WORKSPACES" ] || { echo "not all were saved" >&2; exit 1; }
}

median() {
	cut -d ' ' -f 1 "$1" | sort -n | awk '{ value[NR] = $1 } END { print (NR % 2) ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'
}

main() {
	local mode round alone together
	prepare
	make_workspaces
	for ((round = 0; round < ROUNDS; round++)); do
		for mode in stop live; do
			sample "$mode" 1
			sample "$mode" "$JOBS"
		done
	done
	printf '%-40s %12s %12s %8s\n' "version --all of $WORKSPACES workspaces, ms" '--jobs 1' "--jobs $JOBS" 'times'
	for mode in stop live; do
		alone=$(median "$SCRATCH/$mode.1") together=$(median "$SCRATCH/$mode.$JOBS")
		printf '%-40s %12s %12s %8s\n' "--$mode" "$alone" "$together" "$(awk -v a="$alone" -v b="$together" 'BEGIN { printf "%.1f", a / b }')"
	done
}

main
