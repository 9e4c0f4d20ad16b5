# shellcheck shell=bash
#
# Filesystems that fill up: under the state directory, under containerd's root, under both. Full before the operation, and
# filled while it runs. Status, message, and a recovery once there is room.

# disk_mount FOLDER MIB: a small ext4 there.
disk_mount() {
	mkdir -p "$1"
	truncate --size "$2M" "$1.img" && mkfs.ext4 -q -F -m 0 -O ^has_journal "$1.img" && mount -o loop "$1.img" "$1"
}

# Prints the commands that fill it: large pieces first, then single blocks.
disk_filling() {
	echo "{ cat /dev/zero >$1/filler; dd if=/dev/zero of=$1/filler2 bs=1k; } 2>/dev/null"
}

disk_free() {
	rm -f "$1/filler" "$1/filler2"
}

# disk_point FOLDER AT WORDS: full from call AT on (0: before); WORDS is what a failure must say.
disk_point() {
	local status=0
	stir ws
	if [ "$2" -eq 0 ]; then
		eval "$(disk_filling "$1")"
		strike_at noticed 0 none || status=$?
		[ "$status" -eq 1 ] || [ "$OPERATION" = prune ] || complain "a full disk, but status $status"
	else
		strike_at noticed "$2" "run:$(disk_filling "$1")" || status=$?
	fi
	check_word "$status"
	[ "$status" -eq 0 ] || grep -Eqi "$3" "$SCRATCH/run.out" || complain "it does not say that the disk is full"
	DISK_STATUS+=" $status"
	disk_free "$1"
	recover
	check_all
	check_promise "$status"
	freshen running
}

# torture_disk FOLDER WORDS MOMENTS
torture_disk() {
	local operation moments=$3 at i total
	for operation in create version rollback compact; do
		begin_case "disk $1" "$operation" running
		measure noticed
		total=$CALLS DISK_STATUS=
		CASE="$1 is full before $operation"
		disk_point "$1" 0 "$2"
		for ((i = 0; i < moments; i++)); do
			at=$((1 + i * (total - 1) / (moments - 1)))
			CASE="$1 fills up in $operation at call $at of $total"
			disk_point "$1" "$at" "$2"
		done
		echo "# statuses:$DISK_STATUS"
		end_case "disk full: ${1##*/}: $operation"
	done
}

torture_disk_state() {
	disk_mount "$SERVERS/small" 2 || exit 1
	local WSNAP_STATE_DIR=$SERVERS/small/state
	torture_disk "$SERVERS/small" 'no space left' 20
	umount "$SERVERS/small"
}

# containerd's root was mounted before it was started.
torture_disk_containerd() {
	torture_disk "$SERVERS/root" 'no space left|is full|no space' 20
}

# Records and layers on one filesystem, as on most hosts.
torture_disk_both() {
	local WSNAP_STATE_DIR=$SERVERS/root/wsnap
	torture_disk_containerd
}
