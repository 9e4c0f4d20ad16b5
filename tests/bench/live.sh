#!/bin/bash
# What live versions cost a workspace: the longest gap in its heartbeat and the wall time, on each of FILESYSTEMS (default
# "ext4 xfs": the machine's own below TMPDIR, and one in a file), beside what it is to be compared with in the same run:
# nothing at all, a bare freeze and thaw of the same control group, a version with a stop, and docker commit where
# there is a docker. Medians of ROUNDS (default 7; 3 where much has to be written anew). Prints figures and judges
# nothing.
set -u
. "$(dirname "$(readlink -f "$0")")/common.bash"

ROUNDS=${ROUNDS:-7}
FILESYSTEMS=${FILESYSTEMS:-ext4 xfs}
MIB=${MIB:-1024}       # at rest
FILES=${FILES:-100000} # at rest

# --- a filesystem in a file ---------------------------------------------------------------------------

# Mounts it below its own folder; `place` is where the servers go, and without one they take TMPDIR.
filesystem_begin() {
	place='' holder=''
	[ "$1" != ext4 ] || return 0
	holder=$(servers_scratch) || return 1
	truncate -s 12G "$holder/image"
	"mkfs.$1" -q "$holder/image" && mkdir "$holder/fs" && mount -o loop "$holder/image" "$holder/fs" || return 1
	chmod 755 "$holder/fs"
	mkdir "$holder/fs/s"
	place=$holder/fs/s
}

filesystem_end() {
	[ -n "$holder" ] || return 0
	umount "$holder/fs"
	rm -rf "$holder"
}

# --- a workspace --------------------------------------------------------------------------------------

pid_of() {
	ctr tasks ls | awk -v id="$1" '$1 == id { print $2 }'
}

# inside ID COMMAND…: beside the heartbeat, in its control group, until `outside`.
inside() {
	local id=$1
	shift
	ctr tasks exec --exec-id "beside-$id" "$id" "$@" >/dev/null 2>&1 &
	beside=$!
	sleep 1
}

outside() {
	ctr tasks kill --exec-id "beside-$1" --signal KILL "$1" >/dev/null 2>&1
	wait "$beside"
}

# --- samples ------------------------------------------------------------------------------------------

# taken NAME ID COMMAND…: the gap and the wall time of a command.
taken() {
	local name=$1 id=$2
	shift 2
	gap "$id" >/dev/null
	"$SCRATCH/measure" "$SCRATCH/$name.times" "$@" >"$SCRATCH/out" 2>"$SCRATCH/err" || cat "$SCRATCH/err"
	sleep 0.05
	gap "$id" >>"$SCRATCH/$name.gap"
}

live() {
	taken "$1" "$2" "$WSNAP" --json version --live "$2"
	jq -r '"\(.frozen_ms) \(.copied_bytes) \(.copied_entries) \(.passes)"' "$SCRATCH/out" >>"$SCRATCH/$1.live"
}

# The control group that holds the workspace: in the unified hierarchy where it is there, else version 1's freezer.
freezer_of() {
	local path
	path=$(awk -F: '$1 == "0" { print $3 }' "/proc/$(pid_of "$1")/cgroup")
	for folder in /sys/fs/cgroup/unified /sys/fs/cgroup; do
		[ ! -e "$folder$path/cgroup.freeze" ] || { echo "$folder$path"; return; }
	done
	echo "/sys/fs/cgroup/freezer$(awk -F: '$2 == "freezer" { print $3 }' "/proc/$(pid_of "$1")/cgroup")"
}

# Freezes, waits until it is whole, thaws: what a live version cannot do without.
bare() {
	local folder=$1 word=
	if [ -e "$folder/cgroup.freeze" ]; then
		echo 1 >"$folder/cgroup.freeze"
		until [[ $word == *'frozen 1'* ]]; do word=$(<"$folder/cgroup.events"); done
		echo 0 >"$folder/cgroup.freeze"
	else
		echo FROZEN >"$folder/freezer.state"
		until [ "$word" = FROZEN ]; do read -r word <"$folder/freezer.state"; done
		echo THAWED >"$folder/freezer.state"
	fi
}

# What the others are to be compared with.
compare() {
	local name=$1 id=$2 folder round
	folder=$(freezer_of "$id")
	for round in $(seq "$ROUNDS"); do
		taken "$name-idle" "$id" sleep 0.3
		gap "$id" >/dev/null
		bare "$folder"
		sleep 0.05
		gap "$id" >>"$SCRATCH/$name-bare.gap"
	done
	line "  nothing at all" "$name-idle"
	line "  a bare freeze and thaw" "$name-bare"
}

