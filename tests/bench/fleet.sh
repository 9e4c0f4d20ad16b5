#!/bin/bash
# How runs over a whole namespace grow with it: doctor, prune --all --dry-run, list and recover, each beside every number
# of FLEET containers (default "200 2000") with VERSIONS versions each (default 10). The containers have no tasks and no
# files; fleet.c makes them, as wsnap would have left them. Prints figures and judges nothing.
# usage: fleet.sh MAKER, the program made of fleet.c
set -u
here=$(dirname "$(readlink -f "$0")")
root=$(cd "$here/../.." && pwd)
. "$root/tests/lib/servers.sh"

WSNAP=${WSNAP:-$root/build/wsnap}
FLEET=${FLEET:-200 2000}
VERSIONS=${VERSIONS:-10}
maker=$1

prepare() {
	# On a disk most of the time would go into making them.
	TMPDIR=${TMPDIR:-/dev/shm} servers_start "" || exit 1
	trap servers_end EXIT
	SCRATCH=$SERVERS/fleet
	mkdir -p "$SCRATCH"
	export CONTAINERD_NAMESPACE=wsnap-fleet-$$ WSNAP_STATE_DIR=$SERVERS/wsnap WSNAP_CONFIG=$SCRATCH/conf
	export NETCONFPATH=$SCRATCH/cni
	: >"$WSNAP_CONFIG"
	"${CC:-gcc}" -O2 -o "$SCRATCH/measure" "$here/measure.c" || exit 1
	"$WSNAP" init >/dev/null || exit 1
}

# rows FIRST LAST: of the containers that the maker has made.
rows() {
	psql -qAtv ON_ERROR_STOP=1 <<-SQL || exit 1
		INSERT INTO bots (id) SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid FROM generate_series($1, $2) n;
		INSERT INTO containers (bot_id, container_id, container_name, image, namespace)
			SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'fleet-' || n, 'fleet-' || n, '', '$CONTAINERD_NAMESPACE'
			FROM generate_series($1, $2) n;
		INSERT INTO snapshots (container_id, runtime_snapshot_name, snapshotter, source)
			SELECT 'fleet-' || n, 'fleet-' || n || '-v' || v, 'overlayfs', 'pre_exec'
			FROM generate_series($1, $2) n, generate_series(1, $VERSIONS) v;
		INSERT INTO container_versions (container_id, snapshot_id, version)
			SELECT container_id, id, substring(runtime_snapshot_name from '[0-9]+\$')::int FROM snapshots
			WHERE substring(container_id from '[0-9]+\$')::int BETWEEN $1 AND $2;
		ANALYZE
	SQL
}

# timed NAME ARGUMENT…: wall time, CPU time and memory of one run.
timed() {
	local name=$1 status=0
	shift
	"$SCRATCH/measure" "$SCRATCH/$name.$containers" "$WSNAP" "$@" >"$SCRATCH/out" 2>"$SCRATCH/err" || status=$?
	[ "$status" -eq 0 ] || { echo "wsnap $*: status $status"; head -n 3 "$SCRATCH/out" "$SCRATCH/err"; exit 1; }
	read -r wall cpu memory <"$SCRATCH/$name.$containers"
	printf '%-28s %10s %10s %12s %12s\n' "$name, $containers containers" "$wall" "$cpu" "$memory" \
		"$(awk -v n="$containers" -v ms="$wall" 'BEGIN { printf "%.3f", ms / n }')"
}

# How much longer the last fleet takes than the first, beside how much larger it is.
growth() {
	local first=${FLEET%% *} last=${FLEET##* } name
	for name in doctor prune list recover; do
		awk -v name="$name" -v small="$first" -v large="$last" 'NR == 1 { before = $1 } NR == 2 {
			printf "%s: %.1f times as long for %.1f times as many\n", name, $1 / before, large / small }' \
			"$SCRATCH/$name.$first" "$SCRATCH/$name.$last"
	done
}

main() {
	local containers made=0
	prepare
	printf '%-28s %10s %10s %12s %12s\n' "$VERSIONS versions each" 'wall ms' 'CPU ms' 'at most KiB' 'ms each'
	for containers in $FLEET; do
		"$maker" $((made + 1)) "$containers" "$VERSIONS" || exit 1
		rows $((made + 1)) "$containers"
		made=$containers
		timed doctor doctor
		timed prune prune --all --keep-last 3 --dry-run
		timed list list
		timed recover recover
	done
	growth
}

main
