#!/usr/bin/env bats
# Snapshotters other than overlayfs: whole trees (native), subvolumes (btrfs), image files (blockfile), layers made into
# read-only images (erofs). Those that the containerd under test does not have are skipped.
load ../lib/workspace

setup_file() {
	export SERVERS_SNAPSHOTTERS='btrfs blockfile erofs'
	slow_mkfs
	workspaces_own_servers
	workspaces_begin
}
teardown_file() { workspaces_end; }

# A mkfs.erofs for containerd, which hangs with its image begun as long as there is a file `hang`.
slow_mkfs() {
	mkdir "$BATS_FILE_TMPDIR/bin"
	cat >"$BATS_FILE_TMPDIR/bin/mkfs.erofs" <<-END
		#!/bin/bash
		[ -e "$BATS_FILE_TMPDIR/hang" ] || exec $(command -v mkfs.erofs) "\$@"
		: >"\${@: -2:1}"
		touch "$BATS_FILE_TMPDIR/hangs"
		exec sleep 1000
	END
	chmod +x "$BATS_FILE_TMPDIR/bin/mkfs.erofs"
	PATH=$BATS_FILE_TMPDIR/bin:$PATH
}

needs() {
	ctr plugins ls | awk -v id="$1" '$1 == "io.containerd.snapshotter.v1" && $2 == id && $NF == "ok"' | grep -q . ||
		skip "this containerd has no snapshotter '$1'"
	SNAPSHOTTER=$1
}

on_it() {
	WORKSPACE_OPTIONS+=(--snapshotter "$SNAPSHOTTER")
	workspace "$@"
}

snapshots_of_it() {
	ctr snapshots --snapshotter "$SNAPSHOTTER" ls | awk 'NR > 1 { print $1 }'
}

# What was written a moment before is in the running workspace and in the version, every time: nothing syncs it, and
# nothing waits for it.
keeps_what_was_just_written() {
	local id=$1-written round
	needs "$1"
	on_it "$id"
	for round in 1 2 3 4 5 6 7 8; do
		head -c 300000 /dev/urandom >"$(workspace_root "$id")/data/$round"
		workspace_write "$id" /data/last "$round"
		sha256sum <"$(workspace_root "$id")/data/$round" >"$BATS_TEST_TMPDIR/$round"
		expect 0 version "$id"
		same RUNNING "$(workspace_status "$id")"
		same "$round" "$(workspace_read "$id" /data/last)"
		same "$(cat "$BATS_TEST_TMPDIR/$round")" "$(sha256sum <"$(workspace_root "$id")/data/$round")"
	done
	for round in 2 7 4; do
		expect 0 rollback "$id" "$round"
		same "$round" "$(workspace_read "$id" /data/last)"
		same "$(cat "$BATS_TEST_TMPDIR/$round")" "$(sha256sum <"$(workspace_root "$id")/data/$round")"
		[ ! -e "$(workspace_root "$id")/data/$((round + 1))" ]
	done
	expect 0 doctor "$id"
}

# A rollback brings deleted files back, takes new ones away, and saves what was not saved.
goes_back_and_forth() {
	local id=$1-back root
	needs "$1"
	on_it "$id"
	workspace_write "$id" /data/kept first
	expect 0 create "$id" one
	rm "$(workspace_root "$id")/data/kept"
	workspace_write "$id" /data/new second
	expect 0 create "$id" two
	workspace_write "$id" /data/unsaved third
	expect 0 --json rollback "$id" one
	same 3 "$(json .saved_version)"
	root=$(workspace_root "$id")
	same first "$(cat "$root/data/kept")"
	[ ! -e "$root/data/new" ] && [ ! -e "$root/data/unsaved" ]
	expect 0 rollback "$id" 3
	root=$(workspace_root "$id")
	[ ! -e "$root/data/kept" ]
	same second "$(cat "$root/data/new")"
	same third "$(cat "$root/data/unsaved")"
}

stopped_stays_stopped() {
	local id=$1-stopped
	needs "$1"
	on_it "$id"
	workspace_write "$id" /data/f one
	ctr tasks kill --signal KILL "$id"
	servers_wait_for 20 ctr tasks delete "$id"
	expect 0 create "$id"
	same '' "$(workspace_status "$id")"
	ctr tasks start --detach --null-io "$id" 3>&- 4>&-
	same one "$(workspace_read "$id" /data/f)"
}

