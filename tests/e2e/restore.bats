#!/usr/bin/env bats
# Files of a version brought back into a workspace that goes on running.
load ../lib/workspace
load ../lib/killed
load ../lib/turn

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# A process that counts in memory, with a child, and one with a file open.
COUNTER='sleep 1000 & exec 3</data/open; n=0; while :; do n=$((n+1)); echo $n >/run/count; usleep 2000; done'

# The same without the times of folders.
files_of() {
	tree_of "$1" | sed -E '/ d /s/ [0-9.]+ $/ /'
}

stands_on() {
	expect 0 --json list "$1"
	jq -r '.versions[] | select(.current) | .version' <<<"$output"
}

# The file of a version, by content.
version_file() {
	local dir=$BATS_TEST_TMPDIR/file-$RANDOM
	expect 0 restore "$1" "$2" "$3" --target "$dir"
	cat "$dir$3"
}

@test "the files go back, the processes stay" {
	WORKSPACE_OPTIONS=()
	workspace a sh -c "mkdir -p /data; echo open >/data/open; $COUNTER"
	root=$(workspace_root a)
	until [ -s "$root/run/count" ]; do sleep 0.1; done
	mkdir -p "$root/data/d/deep"
	for n in 1 2 3; do echo "$n" >"$root/data/d/$n"; done
	ln -s nowhere "$root/data/link"
	sleep 0.1
	expect 0 -q create --live a first
	tree_of "$root" >"$BATS_TEST_TMPDIR/then"
	pid=$(workspace_pid a) snapshot=$(container_snapshot a)
	children=$(cat "/proc/$pid/task/$pid/children")
	echo changed >"$root/data/d/1"
	rm -r "$root/data/d/2" "$root/data/d/deep"
	ln -sfn elsewhere "$root/data/link"
	mkdir "$root/data/new"
	echo new >"$root/data/new/file"
	echo other >"$root/data/open"
	chmod 600 "$root/data/d/3"
	before=$(cat "$root/run/count")
	expect 0 --json restore a 1
	json_has . container_id restored_from saved_version changes frozen_ms operation_id steps
	same '1 2' "$(json '"\(.restored_from) \(.saved_version)"')"
	same 'added /data/d/2,added /data/d/deep,deleted /data/new,deleted /data/new/file,modified /data/d/1,modified /data/d/3,modified /data/link,modified /data/open' \
		"$(jq -r '[.changes[] | "\(.change) \(.path)"] | sort | join(",")' <<<"$output")"
	tree_of "$root" | diff "$BATS_TEST_TMPDIR/then" -
	same "$pid" "$(workspace_pid a)"
	same "$snapshot" "$(container_snapshot a)"
	same "${children%% *}" "$(cut -d " " -f 1 "/proc/$pid/task/$pid/children")"
	same 0 "$(workspace_frozen a)"
	sleep 0.1
	[ "$(cat "$root/run/count")" -gt "$before" ]
	# What was open is what it was: the file that was changed in place.
	same other "$(cat "/proc/$pid/fd/3")"
	same open "$(cat "$root/data/open")"
	same 1 "$(stands_on a)"
	expect 0 --json list a
	same restore "$(jq -r '.versions[1].source' <<<"$output")"
	same '{"paths": [], "version": 1, "saved_version": 2}' \
		"$(db "SELECT jsonb_build_object('paths', payload->'paths', 'version', payload->'version', 'saved_version', payload->'saved_version') FROM lifecycle_events WHERE event_type = 'restore' AND container_id = 'a'")"
	# In the order in which it happened, though all is written in one transaction.
	expect 0 --json events a
	same 'snapshot_create version_create restore' "$(jq -r '[.events[].event_type] | join(" ")' <<<"$output")"
	expect 0 doctor
	same '' "$(lease_names | grep -v lock || true)"
	same '' "$(find "$WSNAP_STATE_DIR" -name '*.restore*')"
	expect 0 --json version --live --if-changed a
	same 'true 1' "$(json '"\(.unchanged) \(.version)"')"
	expect 0 --json version --stop --if-changed a
	same 'true 1' "$(json '"\(.unchanged) \(.version)"')"
	same changed "$(version_file a 2 /data/d/1)"
	expect 0 rollback a 2
	same changed "$(workspace_read a /data/d/1)"
	same new "$(workspace_read a /data/new/file)"
}

@test "a PATH alone, and what the workspace stands on then" {
	workspace b
	root=$(workspace_root b)
	mkdir -p "$root/data/one/sub" "$root/data/two"
	echo 1 >"$root/data/one/sub/f"
	echo 1 >"$root/data/two/f"
	expect 0 -q create --live b
	echo 2 >"$root/data/one/sub/f"
	echo 2 >"$root/data/one/new"
	echo 2 >"$root/data/two/f"
	expect 0 --json restore b 1 /data/one/
	same '2' "$(json .saved_version)"
	same 'deleted /data/one/new,modified /data/one/sub/f' \
		"$(jq -r '[.changes[] | "\(.change) \(.path)"] | sort | join(",")' <<<"$output")"
	same '1 2' "$(cat "$root/data/one/sub/f") $(cat "$root/data/two/f")"
	[ ! -e "$root/data/one/new" ]
	same 2 "$(stands_on b)"
	same '["/data/one"]' "$(db "SELECT payload->'paths' FROM lifecycle_events WHERE event_type = 'restore' AND container_id = 'b'")"
	expect 0 --json restore b 1 /data/two --no-save
	same null "$(json .saved_version)"
	same 1 "$(cat "$root/data/two/f")"
	same 2 "$(stands_on b)"
	# What leads there comes with it; what neither has is an error.
	rm -r "$root/data/one"
	expect 0 restore b 1 /data/one/sub/f
	same 1 "$(cat "$root/data/one/sub/f")"
	expect_error 3 "neither 'b' nor its version 1 has '/data/none'" restore b 1 /data/none
	expect_error 2 "'/data/../etc' cannot be a path: it has '.' or '..' in it" restore b 1 /data/../etc
}

@test "--dry-run tells what would be done, and does nothing" {
	workspace c
	root=$(workspace_root c)
	mkdir -p "$root/data/d"
	echo 1 >"$root/data/gone"
	echo 1 >"$root/data/other"
	expect 0 -q create --live c
	rm "$root/data/gone"
	echo 22 >"$root/data/other"
	echo new >"$root/data/d/new"
	before=$(world)
	expect 0 restore c 1 --dry-run
	same $'D /data/d/new\nA /data/gone\nM /data/other' "$output"
	expect 0 -q restore c 1 --dry-run /data/other
	same '/data/other' "$output"
	expect 0 --json restore c @ --dry-run
	same '1 null 0 3' "$(json '"\(.restored_from) \(.saved_version) \(.frozen_ms + 0) \(.changes | length)"')"
	same '{"path":"/data/other","change":"modified","kind":"file","size":2,"size_before":3}' \
		"$(jq -c '.changes[] | select(.path == "/data/other")' <<<"$output")"
	same "$before" "$(world)"
	same 22 "$(cat "$root/data/other")"
}

@test "where nothing differs nothing is done, but that it stands on the version" {
	workspace e
	workspace_write e /data/f 1
	expect 0 -q create --live e
	expect 0 -q create --live e
	same 2 "$(stands_on e)"
	expect 0 --json restore e 1
	same 'null 0' "$(json '"\(.saved_version) \(.changes | length)"')"
	same 1 "$(stands_on e)"
	same 2 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'e'")"
	expect 0 restore e 2 /data
	same "'e' is as version 2 has it; there was nothing to do" "$output"
	same 1 "$(stands_on e)"
	workspace_write e /data/f 2
	expect 0 -q create --live e
	same 1 "$(db "SELECT count(*) FROM snapshots n JOIN container_versions v ON v.snapshot_id = n.id
		JOIN snapshots p ON p.runtime_snapshot_name = n.parent_runtime_snapshot_name
		JOIN container_versions w ON w.snapshot_id = p.id
		WHERE v.container_id = 'e' AND v.version = 3 AND w.version = 1")"
}

