#!/usr/bin/env bats
# What containerd leaves when it, or its client, is killed, and what a power cut takes: recovery gets past it.
load ../lib/workspace
load ../lib/killed

setup_file() {
	workspaces_own_servers
	workspaces_begin
}
teardown_file() { workspaces_end; }

setup() {
	containerd_start
	postgres_start
}

# The old task is deleted beside the other steps: a kill may have been faster.
without_task() {
	ctr tasks delete --force "$1" >/dev/null 2>&1 || true
	same "" "$(workspace_status "$1")" "the task"
}

# What stays when the client of Tasks.Create dies while containerd starts the shim: a shim without its folder that
# waits for a reader of its log, with a socket that the next Tasks.Create of the container is led to.
forgotten_shim() {
	local folder=$BATS_TEST_TMPDIR/bundle
	# As long as the old one is there, it is the one that is "started".
	servers_wait_for 60 has_no_shim "$1" || complain "the old shim stays"
	mkdir "$folder" && mkfifo "$folder/log" && echo '{"ociVersion":"1.0.2","annotations":{}}' >"$folder/config.json"
	(cd "$folder" && timeout 10 containerd-shim-runc-v2 -namespace "$CONTAINERD_NAMESPACE" -id "$1" \
		-address "$CONTAINERD_ADDRESS" start) </dev/null >/dev/null 3>&- 4>&-
	servers_wait_for 60 waits_for_reader "$1" || complain "the shim does not wait for a reader of its log"
	rm -r "$folder"
	same 1 "$(shims_of "$1" | wc -l)" "shims before"
}

shims_of() {
	local shim
	for shim in $(servers_shims); do
		tr '\0' ' ' <"/proc/$shim/cmdline" | grep -q -- "-namespace $CONTAINERD_NAMESPACE -id $1 " && echo "$shim"
	done
}

# The kernel's word for a process in open(2) of a FIFO.
waits_for_reader() {
	cat "/proc/$(shims_of "$1")/task/"*/wchan | grep -q wait_for_partner
}

# The Tasks.Delete whose client died may have left a half task; without its shim, containerd takes that away.
has_no_shim() {
	local shim
	shim=$(shims_of "$1")
	[ -z "$shim" ] || kill -KILL "$shim"
	[ -z "$shim" ] && [ ! -e "$SERVERS/state/io.containerd.runtime.v2.task/$CONTAINERD_NAMESPACE/$1" ]
}

@test "a shim that containerd has forgotten does not keep the workspace down" {
	workspace forgotten sh -c "$POLITE"
	told_by create forgotten
	workspace_write forgotten /g saved
	killed_after repoint create forgotten broken
	without_task forgotten
	forgotten_shim forgotten
	expect 0 recover forgotten
	same RUNNING "$(workspace_status forgotten)"
	same saved "$(workspace_read forgotten /g)"
	same 1 "$(shims_of forgotten | wc -l)" "shims after"
	nothing_is_left
}

# What containerd leaves when it is killed while it removes the folder of a task.
half_removed() {
	mkdir "$BUNDLES/.$1" && echo '{}' >"$BUNDLES/.$1/config.json"
}

@test "a folder that containerd had not removed when it was killed does not keep the workspace down" {
	BUNDLES=$SERVERS/state/io.containerd.runtime.v2.task/$CONTAINERD_NAMESPACE
	workspace bundle sh -c "$POLITE"
	half_removed bundle
	expect 0 create bundle
	same RUNNING "$(workspace_status bundle)"
	[ ! -e "$BUNDLES/.bundle" ] || complain "it is still there"
}

@test "a folder that containerd cannot get past is removed, unless something lies in it" {
	BUNDLES=$SERVERS/state/io.containerd.runtime.v2.task/$CONTAINERD_NAMESPACE
	workspace stuck sh -c "$POLITE"
	told_by create stuck
	workspace_write stuck /g saved
	killed_after repoint create stuck
	without_task stuck
	half_removed stuck
	mkdir -p "$BUNDLES/stuck/rootfs/precious"
	expect 7 recover stuck
	[ -d "$BUNDLES/stuck/rootfs/precious" ] || complain "what lay in it is gone"
	rmdir "$BUNDLES/stuck/rootfs/precious"
	expect 0 recover stuck
	same RUNNING "$(workspace_status stuck)"
	same saved "$(workspace_read stuck /g)"
	nothing_is_left
}

