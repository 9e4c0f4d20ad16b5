#!/usr/bin/env bats
# A mounted version, read all the time while the history around it moves.

load ../lib/workspace

VERSIONS=${VERSIONS:-100}

setup_file() {
	workspaces_begin
}

teardown_file() {
	workspaces_end
}

# All that a reader can see of a tree: names, kinds, modes, sizes, times, bytes.
seen() {
	(cd "$1" && find . -printf '%p %y %m %U %G %s %T@ %l\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 cat) |
		sha256sum
}

# Reads until the file is gone; what is seen is written down where it is another, and how often it was read.
read_on() {
	local times=0 now
	while [ -e "$BATS_TEST_TMPDIR/reading" ]; do
		now=$(seen "$1")
		[ "$now" = "$2" ] || echo "another: $now" >>"$BATS_TEST_TMPDIR/changed"
		times=$((times + 1))
		echo "$times" >"$BATS_TEST_TMPDIR/times"
	done
}

@test "a mounted version is read while $VERSIONS versions are taken, given up and merged: it does not change" {
	local number dir=$BATS_TEST_TMPDIR/dir before reader
	mkdir "$dir"
	workspace shown sleep 1000000
	(cd "$(workspace_root shown)/data" && mkdir -p a/b/c && for number in $(seq 500); do echo "$number" >"a/b/c/$number"; done)
	expect 0 -q version shown
	for number in 1 2 3; do
		workspace_write shown "/data/a/b/c/$number" later
		rm "$(workspace_root shown)/data/a/b/c/$((number + 100))"
		expect 0 -q version shown
	done
	expect 0 mount shown 2 "$dir"
	before=$(seen "$dir")
	same later "$(cat "$dir/data/a/b/c/1")"
	same 2 "$(cat "$dir/data/a/b/c/2")"
	: >"$BATS_TEST_TMPDIR/reading"
	read_on "$dir" "$before" 3>&- 4>&- &
	reader=$!
	for number in $(seq "$VERSIONS"); do
		workspace_write shown "/data/a/b/c/$((number % 50))" "$number"
		case $((number % 10)) in
		3 | 6) expect 0 -q version shown --live ;;
		7) expect 0 -q rollback shown @-1 ;;
		8) expect 0 -q compact shown ;;
		9) expect 0 prune shown --keep-last 2 ;;
		*) expect 0 -q version shown ;;
		esac
	done
	collect_garbage
	rm "$BATS_TEST_TMPDIR/reading"
	wait "$reader"
	[ ! -e "$BATS_TEST_TMPDIR/changed" ] || complain "$(head -n 3 "$BATS_TEST_TMPDIR/changed")"
	[ "$(cat "$BATS_TEST_TMPDIR/times")" -gt 10 ] || complain "it was read $(cat "$BATS_TEST_TMPDIR/times") times only"
	same "$before" "$(seen "$dir")"
	echo "# read $(cat "$BATS_TEST_TMPDIR/times") times" >&3
	[[ "$(db "SELECT version FROM container_versions WHERE container_id = 'shown' ORDER BY 1")" == *2* ]]
	expect 0 umount "$dir"
	expect 0 prune shown --keep-last 1
	same 1 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'shown'")"
	same "" "$(lease_names)"
}
