#!/usr/bin/env bats
# Restores on a disk that has no room, or fills up: on a containerd whose root is a small filesystem.
load ../lib/workspace
load ../lib/killed

setup_file() {
	DISK=$(servers_scratch)
	export DISK
	disk_mount "$DISK/root" 256
	unset SERVERS CONTAINERD_ADDRESS
	workspaces_own_servers "$DISK"
	workspaces_begin
}

teardown_file() { workspaces_end; }

# fill_but MIB: takes all the disk has, but for so much.
fill_but() {
	fallocate -l $(($(df --output=avail -B1 "$DISK/root" | tail -1) - ($1 << 20))) "$DISK/root/filler"
}

@test "what an overlay copies for one more name counts before anything is done" {
	workspace a
	root=$(workspace_root a)
	mkdir -p "$root/data/d"
	head -c 60M /dev/urandom >"$root/data/big"
	ln "$root/data/big" "$root/data/d/name"
	echo 1 >"$root/data/d/small"
	expect 0 -q create a
	root=$(workspace_root a)
	rm "$root/data/d/name"
	echo 2 >"$root/data/d/small"
	fill_but 40
	expect 1 restore a 1 /data/d --no-save
	[[ $stderr == *"has no room for restoring files"* ]] || complain "another word"
	same '0 2' "$(workspace_frozen a) $(cat "$root/data/d/small")"
	nothing_is_left
	rm "$DISK/root/filler"
	expect 0 restore a 1 /data/d --no-save
	[ "$root/data/d/name" -ef "$root/data/big" ]
	same 1 "$(cat "$root/data/d/small")"
}

@test "nobody takes the room that the change needs once it is sealed" {
	workspace b
	root=$(workspace_root b)
	mkdir -p "$root/data/d"
	(cd "$root/data/d" && seq 4000 | xargs mkdir)
	expect 0 -q create --live b
	rm -r "$root/data/d"
	expect 0 -q create b
	root=$(workspace_root b)
	fill_but 70
	# Somebody else fills the disk while the seal is written back.
	strace -qq -o /dev/null -P "$WSNAP_STATE_DIR" -e trace=renameat \
		-e inject=renameat:delay_exit=4000000 "$WSNAP" restore b 1 --no-save --max-freeze 20000 >/dev/null \
		2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- 4>&- &
	tracer=$!
	servers_wait_for 20 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~b.restore"
	n=0
	for kib in 32768 8192 2048 512 128 32 8 4; do
		while fallocate -l "${kib}K" "$DISK/root/filler.$n" 2>/dev/null; do n=$((n + 1)); done
	done
	[ -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~b.restore" ] || complain "it was not filled in time"
	servers_wait_for 30 test ! -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~b.restore"
	rm "$DISK/root/filler"*
	status=0
	wait "$tracer" || status=$?
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
	[ "$status" -eq 0 ] || complain "not restored"
	same '0 4000' "$(workspace_frozen b) $(ls "$root/data/d" | wc -l)"
	nothing_is_left
}