prunes() {
	local id=$1-pruned number
	needs "$1"
	on_it "$id"
	for number in 1 2 3 4; do
		workspace_write "$id" /data/f "$number"
		expect 0 version "$id"
		eval "local name_$number=$(version_snapshot "$id" "$number")"
	done
	snapshots_of_it | grep -qx "$name_1"
	expect 0 prune --keep-last 2 "$id"
	same '3 4' "$(version_numbers "$id")"
	expect 0 rollback "$id" 3
	same 3 "$(workspace_read "$id" /data/f)"
	expect 0 rollback "$id" 4
	same 4 "$(workspace_read "$id" /data/f)"
	expect 0 doctor "$id"
}

# if_changed SNAPSHOTTER SEES: whether layers can be compared there. Where they cannot, it saves.
if_changed() {
	local id=$1-changed
	needs "$1"
	on_it "$id"
	workspace_write "$id" /data/f one
	expect 0 create "$id"
	expect 0 --json create --if-changed "$id"
	if [ "$2" = sees ]; then
		same 1 "$(json .version)"
	else
		same 2 "$(json .version)"
	fi
	workspace_write "$id" /data/f two
	expect 0 --json create --if-changed "$id"
	same two "$(workspace_read "$id" /data/f)"
	same "$(json .version)" "$(db "SELECT max(version) FROM container_versions WHERE container_id = '$id'")"
}

# Without layers that can be watched the present cannot be saved beside running processes: only giving it up, or a stop, is left.
restores() {
	local id=$1-restored root pid
	needs "$1"
	on_it "$id"
	workspace_write "$id" /data/kept first
	workspace_write "$id" /data/changed first
	expect 0 create "$id" one
	root=$(workspace_root "$id") pid=$(workspace_pid "$id")
	rm "$root/data/kept"
	workspace_write "$id" /data/changed second
	workspace_write "$id" /data/new second
	expect 8 restore "$id" one
	[[ $stderr == *"--no-save"* ]] || complain "no way out is named"
	same second "$(cat "$root/data/new")"
	expect 0 --json restore --no-save "$id" one
	same 'added /data/kept,deleted /data/new,modified /data/changed' \
		"$(jq -r '[.changes[] | "\(.change) \(.path)"] | sort | join(",")' <<<"$output")"
	same "$pid" "$(workspace_pid "$id")"
	same 'first first' "$(cat "$root/data/kept") $(cat "$root/data/changed")"
	[ ! -e "$root/data/new" ]
	same RUNNING "$(workspace_status "$id")"
	workspace_write "$id" /data/new third
	ctr tasks kill --signal KILL "$id"
	servers_wait_for 20 ctr tasks delete "$id"
	expect 0 --json restore "$id" one
	same 2 "$(json .saved_version)"
	ctr tasks start --detach --null-io "$id" 3>&- 4>&-
	root=$(workspace_root "$id")
	[ ! -e "$root/data/new" ]
	expect 0 rollback "$id" 2
	same third "$(workspace_read "$id" /data/new)"
	expect 0 doctor "$id"
}

# Nobody looks into images, and nothing is touched for it.
is_not_looked_into() {
	local id=$1-image before
	needs "$1"
	on_it "$id"
	workspace_write "$id" /data/f first
	expect 0 create "$id" one
	workspace_write "$id" /data/f second
	mkdir -p "$BATS_TEST_TMPDIR/look"
	before=$(world)
	for operation in "restore --no-save $id one" "restore $id one --target $BATS_TEST_TMPDIR/out" "diff $id one" \
		"mount $id one $BATS_TEST_TMPDIR/look"; do
		# shellcheck disable=SC2086 # words
		expect 8 $operation
	done
	same "$before" "$(world)"
	same second "$(cat "$(workspace_root "$id")/data/f")"
}

@test "native: what was just written" { keeps_what_was_just_written native; }
@test "native: back and forth" { goes_back_and_forth native; }
@test "native: stopped" { stopped_stays_stopped native; }
@test "native: prune" { prunes native; }
@test "native: --if-changed" { if_changed native blind; }
@test "native: restore" { restores native; }

