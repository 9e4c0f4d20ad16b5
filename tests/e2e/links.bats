#!/usr/bin/env bats
# What a merge of layers must not change: what the workspace sees of its files, their link counts above all, and what of
# its state is saved. And trees that are deeper than a path can be.
load ../lib/workspace
load ../lib/killed

setup_file() {
	workspaces_begin
}
teardown_file() { workspaces_end; }

setup() {
	: >"$WSNAP_CONFIG"
}

inside() {
	workspace_exec "$1" sh -c "$2"
}

# links ID PATH…: their link counts, as they show inside.
links() {
	local id=$1 root path
	shift
	root=$(workspace_root "$id")
	for path in "$@"; do
		stat -c %h "$root$path"
	done | xargs
}

@test "files of a compacted workspace have the names that it shows, and no more" {
	workspace a
	inside a 'mkdir /data/d; echo one >/data/d/f; ln -s f /data/d/s; mkfifo /data/d/p; echo two >/data/l; ln /data/l /data/m'
	expect 0 version a
	inside a 'echo three >/data/g; dd if=/dev/zero of=/data/large bs=1024 count=3000 2>/dev/null'
	expect 0 version a
	before=$(links a /data/d/f /data/d/s /data/d/p /data/l /data/m /data/g)
	expect 0 compact a --json
	same 2 "$(jq .layers_merged <<<"$output")"
	[ "$(jq .copied_bytes <<<"$output")" -ge 3072000 ] || complain "copied bytes"
	same "$before" "$(links a /data/d/f /data/d/s /data/d/p /data/l /data/m /data/g)"
	same "1 1 1 2 2 1" "$before"
	inside a 'gzip /data/g' || complain "gzip refuses a file"
	same 1 "$(workspace_depth a)"
	expect 0 version a
	expect 0 rollback a 2
	same "1 1 1 2 2 1" "$(links a /data/d/f /data/d/s /data/d/p /data/l /data/m /data/g)"
	expect 0 doctor a
}

@test "a version that merges is put on the merged layers, with its own files" {
	workspace b
	echo 'max_depth = 4' >"$WSNAP_CONFIG"
	for number in 1 2 3 4 5 6 7 8 9; do
		workspace_write b "/data/f$number" "$number"
		expect 0 version b
		[ "$(workspace_depth b)" -le 4 ] || complain "$(workspace_depth b) layers"
		same "1 1" "$(links b "/data/f$number" /data/f1)"
	done
	same "1 2 3 4 5 6 7 8 9" "$(cat "$(workspace_root b)"/data/f* | xargs)"
	collect_garbage
	for number in 1 4 5 8; do
		expect 0 rollback b "$number" --no-save
		same "$number" "$(workspace_read b "/data/f$number")"
		[ ! -e "$(workspace_root b)/data/f$((number + 1))" ] || complain "of a later version"
		same "1 1" "$(links b "/data/f$number" /data/f1)"
	done
	expect 0 doctor b
	same "" "$(ctr snapshots ls | grep -e -work)"
}

@test "layers that were merged earlier are left as they are as long as they are few" {
	workspace hh
	echo 'max_depth = 16' >"$WSNAP_CONFIG"
	for number in {1..30}; do
		workspace_write hh "/data/f$number" "$number"
		expect 0 version hh
	done
	# Those of 15 versions, those of 14 more, and the last one.
	same 3 "$(workspace_depth hh)"
	collect_garbage
	same 2 "$(ctr snapshots ls | grep -c '^hh-merged-')"
	same "$(seq 30)" "$(cat "$(workspace_root hh)"/data/f* | sort -n)"
	expect 0 create hh --if-changed
	[[ $output == *"has not changed since version 30"* ]] || complain "saved"
	expect 0 compact hh --json
	same 3 "$(jq .layers_merged <<<"$output")"
	same "$(seq 30)" "$(cat "$(workspace_root hh)"/data/f* | sort -n)"
	collect_garbage
	expect 0 doctor hh
}

@test "a compaction saves nothing, and loses nothing" {
	workspace c
	expect 0 create c one
	workspace_write c /data/b b
	expect 0 create c two
	workspace_write c /data/c c
	expect 0 compact c
	same c "$(workspace_read c /data/c)"
	same 2 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'c'")"
	expect 0 create c --if-changed
	[[ $output == "version 3 of 'c' saved"* ]] || complain "other words"
	expect 0 rollback c two
	[ ! -e "$(workspace_root c)/data/c" ] || complain "what was not in version 2"
	expect 0 rollback c 3
	same "c b" "$(workspace_read c /data/c) $(workspace_read c /data/b)"
}

@test "what an earlier build merged by hard links is healed" {
	workspace_created d
	parent=$(snapshot_field "$(container_snapshot d)" .Parent)
	ctr snapshots rm d
	ctr snapshots prepare d-work "$parent" >/dev/null
	mkdir -p "$(snapshot_folder d-work)/data"
	echo content >"$(snapshot_folder d-work)/data/f"
	ln "$(snapshot_folder d-work)/data/f" "$SERVERS/another-name"
	ctr snapshots commit d-merged-1 d-work
	ctr snapshots label d-merged-1 containerd.io/gc.root=now wsnap.kind=merged >/dev/null
	ctr snapshots prepare d d-merged-1 >/dev/null
	ctr tasks start --detach --null-io d 3>&- 4>&-
	same 2 "$(links d /data/f)"
	expect 0 compact d
	same "1 content" "$(links d /data/f) $(workspace_read d /data/f)"
	expect 0 compact d
	[[ $output == "'d' has no layers to merge" ]] || complain "merged again"
	rm "$SERVERS/another-name"
}

