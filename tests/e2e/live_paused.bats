#!/usr/bin/env bats
# What somebody pauses after a live version was taken, or after it was cut off, stays paused.
load ../lib/workspace
load ../lib/killed

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# freeze_file ID: that of its control group by which all of it is frozen and thawed.
freeze_file() {
	local group
	group=$(sed -n 's/^0:://p' "/proc/$(workspace_pid "$1")/cgroup")
	[ -e "/sys/fs/cgroup/unified$group" ] && group=/unified$group
	echo "/sys/fs/cgroup$group/cgroup.freeze"
}

pause_by_hand() {
	echo 1 >"$(freeze_file "$1")"
}

stays_paused() {
	same 1 "$(cat "$(freeze_file "$1")")" "paused"
	same 1 "$(workspace_frozen "$1")"
	echo 0 >"$(freeze_file "$1")"
}

runs_again() {
	[ "$(workspace_frozen "$1")" = 0 ]
}

# cut_frozen ID: a live version is killed when it is about to thaw the workspace.
cut_frozen() {
	strace -qq -o /dev/null -P "$(freeze_file "$1")" -e trace=pwrite64 -e inject=pwrite64:delay_enter=4000000:when=2 \
		"$WSNAP" create --live --max-freeze 60000 "$1" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	tracer=$!
	servers_wait_for 20 is_frozen "$1"
	program=$(pgrep -P "$tracer")
	guard=$(pgrep -P "$program")
}

is_frozen() {
	[ "$(workspace_frozen "$1")" = 1 ]
}

is_locked() {
	[ "$(db "SELECT count(*) FROM pg_locks WHERE relation = 'container_versions'::regclass AND mode = 'ExclusiveLock'")" = 1 ]
}

@test "a version that waits for its database: who pauses the workspace meanwhile finds it paused" {
	workspace a
	workspace_write a /data/f one
	psql --no-psqlrc -qc 'BEGIN; LOCK TABLE container_versions IN EXCLUSIVE MODE; SELECT pg_sleep(8)' >/dev/null 3>&- 4>&- &
	locker=$!
	servers_wait_for 10 is_locked
	PGOPTIONS="$PGOPTIONS -c lock_timeout=300" expect 7 create --live a
	wait "$locker"
	same 0 "$(workspace_frozen a)"
	pause_by_hand a
	expect 0 recover
	stays_paused a
	nothing_is_left
	same 1 "$(version_newest a)"
	same '' "$(find "$WSNAP_STATE_DIR" -name '*.frozen')"
}

@test "killed in the freeze: the guard has thawed it, and a pause that comes then stays" {
	workspace b
	cut_frozen b
	kill -KILL "$program"
	wait "$tracer" || true
	servers_wait_for 5 runs_again b
	pause_by_hand b
	expect 0 recover
	stays_paused b
	nothing_is_left
	same '' "$(find "$WSNAP_STATE_DIR" -name '*.frozen')"
}

@test "killed in the freeze together with the guard: it is thawed, but for another task in its place" {
	workspace c
	cut_frozen c
	kill -KILL "$guard"
	kill -KILL "$program"
	wait "$tracer" || true
	same 1 "$(workspace_frozen c)"
	expect 0 recover
	same 0 "$(workspace_frozen c)"
	nothing_is_left
	cut_frozen c
	kill -KILL "$guard"
	kill -KILL "$program"
	wait "$tracer" || true
	ctr tasks kill --signal KILL c >/dev/null 2>&1 || true
	ctr tasks delete --force c >/dev/null 2>&1
	ctr tasks start --detach --null-io c
	pause_by_hand c
	expect 0 recover
	stays_paused c
	nothing_is_left
}

@test "a sign that nobody came to tell of in the record goes with the next operation" {
	workspace unsaid
	expect 0 -q create unsaid
	: >"$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~unsaid.frozen"
	expect 0 -q version unsaid
	same '' "$(find "$WSNAP_STATE_DIR" -name '*.frozen')"
}

@test "killed between its record and its sign: recover takes the sign away" {
	workspace between
	# The first time it is that of nobody, before the record is made.
	strace -f -qq -o /dev/null -P "$CONTAINERD_NAMESPACE~between.frozen" -e trace=unlinkat \
		-e inject=unlinkat:signal=KILL:when=2 "$WSNAP" create --live between >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
	same '' "$(records)"
	same "$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~between.frozen" "$(find "$WSNAP_STATE_DIR" -name '*.frozen')"
	expect 0 recover
	same '' "$(find "$WSNAP_STATE_DIR" -name '*.frozen')"
	same '0 RUNNING' "$(workspace_frozen between) $(workspace_status between)"
	nothing_is_left
}