line() {
	local wall=- frozen=- bytes=- worst
	[ ! -e "$SCRATCH/$2.times" ] || wall=$(cut -d' ' -f1 "$SCRATCH/$2.times" | median)
	[ ! -e "$SCRATCH/$2.live" ] || {
		frozen=$(cut -d' ' -f1 "$SCRATCH/$2.live" | median)
		bytes=$(cut -d' ' -f2 "$SCRATCH/$2.live" | median)
	}
	worst=$(sort -n "$SCRATCH/$2.gap" | tail -n 1)
	printf '%-48s %9s %9s %9s %9s %12s\n' "$1" "$(median <"$SCRATCH/$2.gap")" "$worst" "$wall" "$frozen" "$bytes"
}

# --- what is measured ---------------------------------------------------------------------------------

# Nothing has changed but one small file.
small() {
	local round
	beating small
	"$WSNAP" -q create --live small >/dev/null
	compare small small
	for round in $(seq "$ROUNDS"); do
		echo "$round" >"/proc/$(pid_of small)/root/changed"
		live small-live small
		live small-same small
		echo "$round." >"/proc/$(pid_of small)/root/changed"
		taken small-stop small "$WSNAP" -q version --stop small
		"$WSNAP" -q version --live small >/dev/null
	done
	line "  live version, one small file changed" small-live
	line "  live version, nothing changed" small-same
	line "  version with a stop" small-stop
}

# at_rest ID FILL: the first and the second live version of what FILL writes into the folder.
at_rest() {
	local id=$1 round
	shift
	beating "$id"
	"$WSNAP" -q create "$id" >/dev/null
	for round in 1 2 3; do
		"$@" "/proc/$(pid_of "$id")/root" "$round"
		sync
		[ "$round" != 1 ] || compare "$id" "$id"
		live "$id-first" "$id"
		live "$id-second" "$id"
		"$WSNAP" -q version --stop "$id" >/dev/null # begins a new chain
	done
	line "  first live version" "$id-first"
	line "  second, nothing changed" "$id-second"
}

one_file() {
	dd if=/dev/urandom of="$1/big" bs=1M count="$MIB" status=none
}

many_files() {
	seq "$FILES" | awk -v top="$1/many.$2" '{ print top "/" int($1 / 1000) }' | uniq | xargs mkdir -p
	seq "$FILES" | awk -v top="$1/many.$2" -v round="$2" '{
		file = top "/" int($1 / 1000) "/" $1
		printf "%1024d\n", $1 + round >file
		close(file)
	}'
}

# Ten of many files are written to, and come back: from the newest live version, and from one that was taken with a stop.
ten_of_many() {
	local id=ten round n
	beating "$id"
	many_files "/proc/$(pid_of "$id")/root" 1
	sync
	"$WSNAP" -q create --stop "$id" >/dev/null
	"$WSNAP" -q version --live "$id" >/dev/null
	compare "$id" "$id"
	for round in $(seq "$ROUNDS"); do
		for n in 1 2; do
			for file in 1 12 123 1234 2345 3456 4567 5678 6789 9876; do
				echo "$round" >"/proc/$(pid_of "$id")/root/many.1/$((file / 1000))/$file"
			done
			taken "$id-$n" "$id" "$WSNAP" --json restore "$id" "$((3 - n))" --no-save
			jq -r '"\(.frozen_ms) \(.copied_bytes)"' "$SCRATCH/out" >>"$SCRATCH/$id-$n.live"
		done
		echo "$round" >"/proc/$(pid_of "$id")/root/many.1/0/1"
		taken "$id-saved" "$id" "$WSNAP" --json restore "$id" 1
		jq -r '"\(.frozen_ms) \(.copied_bytes)"' "$SCRATCH/out" >>"$SCRATCH/$id-saved.live"
	done
	line "  restore of 10 files, of a live version" "$id-1"
	line "  restore of 10 files, of a stopped version" "$id-2"
	line "  restore of 1 file, the state before saved" "$id-saved"
}

# A big file of which one byte was written comes back.
big_back() {
	local id=back round
	beating "$id"
	one_file "/proc/$(pid_of "$id")/root"
	"$WSNAP" -q create --live "$id" >/dev/null
	compare "$id" "$id"
	for round in 1 2 3 4 5; do
		printf '%s' "$round" | dd of="/proc/$(pid_of "$id")/root/big" conv=notrunc status=none
		sync
		taken "$id-restore" "$id" "$WSNAP" --json restore "$id" @ --no-save
		jq -r '"\(.frozen_ms) \(.copied_bytes)"' "$SCRATCH/out" >>"$SCRATCH/$id-restore.live"
	done
	line "  restore of one file" "$id-restore"
}