@test "every kind of entry, with all that belongs to it" {
	workspace f
	root=$(workspace_root f)
	d=$root/data/all
	mkdir -p "$d/folder/deep"
	echo text >"$d/file"
	chmod 4751 "$d/file"
	chown 1234:5678 "$d/file"
	touch -d '2001-02-03 04:05:06.123456789' "$d/file"
	setfattr -n user.note -v remembered "$d/file"
	setfacl -m u:77:rw "$d/file" 2>/dev/null || setfattr -n user.acl -v none "$d/file"
	echo program >"$d/capable"
	setcap cap_net_raw+ep "$d/capable" 2>/dev/null || setfattr -n user.capability -v none "$d/capable"
	mkfifo -m 620 "$d/fifo"
	mknod -m 640 "$d/null" c 1 3
	mknod "$d/block" b 7 200
	ln -s ../over/there "$d/link"
	chown -h 12:13 "$d/link"
	truncate -s 50M "$d/sparse"
	echo middle | dd of="$d/sparse" bs=1M seek=20 conv=notrunc status=none
	printf 'odd' >"$d/$(printf 'not\xff\nutf')"
	echo names >"$d/first"
	ln "$d/first" "$d/folder/second"
	ln "$d/first" "$d/folder/deep/third"
	chmod 1777 "$d/folder/deep"
	setfattr -n user.folder -v kept "$d/folder"
	touch -d '2002-02-03 04:05:06.5' "$d/folder/deep" "$d/folder" "$d"
	python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$d/socket" 2>/dev/null ||
		mkfifo "$d/socket"
	all_of "$d" >"$BATS_TEST_TMPDIR/all"
	expect 0 -q create --live f
	rm -r "$d"
	mkdir "$d"
	echo in the way >"$d/folder"
	mkdir -p "$d/file/of/another" "$d/link" "$d/fifo"
	expect 0 restore f 1
	all_of "$d" | diff "$BATS_TEST_TMPDIR/all" -
	[ "$(du -k "$d/sparse" | cut -f1)" -lt 1000 ] || complain "a sparse file is not sparse any more"
	[ "$d/first" -ef "$d/folder/second" ] && [ "$d/first" -ef "$d/folder/deep/third" ]
	# One name of three: it is the same file again, whatever is asked for.
	rm "$d/folder/second"
	echo another >"$d/folder/second"
	expect 0 restore f 1 /data/all/folder/second
	[ "$d/first" -ef "$d/folder/second" ] && [ "$d/first" -ef "$d/folder/deep/third" ]
	# What changes in metadata alone comes back as well.
	chmod 600 "$d/file"
	setfattr -n user.note -v forgotten "$d/file"
	setfattr -x user.folder "$d/folder"
	touch -d '2002-02-03 04:05:07' "$d/first"
	chmod 700 "$d/folder/deep"
	expect 0 restore f 1
	all_of "$d" | diff "$BATS_TEST_TMPDIR/all" -
	expect 0 restore f 1 --target "$BATS_TEST_TMPDIR/out" /data/all
	all_of "$BATS_TEST_TMPDIR/out/data/all" | diff "$BATS_TEST_TMPDIR/all" -
}

# All that a tree is, as text.
all_of() {
	(cd "$1" && find . -printf '%p %y %m %U:%G %s %T@ %n %l\n' | sed -E '/ d /s/ d ([^ ]* [^ ]*) [0-9]+ ([0-9.]+) [0-9]+/ d \1 \2/' |
		LC_ALL=C sort && getfattr -R -h -d -m - . 2>/dev/null | grep -v '^security.selinux' | LC_ALL=C sort &&
		find . -type f ! -name sparse -exec md5sum {} + | LC_ALL=C sort && find . -type b -o -type c | xargs -r stat -c '%n %t:%T')
}

@test "mounts in the workspace are not touched, nor is what leads to them" {
	mkdir -p "$BATS_TEST_TMPDIR/volume/sub"
	echo volume >"$BATS_TEST_TMPDIR/volume/sub/f"
	WORKSPACE_OPTIONS=(--mount "type=bind,src=$BATS_TEST_TMPDIR/volume,dst=/srv/way/volume,options=rbind:rw")
	workspace n
	root=$(workspace_root n)
	mkdir -p "$root/data"
	echo 1 >"$root/data/f"
	expect 0 -q create --live n
	echo 2 >"$root/data/f"
	echo mine >"$root/srv/way/own"
	echo kept >"$root/srv/way/volume/sub/new"
	# A version from before the place of the mount was there.
	expect 0 restore n 1
	same 'volume kept' "$(echo $(cat "$root/srv/way/volume/sub/f" "$root/srv/way/volume/sub/new"))"
	[ ! -e "$root/srv/way/own" ]
	same 1 "$(cat "$root/data/f")"
	grep -q ' /srv/way/volume ' "/proc/$(workspace_pid n)/mountinfo"
	expect_error 8 "'/srv/way/volume/sub' is, or lies in, a mount of 'n': that is no part of a version" \
		restore n 1 /srv/way/volume/sub
}

@test "a workspace that does not run is changed in the same way" {
	workspace o
	workspace_write o /data/f 1
	expect 0 -q create o
	workspace_write o /data/f 2
	workspace_write o /data/g 2
	ctr tasks delete --force o >/dev/null
	expect 0 --json restore o 1
	same '2 0' "$(json '"\(.saved_version) \(.frozen_ms + 0)"')"
	same 1 "$(stands_on o)"
	same restore "$(db "SELECT s.source FROM snapshots s JOIN container_versions v ON v.snapshot_id = s.id
		WHERE v.container_id = 'o' AND v.version = 2")"
	same 2 "$(db "SELECT payload->'saved_version' FROM lifecycle_events WHERE event_type = 'restore' AND container_id = 'o'")"
	expect 0 diff --exit-code o 1
	same '' "$output"
	ctr tasks start --detach --null-io o
	same 1 "$(workspace_read o /data/f)"
	[ ! -e "$(workspace_root o)/data/g" ]
	ctr tasks delete --force o >/dev/null
	expect 0 --json restore o 2 /data/g --no-save
	same null "$(json .saved_version)"
	same 1 "$(stands_on o)"
	ctr tasks start --detach --null-io o
	same '1 2' "$(workspace_read o /data/f) $(workspace_read o /data/g)"
	expect 0 doctor o
}

@test "--no-save, paused workspaces, and a freeze that would take too long" {
	workspace p
	workspace_write p /data/f 1
	expect 0 -q create --live p
	workspace_write p /data/f 2
	expect 0 --json restore p 1 --no-save
	same 'null 1' "$(json '"\(.saved_version) \(.restored_from)"')"
	same '1 1' "$(workspace_read p /data/f) $(db "SELECT count(*) FROM container_versions WHERE container_id = 'p'")"
	workspace_write p /data/f 3
	ctr tasks pause p
	expect 0 --json restore p 1
	same 2 "$(json .saved_version)"
	same PAUSED "$(workspace_status p)"
	ctr tasks resume p
	same 1 "$(workspace_read p /data/f)"
	same RUNNING "$(workspace_status p)"
	# The list of what is to be done cannot be written back in time.
	workspace_write p /data/f 4
	before=$(db 'SELECT * FROM container_versions ORDER BY 1')
	status=0
	strace -f -qq -o /dev/null -P "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~p.restore.half" -e trace=fsync \
		-e inject=fsync:delay_enter=400000:when=2+ \
		"$WSNAP" restore p 1 --max-freeze 100 >/dev/null 2>"$BATS_TEST_TMPDIR/stderr" 3>&- 4>&- || status=$?
	same 1 "$status"
	grep -q '^hint: --max-freeze allows more' "$BATS_TEST_TMPDIR/stderr"
	same 4 "$(workspace_read p /data/f)"
	same 0 "$(workspace_frozen p)"
	same "$before" "$(db 'SELECT * FROM container_versions ORDER BY 1')"
	same '' "$(find "$WSNAP_STATE_DIR" -name '*.restore*' -o -name '*.operation')"
}

@test "into a folder of this host: nothing is written through a link, what else is there stays" {
	workspace q
	root=$(workspace_root q)
	mkdir -p "$root/data/d"
	echo 1 >"$root/data/d/f"
	echo 1 >"$root/data/e"
	expect 0 -q create --live q
	ctr tasks delete --force q >/dev/null
	ctr containers delete q
	out=$BATS_TEST_TMPDIR/out elsewhere=$BATS_TEST_TMPDIR/elsewhere
	mkdir -p "$out/data" "$elsewhere"
	ln -s "$elsewhere" "$out/data/d"
	ln -s "$elsewhere/file" "$out/data/e"
	echo stays >"$out/data/other"
	chmod 700 "$out/data"
	expect 0 --json restore q 1 --target "$out" /data
	same 'q 1 null' "$(json '"\(.container_id) \(.restored_from) \(.saved_version)"')"
	same '1 1 stays' "$(echo $(cat "$out/data/d/f" "$out/data/e" "$out/data/other"))"
	[ ! -L "$out/data/d" ] && [ ! -L "$out/data/e" ]
	same '' "$(ls "$elsewhere")"
	# The changes are those of the folder: what is there just so is none, what differs is another.
	same '/data modified directory 0|/data/d modified directory|/data/d/f added file null|/data/e modified file' \
		"$(jq -r '[.changes[] | if .path == "/data/d" or .path == "/data/e" then "\(.path) \(.change) \(.kind)"
			else "\(.path) \(.change) \(.kind) \(.size_before)" end] | join("|")' <<<"$output")"
	expect 0 --json restore q 1 --target "$out" /data
	same '[]' "$(jq -c .changes <<<"$output")"
	expect 0 restore q 1 --target "$out" /data
	same "'$out' has all of it just as version 1 of 'q' has it" "$output"
	printf 'longer\n' >"$out/data/e"
	rm "$out/data/d/f"
	expect 0 restore q 1 --target "$out" /data --dry-run
	same $'A /data/d/f\nM /data/e' "$output"
	expect 0 --json restore q 1 --target "$out" /data
	same '/data/d/f added null|/data/e modified 7' \
		"$(jq -r '[.changes[] | "\(.path) \(.change) \(.size_before)"] | join("|")' <<<"$output")"
	same '1 1 stays' "$(echo $(cat "$out/data/d/f" "$out/data/e" "$out/data/other"))"
	expect 0 restore q 1 --target "$BATS_TEST_TMPDIR/new/deep"
	expect 0 restore q 1 --target "$BATS_TEST_TMPDIR/new/deep" --dry-run
	same '' "$output"
	same 1 "$(cat "$BATS_TEST_TMPDIR/new/deep/data/d/f")"
	[ -x "$BATS_TEST_TMPDIR/new/deep/bin/busybox" ]
	expect_error 3 "version 1 of 'q' has no '/none'" restore q 1 --target "$BATS_TEST_TMPDIR/never" /none
	expect 0 restore q 1 --target "$BATS_TEST_TMPDIR/never" --dry-run /data
	same $'A /data\nA /data/d\nA /data/d/f\nA /data/e' "$output"
	[ ! -e "$BATS_TEST_TMPDIR/never" ]
	same '' "$(lease_names | grep -v lock || true)"
}