# What stays when containerd is killed between starting a shim and creating its task: with a runc that is slow to fail.
shim_without_a_task() {
	local runc=$BATS_FILE_TMPDIR/runc
	cat >"$runc" <<-END
		#!/bin/bash
		for word; do
			if [ "\$word" = create ] && [ -e "$runc.fails" ]; then
				touch "$runc.creates"
				sleep 2
				exit 1
			fi
		done
		exec $(command -v runc) "\$@"
	END
	chmod +x "$runc"
	WORKSPACE_OPTIONS+=(--runc-binary "$runc")
	workspace "$1"
	ctr tasks kill --signal KILL "$1"
	servers_wait_for 30 ctr tasks delete "$1"
	touch "$runc.fails"
	ctr tasks start --detach --null-io "$1" 3>&- 4>&- &
	servers_wait_for 30 test -e "$runc.creates" || complain "runc is not called"
	containerd_kill
	rm "$runc.fails"
	containerd_start
	wait $! || true
	# It answers when runc has ended; a newer containerd ends it.
	servers_wait_for 10 idle "$1" || true
}

idle() {
	local shim
	shim=$(shims_of "$1")
	[ -n "$shim" ] && [ -z "$(pgrep -P "$shim")" ]
}

@test "a shim without a task, which containerd takes for one, is named and cleared away" {
	shim_without_a_task idle
	! ctr tasks start --detach --null-io idle || skip "this containerd gets past it"
	# A new one may be about to get its task.
	sleep 11
	expect 1 doctor idle
	[[ $output == *"has no task, but what is left of one keeps it from starting"* ]] || complain "doctor is silent"
	expect 0 doctor --fix idle
	ctr tasks start --detach --null-io idle
	same RUNNING "$(workspace_status idle)"
	expect 0 doctor idle
	nothing_is_left
}

@test "a power cut has taken the folder of the new active snapshot: it is made anew" {
	workspace cut sh -c "$POLITE"
	told_by create cut
	local step
	for step in repoint unhold; do
		workspace_write cut /g "$step"
		killed_after "$step" create cut "$step"
		without_task cut
		rm -r "$(dirname "$(writable_folder cut)")"
		expect 0 recover cut
		# With `unhold` its part was done: as after any power cut, somebody else starts it.
		[ "$step" = unhold ] || same RUNNING "$(workspace_status cut)"
		[ "$step" = repoint ] || ctr tasks start --detach --null-io cut
		same "$step" "$(workspace_read cut /g)"
	done
	nothing_is_left
}

# A commit is written to the snapshotter's database first, then to containerd's own; each takes two syncs.
kill_containerd_in_commit() {
	local pid
	pid=$(cat "$SERVERS/containerd.pid")
	strace -f -qq -o /dev/null -e trace=fdatasync -e inject=fdatasync:signal=KILL:when=3 -p "$pid" \
		</dev/null >/dev/null 2>&1 3>&- 4>&- || true
	servers_wait_gone "$pid" 5
	rm -f "$SERVERS/containerd.pid"
	containerd_start
}

# commit_struck TURN: one create of `half` with containerd killed in its commit. Whether that was between the
# databases (`hit`) depends on what else containerd writes; the workspace has to be right in any case.
commit_struck() {
	local run
	workspace_write half /g "precious $1"
	delayed_at stop 5 create half "turn $1" &
	run=$!
	servers_wait_for 60 grep -q '^wsnap: detach' "$BATS_TEST_TMPDIR/told"
	sleep 0.3
	kill_containerd_in_commit
	status=0
	wait "$run" || status=$?
	: >"$BATS_TEST_TMPDIR/stderr"
	[ "$status" -eq 0 ] || { [ "$status" -eq 7 ] && expect 0 -v recover half; }
	cp "$BATS_TEST_TMPDIR/stderr" "$BATS_TEST_TMPDIR/struck"
	same RUNNING "$(workspace_status half)"
	same "precious $1" "$(workspace_read half /g)"
	collect_garbage
	expect 0 rollback half first
	expect 0 rollback half "turn $1"
	same "precious $1" "$(workspace_read half /g)"
	nothing_is_left
	hit=$(cat "$BATS_TEST_TMPDIR/told" "$BATS_TEST_TMPDIR/struck" | grep -c 'its files are saved from' || true)
}

