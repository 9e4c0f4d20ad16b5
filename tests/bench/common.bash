# shellcheck shell=bash
#
# What the benchmarks share: servers of their own, a workspace whose first process is a heartbeat, samples and medians.

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
root=$(cd "$here/../.." && pwd)
. "$root/tests/lib/servers.sh"
. "$root/tests/lib/image.sh"

WSNAP=${WSNAP:-$root/build/wsnap}

# prepare [FOLDER]: without one the servers make their own.
prepare() {
	servers_start "${1:-}" || exit 1
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
