#!/usr/bin/env bats
# Status 0 promises that a power cut a second later loses nothing. These are the calls that make it so, and their order:
# the record before anything is touched, the files of the version before the row that names it, the row before the
# record goes, and all of it before the user is told.
load ../lib/workspace

setup_file() {
	workspaces_own_servers
	workspaces_begin
}
teardown_file() { workspaces_end; }

# traced ARGUMENT…: what the program syncs, sends and says, into $TRACE.
traced() {
	TRACE=$BATS_TEST_TMPDIR/trace
	strace -f -y -qq -s 200 -o "$TRACE" \
		-e trace=fsync,fdatasync,syncfs,renameat,renameat2,unlinkat,write,sendto,recvfrom,exit_group \
		"$WSNAP" -v "$@" >"$BATS_TEST_TMPDIR/said" 2>&1 </dev/null 3>&- 4>&- ||
		complain "'$*' failed: $(cat "$BATS_TEST_TMPDIR/said")"
}

# in_order PATTERN…: lines of the trace that match come one behind the other.
in_order() {
	local pattern at=0 next
	for pattern in "$@"; do
		next=$(tail -n +$((at + 1)) "$TRACE" | grep -nE -m 1 -- "$pattern" | cut -d: -f1)
		[ -n "$next" ] || complain "behind line $at no '$pattern' in $(cat "$TRACE")"
		at=$((at + next))
	done
}

RECORD_IS_SYNCED=('fsync\([0-9]+<[^>]*\.operation\.new>\) = 0' 'renameat.*\.operation"\) = 0' 'fsync\([0-9]+<[^>]*/state>\) = 0')
ROW_IS_COMMITTED=('sendto\(.*BEGIN' "sendto\(.*synchronous_commit.*'off'.*'on'" 'sendto\(.*COMMIT' 'recvfrom\(.*COMMIT')
ALL_IS_TOLD=('unlinkat\(.*\.operation"' 'write\(1<' 'exit_group\(0\)')

# step NAME: the line that says it is done.
step() {
	echo "write\(2<.*wsnap: $1 +[0-9]"
}

@test "a version is on the disk before its row, and the row before the user is told" {
	workspace a
	workspace_write a /f data
	traced create a saved
	in_order "${RECORD_IS_SYNCED[@]}" "$(step journal)" "$(step stop)" "$(step commit)" "$(step start)" \
		'syncfs\([0-9]+<[^>]*/snapshots/[0-9]+/fs>\) = 0' "$(step sync)" "${ROW_IS_COMMITTED[@]}" \
		"$(step record)" "${ALL_IS_TOLD[@]}"
}

@test "what a rollback leaves is on the disk as well before it is recorded" {
	workspace b
	expect 0 create b first
	workspace_write b /f data
	traced rollback b first
	in_order "${RECORD_IS_SYNCED[@]}" "$(step journal)" "$(step stop)" "$(step commit)" "$(step prepare)" \
		"$(step repoint)" "$(step start)" 'syncfs\([0-9]+<[^>]*/snapshots/[0-9]+/fs>\) = 0' "$(step sync)" \
		"${ROW_IS_COMMITTED[@]}" "$(step record)" "${ALL_IS_TOLD[@]}"
}

@test "merged layers are on the disk before the workspace is stopped for them" {
	local n
	workspace c
	for n in 1 2 3; do
		workspace_write c "/f$n" data
		expect 0 version c
	done
	traced compact c
	in_order "${RECORD_IS_SYNCED[@]}" "$(step journal)" 'syncfs\([0-9]+<[^>]*/snapshots/[0-9]+/fs>\) = 0' \
		"$(step merge)" "$(step stop)" "$(step repoint)" "$(step start)" "$(step sync)" "${ROW_IS_COMMITTED[@]}" \
		"${ALL_IS_TOLD[@]}"
}

# What the workspace itself has not written back yet is, before the copy; nobody waits for its writes again behind that.
@test "the layer of a live version is on the disk before it is a snapshot" {
	local synced='syncfs\([0-9]+<[^>]*/snapshots/[0-9]+/fs>\) = 0'
	workspace e
	workspace_write e /f data
	traced create --live e
	in_order "${RECORD_IS_SYNCED[@]}" "$(step journal)" "$synced" "$(step copy)" "$synced" "$(step keep)" \
		"${ROW_IS_COMMITTED[@]}" "$(step record)" "${ALL_IS_TOLD[@]}"
	same 2 "$(grep -c 'syncfs(.*) = 0' "$TRACE")"
}

@test "containerd has a commit on its own disk before it answers" {
	local trace=$BATS_TEST_TMPDIR/containerd at file
	workspace d
	workspace_write d /f data
	strace -f -y -qq -o "$trace" -e trace=fdatasync -p "$(cat "$SERVERS/containerd.pid")" 3>&- 4>&- &
	at=$!
	until grep -qs TracerPid:.[1-9] "/proc/$(cat "$SERVERS/containerd.pid")/status"; do
		sleep 0.05
	done
	expect 0 create d
	kill "$at"
	wait "$at" || true
	for file in io.containerd.metadata.v1.bolt/meta.db io.containerd.snapshotter.v1.overlayfs/metadata.db; do
		grep -q "fdatasync([0-9]*<[^>]*/$file>" "$trace" || complain "'$file' is not synced"
	done
}
