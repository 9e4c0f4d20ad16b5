#!/bin/bash
# Measures wsnap on a containerd and a Postgres of its own: medians of ROUNDS operations (default 15), in one run,
# so that they can be compared with each other. Prints figures and judges nothing.
set -u
here=$(dirname "$(readlink -f "$0")")
root=$(cd "$here/../.." && pwd)
. "$root/tests/lib/servers.sh"
. "$root/tests/lib/image.sh"

WSNAP=${WSNAP:-$root/build/wsnap}
ROUNDS=${ROUNDS:-15}
FILES=${FILES:-100000} # in the older layers, for the compaction

prepare() {
	servers_start "" || exit 1
	trap finish EXIT
	SCRATCH=$SERVERS/bench
	BEAT=$(mktemp -d /dev/shm/wsnap-beat.XXXXXX)
	mkdir -p "$SCRATCH"
	export CONTAINERD_NAMESPACE=wsnap-bench-$$ WSNAP_STATE_DIR=$SERVERS/wsnap WSNAP_CONFIG=$SCRATCH/conf
	export NETCONFPATH=$SCRATCH/cni
	: >"$WSNAP_CONFIG"
	"${CC:-gcc}" -O2 -static -o "$BEAT/heartbeat" "$here/heartbeat.c" || exit 1
	"${CC:-gcc}" -O2 -o "$SCRATCH/measure" "$here/measure.c" || exit 1
	image_build "$SERVERS/image.tar" && image_import "$CONTAINERD_NAMESPACE" "$SERVERS/image.tar" || exit 1
	"$WSNAP" init >/dev/null || exit 1
}

finish() {
	local id
	for id in $(ctr containers ls -q); do
		ctr tasks delete --force "$id" >/dev/null 2>&1
		ctr containers delete "$id"
	done
	servers_end
	rm -rf "$BEAT"
}

# beating ID: a workspace whose first process is the heartbeat.
beating() {
	mkdir -p "$BEAT/$1"
	cp "$BEAT/heartbeat" "$BEAT/$1/"
	ctr run --detach --null-io --mount "type=bind,src=$BEAT/$1,dst=/beat,options=rbind:rw" "$IMAGE" "$1" \
		/beat/heartbeat
	sleep 0.2
}

# The longest gap since the last call, in ms.
gap() {
	od -An -t d8 -j 8 -N 8 "$BEAT/$1/beats" | awk '{ printf "%.1f\n", $1 / 1e6 }'
	dd if=/dev/zero of="$BEAT/$1/beats" bs=8 seek=1 count=1 conv=notrunc status=none
}

median() {
	sort -n | awk '{ value[NR] = $1 } END { if (NR) print (NR % 2) ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'
}

# sample NAME ID COMMAND…: one operation; its figures go into files named after the sample.
sample() {
	local name=$1 id=$2
	shift 2
	gap "$id" >/dev/null
	"$SCRATCH/measure" "$SCRATCH/$name.times" "$WSNAP" --json "$@" >"$SCRATCH/out" || { cat "$SCRATCH/out"; return 1; }
	sleep 0.05
	gap "$id" >>"$SCRATCH/$name.gap"
	jq -r '.steps[] | "\(.name) \(.ms)"' "$SCRATCH/out" >>"$SCRATCH/$name.steps"
	jq -r .downtime_ms "$SCRATCH/out" >>"$SCRATCH/$name.down"
}

row() {
	printf '%-34s %9s %9s %9s %9s\n' "$@"
}

show() {
	row "$2" "$(median <"$SCRATCH/$1.gap")" "$(median <"$SCRATCH/$1.down")" \
		"$(cut -d' ' -f1 "$SCRATCH/$1.times" | median)" "$(cut -d' ' -f2 "$SCRATCH/$1.times" | median)"
}

show_steps() {
	local step
	printf '  by step, ms:'
	for step in $(awk '!seen[$1]++ { print $1 }' "$SCRATCH/$1.steps"); do
		printf ' %s %s' "$step" "$(awk -v step="$step" '$1 == step { print $2 }' "$SCRATCH/$1.steps" | median)"
	done
	printf '\n'
}

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
