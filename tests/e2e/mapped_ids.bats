#!/usr/bin/env bats
# Workspaces in a user namespace, whose image containerd 2 maps when it mounts it: every version has the owners, ACLs and file
# capabilities that the workspace had, and bears on the disk the ids that the image's layers bear. On a small disk.
load ../lib/workspace
load ../lib/killed

HOST=100000

setup_file() {
	DISK=$(servers_scratch)
	export DISK
	mkdir -p "$DISK/root"
	truncate --size 256M "$DISK/root.img"
	mkfs.ext4 -q -F -m 0 "$DISK/root.img"
	mount -o loop "$DISK/root.img" "$DISK/root"
	unset SERVERS CONTAINERD_ADDRESS
	servers_start "$DISK" 3>&- || { servers_end; return 1; }
	WORKSPACES_OWN_SERVERS=$SERVERS
	export WORKSPACES_OWN_SERVERS
	workspaces_begin
}

teardown_file() { workspaces_end; }

setup() {
	[[ $(ctr version | awk '$1 == "Version:" { print $2 }' | tail -n 1) =~ ^v?[2-9]\. ]] ||
		skip "this containerd maps no ids"
}

# in_user_namespace ID OPTION…
in_user_namespace() {
	local id=$1
	shift
	WORKSPACE_OPTIONS=(--uidmap "0:$HOST:65536" --gidmap "0:$HOST:65536" "$@")
	workspace "$id"
}

# as_its_root ID COMMAND…: on the host, as root of its user namespace.
as_its_root() {
	local pid
	pid=$(workspace_pid "$1")
	shift
	nsenter --target "$pid" --user --setuid 0 --setgid 0 -- "$@"
}

# furnish ID: all that has an owner.
furnish() {
	local data
	workspace_exec "$1" sh -c '
		cd /data
		echo mine >mine
		echo named >named; chown 7:8 named; chmod 6755 named; ln named linked
		mkdir folder; chown 9:0 folder; chmod 2775 folder; echo deep >folder/deep; chown 1000:1000 folder/deep
		ln -s named symbolic; chown -h 11:12 symbolic
		mkfifo fifo; chown 65535:65535 fifo
		cp /bin/busybox busybox-capable
		echo listed >listed
		rm /bin/ash; chown 13:14 /etc; echo added:x:55:55::/:/bin/sh >>/etc/passwd'
	data=$(workspace_root "$1")/data
	# For user 5 of it, as getfacl would say.
	setfattr -n system.posix_acl_access -v \
		0x0200000001000600ffffffff02000600a586010004000400ffffffff10000600ffffffff20000400ffffffff "$data/listed"
	setfattr -n system.posix_acl_default -v \
		0x0200000001000700ffffffff02000700a586010004000500ffffffff10000700ffffffff20000500ffffffff "$data/folder"
	as_its_root "$1" setfattr -n security.capability -v 0x0100000201000000000000000000000000000000 "$data/busybox-capable"
}

# What a workspace shows of itself, to the host and inside, but for inodes and times of folders.
shows() {
	local root
	root=$(workspace_root "$1")
	(cd "$root" && find . etc bin/sh data -maxdepth 0 -printf '%p %U:%G %m\n' && find data ! -type d -printf '%p %U:%G %m %y %n %l\n' &&
		find data -type d -printf '%p %U:%G %m %y\n') | sort
	(cd "$root" && find data -type f -exec sha256sum {} + | sort && find data | sort | xargs getfattr -P -h -d -m '^(system|security|user)' -e hex) 2>/dev/null
	[ ! -e "$root/bin/ash" ] || echo "a deleted file is back"
	workspace_says "$1" sh -c 'find /data /etc /bin/sh | sort | xargs stat -c "%n %u:%g %a"'
}

# Who has no privilege inside has the file's.
check_capability() {
	local pid
	pid=$(workspace_pid "$1")
	workspace_exec "$1" sh -c 'touch /run/given && chown 3:3 /run/given'
	nsenter --target "$pid" --user --mount --root --setuid 1000 --setgid 1000 -- /data/busybox-capable chown 4:4 /run/given
	same "$((HOST + 4))" "$(stat -Lc %u "$(workspace_root "$1")/run/given")" "who was given a file by a file's capability"
}

# The committed layers of the workspace's chain bear unmapped ids, so that each may be mapped.
check_layers() {
	local strangers
	strangers=$(ctr snapshots mounts /nowhere "$(container_snapshot "$1")" | grep -o 'lowerdir=[^, ]*' | cut -d= -f2 | tr : '\n' |
		xargs -I {} find {} "(" -uid +65535 -o -gid +65535 ")" ! -type c)
	same '' "$strangers" "entries of layers with ids of the host"
}