# beside ID ARGUMENT…: live versions beside the writer.
beside() {
	local id=$1 round
	shift
	beating "$id"
	cp "$SCRATCH/writer" "$BEAT/$id/"
	"$WSNAP" -q create "$id" >/dev/null
	inside "$id" /beat/writer /written "$@"
	compare "$id" "$id"
	for round in $(seq "$ROUNDS"); do
		live "$id-live" "$id"
	done
	outside "$id"
	line "  live version" "$id-live"
}

# Live versions of a workspace with 60 processes.
crowd() {
	local round
	beating crowd
	"$WSNAP" -q create --live crowd >/dev/null
	inside crowd sh -c 'for n in $(seq 60); do sleep 10000 & done; wait'
	compare crowd crowd
	for round in $(seq "$ROUNDS"); do
		live crowd-live crowd
	done
	outside crowd
	line "  live version" crowd-live
}

# What a process waits for at most that writes and syncs 4 KiB every 2 ms, while a first live version copies a big file, and while that file
# comes back.
syncs() {
	local id=syncs round
	beating "$id"
	mkdir "$BEAT/$id/sync"
	cp "$SCRATCH/syncer" "$BEAT/$id/"
	"$WSNAP" -q create "$id" >/dev/null
	for round in 1 2 3 4 5; do
		one_file "/proc/$(pid_of "$id")/root"
		sync
		inside "$id" /beat/syncer /synced /beat/sync/beats
		gap "$id/sync" >/dev/null
		sleep 1
		gap "$id/sync" >>"$SCRATCH/$id-idle.gap"
		live "$id-first" "$id"
		gap "$id/sync" >>"$SCRATCH/$id-sync.gap"
		printf '%s' "$round" | dd of="/proc/$(pid_of "$id")/root/big" conv=notrunc status=none
		sync
		gap "$id/sync" >/dev/null
		"$WSNAP" -q restore "$id" @ /big --no-save >/dev/null
		gap "$id/sync" >>"$SCRATCH/$id-back.gap"
		outside "$id"
		"$WSNAP" -q version --stop "$id" >/dev/null # begins a new chain
	done
	line "  longest sync when nothing else happens" "$id-idle"
	line "  longest sync beside the first live version" "$id-sync"
	line "  longest sync beside a restore of the file" "$id-back"
}

docker_commit() {
	local name=wsnap-bench-$$ round
	timeout 5 docker info >/dev/null 2>&1 || return 0
	mkdir -p "$BEAT/docker"
	cp "$BEAT/heartbeat" "$BEAT/docker/"
	docker import "$SERVERS/image-root.tar" "$name" >/dev/null && docker run -d --name "$name" -v "$BEAT/docker:/beat" "$name" /beat/heartbeat >/dev/null || return 0
	docker exec "$name" dd if=/dev/urandom of=/big bs=1M count="$MIB" 2>/dev/null
	for round in 1 2 3; do
		taken docker docker docker commit "$name" "$name:$round"
	done
	line "docker commit of $MIB MiB" docker
	docker rm -f "$name" >/dev/null
	docker image rm -f "$name:1" "$name:2" "$name:3" "$name" >/dev/null 2>&1
}

measure_on() {
	filesystem_begin "$1" || exit 1
	prepare "$place"
	for program in writer syncer; do
		"${CC:-gcc}" -O2 -static -o "$SCRATCH/$program" "$here/$program.c" || exit 1
	done
	printf '%-48s %9s %9s %9s %9s %12s\n' "on $1, ms" gap 'at worst' wall frozen 'bytes copied'
	echo "a small workspace"
	small
	echo "$MIB MiB at rest"
	at_rest big one_file
	echo "$FILES files at rest"
	at_rest many many_files
	echo "10 of $FILES files to be restored"
	ten_of_many
	echo "a file of $MIB MiB to be restored"
	big_back
	echo "60 processes"
	crowd
	echo "beside a process that writes and syncs 4 KiB, $MIB MiB at rest"
	syncs
	echo "beside 10 MiB/s of writes"
	beside steady 64 10
	echo "beside a writer that writes and syncs 64 MiB without end"
	beside endless 64
	docker_commit
	finish
	trap - EXIT
	filesystem_end
}

for filesystem in $FILESYSTEMS; do
	measure_on "$filesystem"
done
