#!/bin/bash
# versions.sh [COUNT]: COUNT versions (10,000) of one running workspace, on servers of its own. Speaks TAP, and
# prints figures: the depth of the chain at every version, the downtime of the first and of the last hundred, what a
# prune gives back.
set -u
here=$(dirname "$(readlink -f "$0")")
root=$(cd "$here/../.." && pwd)
. "$root/tests/lib/servers.sh"
. "$root/tests/lib/image.sh"

COUNT=${1:-${COUNT:-10000}}
MAX_DEPTH=${MAX_DEPTH:-64}
WSNAP=${WSNAP:-$root/build/wsnap}
NUMBER=0 FAILED=0

prepare() {
	servers_start "" || exit 1
	trap finish EXIT
	SCRATCH=$SERVERS/endurance
	mkdir -p "$SCRATCH"
	export CONTAINERD_NAMESPACE=wsnap-endurance-$$ WSNAP_STATE_DIR=$SERVERS/wsnap WSNAP_CONFIG=$SCRATCH/conf
	export NETCONFPATH=$SCRATCH/cni
	printf 'max_depth = %s\nwarn_versions = 0\n' "$MAX_DEPTH" >"$WSNAP_CONFIG"
	image_build "$SERVERS/image.tar" && image_import "$CONTAINERD_NAMESPACE" "$SERVERS/image.tar" || exit 1
	"$WSNAP" init >/dev/null || exit 1
	ctr run --detach --null-io "$IMAGE" ws sleep 1000000 || exit 1
}

finish() {
	ctr tasks delete --force ws >/dev/null 2>&1
	ctr containers delete ws
	servers_end
}

ok() {
	local status=$? # of the command before
	NUMBER=$((NUMBER + 1))
	[ "$status" -eq 0 ] || FAILED=$((FAILED + 1))
	printf '%s %d %s\n' "$([ "$status" -eq 0 ] && echo ok || echo not ok)" "$NUMBER" "$1"
}

files() {
	printf '/proc/%s/root/data' "$(ctr tasks ls | awk '$1 == "ws" { print $2 }')"
}

# What version N changes, and what its tree therefore is: 50 files in turn, every seventh version removes one.
change() {
	local n=$1 folder=$2
	echo "$n" >"$folder/number"
	echo "$n" >"$folder/file.$((n % 50))"
	[ $((n % 7)) -ne 0 ] || rm -f "$folder/file.$(((n + 25) % 50))"
}

tree_of() {
	(cd "$1" && find . -type f -exec md5sum {} + | sort -k 2)
}

# The tree that version N must have, made again beside it.
expected_tree() {
	local n last=$1 folder=$SCRATCH/expected
	rm -rf "$folder" && mkdir -p "$folder"
	for ((n = last > 400 ? last - 400 : 1; n <= last; n++)); do
		change "$n" "$folder"
	done
	tree_of "$folder"
}

take_versions() {
	local n depth stamp folder
	for ((n = 1; n <= COUNT; n++)); do
		[ -d "${folder:=$(files)}" ] || folder=$(files)
		change "$n" "$folder"
		"$WSNAP" --json version ws >"$SCRATCH/out" 2>"$SCRATCH/err" || { cat "$SCRATCH/err"; return 1; }
		stamp=$(sed 's/.*"runtime_snapshot_name":"ws-v\([0-9]*\)".*/\1/' "$SCRATCH/out")
		sed 's/.*"downtime_ms":\([0-9.]*\).*/\1/' "$SCRATCH/out" >>"$SCRATCH/downtimes"
		depth=$(ctr snapshots mounts /mnt "ws-active-$stamp" | grep -o 'lowerdir=[^, ]*' | tr ':' '\n' | wc -l)
		echo "$depth" >>"$SCRATCH/depths"
		[ $((n % 1000)) -ne 0 ] || echo "# $n versions after $SECONDS s, $depth layers"
	done
}

bring_back() {
	"$WSNAP" -q rollback ws "$1" >/dev/null && diff <(expected_tree "$1") <(tree_of "$(files)")
}

median() {
	sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

collect() {
	ctr leases create --id collect >/dev/null && ctr leases rm --sync collect >/dev/null
}

snapshots() {
	ctr snapshots ls | tail -n +2 | wc -l
}

disk() {
	du -sm "$SERVERS/root/io.containerd.snapshotter.v1.overlayfs" | cut -f1
}

main() {
	local base_disk half=$((COUNT / 2))
	prepare
	base_disk=$(disk)
	take_versions
	ok "$COUNT versions without a failure"
	[ "$(sort -n "$SCRATCH/depths" | tail -n 1)" -le $((MAX_DEPTH + 2)) ]
	ok "the chain stays in its bounds at every version"
	echo "# layers: at most $(sort -n "$SCRATCH/depths" | tail -n 1); downtime, median of the first hundred: $(head -n 100 "$SCRATCH/downtimes" | median) ms, of the last hundred: $(tail -n 100 "$SCRATCH/downtimes" | median) ms"
	for n in 1 "$half" "$COUNT"; do
		bring_back "$n"
		ok "version $n comes back with its exact tree"
	done
	echo "# before the prune: $(snapshots) snapshots, $(($(disk) - base_disk)) MiB"
	"$WSNAP" -q prune ws --keep-last 10 >/dev/null
	ok "prune --keep-last 10"
	collect
	[ "$(psql -qAtc 'SELECT count(*) FROM container_versions')" -le 12 ]
	ok "about ten versions have rows"
	[ "$(snapshots)" -le $((MAX_DEPTH * 2 + 20)) ]
	ok "containerd has about the snapshots of ten versions"
	echo "# after the prune: $(snapshots) snapshots, $(($(disk) - base_disk)) MiB, $SECONDS s in all"
	echo "1..$NUMBER"
	[ "$FAILED" -eq 0 ]
}

main