# keeps WHAT ID SHOWN: after an operation.
keeps() {
	same RUNNING "$(workspace_status "$2")"
	same "$3" "$(shows "$2")" "what it shows after $1"
	check_layers "$2"
}

@test "in every version everything has the owner that it had, inside and on the host" {
	local one two operation
	in_user_namespace all --remap-labels
	furnish all
	one=$(shows all)
	matches '.*data/named 100007:100008 6755 f 2.*' "${one//$'\n'/ }"
	matches '.*/data/folder 9:0 2775.*' "${one//$'\n'/ }"
	check_capability all
	expect 0 create all one
	keeps create all "$one"
	check_capability all
	expect 0 --json create --if-changed all
	same 1 "$(json .version)" "the version that it is unchanged since"
	expect 0 diff all
	same '' "$output"
	for operation in "version all" "version --live all" "create --live all" "compact all"; do
		workspace_exec all sh -c 'echo x >>/data/more; chown 21:22 /data/more; rm -f /data/symbolic; chmod u+x /data/listed'
		two=$(shows all)
		# shellcheck disable=SC2086 # words
		expect 0 $operation
		keeps "$operation" all "$two"
		check_capability all
	done
	expect 0 diff all
	same $'M /data/more' "$output" "what has changed since the newest version, behind the compaction"
	expect 0 --json rollback all one
	same 5 "$(json .saved_version)"
	keeps rollback all "$one"
	expect 0 --json create --if-changed all
	same 1 "$(json .version)"
	expect 0 rollback all 5
	keeps "rollback to what it was" all "$two"
	expect 0 diff all
	same '' "$output"
	expect 0 version --live all
	keeps "version --live behind a rollback" all "$two"
	expect 0 rollback --no-save all one
	keeps "rollback --no-save" all "$one"
	check_capability all
	expect 0 doctor
}

@test "diff and --if-changed see the owner that has changed, and nothing else" {
	in_user_namespace owned --remap-labels
	furnish owned
	expect 0 create owned
	workspace_exec owned chown 7:9 /data/named
	expect 0 diff owned
	same $'M /data/linked\nM /data/named' "$output" || same 'M /data/named' "$output"
	expect 0 --json create --if-changed owned
	same 2 "$(json .version)"
	# Copied up, and as it was.
	workspace_exec owned sh -c 'chmod 600 /etc/passwd; chmod 644 /etc/passwd'
	expect 0 --json create --if-changed owned
	same 2 "$(json .version)"
	expect 0 diff owned 1 2
	[[ $output == *'M /data/named'* ]] && [[ $output != *listed* ]] && [[ $output != *capable* ]] || complain "something else"
}

@test "a fork of a version, and its versions, have their owners; a mounted version is as the image is" {
	local shown
	in_user_namespace origin --remap-labels
	furnish origin
	shown=$(shows origin)
	expect 0 create origin
	expect 0 fork origin 1 other --start
	keeps fork other "$shown"
	expect 0 --json create --if-changed other
	same 1 "$(json .version)"
	expect 0 diff other
	same '' "$output"
	workspace_exec other sh -c 'echo x >/data/x; chown 5:5 /data/x'
	shown=$(shows other)
	expect 0 version other
	keeps "version of a fork" other "$shown"
	expect 0 version --live other
	keeps "live version of a fork" other "$shown"
	mkdir "$BATS_TEST_TMPDIR/here"
	expect 0 mount other 2 "$BATS_TEST_TMPDIR/here"
	shown=$(cd "$BATS_TEST_TMPDIR/here" && stat -c '%n %u:%g' . bin/busybox data/named data/x data/folder/deep)
	expect 0 umount "$BATS_TEST_TMPDIR/here"
	same $'. 0:0\nbin/busybox 0:0\ndata/named 7:8\ndata/x 5:5\ndata/folder/deep 1000:1000' "$shown"
}

@test "versions that merge layers keep the owners" {
	local shown round
	in_user_namespace deep --remap-labels
	furnish deep
	echo 'max_depth = 3' >"$WSNAP_CONFIG"
	for round in 1 2 3 4 5 6; do
		workspace_exec deep sh -c "echo $round >/data/round; chown 3$round:4$round /data/round /data/mine"
		shown=$(shows deep)
		expect 0 version deep
		keeps "version $round" deep "$shown"
		[ "$(snapshot_depth "$(container_snapshot deep)")" -le 4 ] || complain "nothing was merged"
	done
	: >"$WSNAP_CONFIG"
	expect 0 rollback deep 3
	same '33:43 3' "$(workspace_says deep stat -c '%u:%g' /data/round) $(workspace_read deep /data/round)"
	expect 0 doctor
}

