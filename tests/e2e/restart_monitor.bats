#!/usr/bin/env bats
# containerd's restart monitor, looking every second: it never starts the task in the middle of an operation, nor gives
# up afterwards, nor is left held back by a crash. ROUNDS is how many operations each test does.
load ../lib/workspace
load ../lib/host

ROUNDS=${ROUNDS:-3}

# Servers of its own, for the interval.
setup_file() {
	unset SERVERS CONTAINERD_ADDRESS
	SERVERS_RESTART_INTERVAL=1s workspaces_begin
	host_begin
	host_network
	# Long enough to hold the task down for more than one look of the monitor.
	fault ADD 'sleep 1.2'
}

teardown_file() {
	host_end
	workspaces_end
}

# Labelled once it runs: between ctr's create and its start the monitor would take it for one that has ended.
kept() {
	workspace "$1"
	ctr containers label "$1" containerd.io/restart.status=running >/dev/null
}

# Everything that an operation must leave: one task, on the snapshot of the record, and the label.
kept_up() {
	local id=$1 pid upper active
	same running "$(container_field "$id" '.Labels["containerd.io/restart.status"]')" 'the label'
	same RUNNING "$(workspace_status "$id")" 'the task'
	same 1 "$(ctr tasks ls -q | grep -cx "$id")" 'tasks'
	same 1 "$(servers_shims_of "$id")" 'shims'
	active=$(container_snapshot "$id")
	pid=$(workspace_pid "$id")
	upper=$(ctr snapshots mounts /m "$active" | grep -o 'upperdir=[^,]*')
	grep -q " / / .*$upper" "/proc/$pid/mountinfo" || complain "the task is not on $active"
}

servers_shims_of() {
	local shim count=0
	for shim in $(servers_shims); do
		! tr '\0' ' ' <"/proc/$shim/cmdline" | grep -q -- " -namespace $CONTAINERD_NAMESPACE -id $1 " || count=$((count + 1))
	done
	echo "$count"
}

@test "the monitor starts a workspace whose process has ended" {
	kept alive
	ctr tasks kill --signal SIGKILL alive
	servers_wait_for 60 eval '[ "$(workspace_status alive)" != RUNNING ]'
	servers_wait_for 60 eval '[ "$(workspace_status alive)" = RUNNING ]'
}

@test "the monitor stays away in the middle, and is there afterwards" {
	kept busy
	for ((round = 1; round <= ROUNDS; round++)); do
		: >"$HOST/log"
		if [ $((round % 3)) = 2 ]; then expect 0 rollback busy 1; else expect 0 create busy; fi
		pid=$(workspace_pid busy)
		kept_up busy
		same 'ADD busy CREATED' "$(grep ADD "$HOST/log" | cut -d ' ' -f 1-3)" 'attachments'
		sleep 1.2
		same "$pid" "$(workspace_pid busy)" 'the process after the monitor has looked'
	done
	ctr tasks kill --signal SIGKILL busy
	servers_wait_for 60 eval '[ "$(workspace_pid busy)" != "$pid" ] && [ "$(workspace_status busy)" = RUNNING ]'
}

@test "killed in the middle and recovered, the monitor is as before" {
	kept struck
	expect 0 create struck
	for ((round = 1; round <= ROUNDS; round++)); do
		"$WSNAP" create struck >/dev/null 2>&1 </dev/null 3>&- 4>&- &
		wsnap=$!
		# From the first steps to beyond the end.
		sleep "$(awk -v part="$round" -v of="$ROUNDS" 'BEGIN { print 0.02 + 1.9 * (part - 0.5) / of }')"
		kill -KILL "$wsnap" 2>/dev/null || true
		sleep "$((round % 2)).3"
		expect 0 recover struck
		kept_up struck
		same "$(leases_of struck)" "$(inside_address struck)" 'the address'
	done
	pid=$(workspace_pid struck)
	ctr tasks kill --signal SIGKILL struck
	servers_wait_for 60 eval '[ "$(workspace_pid struck)" != "$pid" ] && [ "$(workspace_status struck)" = RUNNING ]'
}