# set_of ID TEXT: some files that all say the same, in a folder of that name.
set_of() {
	local root file
	root=$(workspace_root "$1")
	rm -rf "$root/data/set"
	mkdir -p "$root/data/set/$2"
	for file in 1 2 3 4 5 "$2/6"; do
		echo "$2" >"$root/data/set/$file"
	done
}

# What they say: one word where all of it is whole.
set_says() {
	local set
	set=$(workspace_root "$1")/data/set
	(cd "$set" && cat ./? ./*/? && find . -mindepth 1 -type d | sed 's/^..//') | sort -u | tr '\n' ' '
}

# Where the files of version 1 are put, as the workspace calls it: whiteouts get more names as well, while the state before is saved.
IN_SET=(-P /data/set -P /data/set/first)

# cut_at_link N ID: a restore of version 1, ended by SIGKILL when it is about to put the Nth file in place.
cut_at_link() {
	strace -qq -o /dev/null "${IN_SET[@]}" -e trace=linkat -e inject=linkat:signal=KILL:when="$1" \
		"$WSNAP" restore "$2" 1 >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
	[ -n "$(records)" ] || complain "no operation was cut off"
}

# cut_both N ID: the same, together with its guard.
cut_both() {
	local tracer
	strace -qq -o /dev/null "${IN_SET[@]}" -e trace=linkat -e inject=linkat:delay_enter=8000000:when="$1" \
		"$WSNAP" restore "$2" 1 >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	tracer=$!
	servers_wait_for 20 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~$2.restore"
	sleep 0.5
	kill_traced "$tracer"
	[ -n "$(records)" ] || complain "no operation was cut off"
}

@test "killed in the middle of the change: the guard finishes it, and then the workspace runs" {
	workspace k
	set_of k first
	expect 0 -q create --live k
	for at in 1 3 6; do
		set_of k "turn$at"
		cut_at_link "$at" k
		servers_wait_for 5 runs_again k
		same 'first ' "$(set_says k)"
		expect 0 recover k
		[[ $output == *"the restore of version 1 was completed"* ]] || complain "another word"
		nothing_is_left
		same 1 "$(stands_on k)"
		# What was there before the change is a version.
		n=$(db "SELECT max(version) FROM container_versions WHERE container_id = 'k'")
		same "turn$at" "$(version_file k "$n" /data/set/4)"
		same 1 "$(db "SELECT count(*) FROM lifecycle_events WHERE container_id = 'k' AND event_type = 'restore'
			AND (payload->>'saved_version')::int = $n")"
	done
	same '' "$(find "$WSNAP_STATE_DIR" -name '*.restore*')"
}

runs_again() {
	[ "$(workspace_frozen "$1")" = 0 ]
}

# private_process ID: one that has a mount namespace of its own.
private_process() {
	local pid
	for pid in $(ctr tasks ps "$1" | awk 'NR > 1 { print $1 }'); do
		[ "$(readlink "/proc/$pid/ns/mnt")" = "$(readlink "/proc/$(workspace_pid "$1")/ns/mnt")" ] || echo "$pid"
	done | head -n 1
}

has_private() {
	local pid
	pid=$(private_process "$1")
	[ -n "$pid" ] && [ -e "/proc/$pid/root/data/private/f" ]
}

# The namespaces of processes in the workspace, whose version has no place for what they have mounted.
@test "what a process has mounted for itself alone outlives the restore, whoever finishes it" {
	local id pid
	for id in owned hosted; do
		WORKSPACE_OPTIONS=(--privileged)
		[ "$id" = owned ] || WORKSPACE_OPTIONS+=(--with-ns "pid:/proc/$$/ns/pid")
		workspace "$id" sh -c 'mkdir -p /data; trap "exit 0" TERM; while [ ! -e /data/go ]; do sleep 0.1; done
			unshare -m sh -c "mount -t tmpfs none /data/private; echo precious >/data/private/f; while :; do sleep 1; done" &
			while :; do sleep 60 & wait $!; done'
		set_of "$id" first
		expect 0 -q create --live "$id"
		mkdir "$(workspace_root "$id")/data/private"
		touch "$(workspace_root "$id")/data/go"
		servers_wait_for 10 has_private "$id"
		pid=$(private_process "$id")
		set_of "$id" second
		expect 0 restore "$id" 1
		same 'first precious' "$(set_says "$id")$(cat "/proc/$pid/root/data/private/f")" "after a restore of '$id'"
		set_of "$id" third
		cut_at_link 1 "$id"
		servers_wait_for 5 runs_again "$id"
		same 'first precious' "$(set_says "$id")$(cat "/proc/$pid/root/data/private/f")" "after the guard of '$id'"
		expect 0 recover "$id"
		set_of "$id" fourth
		cut_both 1 "$id"
		expect 0 recover "$id"
		same 'first precious' "$(set_says "$id")$(cat "/proc/$pid/root/data/private/f")" "after a recovery of '$id'"
		nothing_is_left
		kill -KILL "$pid"
	done
}

@test "killed together with its guard: the workspace stands still until recover has finished the change" {
	workspace l
	set_of l first
	expect 0 -q create --live l
	for at in 1 4; do
		set_of l "turn$at"
		cut_both "$at" l
		same 1 "$(workspace_frozen l)"
		expect 0 recover
		same 0 "$(workspace_frozen l)"
		same 'first ' "$(set_says l)"
		nothing_is_left
	done
	# Another operation does it first as well.
	set_of l more
	cut_both 2 l
	expect 0 version --live l
	[[ $stderr == *"the restore of version 1 was completed"* ]] || complain "another word"
	same 'first ' "$(set_says l)"
	same 0 "$(workspace_frozen l)"
	# Somebody has ended it meanwhile: its files are changed, and it stays down.
	set_of l gone
	cut_both 2 l
	ctr tasks delete --force l >/dev/null
	expect 0 recover
	same '' "$(workspace_status l)"
	nothing_is_left
	ctr tasks start --detach --null-io l
	same 'first ' "$(set_says l)"
	# The host was started anew meanwhile: it runs again as well.
	set_of l off
	cut_both 2 l
	ctr tasks delete --force l >/dev/null
	cat /proc/sys/kernel/random/uuid >"$BATS_TEST_TMPDIR/boot"
	unshare -m sh -c 'mount --bind "$1" /proc/sys/kernel/random/boot_id && shift && exec "$@"' sh \
		"$BATS_TEST_TMPDIR/boot" "$WSNAP" recover l
	same RUNNING "$(workspace_status l)"
	same 'first ' "$(set_says l)"
	nothing_is_left
}

@test "paused while it stands still in the middle of the change: recover finishes that, and it stays paused" {
	workspace pz
	set_of pz first
	expect 0 -q create --live pz
	set_of pz later
	cut_both 2 pz
	ctr tasks pause pz || skip "it is one and the same to containerd"
	expect 0 recover
	same PAUSED "$(workspace_status pz)"
	ctr tasks resume pz
	same 0 "$(workspace_frozen pz)"
	same 'first ' "$(set_says pz)"
	nothing_is_left
}

# What somebody does who finds a workspace standing still.
start_anew() {
	ctr tasks kill --signal KILL "$1" >/dev/null 2>&1 || true
	ctr tasks delete --force "$1" >/dev/null 2>&1
	ctr tasks start --detach --null-io "$1"
}

thaw_by_hand() {
	local group
	group=$(sed -n 's/^0:://p' "/proc/$(workspace_pid "$1")/cgroup")
	echo 0 >"/sys/fs/cgroup/unified$group/cgroup.freeze" || echo 0 >"/sys/fs/cgroup$group/cgroup.freeze"
}

@test "what a workspace became that somebody let run on half a change is a version before that is finished" {
	workspace x
	set_of x first
	expect 0 -q create --live x
	for how in start_anew thaw_by_hand; do
		set_of x "before$how"
		cut_both 3 x
		"$how" x
		root=$(workspace_root x)
		echo mine >"$root/data/set/1"
		echo mine >"$root/data/$how"
		expect 0 recover
		saved=$(db "SELECT max(version) FROM container_versions WHERE container_id = 'x'")
		[[ $output == *"the restore of version 1 was completed; version $saved holds what somebody had let run meanwhile"* ]] ||
			complain "another word"
		same 'first mine 0' "$(set_says x)$(cat "$root/data/$how") $(workspace_frozen x)"
		same "mine mine" "$(echo $(version_file x "$saved" /data/set/1) $(version_file x "$saved" "/data/$how"))"
		same "before$how" "$(version_file x $((saved - 1)) /data/set/4)"
		same 1 "$(stands_on x)"
		nothing_is_left
	done
	# Killed while it is at that: its guard makes the change, and what was saved is recorded by who comes next.
	set_of x more
	cut_both 3 x
	start_anew x
	root=$(workspace_root x)
	echo mine >"$root/data/set/1"
	strace -qq -o /dev/null "${IN_SET[@]}" -e trace=linkat -e inject=linkat:signal=KILL:when=2 \
		"$WSNAP" recover x >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
	servers_wait_for 5 runs_again x
	echo later >"$root/data/set/2"
	expect 0 recover
	same '7 mine later' "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'x'") $(
		version_file x 7 /data/set/1) $(cat "$root/data/set/2")"
	nothing_is_left
	expect 0 doctor x
	# It does not run any more either: then it is the layer as it is. Where nobody has written to it, nothing is saved.
	for wrote in yes no; do
		set_of x "$wrote"
		cut_both 3 x
		start_anew x
		[ "$wrote" = no ] || echo mine >"$(workspace_root x)/data/set/1"
		ctr tasks delete --force x >/dev/null 2>&1
		expect 0 recover
		ctr tasks start --detach --null-io x
		same 'first ' "$(set_says x)"
		nothing_is_left
	done
	same '10 mine no' "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'x'") $(
		version_file x 9 /data/set/1) $(version_file x 10 /data/set/4)"
	expect 0 doctor x
}

freeze_by_hand() {
	local group
	group=$(sed -n 's/^0:://p' "/proc/$(workspace_pid "$1")/cgroup")
	echo 1 >"/sys/fs/cgroup/unified$group/cgroup.freeze" || echo 1 >"/sys/fs/cgroup$group/cgroup.freeze"
	servers_wait_for 5 eval '[ "$(workspace_frozen '"$1"')" = 1 ]'
}

# run_between ID WORD: it runs for a moment, and stands still again as if nothing had been.
run_between() {
	thaw_by_hand "$1"
	workspace_exec "$1" sh -c "echo $2 >/data/set/1; echo $2 >/data/$2"
	freeze_by_hand "$1"
}

# holds_meanwhile VERSION ID: whether recover tells of a version with what somebody had let run.
holds_meanwhile() {
	[[ $output == *"the restore of version 1 was completed; version $1 holds what somebody had let run meanwhile"* ]] ||
		complain "another word: $output"
	same 'first ' "$(set_says "$2")"
	nothing_is_left
}

newest_of() {
	db "SELECT max(version) FROM container_versions WHERE container_id = '$1'"
}

# cut_recovery ID: killed together with its guard, when what was found is saved and the change goes on.
cut_recovery() {
	local tracer
	strace -qq -o /dev/null "${IN_SET[@]}" -e trace=linkat -e inject=linkat:delay_enter=8000000:when=2 \
		"$WSNAP" recover "$1" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	tracer=$!
	servers_wait_for 20 grep -q '"meantime_whole":[[:space:]]*true' "$(records)"
	sleep 0.5
	kill_traced "$tracer"
}

@test "what ran on half a change, and stands still again, is a version before that is finished" {
	workspace between
	set_of between first
	expect 0 -q create --live between
	set_of between before
	cut_both 3 between
	run_between between mine
	expect 0 recover
	holds_meanwhile 3 between
	same 'mine mine before' "$(version_file between 3 /data/set/1) $(version_file between 3 /data/mine) $(version_file between 2 /data/set/4)"
	same 'mine 0' "$(workspace_read between /data/mine) $(workspace_frozen between)"
	# Where nobody has let it run, there is nothing more to be saved.
	set_of between quiet
	cut_both 3 between
	sleep 1
	expect 0 recover
	[[ $output == *"the restore of version 1 was completed" ]] || complain "another word: $output"
	same '4 quiet' "$(newest_of between) $(version_file between 4 /data/set/4)"
	# Both at once: what ran first is saved when that is cut off as well, and it runs again.
	set_of between more
	cut_both 3 between
	run_between between once
	cut_recovery between
	run_between between twice
	expect 0 recover
	holds_meanwhile 7 between
	same 'once more twice' "$(echo $(for n in 5 6 7; do version_file between $n /data/set/1; done))"
	same 'once twice 0' "$(workspace_read between /data/once) $(workspace_read between /data/twice) $(workspace_frozen between)"
	# Cut off alone, it has not run since.
	set_of between last
	cut_both 3 between
	run_between between thrice
	cut_recovery between
	expect 0 recover
	holds_meanwhile 9 between
	same 'thrice 9' "$(version_file between 9 /data/set/1) $(newest_of between)"
	# Paused by its owner, who lets it run and pauses it again.
	set_of between owner
	ctr tasks pause between
	cut_both 3 between
	ctr tasks resume between
	workspace_exec between sh -c 'echo his >/data/set/1'
	ctr tasks pause between
	expect 0 recover
	same PAUSED "$(workspace_status between)"
	ctr tasks resume between
	holds_meanwhile 11 between
	same 'owner his' "$(version_file between 10 /data/set/4) $(version_file between 11 /data/set/1)"
	expect 0 doctor between
}

@test "where that cannot be saved, it is said, and nothing is taken away unasked" {
	WORKSPACE_OPTIONS=(--snapshotter native)
	ctr images unpack --snapshotter native "$IMAGE" >/dev/null 2>&1 || true
	workspace y
	set_of y first
	expect 0 -q create y
	set_of y second
	strace -qq -o /dev/null -e trace=linkat -e inject=linkat:delay_enter=8000000:when=3 \
		"$WSNAP" restore y 1 --no-save >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	tracer=$!
	servers_wait_for 20 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~y.restore"
	sleep 0.5
	kill_traced "$tracer"
	start_anew y
	echo mine >"$(workspace_root y)/data/set/1"
	expect 7 recover y
	[[ $stderr == *"somebody has let it run meanwhile, and what it is now could not be saved: "*"its snapshotter has no layers that can be read"* ]] ||
		complain "another word"
	[[ $stderr == *"--force finishes it without saving that"* ]] || complain "another hint"
	same mine "$(workspace_read y /data/set/1)"
	# Who cannot freeze it leaves nobody behind who changes its files all the same.
	status=0
	strace -qq -o /dev/null -P "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~y.frozen" -e trace=pwrite64 \
		-e inject=pwrite64:error=EIO:when=2 \
		"$WSNAP" --force recover y >/dev/null 2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- 4>&- || status=$?
	same 7 "$status"
	grep -q 'cannot note whether it is frozen: Input/output error' "$BATS_TEST_TMPDIR/stderr" ||
		complain "$(cat "$BATS_TEST_TMPDIR/stderr")"
	sleep 0.5
	same mine "$(workspace_read y /data/set/1)"
	same 0 "$(workspace_frozen y)"
	expect 0 --force recover y
	same 'first ' "$(set_says y)"
	nothing_is_left
}

# began_stopped ID N: it does not run, and a restore of version 1 stands still where it is about to put the Nth file in place; then
# somebody starts it.
began_stopped() {
	workspace "$1"
	set_of "$1" first
	expect 0 -q create "$1"
	set_of "$1" second
	ctr tasks kill --signal KILL "$1"
	servers_wait_for 20 ctr tasks delete "$1"
	strace -qq -o /dev/null -e trace=linkat -e inject=linkat:delay_enter=3000000:when="$2" \
		"$WSNAP" restore "$1" 1 >"$BATS_TEST_TMPDIR/output" 2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- 4>&- &
	RUN=$!
	servers_wait_for 20 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~$1.restore"
	sleep 0.5
	ctr tasks start --detach --null-io "$1" 3>&- 4>&-
	STARTED=$(workspace_pid "$1")
}

run_ends() {
	status=0
	wait "$RUN" || status=$?
	output=$(cat "$BATS_TEST_TMPDIR/output")
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
}

@test "somebody starts a stopped workspace while its files are changed: it runs again on all of them, and what it wrote is a version" {
	local how id
	for how in left looked wrote; do
		id=$how
		began_stopped "$id" 3
		[ "$how" = left ] || set_says "$id" >/dev/null
		if [ "$how" = wrote ]; then
			echo mine >"$(workspace_root "$id")/data/set/5"
			echo mine >"$(workspace_root "$id")/data/set/1"
			echo mine >"$(workspace_root "$id")/data/more"
		fi
		run_ends
		same 0 "$status" "status of the restore where it $how"
		[[ $stderr == *"'$id' was started by somebody while its files were changed: that task is ended, and started again when they are"* ]] ||
			complain "it is not said"
		same 'first ' "$(set_says "$id")" "what it shows where it $how"
		same 'RUNNING 0' "$(workspace_status "$id") $(workspace_frozen "$id")"
		[ "$(workspace_pid "$id")" != "$STARTED" ] || complain "it is the same task"
		same 1 "$(stands_on "$id")"
		[ "$how" != wrote ] || [[ $stderr == *"version 3 of 'wrote' holds what it had become meanwhile"* ]] ||
			complain "the version is not named"
		nothing_is_left
		expect 0 doctor "$id"
	done
	same 2 "$(newest_of looked)"
	same 'mine mine second first' "$(echo $(for file in set/5 set/1 set/4 set/2; do version_file wrote 3 "/data/$file"; done))"
	same mine "$(workspace_read wrote /data/more)"
	# It goes on as any other.
	workspace_write wrote /data/later later
	expect 0 version wrote
	same 'later' "$(workspace_read wrote /data/later)"
}

# What a restore does that has it mounted beside a task: for some files of the set.
change_beside() {
	local there=$BATS_TEST_TMPDIR/there file
	mkdir -p "$there"
	eval "$(ctr snapshots mounts "$there" "$(container_snapshot "$1")")"
	"${@:2}"
	for file in 3 4 5; do
		echo first >"$there/data/new"
		mv "$there/data/new" "$there/data/set/$file"
	done
	umount "$there"
}

works_on() {
	ctr tasks start --detach --null-io "$1" 3>&- 4>&-
	set_says "$1" >/dev/null
	echo mine >"$(workspace_root "$1")/data/set/5"
	echo mine >"$(workspace_root "$1")/data/set/1"
}

@test "a task that does not see what was done beneath it is never left frozen: recover starts it again behind the change" {
	local how
	for how in killed ended; do
		began_stopped "$how" 3
		pkill -KILL -P "$RUN"
		wait "$RUN" || true
		ctr tasks kill --signal KILL "$how"
		servers_wait_for 20 ctr tasks delete "$how"
		change_beside "$how" works_on "$how"
		STARTED=$(workspace_pid "$how")
		if [ "$how" = ended ]; then
			# Killed behind the end of that task: whoever comes next starts it.
			strace -f -qq -o /dev/null -e trace=fsmount -e inject=fsmount:signal=KILL:when=3 \
				"$WSNAP" recover "$how" >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
			same '' "$(workspace_status "$how")"
		fi
		expect 0 recover "$how"
		[[ $output == *"the restore of version 1 was completed; version 3 holds what somebody had let run meanwhile"* ]] ||
			complain "another word: $output"
		[ "$(workspace_pid "$how")" != "$STARTED" ] || complain "it is the same task"
		same 'first RUNNING 0' "$(set_says "$how")$(workspace_status "$how") $(workspace_frozen "$how")"
		same mine "$(version_file "$how" 3 /data/set/1)"
		nothing_is_left
		expect 0 doctor "$how"
	done
}

@test "who runs it once more before its restore is finished loses nothing either" {
	began_stopped later 3
	pkill -KILL -P "$RUN"
	wait "$RUN" || true
	ctr tasks kill --signal KILL later
	servers_wait_for 20 ctr tasks delete later
	change_beside later works_on later
	strace -f -qq -o /dev/null -e trace=fsmount -e inject=fsmount:signal=KILL:when=3 \
		"$WSNAP" recover later >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
	same '' "$(workspace_status later)"
	ctr tasks start --detach later 3>&- 4>&-
	echo later >"$(workspace_root later)/data/set/2"
	ctr tasks kill --signal KILL later
	servers_wait_for 20 ctr tasks delete later
	expect 0 recover later
	[[ $output == *"the restore of version 1 was completed"* ]] || complain "another word: $output"
	same later "$(version_file later "$(version_newest later)" /data/set/2)"
	same first "$(cat "$(workspace_root later)/data/set/2")"
	nothing_is_left
	expect 0 doctor later
}

# does_not_start ID: version 1, which is there then, has a shell that cannot be run; without it the first process is not started.
does_not_start() {
	local root
	workspace "$1"
	set_of "$1" first
	root=$(workspace_root "$1")
	rm "$root/bin/sh"
	echo broken >"$root/bin/sh"
	expect 0 -q create --live "$1"
	ln -sf busybox "$root/bin/sh"
	set_of "$1" second
	ctr tasks kill --signal KILL "$1"
	servers_wait_for 20 ctr tasks delete "$1"
}

# started_beside ID: it does not run, and somebody starts it when the first file is about to be replaced.
started_beside() {
	strace -qq -o /dev/null -e trace=linkat -e inject=linkat:delay_enter=3000000:when=1 \
		"$WSNAP" restore "$1" 1 >"$BATS_TEST_TMPDIR/output" 2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- 4>&- &
	RUN=$!
	servers_wait_for 20 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~$1.restore"
	sleep 0.5
	ctr tasks start --detach --null-io "$1" 3>&- 4>&-
}

# is_pending ID: what was told last says that only its start is left.
is_pending() {
	[[ $stderr == *"wsnap: '$1' is restored, but it could not be started again: containerd refused"* ]] ||
		complain "another word: $stderr"
	[[ $stderr == *"hint: once the cause is gone, 'wsnap recover $1' starts it; 'wsnap rollback $1 VERSION' goes back"* ]] ||
		complain "another hint: $stderr"
	same '' "$(workspace_status "$1")"
}

# In what it writes to, beside its mounts: nothing has it mounted now.
mend_shell() {
	mkdir -p "$(writable_folder "$1")/bin"
	ln -sf busybox "$(writable_folder "$1")/bin/sh"
}

# without_shell ID: a version of it was taken, and it does not start again.
without_shell() {
	local root
	root=$(workspace_root "$1")
	rm "$root/bin/sh"
	echo broken >"$root/bin/sh"
	expect 7 -q create "$1"
	same '' "$(workspace_status "$1")"
}

restores_of() {
	db "SELECT count(*) FROM lifecycle_events WHERE event_type = 'restore' AND container_id = '$1'"
}

@test "what was started meanwhile does not start on the restored files: it is restored and down, and the start alone is left" {
	does_not_start pend
	started_beside pend
	run_ends
	same 7 "$status"
	is_pending pend
	same '1 1 stopped' "$(stands_on pend) $(restores_of pend) $(db "SELECT status FROM containers WHERE container_id = 'pend'")"
	same '' "$(lease_names)" "leases"
	expect 0 --json status pend
	same '1 incomplete' "$(json '.workspaces[0] | "\(.open_operations) \(.last_result)"')"
	[[ $(json '.workspaces[0].last_message') == "'pend' is restored, but it could not be started again: "* ]] ||
		complain "status does not say it"
	# It is tried again each time, and nothing else is done again.
	expect 7 recover pend
	[[ $stderr == *"'pend' is restored, but it could not be started again"* ]] || complain "another word: $stderr"
	echo later >"$(writable_folder pend)/data/set/2"
	mend_shell pend
	expect 0 recover pend
	same "'pend': the restore of version 1 was completed, and the workspace is started again" "$output"
	same 'RUNNING later 1' "$(workspace_status pend) $(workspace_read pend /data/set/2) $(restores_of pend)"
	nothing_is_left
	expect 0 doctor pend
}

@test "a restore whose start is left: versions and a rollback take it over" {
	does_not_start taken
	started_beside taken
	run_ends
	same 7 "$status"
	expect 7 version taken
	[[ $stderr == *"'taken' is saved, but it could not be started again"* ]] || complain "another word: $stderr"
	same 'first broken' "$(echo $(for file in /data/set/1 /bin/sh; do version_file taken 3 "$file"; done))"
	expect 0 rollback taken 2
	same RUNNING "$(workspace_status taken)"
	same 'second ' "$(set_says taken)"
	nothing_is_left
	expect 0 doctor taken
	does_not_start mode
	started_beside mode
	run_ends
	expect 7 --json version --live mode
	same 3 "$(newest_of mode)"
	expect 0 rollback mode 2
	nothing_is_left
}

@test "a workspace whose start is left is started on the files that another restore brings back" {
	local how
	does_not_start more
	started_beside more
	run_ends
	same 7 "$status"
	# What is there becomes a version first, as of any other that does not run.
	expect 0 --json restore more 2 /bin/sh
	same '3 RUNNING 3' "$(json .saved_version) $(workspace_status more) $(stands_on more)"
	same 'first broken' "$(echo $(for file in /data/set/1 /bin/sh; do version_file more 3 "$file"; done))"
	same 'first ' "$(set_says more)"
	nothing_is_left
	expect 0 doctor more
	# Files that do not help: it is restored all the same, and its start is left again.
	without_shell more
	expect 7 --json restore more 2 /data/set --no-save
	same '' "$(workspace_status more)"
	expect 7 recover more
	[[ $stderr == *"'more' is restored, but it could not be started again"* ]] || complain "another word: $stderr"
	expect 0 restore more 2 /bin/sh --no-save
	same 'RUNNING second ' "$(workspace_status more) $(set_says more)"
	nothing_is_left
	# One that changes nothing, and one that is cut off, forget nothing of it.
	for how in fails killed between; do
		without_shell more
		if [ "$how" = fails ]; then
			status=0
			strace -qq -o /dev/null -P "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~more.restore.half" -e trace=fsync \
				-e inject=fsync:error=EIO "$WSNAP" restore more 2 >/dev/null 2>"$BATS_TEST_TMPDIR/stderr" 3>&- 4>&- || status=$?
			same 7 "$status"
			grep -q "on the way back: 'more' is as it was, but it could not be started again: containerd" "$BATS_TEST_TMPDIR/stderr" ||
				complain "$(cat "$BATS_TEST_TMPDIR/stderr")"
		elif [ "$how" = killed ]; then
			strace -qq -o /dev/null -e trace=symlinkat -e inject=symlinkat:signal=KILL:when=1 \
				"$WSNAP" restore more 2 >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
		else
			strace -qq -o /dev/null -e trace=write -P "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~more.restore.half" \
				-e inject=write:signal=KILL:when=1 "$WSNAP" restore more 2 >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
		fi
		same '' "$(workspace_status more)"
		[ "$how" = killed ] || mend_shell more
		expect 0 recover more
		same RUNNING "$(workspace_status more)" "behind one that was $how"
		nothing_is_left
	done
	expect 0 doctor more
}

@test "recover ends a restore but for a start that fails, and does not try that without end" {
	does_not_start cut
	started_beside cut
	pkill -KILL -P "$RUN"
	wait "$RUN" || true
	ctr tasks kill --signal KILL cut
	servers_wait_for 20 ctr tasks delete cut
	change_beside cut works_on cut
	expect 7 recover cut
	is_pending cut
	same '1 mine' "$(stands_on cut) $(version_file cut 3 /data/set/1)"
	# Somebody puts it on another snapshot: it is started on that, and the restore is ended.
	ctr snapshots prepare cut-mine "$(version_snapshot cut 2)" >/dev/null
	turn cut cut-mine
	expect 0 recover cut
	[[ $output == *"somebody gave the container another snapshot"* ]] || complain "another word: $output"
	same 'RUNNING second ' "$(workspace_status cut) $(set_says cut)"
	nothing_is_left
}

# another_boot ARGUMENT…: runs wsnap as behind a start of the host.
another_boot() {
	cat /proc/sys/kernel/random/uuid >"$BATS_TEST_TMPDIR/boot"
	status=0
	unshare -m sh -c 'mount --bind "$1" /proc/sys/kernel/random/boot_id && shift && exec "$@"' sh \
		"$BATS_TEST_TMPDIR/boot" "$WSNAP" "$@" >"$BATS_TEST_TMPDIR/output" 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	output=$(cat "$BATS_TEST_TMPDIR/output")
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
}

@test "behind a start of the host, what was saved beside a workspace is recorded also where that does not start" {
	local how words
	for how in kept half; do
		workspace "$how"
		expect 0 -q create --live "$how"
		set_of "$how" second
		rm "$(workspace_root "$how")/bin/sh"
		if [ "$how" = kept ]; then
			told_by version --live "$how"
			set_of "$how" third
			killed_after keep version --live "$how"
			words='is saved'
		else
			killed_after lease version --live "$how"
			words='is as it was'
		fi
		ctr tasks delete --force "$how" >/dev/null
		another_boot recover "$how"
		same 7 "$status"
		[[ $stderr == *"'$how' $words, but it could not be started again: "* ]] || complain "another word: $stderr"
		mend_shell "$how"
		expect 0 recover "$how"
		[[ $output == *", and the workspace is started again" ]] || complain "another word: $output"
		same RUNNING "$(workspace_status "$how")"
		nothing_is_left
	done
	same '3 third 1' "$(newest_of kept) $(version_file kept 3 /data/set/1) $(newest_of half)"
}

# with_link ID: the version has a symbolic link among its files, which is made when they are in place.
with_link() {
	workspace "$1"
	set_of "$1" first
	ln -s 1 "$(workspace_root "$1")/data/set/z"
	expect 0 -q create "$1"
	set_of "$1" second
	ctr tasks kill --signal KILL "$1"
	servers_wait_for 20 ctr tasks delete "$1"
}

@test "where files could not be changed to the end, it is said what the workspace is in" {
	with_link full
	strace -qq -o /dev/null -e trace=linkat,symlinkat -e inject=linkat:delay_enter=3000000:when=3 \
		-e inject=symlinkat:error=ENOSPC \
		"$WSNAP" restore full 1 >"$BATS_TEST_TMPDIR/output" 2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- 4>&- &
	RUN=$!
	servers_wait_for 20 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~full.restore"
	sleep 0.5
	ctr tasks start --detach --null-io full 3>&- 4>&-
	run_ends
	same 7 "$status"
	[[ $stderr == *"wsnap: 'full' is down, and its files are not changed to the end: '/data/set/z': "*": No space left on device"* ]] ||
		complain "another word: $stderr"
	[[ $stderr == *"hint: 'wsnap recover full' does the rest, and starts it again"* ]] || complain "another hint: $stderr"
	same '' "$(workspace_status full)"
	expect 0 recover full
	same 'RUNNING first ' "$(workspace_status full) $(set_says full)"
	nothing_is_left
	# One that nobody has started is down as it was.
	with_link plain
	status=0
	strace -qq -o /dev/null -e trace=symlinkat -e inject=symlinkat:error=ENOSPC \
		"$WSNAP" restore plain 1 >/dev/null 2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- 4>&- || status=$?
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
	same 7 "$status"
	[[ $stderr == *"wsnap: 'plain' is down, and its files are not changed to the end: '/data/set/z': "* ]] ||
		complain "another word: $stderr"
	[[ $stderr == *"hint: 'wsnap recover plain' does the rest" ]] || complain "another hint: $stderr"
	expect 0 recover plain
	same '' "$(workspace_status plain)"
	nothing_is_left
}

@test "what somebody has written to a stopped workspace behind a clock that was set back is a version before its restore is finished" {
	local wrote list
	for wrote in yes no; do
		began_stopped "back$wrote" 3
		pkill -KILL -P "$RUN"
		wait "$RUN" || true
		[ "$wrote" = no ] || echo mine >"$(workspace_root "back$wrote")/data/set/5"
		ctr tasks kill --signal KILL "back$wrote"
		servers_wait_for 20 ctr tasks delete "back$wrote"
		# All of that came before it, by the clock of today.
		list=$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~back$wrote.restore
		touch -d '+1 hour' "$list"
		expect 0 recover "back$wrote"
		ctr tasks start --detach --null-io "back$wrote" 3>&- 4>&-
		same 'first ' "$(set_says "back$wrote")"
		nothing_is_left
		expect 0 doctor "back$wrote"
	done
	same '3 mine 2' "$(newest_of backyes) $(version_file backyes 3 /data/set/5) $(newest_of backno)"
}

# By a task that is gone again before anybody looks, and by a program of the host.
writes_and_ends() {
	ctr tasks start --detach --null-io "$1" 3>&- 4>&-
	echo mine >"$(workspace_root "$1")/data/set/5"
	ctr tasks delete --force "$1" >/dev/null 2>&1
}

writes_to_layer() {
	echo mine >"$(writable_folder "$1")/data/set/5"
}

@test "what is written to a stopped workspace while its files are changed is not taken away, also where nobody was seen to start it" {
	local how id
	for how in writes_to_layer writes_and_ends; do
		id=${how//_/-}
		workspace "$id"
		set_of "$id" first
		expect 0 -q create "$id"
		set_of "$id" second
		ctr tasks delete --force "$id" >/dev/null 2>&1
		strace -qq -o /dev/null -e trace=linkat -e inject=linkat:delay_enter=5000000:when=3 \
			"$WSNAP" restore "$id" 1 --no-save >"$BATS_TEST_TMPDIR/output" 2>"$BATS_TEST_TMPDIR/stderr" \
			</dev/null 3>&- 4>&- &
		RUN=$!
		servers_wait_for 20 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~$id.restore"
		sleep 0.5
		"$how" "$id"
		run_ends
		same 7 "$status" "status where it $how"
		[[ $stderr == *"wsnap: '$id' is down, and its files are not changed to the end: '/data/set/5' was written to by somebody meanwhile"* ]] ||
			complain "another word: $stderr"
		expect 0 recover "$id"
		[[ $output == *"the restore of version 1 was completed; version 2 holds what somebody had let run meanwhile"* ]] ||
			complain "another word: $output"
		ctr tasks start --detach --null-io "$id" 3>&- 4>&-
		same 'first ' "$(set_says "$id")"
		same mine "$(version_file "$id" 2 /data/set/5)"
		nothing_is_left
		expect 0 doctor "$id"
	done
}

@test "more files than may be open at once, where that limit holds also for root" {
	local root n
	workspace many
	root=$(workspace_root many)
	for n in {1..600}; do echo first >"$root/data/$n"; done
	expect 0 -q create many
	root=$(workspace_root many)
	for n in {1..600}; do echo second >"$root/data/$n"; done
	ctr tasks delete --force many >/dev/null 2>&1
	(
		ulimit -n 600
		setpriv --inh-caps=-sys_resource --bounding-set=-sys_resource "$WSNAP" restore many 1 >/dev/null </dev/null 3>&- 4>&-
	)
	ctr tasks start --detach --null-io many 3>&- 4>&-
	same first "$(cat "$(workspace_root many)"/data/* | sort -u)"
}

@test "ended and started anew while it stands still in the middle of the change: recover finishes that" {
	workspace anew
	set_of anew first
	expect 0 -q create --live anew
	set_of anew second
	strace -qq -o /dev/null "${IN_SET[@]}" -e trace=linkat -e inject=linkat:delay_enter=3000000:when=3 \
		"$WSNAP" restore anew 1 >"$BATS_TEST_TMPDIR/output" 2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- 4>&- &
	RUN=$!
	servers_wait_for 20 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~anew.restore"
	sleep 0.5
	start_anew anew 3>&- 4>&-
	set_says anew >/dev/null
	echo mine >"$(workspace_root anew)/data/set/1"
	echo mine >"$(workspace_root anew)/data/set/5"
	run_ends
	same 7 "$status"
	[[ $stderr == *"it was started anew by somebody while its files were changed"*"'wsnap recover anew' does the rest"* ]] ||
		complain "another word: $stderr"
	expect 0 recover anew
	[[ $output == *"the restore of version 1 was completed; version 3 holds what somebody had let run meanwhile"* ]] ||
		complain "another word: $output"
	same 'first RUNNING 0' "$(set_says anew)$(workspace_status anew) $(workspace_frozen anew)"
	same 'mine mine second' "$(echo $(version_file anew 3 /data/set/1) $(version_file anew 3 /data/set/5) $(version_file anew 2 /data/set/4))"
	nothing_is_left
	expect 0 doctor anew
}

@test "what was finished once is never made again" {
	workspace t
	set_of t first
	expect 0 -q create --live t
	set_of t second
	cut_at_link 2 t
	servers_wait_for 5 runs_again t
	servers_wait_for 5 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~t.restore.settled"
	# Work of hours, and then the host is started anew, before anybody has run wsnap.
	set_of t work
	cat /proc/sys/kernel/random/uuid >"$BATS_TEST_TMPDIR/boot"
	unshare -m sh -c 'mount --bind "$1" /proc/sys/kernel/random/boot_id && shift && exec "$@"' sh \
		"$BATS_TEST_TMPDIR/boot" "$WSNAP" recover t
	same 'work ' "$(set_says t)"
	same second "$(version_file t 2 /data/set/4)"
	nothing_is_left
	# The list of another operation is none.
	set_of t third
	cut_both 2 t
	cp "$(find "$WSNAP_STATE_DIR" -name '*~t.restore')" "$BATS_TEST_TMPDIR/list"
	expect 0 recover t
	set_of t fourth
	cp "$BATS_TEST_TMPDIR/list" "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~t.restore"
	strace -qq -o /dev/null -e trace=fsopen -e inject=fsopen:signal=KILL:when=1 \
		"$WSNAP" restore t 2 >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
	[ -n "$(records)" ] || complain "no operation was cut off"
	expect 0 recover t
	same 'fourth ' "$(set_says t)"
}

# after_the_look SHELL_WORDS ARGUMENT…: runs wsnap, and in the shell what is done once all was looked at, before it is frozen.
after_the_look() {
	local words=$1 half tracer
	shift
	half=$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~$2.restore.half
	status=0
	strace -qq -o /dev/null -e trace=syncfs -e inject=syncfs:delay_enter=1500000:when=2 \
		"$WSNAP" "$@" >/dev/null 2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- 4>&- &
	tracer=$!
	servers_wait_for 20 grep -aqs data "$half"
	sleep 0.2
	(eval "$words")
	wait "$tracer" || status=$?
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
}

@test "hard links: only to what is the version's by then, and all names of a file together" {
	workspace v
	root=$(workspace_root v)
	mkdir -p "$root/data/in" "$root/data/out"
	echo 1 >"$root/data/out/f"
	ln "$root/data/out/f" "$root/data/in/a"
	ln "$root/data/out/f" "$root/data/in/b"
	echo 1 >"$root/data/in/other"
	expect 0 -q create --live v
	rm "$root/data/in/a" "$root/data/in/b"
	# What they were to become names of is another file by then.
	after_the_look 'echo changed >"$root/data/out/f"' restore v 1 /data/in --no-save
	same '0 1 changed' "$status $(cat "$root/data/in/b") $(cat "$root/data/out/f")"
	[ "$root/data/in/a" -ef "$root/data/in/b" ] || complain "two files in place of one with two names"
	[ ! "$root/data/in/a" -ef "$root/data/out/f" ]
	expect 0 restore v 1
	[ "$root/data/in/a" -ef "$root/data/out/f" ] && [ "$root/data/in/b" -ef "$root/data/out/f" ]
	# One name of three is another file only when all was looked at.
	echo 2 >"$root/data/in/other"
	after_the_look 'rm "$root/data/in/b"; echo new >"$root/data/in/b"' restore v 1 --no-save
	same '0 1 1' "$status $(cat "$root/data/in/b") $(cat "$root/data/in/other")"
	[ "$root/data/in/b" -ef "$root/data/out/f" ] || complain "a file of its own in place of one more name"
	[ "$root/data/in/a" -ef "$root/data/out/f" ]
}

# The longest that a beat of a workspace made by beating() stood still, in ms.
longest_gap() {
	sort -n "$(workspace_root "$1")/run/beat" | awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 }
		END { printf "%d\n", most * 1000 }'
}

@test "--max-freeze holds until the change begins, also where the disk does not answer" {
	workspace w sh -c 'mkdir -p /data; while :; do cut -d " " -f 1 /proc/uptime >>/run/beat; usleep 20000; done'
	workspace_write w /data/f 1
	expect 0 -q create --live w
	workspace_write w /data/f 2
	# The folder of the list that has just been sealed is not written back in time.
	status=0
	timeout 60 strace -f -qq -o /dev/null -P "$WSNAP_STATE_DIR" -e trace=fsync \
		-e inject=fsync:delay_enter=5000000:when=1+ \
		"$WSNAP" restore w 1 --no-save --max-freeze 300 >/dev/null 2>"$BATS_TEST_TMPDIR/stderr" 3>&- 4>&- || status=$?
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
	same 1 "$status"
	[[ $stderr == *"what was to be changed was not ready within 300 ms"* ]] || complain "another word"
	grep -q '^hint: --max-freeze allows more' "$BATS_TEST_TMPDIR/stderr"
	same 2 "$(workspace_read w /data/f)"
	[ "$(longest_gap w)" -lt 4000 ] || complain "it stood still for $(longest_gap w) ms"
	same '' "$(find "$WSNAP_STATE_DIR" -name '*~w.restore*' -o -name '*.operation')"
	nothing_is_left
	# Killed in just that moment: its guard lets the workspace run, and nothing is changed.
	strace -qq -o /dev/null -P "$WSNAP_STATE_DIR" -e trace=renameat \
		-e inject=renameat:delay_exit=2000000 "$WSNAP" restore w 1 --no-save --max-freeze 20000 >/dev/null 2>&1 \
		</dev/null 3>&- 4>&- &
	tracer=$!
	servers_wait_for 20 test -e "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~w.restore"
	pkill -KILL -P "$tracer"
	wait "$tracer" || true
	servers_wait_for 5 runs_again w
	expect 0 recover
	[[ $output == *"the restore was taken back"* ]] || complain "another word"
	same 2 "$(workspace_read w /data/f)"
	nothing_is_left
}

@test "where there are no files without names, they are made before the change as well" {
	"${CC:-gcc}" -D_GNU_SOURCE -o "$BATS_TEST_TMPDIR/without_unnamed" "$WORKSPACE_ROOT/tests/lib/without_unnamed.c" ||
		skip "there is no compiler"
	workspace z
	set_of z first
	root=$(workspace_root z)
	head -c 300M /dev/zero | tr '\\0' x >"$root/data/set/first/big"
	expect 0 -q create --live z
	set_of z second
	# More than can be made in that time: nothing is changed, and it is known before.
	before=$(find "$root/data" -printf '%p %i %C@\n' | sort)
	status=0
	"$BATS_TEST_TMPDIR/without_unnamed" "$WSNAP" restore z 1 --no-save --max-freeze 20 >/dev/null \
		2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- 4>&- || status=$?
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
	same 1 "$status"
	[[ $stderr == *"what was to be changed was not ready within 20 ms"* ]] || complain "another word"
	same "$before" "$(find "$root/data" -printf '%p %i %C@\n' | sort)"
	same 0 "$(find "$root/" -maxdepth 1 -name '.wsnap*' | wc -l)"
	"$BATS_TEST_TMPDIR/without_unnamed" "$WSNAP" restore z 1 --max-freeze 60000 >/dev/null 3>&- 4>&-
	rm "$root/data/set/first/big"
	same 'first 0' "$(set_says z)$(find "$root/" -maxdepth 1 -name '.wsnap*' | wc -l)"
	# Not in what was saved either; and who is killed on the way leaves nothing for good.
	expect 0 diff z 2
	[[ $output != *.wsnap* ]] || complain "files of ours are part of a version"
	set_of z third
	strace -f -qq -o /dev/null -e trace=fchmod -e inject=fchmod:signal=KILL:when=3 \
		"$BATS_TEST_TMPDIR/without_unnamed" "$WSNAP" restore z 1 --max-freeze 60000 >/dev/null 2>&1 3>&- 4>&- || true
	servers_wait_for 5 runs_again z
	same 1 "$(find "$root/" -maxdepth 1 -name '.wsnap*' | wc -l)"
	expect 0 recover
	same 'third 0' "$(set_says z)$(find "$root/" -maxdepth 1 -name '.wsnap*' | wc -l)"
	nothing_is_left
}

@test "a root that is not the container's is not written to" {
	mkdir -p "$BATS_TEST_TMPDIR/volume/data" "$BATS_TEST_TMPDIR/volume/bin"
	cp "$(command -v busybox)" "$BATS_TEST_TMPDIR/volume/bin/"
	echo kept >"$BATS_TEST_TMPDIR/volume/data/f"
	WORKSPACE_OPTIONS=(--mount "type=bind,src=$BATS_TEST_TMPDIR/volume,dst=/srv/volume,options=rbind:rw")
	workspace u sh -c 'mkdir -p /data; echo 1 >/data/f; while [ ! -e /data/go ]; do sleep 0.1; done
		exec chroot /srv/volume /bin/busybox sleep 1000000'
	root=$(workspace_root u)
	servers_wait_for 10 test -s "$root/data/f"
	expect 0 -q create --live u
	echo 2 >"$root/data/f"
	touch "$root/data/go"
	servers_wait_for 10 test -e "$(workspace_root u)/bin/busybox" -a ! -e "$(workspace_root u)/etc"
	expect 8 restore u 1 --no-save
	! "$WSNAP" restore u 1 2>/dev/null
	same kept "$(cat "$BATS_TEST_TMPDIR/volume/data/f")"
}

@test "a list of changes that is damaged leaves the workspace as it is, standing still" {
	workspace r
	set_of r first
	expect 0 -q create --live r
	set_of r second
	cut_both 2 r
	list=$(find "$WSNAP_STATE_DIR" -name '*~r.restore')
	cp "$list" "$BATS_TEST_TMPDIR/list"
	truncate -s -3 "$list"
	expect 7 recover r
	[[ $stderr == *"is damaged"* ]] || complain "another word"
	same 1 "$(workspace_frozen r)"
	cat "$BATS_TEST_TMPDIR/list" >"$list"
	expect 0 recover r
	same 'first 0' "$(set_says r)$(workspace_frozen r)"
}

@test "whatever links appear while it works, nothing outside of the workspace is written to" {
	mkdir -p "$BATS_TEST_TMPDIR/volume/sub"
	echo kept >"$BATS_TEST_TMPDIR/volume/f"
	echo kept >"$BATS_TEST_TMPDIR/volume/sub/f"
	WORKSPACE_OPTIONS=(--mount "type=bind,src=$BATS_TEST_TMPDIR/volume,dst=/srv/volume,options=rbind:rw")
	workspace s sh -c 'mkdir -p /data/d/sub; echo 1 >/data/d/f; echo 1 >/data/d/sub/f; ln -s /srv/volume /data/other
		while [ ! -e /data/go ]; do sleep 0.1; done
		while :; do mv /data/d /data/x; mv /data/other /data/d; mv /data/x /data/other 2>/dev/null
			mv /data/d /data/x; mv /data/other /data/d; mv /data/x /data/other; done'
	root=$(workspace_root s)
	servers_wait_for 10 test -h "$root/data/other"
	expect 0 -q create --live s
	touch "$root/data/go"
	for turn in $(seq 15); do
		timeout 60 "$WSNAP" restore s 1 --no-save >/dev/null 2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- 4>&- ||
			grep -q 'no folder of the workspace\|within .* ms' "$BATS_TEST_TMPDIR/stderr" ||
			complain "$(cat "$BATS_TEST_TMPDIR/stderr")"
		touch "$root/data/go"
	done
	same 'f kept kept sub' "$(cd "$BATS_TEST_TMPDIR/volume" && echo $(ls | head -1) $(cat f sub/f) $(ls | tail -1))"
	same '' "$(find "$BATS_TEST_TMPDIR/volume" -name '.wsnap*')"
	same 0 "$(workspace_frozen s)"
	expect 0 recover
}

@test "the state before a restore that was cut off outlives its lease" {
	local lease
	workspace leased
	set_of leased first
	expect 0 -q create --live leased
	set_of leased precious
	cut_both 3 leased
	expect 1 --wait 0 --state-dir "$BATS_TEST_TMPDIR/other" doctor --fix
	lease=$(lease_names | grep '^wsnap-') || complain "doctor has deleted the lease"
	ctr leases rm "$lease" >/dev/null
	collect_garbage
	expect 0 recover
	same "" "$stderr"
	same 2 "$(version_newest leased)"
	same "first " "$(set_says leased)"
	same 0 "$(workspace_frozen leased)"
	expect 0 rollback leased 2
	same "precious " "$(set_says leased)"
	collect_garbage
	same "" "$(snapshot_names | grep -- '-live-' || true)" "layers of live versions"
	nothing_is_left
}

@test "what a restore has left whose record is lost is found: the state before, and that the workspace stands still" {
	workspace lost
	set_of lost first
	expect 0 -q create --live lost
	set_of lost precious
	cut_both 3 lost
	rm -rf "$WSNAP_STATE_DIR"
	expect 0 --wait 0 recover --break-lock lost
	lease_names | xargs -r -n 1 ctr leases rm >/dev/null
	collect_garbage
	expect 1 --json doctor lost
	same "record_lost version_unrecorded" "$(json '[.findings[].kind] | sort | join(" ")')"
	expect 1 --json doctor --fix
	same "record_lost false,version_unrecorded true" "$(json '[.findings[] | .kind + " " + (.fixed | tostring)] | sort | join(",")')"
	matches "'lost' stands still, frozen by .*" "$(json '.findings[] | select(.kind == "record_lost").message')"
	same 2 "$(version_newest lost)"
	expect 1 doctor
	expect 0 rollback lost 2
	same "precious " "$(set_says lost)"
	same RUNNING "$(workspace_status lost)"
	same 0 "$(workspace_frozen lost)"
	expect 0 doctor
	same 'all is well' "$output"
	collect_garbage
	same "" "$(snapshot_names | grep -- '-live-' || true)" "layers of live versions"
}

# lost_early ID: a restore that SIGKILL ends before it changes anything, when the layer of what it saves is there, and the
# loss of its record and its lease.
lost_early() {
	strace -f -qq -o /dev/null -e trace=syncfs -e inject=syncfs:signal=KILL:when=1 \
		"$WSNAP" restore "$1" 1 >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
	[ -n "$(records)" ] || complain "no operation was cut off"
	snapshot_names | grep -q "^$1-live-"
	rm -rf "$WSNAP_STATE_DIR"
	expect 0 --wait 0 recover --break-lock "$1"
	lease_names | xargs -r -n 1 ctr leases rm >/dev/null
	collect_garbage
	snapshot_names | grep -q "^$1-live-"
}

@test "of a restore that was cut off before it changed anything, and whose record is lost, nothing stays" {
	workspace early
	set_of early first
	expect 0 -q create --live early
	set_of early precious
	lost_early early
	expect 1 --json doctor early
	same "layer_left record_lost" "$(json '[.findings[].kind] | sort | join(" ")')"
	expect 0 doctor --fix
	same "" "$(snapshot_names | grep '^early-live-' || true)"
	same "precious " "$(set_says early)"
	expect 0 doctor
}

@test "delete --all takes what such a restore has left along" {
	workspace whole
	set_of whole first
	expect 0 -q create --live whole
	set_of whole second
	lost_early whole
	expect 0 delete whole --all --yes
	collect_garbage
	same "" "$(snapshot_names | grep '^whole-live-' || true)"
}