@test "what belongs to an id of the host that it does not have is refused before the stop, and never becomes its root's" {
	local before operation
	in_user_namespace stranger --remap-labels
	expect 0 create stranger
	workspace_write stranger /data/from-the-host x
	before=$(world)
	for operation in "create stranger" "version --live stranger" "create --if-changed stranger" "rollback stranger 1"; do
		# shellcheck disable=SC2086 # words
		expect_error 8 "'stranger' was not touched: '/data/from-the-host' in it belongs to a user or a group of the host that its user namespace does not have, and would belong to nobody for good in a version" \
			$operation
		[[ $stderr == *--force* ]] || complain "no way to insist"
	done
	same "$before" "$(world)"
	for operation in "create stranger" "version --live stranger" "compact stranger" "rollback stranger 2"; do
		# shellcheck disable=SC2086 # words
		expect 0 --force $operation
		same 65534:65534 "$(workspace_says stranger stat -c %u:%g /data/from-the-host)" "its owner after $operation"
		same x "$(workspace_read stranger /data/from-the-host)"
	done
	[[ $stderr != *"belongs to nobody in it"* ]] || complain "a warning though nothing was saved"
	expect 0 rollback stranger 1
	expect 0 version stranger
}

@test "a copy that has no room is status 1 before the stop" {
	local before pid
	in_user_namespace big --remap-labels
	workspace_exec big sh -c 'head -c 60000000 /dev/urandom >/data/big'
	pid=$(workspace_pid big)
	fallocate -l $(($(df --output=avail -B1 "$DISK/root" | tail -1) - (40 << 20))) "$DISK/root/filler"
	before=$(world)
	for operation in "create big" "version big"; do
		# shellcheck disable=SC2086 # words
		expect 1 $operation
		[[ $stderr == *"has no room for a copy of its writable layer"* ]] || complain "another word"
	done
	expect 1 version --live big
	rm "$DISK/root/filler"
	same "$before" "$(world)"
	same "$pid" "$(workspace_pid big)"
	expect 0 version big
	same "$HOST" "$(stat -Lc %u "$(workspace_root big)/data/big")"
	ctr tasks delete --force big >/dev/null
	ctr containers delete big
}

@test "one that does not run is saved, rolled back and compacted as well" {
	local shown
	in_user_namespace still --remap-labels
	furnish still
	shown=$(shows still)
	ctr tasks kill --signal KILL still
	servers_wait_for 20 ctr tasks delete still
	expect 0 create still
	expect 0 version still
	expect 0 compact still
	expect 0 rollback still 1
	expect 0 --json create --if-changed still
	same 1 "$(json .version)"
	same '' "$(workspace_status still)"
	ctr tasks start --detach --null-io still 3>&- 4>&-
	keeps "all of it" still "$shown"
}

@test "killed in the middle it is finished or taken back, with the owners" {
	local shown step
	in_user_namespace like --remap-labels
	in_user_namespace cut --remap-labels
	furnish like
	furnish cut
	told_by version like
	for step in lease hold announce stop commit prepare repoint start record; do
		workspace_exec cut sh -c "echo $step >>/data/named; chown 7:8 /data/named"
		shown=$(shows cut)
		killed_after "$step" version cut
		expect 0 recover
		keeps "a version killed at '$step'" cut "$shown"
		nothing_is_left
	done
	expect 0 doctor
}

# spoil ID: nothing of what furnish has made stays as it was.
spoil() {
	workspace_exec "$1" sh -c '
		cd /data
		echo changed >mine; chown 1:1 mine named listed busybox-capable; rm -r folder fifo symbolic; echo new >new; chown 2:2 new
		chown 0:0 /etc; rm /etc/passwd; rm linked; echo alone >linked; chown 3:3 linked'
	setfattr -x system.posix_acl_access "$(workspace_root "$1")/data/listed"
}