# A tree of 300 folders with names of 20 letters, the last of which has a file.
make_deep() {
	local root half
	root=$(workspace_root "$1")$2
	half=$(printf 'abcdefghijklmnopqrst/%.0s' {1..150})
	mkdir -p "$root/$half" "$root/other/$half"
	echo deep >"$root/other/${half}file"
	mv "$root/other" "$root/$half"
}

deep_file() {
	(
		half=$(printf 'abcdefghijklmnopqrst/%.0s' {1..150})
		cd "$(workspace_root "$1")$2/$half" && cd -P "other" && cat "${half}file"
	)
}

@test "a tree deeper than a path can be is saved and brought back" {
	workspace e
	expect 0 version e
	make_deep e /data
	same deep "$(deep_file e /data)"
	expect 0 version e
	same deep "$(deep_file e /data)"
	workspace_write e /data/more more
	expect 0 create e --if-changed
	expect 0 rollback e 1
	[ -z "$(ls -A "$(workspace_root e)/data")" ] || complain "of a later version"
	expect 0 rollback e 2
	same deep "$(deep_file e /data)"
	[ ! -e "$(workspace_root e)/data/more" ] || complain "of a later version"
	expect 0 rollback e 3
	same deep "$(deep_file e /data)"
	collect_garbage
	expect 0 doctor e
	same "" "$(ctr snapshots ls | grep -e -work)"
}

@test "layers with a deep tree are merged, and the writable one moves with a compaction" {
	workspace f
	echo 'max_depth = 2' >"$WSNAP_CONFIG"
	expect 0 version f
	make_deep f /data
	expect 0 version f
	expect 0 version f
	expect 0 version f
	[[ $stderr != *"could not be merged"* ]] || complain "not merged"
	same deep "$(deep_file f /data)"
	same 2 "$(workspace_depth f)"
	expect 0 rollback f 1 --no-save
	expect 0 rollback f 4
	same deep "$(deep_file f /data)"
	collect_garbage
	same "" "$(ctr snapshots ls | grep -e -empty -e -work)"
	workspace g
	expect 0 version g
	expect 0 version g
	make_deep g /data
	expect 0 compact g
	same deep "$(deep_file g /data)"
	expect 0 version g
	same deep "$(deep_file g /data)"
}

@test "a tree deeper than a path can be is saved while it runs, and before a restore" {
	workspace i
	root=$(workspace_root i)
	expect 0 version --live i
	make_deep i /data
	expect 0 version --live i
	workspace_write i /data/more more
	expect 0 version --live i
	expect 0 compact --live i
	rm "$root/data/more"
	expect 0 version --live i
	expect 0 restore i 1
	[ -z "$(ls -A "$root/data")" ] || complain "of a later version"
	expect 0 restore i 2
	same deep "$(deep_file i /data)"
	expect 0 rollback i 4
	same deep "$(deep_file i /data)"
	collect_garbage
	expect 0 doctor i
}

# What is mounted on layers for a moment, so that containerd can commit them.
covers() {
	grep -o " $SERVERS/.* - tmpfs wsnap " /proc/self/mountinfo
}

@test "what covers a deep tree while it is committed goes, also where the program was killed" {
	workspace j
	make_deep j /data
	strace -f -qq -o /dev/null -e trace=umount2 -e inject=umount2:signal=KILL \
		"$WSNAP" version --live j >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
	[ -n "$(covers)" ] || complain "nothing was covered"
	expect 0 recover j
	if covers; then complain "it is covered still"; fi
	same 1 "$(version_newest j)"
	expect 0 rollback --no-save j 1
	same deep "$(deep_file j /data)"
	collect_garbage
	expect 0 doctor j
}

# Such a layer is moved into a version that is committed empty, because containerd cannot commit it.
@test "a version that is empty because its container went with the layer is not kept" {
	workspace hollow
	make_deep hollow /data
	strace -f -qq -o /dev/null -P "$(snapshot_folder "$(container_snapshot hollow)")" -e trace=renameat,renameat2 \
		-e inject=renameat,renameat2:signal=KILL:when=3 \
		"$WSNAP" version hollow >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
	[ -n "$(records)" ] || complain "no operation was cut off"
	saved=$(jq -r .saved "$(records)")
	if [ -e "$(jq -r .moved_to "$(records)")/data" ]; then complain "the layer was moved"; fi
	snapshot_exists "$saved" || complain "nothing was committed"
	ctr tasks delete --force hollow >/dev/null 2>&1 || true
	ctr containers delete hollow
	collect_garbage
	expect 0 recover
	[[ $output == *"there was nothing to keep"* ]] || complain "other words"
	collect_garbage
	if snapshot_exists "$saved"; then complain "the empty version is kept"; fi
	nothing_is_left
}
