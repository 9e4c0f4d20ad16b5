#!/usr/bin/env bats
# Many forks of one large workspace that runs: how long they take, what they cost, and that each is whole whatever becomes
# of its origin and of itself.

load ../lib/workspace

FORKS=${FORKS:-20}
FILES=${FILES:-100000}

setup_file() {
	workspaces_begin
	"${CC:-gcc}" -O2 -static -o "$BATS_FILE_TMPDIR/heartbeat" "$WORKSPACE_ROOT/tests/bench/heartbeat.c"
}

teardown_file() {
	workspaces_end
}

# What a workspace holds in /data: names, kinds, modes, sizes of files, times, and the bytes of every hundredth file.
holds() {
	(cd "$(workspace_root "$1")/data" &&
		find . \( -type d -printf '%p %y %m %T@\n' -o -printf '%p %y %m %s %T@\n' \) | LC_ALL=C sort &&
		find . -type f -name '*00' -print0 | LC_ALL=C sort -z | xargs -0 cat) | sha256sum
}

used_kib() {
	sync -f "$SERVERS/root"
	du -skx "$SERVERS/root" | cut -f 1
}

# check_all_whole WHEN
check_all_whole() {
	local number
	for ((number = 1; number <= FORKS; number++)); do
		same RUNNING "$(workspace_status "fork-$number")" "status of fork-$number $1"
		same "$WHOLE" "$(holds "fork-$number")" "what fork-$number holds $1"
	done
}

@test "$FORKS forks of a running workspace with $FILES files" {
	local number began used beats
	# What they share is read-only; each beats in a /run of its own.
	WORKSPACE_OPTIONS=(--mount "type=bind,src=$BATS_FILE_TMPDIR,dst=/beat,options=rbind:ro")
	workspace large /beat/heartbeat /run/beats
	(cd "$(workspace_root large)/data" && for ((number = 0; number < FILES; number++)); do
		[ $((number % 1000)) -ne 0 ] || { mkdir "d$((number / 1000))" && cd "d$((number / 1000))"; }
		echo "file $number" >"f$number"
		[ $((number % 1000)) -ne 999 ] || cd ..
	done)
	expect 0 -q create large
	WHOLE=$(holds large)
	workspace_write large /data/later "since then"
	expect 0 -q version large
	sleep 0.5
	beats=$(workspace_root large)/run/beats
	dd if=/dev/zero of="$beats" bs=8 seek=1 count=1 conv=notrunc status=none
	used=$(used_kib)
	began=$(date +%s%N)
	for ((number = 1; number <= FORKS; number++)); do
		expect 0 -q fork large 1 "fork-$number" --start
	done
	echo "# $FORKS forks: $((($(date +%s%N) - began) / 1000000)) ms, $(($(used_kib) - used)) KiB of disk, longest gap of the origin" \
		"$(od -An -t d8 -j 8 -N 8 "$beats" | awk '{ printf "%.1f ms", $1 / 1e6 }')" >&3
	[ $(($(used_kib) - used)) -lt $((FORKS * 1024)) ] || complain "something was copied"
	check_all_whole "when it is made"

	expect 0 compact large
	expect 0 prune large --keep-last 1
	collect_garbage
	ctr tasks delete --force large >/dev/null
	ctr containers delete large
	expect 0 delete large --all --yes
	collect_garbage
	same "" "$(db "SELECT version FROM container_versions WHERE container_id = 'large'")"
	check_all_whole "without its origin"

	for ((number = 1; number <= FORKS; number++)); do
		workspace_write "fork-$number" /data/later "fork $number"
		rm -r "$(workspace_root "fork-$number")/data/d0"
		expect 0 rollback "fork-$number" 1
	done
	check_all_whole "after a rollback"
	for ((number = 1; number <= FORKS; number++)); do
		expect 0 compact "fork-$number"
	done
	collect_garbage
	check_all_whole "after a compaction"
	for ((number = 1; number <= FORKS; number++)); do
		expect 0 rollback "fork-$number" 2
		same "fork $number" "$(workspace_read "fork-$number" /data/later)"
		[ ! -e "$(workspace_root "fork-$number")/data/d0" ] || complain "fork-$number is not as it was saved"
	done
}
