#!/usr/bin/env bats
# Back and forth along a history: nothing is ever lost.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# Versions 1 to COUNT, where version N holds N in /data/f.
history() {
	local id=$1 count=$2 number
	workspace "$id"
	for ((number = 1; number <= count; number++)); do
		workspace_write "$id" /data/f "$number"
		expect 0 create "$id" "state $number"
	done
}

@test "to the oldest, to a newer one, and to the newest" {
	history a 4
	for number in 1 3 2 4; do
		expect 0 rollback a "$number"
		same "$number" "$(workspace_read a /data/f)"
		same RUNNING "$(workspace_status a)"
	done
}

@test "every version that ever was can be brought back" {
	history b 3
	workspace_write b /data/f unsaved
	expect 0 -q rollback b 1
	expect 0 rollback b 4
	same unsaved "$(workspace_read b /data/f)"
	for number in 1 2 3; do
		expect 0 rollback b "$number"
		same "$number" "$(workspace_read b /data/f)"
	done
}

@test "an unchanged workspace is not saved again" {
	history c 2
	expect 0 --json rollback c 1
	same null "$(jq -r .saved_version <<<"$output")"
	expect 0 --json rollback c 2
	same null "$(jq -r .saved_version <<<"$output")"
	same '1 2' "$(version_numbers c)"
}

@test "--no-save gives the present state up" {
	history d 1
	workspace_write d /data/f thrown-away
	lost=$(container_snapshot d)
	expect 0 --json rollback --no-save d 1
	same null "$(jq -r .saved_version <<<"$output")"
	same 1 "$(workspace_read d /data/f)"
	collect_garbage
	! snapshot_exists "$lost"
	same 1 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'd'")"
}

@test "the active snapshot that a rollback left is no garbage that stays" {
	history e 1
	workspace_write e /data/f changed
	expect 0 rollback e 1
	expect 0 rollback e 2
	expect 0 rollback e 1
	collect_garbage
	same 1 "$(ctr snapshots ls | awk '$3 == "Active" && $1 ~ /^e-/' | wc -l)"
}

@test "to where it stands already" {
	history f 2
	expect 0 --json rollback f 2
	same 2 "$(json .rolled_back_to)"
	same 2 "$(workspace_read f /data/f)"
}

@test "by name, and of several with that name the newest" {
	workspace g
	for number in 1 2 3; do
		workspace_write g /data/f "$number"
		expect 0 create g same
	done
	workspace_write g /data/f other
	expect 0 --json rollback g same
	same 3 "$(json .rolled_back_to)"
	same 3 "$(workspace_read g /data/f)"
}

@test "deleted files, changed modes, links and folders come back" {
	workspace hh
	root=$(workspace_root hh)
	mkdir -p "$root/data/tree/deep"
	echo text >"$root/data/tree/deep/file"
	ln -s file "$root/data/tree/deep/link"
	ln "$root/data/tree/deep/file" "$root/data/tree/hard"
	mkfifo "$root/data/tree/fifo"
	chmod 4711 "$root/data/tree/deep/file"
	expect 0 create hh whole
	wanted=$(cd "$(workspace_root hh)/data" && find . -printf '%p %y %m %n %l\n' | sort)
	rm -rf "$(workspace_root hh)"/data/tree "$(workspace_root hh)/bin/ls"
	expect 0 rollback hh whole
	same "$wanted" "$(cd "$(workspace_root hh)/data" && find . -printf '%p %y %m %n %l\n' | sort)"
	[ -e "$(workspace_root hh)/bin/ls" ]
}

@test "versions are numbered on after a rollback" {
	history j 2
	expect 0 rollback j 1
	expect 0 -q create j
	same 3 "$output"
	workspace_write j /data/f x
	expect 0 --json rollback j 2
	same 4 "$(json .saved_version)"
	expect 0 -q create j
	same 5 "$output"
}

@test "list says which version the workspace stands on" {
	history k 3
	expect 0 rollback k 2
	expect 0 --json list k
	same 2 "$(json '[.versions[] | select(.current) | .version] | join(" ")')"
}

@test "what a rollback relies on is kept, also where its label was lost" {
	workspace unkept
	expect 0 create unkept
	workspace_write unkept /f two
	expect 0 create unkept
	expect 0 --json show unkept 2
	second=$(json .runtime_snapshot_name)
	ctr snapshots label "$second" containerd.io/gc.root= >/dev/null
	expect 0 rollback unkept 1
	collect_garbage
	snapshot_exists "$second" || complain "version 2 was not saved anew, and is gone"
	expect 0 rollback unkept 2
	same two "$(workspace_read unkept /f)"
}

@test "the root folder itself is what it was: mode, attributes, in versions of either kind, rollbacks and forks" {
	workspace rooted
	expect 0 -q version rooted
	chmod 711 "$(workspace_root rooted)"
	setfattr -n user.kept -v yes "$(workspace_root rooted)"
	root_of() { printf '%s %s' "$(stat -L -c %a "$1")" "$(getfattr --only-values -n user.kept "$1" 2>/dev/null)"; }
	expect 0 -q version rooted
	same '711 yes' "$(root_of "$(workspace_root rooted)/.")"
	expect 0 diff rooted
	same '' "$output"
	expect 0 version --if-changed rooted
	same 2 "$(version_newest rooted)"
	expect 0 -q rollback rooted 1
	same '755 ' "$(root_of "$(workspace_root rooted)/.")"
	expect 0 -q rollback rooted 2
	same '711 yes' "$(root_of "$(workspace_root rooted)/.")"
	same 2 "$(version_newest rooted)"
	workspace_write rooted /data/live yes
	expect 0 -q version --live rooted
	expect 0 -q version rooted
	expect 0 -q compact rooted
	same '711 yes' "$(root_of "$(workspace_root rooted)/.")"
	expect 0 fork rooted 2 rooted-fork --start
	same '711 yes' "$(root_of "$(workspace_root rooted-fork)/.")"
	expect 0 -q version rooted-fork
	expect 0 diff rooted-fork 1 2
	same '' "$output"
}
