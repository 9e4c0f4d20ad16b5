#!/usr/bin/env bats
# Chains of layers: their limit, merges that cannot be, and chains that another tool has made too deep.
load ../lib/workspace

setup_file() {
	workspaces_begin
}
teardown_file() { workspaces_end; }

setup() {
	: >"$WSNAP_CONFIG"
}

# Marks that overlayfs makes where its redirect_dir is on, which no merge may lose.
redirect_folder() {
	mkdir "$(workspace_root "$1")/data/moved"
	setfattr --name trusted.overlay.redirect --value /etc \
		"$(snapshot_folder "$(container_snapshot "$1")")/data/moved"
}

@test "layers that cannot be merged: versions are taken all the same, with a warning" {
	workspace a
	echo 'max_depth = 3' >"$WSNAP_CONFIG"
	expect 0 version a
	expect 0 version a
	redirect_folder a
	workspace_write a /data/f kept
	# The newest layer is moved, and not merged: it may hold what it will.
	expect 0 version a
	[[ $stderr != *"could not be merged"* ]] || complain "a warning"
	same kept "$(workspace_read a /data/f)"
	same 2 "$(workspace_depth a)"
	for depth in 3 4; do
		expect 0 version a
		same "$depth" "$(workspace_depth a)"
	done
	[[ $stderr == *"the layers of 'a' could not be merged: "*"'trusted.overlay.redirect'"* ]] || complain "other words"
	same RUNNING "$(workspace_status a)"
	same kept "$(workspace_read a /data/f)"
	same 5 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'a'")"
	same "" "$(ctr snapshots ls | grep -e -work)"
	collect_garbage
	expect 0 rollback a 1
	expect 0 doctor a
}

@test "a compaction that cannot merge is refused before the workspace is touched" {
	workspace b
	expect 0 version b
	redirect_folder b
	expect 0 version b
	pid=$(workspace_pid b)
	expect 8 compact b
	[[ $stderr == *"'trusted.overlay.redirect'"* ]] || complain "other words"
	same "$pid" "$(workspace_pid b)"
	same "" "$(find "$WSNAP_STATE_DIR" -name '*.operation')"
	same "" "$(ctr snapshots ls | grep -e -work)"
	expect 0 doctor b
}

@test "the smallest limit holds" {
	workspace c
	echo 'max_depth = 2' >"$WSNAP_CONFIG"
	for _ in 1 2 3 4 5; do
		expect 0 version c
		[ "$(workspace_depth c)" -le 2 ] || complain "$(workspace_depth c) layers"
	done
}

@test "depth is warned of" {
	workspace d
	echo 'warn_depth = 3' >"$WSNAP_CONFIG"
	expect 0 version d
	[[ $stderr != *layers* ]] || complain "too early"
	expect 0 version d
	[[ $stderr == *"'d' stands on 3 layers, "*"'wsnap compact d'"* ]] || complain "no warning"
}

# deep_workspace ID LAYERS: a running one on so many committed layers, each with a file in one folder.
deep_workspace() {
	local id=$1 layers=$2 layer parent
	workspace_created "$id"
	parent=$(snapshot_field "$(container_snapshot "$id")" .Parent)
	ctr snapshots rm "$id"
	for ((layer = 1; layer <= layers; layer++)); do
		ctr snapshots prepare "$id-work" "$parent" >/dev/null
		mkdir -p "$(snapshot_folder "$id-work")/data/deep/er"
		echo "$layer" >"$(snapshot_folder "$id-work")/data/deep/er/of.$layer"
		parent=$id-layer-$layer
		ctr snapshots commit "$parent" "$id-work"
		ctr snapshots label "$parent" containerd.io/gc.root=now >/dev/null
	done
	ctr snapshots prepare "$id" "$parent" >/dev/null
	ctr tasks start --detach --null-io "$id" 3>&- 4>&-
}

@test "a chain that another tool made too deep is merged before the stop, with the usual limit of open files" {
	deep_workspace e 270
	before=$(cat "$(workspace_root e)"/data/deep/er/of.* | sort -n)
	ulimit -S -n 1024
	expect 0 version e
	[ "$(workspace_depth e)" -le 3 ] || complain "$(workspace_depth e) layers"
	same "$before" "$(cat "$(workspace_root e)"/data/deep/er/of.* | sort -n)"
	same 270 "$(wc -l <<<"$before")"
	expect 0 rollback e 1
	same "$before" "$(cat "$(workspace_root e)"/data/deep/er/of.* | sort -n)"
}
