#!/bin/bash
# What `diff` takes in a large tree: CHANGED (100) changed files among FILES (1,000,000), between two versions, across merged
# layers, and with the present. Medians of ROUNDS (5) runs. Prints figures and judges nothing.
set -u
. "$(dirname "$(readlink -f "$0")")/common.bash"

FILES=${FILES:-1000000}
CHANGED=${CHANGED:-100}
ROUNDS=${ROUNDS:-5}

workspace_root() {
	printf '/proc/%s/root' "$(ctr tasks ls | awk '$1 == "tree" { print $2 }')"
}

make_tree() {
	local folder
	ctr run --detach --null-io "$IMAGE" tree sleep 1000000 || exit 1
	cd "$(workspace_root)" || exit 1
	mkdir tree
	for ((folder = 0; folder < FILES / 1000; folder++)); do
		mkdir "tree/$folder"
		(cd "tree/$folder" && seq 1000 | xargs touch)
	done
	cd / || exit 1
}

# Files far from each other.
change() {
	local number place
	cd "$(workspace_root)" || exit 1
	for ((number = 0; number < CHANGED; number++)); do
		place=$((number * (FILES / CHANGED)))
		echo "$1 $number" >"tree/$((place / 1000))/$((place % 1000 + 1))"
	done
	cd / || exit 1
}

save() {
	"$WSNAP" -q version tree || exit 1
}

# sample NAME ARGUMENT…
sample() {
	local name=$1 round
	shift
	rm -f "$SCRATCH/times"
	for ((round = 0; round < ROUNDS; round++)); do
		"$SCRATCH/measure" "$SCRATCH/times" "$WSNAP" diff tree "$@" >"$SCRATCH/out" || exit 1
	done
	printf '%-52s %8s %8s %10s %8s\n' "$name" "$(cut -d ' ' -f 1 "$SCRATCH/times" | median)" \
		"$(cut -d ' ' -f 2 "$SCRATCH/times" | median)" "$(cut -d ' ' -f 3 "$SCRATCH/times" | median)" "$(wc -l <"$SCRATCH/out")"
}

main() {
	prepare
	make_tree
	save >/dev/null
	change first
	save >/dev/null
	printf '%-52s %8s %8s %10s %8s\n' "$CHANGED changed files among $FILES" 'wall ms' 'CPU ms' 'at most KiB' 'lines'
	sample 'two versions' 1 2
	change second
	sample 'a version and the present'
	save >/dev/null
	"$WSNAP" -q compact tree >/dev/null || exit 1
	change third
	save >/dev/null
	sample 'two versions, one below merged layers, one above' 1 4
	sample 'the same, the newest before the merge' 3 4
	sample 'the other way round' 4 1
	"$WSNAP" -q version --live tree >/dev/null || exit 1
	change fourth
	"$WSNAP" -q version --live tree >/dev/null || exit 1
	sample 'live versions' 5 6
	sample 'a live version above merged layers, and the first' 1 6
	sample 'a live version and the present' 6
}

main