@test "restore brings files back with their owners, running and stopped" {
	local furnished spoiled
	in_user_namespace back --remap-labels
	furnish back
	furnished=$(shows back)
	expect 0 create back
	spoil back
	spoiled=$(shows back)
	expect 0 restore back 1
	keeps restore back "$furnished"
	check_capability back
	expect 0 diff back 1
	same '' "$output" "what differs from the version"
	expect 0 restore back 2
	keeps "restore of what was saved before" back "$spoiled"
	expect 0 restore --no-save back 1 /data/folder /data/listed
	same '9:0 1000:1000' "$(workspace_says back stat -c '%u:%g' /data/folder /data/folder/deep | xargs)"
	same 1:1 "$(workspace_says back stat -c '%u:%g' /data/named)"
	expect 0 restore back 1 /data/named --target "$BATS_TEST_TMPDIR"
	same 7:8 "$(cd "$BATS_TEST_TMPDIR" && find . -name named -exec stat -c %u:%g {} +)"
	ctr tasks kill --signal KILL back
	servers_wait_for 20 ctr tasks delete back
	expect 0 restore back 1
	expect 0 diff back 1
	same '' "$output" "what differs from the version, stopped"
	ctr tasks start --detach --null-io back 3>&- 4>&-
	keeps "restore of one that does not run" back "$furnished"
	check_capability back
	# Nothing has come into it that belongs to the host.
	expect 0 version back
	keeps "version behind a restore" back "$furnished"
	! grep wsnap-view /proc/self/mountinfo
	nothing_is_left
}

@test "a restore killed in the middle is ended, with the owners" {
	local furnished spoiled at
	in_user_namespace cut-back --remap-labels
	furnish cut-back
	furnished=$(shows cut-back)
	expect 0 create cut-back
	for at in 1 2; do
		spoil cut-back
		strace -f -qq -o /dev/null -P "$WSNAP_STATE_DIR" -e trace=renameat -e "inject=renameat:signal=KILL:when=$at" \
			"$WSNAP" restore cut-back 1 >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
		spoiled=$(shows cut-back)
		expect 0 recover
		[ "$(shows cut-back)" = "$furnished" ] || same "$spoiled" "$(shows cut-back)" "what a cut-off restore ends as"
		nothing_is_left
		expect 0 restore cut-back 1
		keeps "a restore behind one that was cut off" cut-back "$furnished"
	done
	! grep wsnap-view /proc/self/mountinfo
}

@test "a layer that cannot be copied is refused before the stop" {
	local before upper
	in_user_namespace odd --remap-labels
	workspace_exec odd mkdir /data/odd /data/even
	upper=$(writable_folder odd)
	setfattr -n trusted.overlay.redirect -v /data/elsewhere "$upper/data/odd"
	before=$(world)
	expect 8 version odd
	[[ $stderr == *"'odd' was not touched: containerd maps the ids of the layers below its own (the label 'containerd.io/snapshot/uidmapping'), so that in a version all that it has written itself would belong to nobody: "*redirect* ]] ||
		complain "another word"
	same "$before" "$(world)"
	setfattr -x trusted.overlay.redirect "$upper/data/odd"
	expect 0 version odd
	# Deeper than a path can be.
	workspace_exec odd sh -c 'cd /data; half=$(yes aaaaaaaaaaaaaaaaaaaa | head -n 100 | tr "\n" /); mkdir -p "$half" "b/$half"; mv b "$half/b"'
	before=$(world)
	expect 8 version odd
	[[ $stderr == *"would belong to nobody: its tree is deeper than a path can be"*--force* ]] || complain "another word"
	same "$before" "$(world)"
	expect 0 version --force odd
	[[ $stderr == *"what its versions hold that it has written itself belongs to nobody"* ]] || complain "no warning"
	expect 0 rollback odd 1
	same "$HOST" "$(stat -Lc %u "$(workspace_root odd)/data/even")"
}

@test "a user namespace whose users and groups are other ids" {
	WORKSPACE_OPTIONS=(--uidmap 0:100000:1000 --gidmap 0:200000:65536 --remap-labels)
	workspace ranges
	workspace_exec ranges sh -c 'echo x >/data/x; chown 999:65535 /data/x'
	same 100999:265535 "$(stat -Lc %u:%g "$(workspace_root ranges)/data/x")"
	for operation in "create ranges" "version --live ranges" "rollback ranges 1"; do
		# shellcheck disable=SC2086 # words
		expect 0 $operation
		same 100999:265535 "$(stat -Lc %u:%g "$(workspace_root ranges)/data/x")" "owner after $operation"
		same 100000:200000 "$(stat -Lc %u:%g "$(workspace_root ranges)/bin/busybox")" "owner of the image's after $operation"
	done
}

@test "an image that was copied with mapped ids: its versions have their owners" {
	local shown operation
	in_user_namespace copied
	furnish copied
	shown=$(shows copied)
	for operation in "create copied" "version copied" "compact copied" "version --live copied" "rollback copied 1"; do
		# shellcheck disable=SC2086 # words
		expect 0 $operation
		same RUNNING "$(workspace_status copied)"
		same "$shown" "$(shows copied)" "what it shows after $operation"
		check_capability copied
	done
}
