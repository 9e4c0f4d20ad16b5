#!/usr/bin/env bats
# A containerd whose overlays are mounted with `userxattr`, as one without root mounts them: what overlayfs notes in
# the layers has other names there.
#
# Containerds before 1.7 cannot be told so: there all of it is skipped.
load ../lib/workspace

takes_mount_options() {
	grep -q mount_options "$(command -v "${CONTAINERD:-containerd}")"
}

setup_file() {
	if ! takes_mount_options; then
		return
	fi
	export SERVERS_OVERLAY_OPTIONS='"userxattr"'
	workspaces_own_servers
	workspaces_begin
}
teardown_file() {
	! takes_mount_options || workspaces_end
}

setup() {
	takes_mount_options || skip "this containerd takes no mount options"
	: >"$WSNAP_CONFIG"
}

inside() {
	workspace_exec "$1" sh -c "$2"
}

@test "what was removed stays removed when layers are merged" {
	workspace a
	ctr snapshots mounts /mnt "$(container_snapshot a)" | grep -q userxattr || complain "no userxattr"
	inside a 'mkdir /data/d /data/gone && touch /data/d/a /data/gone/x /data/f'
	expect 0 version a
	inside a 'rm -r /data/d /data/gone /data/f && mkdir /data/d && touch /data/d/b'
	expect 0 version a
	expect 0 compact a
	same "b" "$(workspace_says a ls /data/d)"
	same "d" "$(workspace_says a ls /data)"
	expect 0 version a
	expect 0 rollback a 1
	same "d f gone" "$(workspace_says a ls /data | xargs)"
	expect 0 rollback a 3
	same "b" "$(workspace_says a ls /data/d)"
}

@test "a directory that was made anew is a change, one that was only looked at is none" {
	workspace b
	inside b 'mkdir /data/d && touch /data/d/a'
	expect 0 version b
	expect 0 create b --if-changed
	[[ $output == *"has not changed since version 1"* ]] || complain "saved"
	inside b 'rm -r /data/d && mkdir /data/d'
	expect 0 create b --if-changed
	[[ $output == "version 2 of "* ]] || complain "not saved"
}
