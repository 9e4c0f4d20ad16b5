#!/bin/bash
# Measures wsnap on a containerd and a Postgres of its own: medians of ROUNDS operations (default 15), in one run,
# so that they can be compared with each other. Prints figures and judges nothing.
set -u
. "$(dirname "$(readlink -f "$0")")/common.bash"

ROUNDS=${ROUNDS:-15}
FILES=${FILES:-100000} # in the older layers, for the compaction

change() {
	local pid
	pid=$(ctr tasks ls | awk -v id="$1" '$1 == id { print $2 }')
	echo "$RANDOM" >"/proc/$pid/root/data.$2"
}

operations() {
	local round
	beating ws
	"$WSNAP" -q create ws first >/dev/null
	for round in $(seq "$ROUNDS"); do
		change ws "$((round % 5))"
		sample create ws create ws "round $round"
		change ws "$((round % 5))"
		sample version ws version ws
		change ws "$((round % 5))"
		sample rollback ws rollback ws 1
	done
	show create "create"
	show_steps create
	show version "version"
	show_steps version
	show rollback "rollback, the state before saved"
	show_steps rollback
}

# Versions that merge against versions that do not, both with many files in the older layers and 100 in the newest.
compactions() {
	local round pid
	beating big
	"$WSNAP" -q create big >/dev/null
	pid=$(ctr tasks ls | awk '$1 == "big" { print $2 }')
	seq "$FILES" | (cd "/proc/$pid/root" && mkdir -p many && cd many && awk '{ print int($1 / 1000) }' | sort -u | xargs mkdir -p)
	seq "$FILES" | awk '{ print int($1 / 1000) "/" $1 }' | (cd "/proc/$pid/root/many" && xargs touch)
	"$WSNAP" -q version big >/dev/null
	sync
	for round in $(seq 5); do
		hundred big
		sample ordinary big version big
		hundred big
		sample compacting big compact big
		"$WSNAP" -q version big >/dev/null
	done
	show ordinary "version, $FILES files below"
	show_steps ordinary
	show compacting "the same, with a merge"
	show_steps compacting
}

hundred() {
	local pid
	pid=$(ctr tasks ls | awk -v id="$1" '$1 == id { print $2 }')
	seq 100 | (cd "/proc/$pid/root" && mkdir -p new && cd new && rm -f -- * && xargs touch)
}

listing() {
	local round
	psql -qAtc "INSERT INTO snapshots (container_id, runtime_snapshot_name, snapshotter, source)
		SELECT 'ws', 'ws-v' || n, 'overlayfs', 'manual' FROM generate_series(1000, 10999) n;
		INSERT INTO container_versions (container_id, snapshot_id, version)
		SELECT 'ws', id, substr(runtime_snapshot_name, 5)::int FROM snapshots
		WHERE runtime_snapshot_name ~ '^ws-v[0-9]{4,5}\$'; ANALYZE"
	for round in $(seq 9); do
		"$SCRATCH/measure" "$SCRATCH/list.times" "$WSNAP" list ws >/dev/null
		"$SCRATCH/measure" "$SCRATCH/json.times" "$WSNAP" --json list ws >/dev/null
	done
	for round in list json; do
		printf '%-34s wall %s ms, CPU %s ms, at most %s KiB\n' "list of 10,000 versions ($round)" \
			"$(cut -d' ' -f1 "$SCRATCH/$round.times" | median)" \
			"$(cut -d' ' -f2 "$SCRATCH/$round.times" | median)" \
			"$(cut -d' ' -f3 "$SCRATCH/$round.times" | sort -n | tail -n 1)"
	done
}

main() {
	prepare
	row "median of $ROUNDS, ms" gap downtime wall CPU
	operations
	compactions
	listing
	"$SCRATCH/measure" "$SCRATCH/nothing.times" "$WSNAP" --version >/dev/null
	printf '%-34s CPU %s ms\n' "loading the libraries alone" "$(cut -d' ' -f2 "$SCRATCH/nothing.times")"
	[ ! -x "$root/tests/network/downtime.sh" ] || "$root/tests/network/downtime.sh"
}

main "$@"