@test "btrfs: what was just written" { keeps_what_was_just_written btrfs; }
@test "btrfs: back and forth" { goes_back_and_forth btrfs; }
@test "btrfs: stopped" { stopped_stays_stopped btrfs; }
@test "btrfs: prune" { prunes btrfs; }
@test "btrfs: --if-changed" { if_changed btrfs blind; }
@test "btrfs: restore" { restores btrfs; }

@test "blockfile: what was just written" { keeps_what_was_just_written blockfile; }
@test "blockfile: back and forth" { goes_back_and_forth blockfile; }
@test "blockfile: stopped" { stopped_stays_stopped blockfile; }
@test "blockfile: prune" { prunes blockfile; }
@test "blockfile: --if-changed" { if_changed blockfile blind; }
@test "blockfile: not looked into" { is_not_looked_into blockfile; }

@test "erofs: what was just written" { keeps_what_was_just_written erofs; }
@test "erofs: back and forth" { goes_back_and_forth erofs; }
@test "erofs: stopped" { stopped_stays_stopped erofs; }
@test "erofs: prune" { prunes erofs; }
@test "erofs: --if-changed" { if_changed erofs sees; }

# on_tiny_dev COMMAND…: where /dev is a tmpfs without room, as on many a small host.
on_tiny_dev() {
	# shellcheck disable=SC2016 # for the shell over there
	unshare --mount --propagation private sh -c '
		mkdir "$1" && mount --bind /dev "$1" && mount -t tmpfs -o size=64k,nr_inodes=400 tmpfs /dev &&
			cp -a "$1"/loop* "$1"/null "$1"/zero "$1"/urandom /dev && shift && exec "$@"' sh "$BATS_TEST_TMPDIR/dev" "$@"
}

@test "btrfs: the room that counts is that of the layers, not of /dev" {
	needs btrfs
	on_it btrfs-dev
	workspace_write btrfs-dev /data/f one
	printf '#!/bin/bash\n%s\non_tiny_dev %q "$@"\n' "$(declare -f on_tiny_dev)" "$WSNAP" >"$BATS_TEST_TMPDIR/wsnap"
	chmod +x "$BATS_TEST_TMPDIR/wsnap"
	WSNAP=$BATS_TEST_TMPDIR/wsnap expect 0 version btrfs-dev
	same one "$(workspace_read btrfs-dev /data/f)"
}

@test "the filesystem that a version lies on is written back, whatever the snapshotter" {
	for SNAPSHOTTER in overlayfs native btrfs blockfile erofs; do
		ctr plugins ls | grep -q "snapshotter.v1 *$SNAPSHOTTER .* ok" || continue
		on_it "sync-$SNAPSHOTTER"
		strace -f -y -e trace=syncfs -o "$BATS_TEST_TMPDIR/calls" "$WSNAP" version "sync-$SNAPSHOTTER" 3>&- 4>&-
		case $SNAPSHOTTER in
		btrfs) grep -q "syncfs([0-9]*<$SERVERS/btrfs[/>]" "$BATS_TEST_TMPDIR/calls" ;;
		*) grep -q "syncfs([0-9]*<$SERVERS/root/io.containerd.snapshotter.v1.$SNAPSHOTTER/" "$BATS_TEST_TMPDIR/calls" ;;
		esac || complain "$SNAPSHOTTER: $(cat "$BATS_TEST_TMPDIR/calls")"
	done
}

@test "erofs: a commit that is cut off leaves half an image, which nothing takes for the layer" {
	needs erofs
	on_it cut
	workspace_write cut /data/f one
	expect 0 create cut
	workspace_write cut /data/f two
	touch "$BATS_FILE_TMPDIR/hang"
	"$WSNAP" version cut >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	servers_wait_for 60 test -e "$BATS_FILE_TMPDIR/hangs"
	kill -KILL $!
	wait $! || true
	rm "$BATS_FILE_TMPDIR/hang"
	expect 0 recover cut
	same RUNNING "$(workspace_status cut)"
	same two "$(workspace_read cut /data/f)"
	workspace_write cut /data/g three
	expect 0 --json version cut
	newest=$(json .version)
	expect 0 rollback cut 1
	same one "$(workspace_read cut /data/f)"
	expect 0 rollback cut "$newest"
	same two "$(workspace_read cut /data/f)"
	same three "$(workspace_read cut /data/g)"
	expect 0 doctor cut
}