@test "containerd is killed between its two databases in a commit: the files are saved all the same" {
	local turn hit=0
	workspace half
	expect 0 create half first
	told_by create half
	for turn in 1 2 3 4; do
		: >"$BATS_TEST_TMPDIR/struck"
		commit_struck "$turn"
		[ "$hit" -eq 0 ] || break
	done
	expect 0 doctor half
	[ "$hit" -gt 0 ] || skip "containerd was never hit between its databases"
}

# starts ID: whether anybody else can start it.
starts() {
	timeout 30 ctr tasks start --detach "$1" </dev/null >/dev/null 3>&- 4>&- || complain "'$1' cannot be started"
	same RUNNING "$(workspace_status "$1")"
}

@test "a forgotten shim does not keep a container down that somebody has made anew" {
	WORKSPACE_OPTIONS=(--null-io)
	workspace anew sh -c "$POLITE"
	told_by create anew
	killed_after repoint create anew
	without_task anew
	ctr containers delete anew
	forgotten_shim anew
	workspace_created anew
	expect 0 recover anew
	[[ $output == *"another one made"* ]] || complain "it is taken for the old one"
	same 0 "$(shims_of anew | wc -l)" "shims after"
	starts anew
	nothing_is_left
}

@test "doctor finds what keeps a container from starting, and clears it away" {
	BUNDLES=$SERVERS/state/io.containerd.runtime.v2.task/$CONTAINERD_NAMESPACE
	workspace another sh -c "$POLITE"
	workspace_created blocked
	expect 0 doctor blocked
	forgotten_shim blocked
	expect 1 --json doctor blocked
	same 'task_blocked blocked' "$(json '.findings[] | "\(.kind) \(.subject)"')"
	same 1 "$(shims_of blocked | wc -l)" "shims before"
	expect 0 doctor --fix blocked
	same "fixed: 'blocked' has no task, but what is left of one keeps it from starting" "$output"
	same 0 "$(shims_of blocked | wc -l)" "shims after"
	starts blocked
	workspace_created folder
	half_removed folder
	mkdir -p "$BUNDLES/folder/rootfs"
	expect 0 doctor folder
	touch -d '1 minute ago' "$BUNDLES/folder"
	expect 1 doctor folder
	expect 0 doctor --fix folder
	[ ! -e "$BUNDLES/folder" ] && [ ! -e "$BUNDLES/.folder" ] || complain "it is still there"
	starts folder
	expect 0 doctor folder
}

@test "a process that only has the words of a shim is not ended" {
	workspace spared sh -c "$POLITE"
	told_by create spared
	killed_after repoint create spared
	without_task spared
	imitate 65534 spared
	theirs=$IMPOSTOR
	imitate 0 spared
	ours=$IMPOSTOR
	expect 0 recover spared
	kill -0 "$theirs" && kill -0 "$ours" || complain "it was ended"
	same RUNNING "$(workspace_status spared)"
	kill -KILL "$theirs" "$ours"
}

# imitate UID ID: a process of anybody with the words of a shim, in a folder that is gone.
imitate() {
	local folder=$BATS_TEST_TMPDIR/gone$1
	mkdir "$folder" && mkfifo "$folder/pipe" && chmod -R 777 "$folder"
	(cd "$folder" && exec setpriv --reuid "$1" bash -c 'exec 9<>pipe; rm pipe; exec -a containerd-shim-runc-v2 bash -c "read -r <&9" \
		-namespace "$0" -id "$1" -address "$2"' "$CONTAINERD_NAMESPACE" "$2" "$CONTAINERD_ADDRESS") 3>&- 4>&- &
	IMPOSTOR=$!
	servers_wait_for 5 grep -qz '^containerd-shim' "/proc/$IMPOSTOR/cmdline"
	rm -rf "$folder"
}