# What containerd cannot remove is not free, whatever it says.
@test "native: a version with an immutable file frees nothing, and prune and doctor say where it is left" {
	local left folder found
	needs native
	command -v chattr >/dev/null || skip 'no chattr'
	on_it stuck
	expect 0 create stuck base
	head -c 4000000 /dev/urandom >"$(workspace_root stuck)/data/stuck-here"
	expect 0 -q version stuck
	expect 0 rollback stuck base --no-save
	expect 0 -q version stuck
	# The folder of version 2: no other tree has that file, once containerd has removed the active snapshot of before.
	for _ in {1..50}; do
		found=("$SERVERS"/root/io.containerd.snapshotter.v1.native/snapshots/*/data/stuck-here)
		[ ${#found[@]} -gt 1 ] || break
		sleep 0.1
	done
	same 1 ${#found[@]}
	folder=${found[0]%/data/stuck-here}
	chattr +i "$folder/data/stuck-here" 2>/dev/null || skip 'this filesystem has no immutable files'
	expect 0 --json delete stuck 2
	cp "$BATS_TEST_TMPDIR/output" "$BATS_TEST_TMPDIR/deleted"
	left=$(dirname "$folder")/rm-$(basename "$folder")
	expect 1 doctor
	told=$output
	expect 1 doctor stuck
	chattr -i "$left/data/stuck-here"
	same "$left" "$(jq -r '.removed[0].left' "$BATS_TEST_TMPDIR/deleted")"
	# The rest of the tree is: every version is a whole one there.
	[ "$(jq .freed_bytes "$BATS_TEST_TMPDIR/deleted")" -lt 4000000 ] || complain "more is said to be free than is"
	[[ $told == *"'$left' is left of a snapshot that containerd could not remove"* ]] || complain "doctor is silent"
	rm -r "$left"
	expect 0 doctor
}

# folder_container ID: on a plain folder, without any snapshotter; and known to the database, as a server's would be.
folder_container() {
	local folder=$SERVERS/folder-$1
	mkdir -p "$folder"/{proc,dev,sys,run,tmp,bin}
	cp "$(command -v busybox)" "$folder/bin/sh"
	ctr run --detach --null-io --rootfs "$folder" "$1" /bin/sh -c "$POLITE" 3>&- 4>&-
	db "INSERT INTO containers (bot_id, container_id, container_name, image, status, namespace)
		SELECT bot_id, '$1', '$1', image, 'running', namespace FROM containers WHERE container_id = '$2'"
}

@test "a container without a snapshotter, and one whose snapshotter is not loaded any more, keep nobody else" {
	workspace well
	workspace_write well /data/f 1
	expect 0 create well
	expect 0 create well
	SNAPSHOTTER=native
	on_it blind
	expect 0 create blind
	expect 0 create blind
	folder_container plain well
	containerd_stop
	sed -i 's/"io.containerd.snapshotter.v1.aufs"/&, "io.containerd.snapshotter.v1.native"/' "$SERVERS/containerd.toml"
	containerd_start

	expect 0 --quiet list
	for id in well blind plain; do
		grep -qx "$id" <<<"$output"
	done
	expect 0 --quiet list plain
	same '' "$output"
	expect 0 --quiet list --snapshots plain
	expect 0 doctor plain
	expect 0 prune --keep-last 1 plain

	not_loaded="'blind' is on the snapshotter 'native', which this containerd has not loaded"
	expect 0 --json list blind
	same '1 2' "$(json '[.versions[].version] | join(" ")')"
	same "wsnap: warning: $not_loaded" "$stderr"
	expect 0 show blind 1
	same "wsnap: warning: $not_loaded" "$stderr"
	expect_error 1 "$not_loaded" version blind
	expect_error 1 "$not_loaded" prune --keep-last 1 blind
	expect 1 prune --all --keep-last 1
	[[ $stderr == *"$not_loaded"* ]]
	[[ $output == *"'well': 1 versions went, 1 stay"* ]]
	expect 1 doctor
	[[ $output$stderr == *"$not_loaded"* ]]
	[[ $output$stderr != *"snapshotter argument missing"* ]]
	same 2 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'blind'")"
}
