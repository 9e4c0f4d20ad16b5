#!/usr/bin/env bats
# How the first process is stopped, and what state the container is left in.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# Milliseconds that a wsnap run takes.
timed() {
	local began
	began=$(date +%s%3N)
	expect 0 "$@"
	took=$(($(date +%s%3N) - began))
}

@test "a first process that cannot obey SIGTERM is not waited for" {
	workspace a sleep infinity
	timed --stop-timeout 300 create a
	[ "$took" -lt 60000 ] || complain "took $took ms"
	same RUNNING "$(workspace_status a)"
}

@test "a first process that handles SIGTERM may finish its work" {
	workspace b sh -c 'trap "sleep 1; echo saved >/data/last; exit 0" TERM; while :; do sleep 60 & wait $!; done'
	sleep 0.3
	expect 0 create b
	same saved "$(workspace_read b /data/last)"
	expect 0 --json list b
	expect 0 rollback b 1
	same saved "$(workspace_read b /data/last)"
}

@test "who reads what the first process writes is told that it ends" {
	ctr run --detach "$IMAGE" fifo sh -c "$POLITE" 3>&- 4>&-
	expect 0 create fifo
	[[ $stderr != *FIFO* ]] || complain "nobody reads it"
	workspace_created read
	ctr tasks start read >"$BATS_TEST_TMPDIR/attached" 2>&1 </dev/null 3>&- 4>&- &
	reader=$!
	servers_wait_for 60 eval '[ "$(workspace_status read)" = RUNNING ]'
	expect 0 create read
	matches "wsnap: warning: 'read' writes to the FIFO '[^']*', which process $reader reads: what the workspace writes from now on does not get there" \
		"${stderr%%$'\n'*}"
	expect 0 create read
	[[ $stderr != *FIFO* ]] || complain "it is told a second time"
	wait "$reader" || true
}

@test "the image's stop signal is the one that is sent" {
	WORKSPACE_IMAGE=$(image_name SIGUSR1)
	workspace c sh -c 'trap "echo usr1 >/data/last; exit 0" USR1; trap "" TERM; while :; do sleep 60 & wait $!; done'
	sleep 0.3
	timed --stop-timeout 300 create c
	same usr1 "$(workspace_read c /data/last)"
	[ "$took" -lt 60000 ] || complain "took $took ms"
}

@test "after --stop-timeout it is killed" {
	workspace d sh -c 'trap "" TERM; trap "echo no" USR2; while :; do sleep 1; done'
	workspace e sh -c 'trap "sleep 100" TERM; while :; do sleep 60 & wait $!; done'
	sleep 0.3
	timed --stop-timeout 1 create e
	[ "$took" -ge 1000 ] && [ "$took" -lt 60000 ] || complain "took $took ms"
	same RUNNING "$(workspace_status e)"
	timed -t 1 create d
	[ "$took" -lt 60000 ] || complain "took $took ms"
}

@test "--stop-timeout 0 kills at once" {
	workspace now sh -c 'trap "sleep 300" TERM; while :; do sleep 0.1; done'
	sleep 0.3
	timed -t 0 create now
	[ "$took" -lt 60000 ] || complain "took $took ms"
	same RUNNING "$(workspace_status now)"
}

@test "a stopped container stays stopped" {
	workspace f
	ctr tasks kill --signal SIGKILL f
	servers_wait_for 60 eval '[ "$(workspace_status f)" = STOPPED ]'
	expect 0 --json create f
	same true "$(json ".downtime_ms == 0")"
	matches '(STOPPED)?' "$(workspace_status f)"
	same 1 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'f'")"
}

@test "a container that was never started stays so, and can be rolled back" {
	workspace_created g
	expect 0 create g one
	same '' "$(workspace_status g)"
	expect 0 version g
	expect 0 rollback g 1
	same '' "$(workspace_status g)"
	same 2 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'g'")"
	ctr tasks start --detach --null-io g 3>&-
	same RUNNING "$(workspace_status g)"
}

@test "a paused task is stopped, saved and not left frozen for ever" {
	workspace hh
	workspace_write hh /data/f paused
	ctr tasks pause hh
	expect 0 create hh
	matches 'RUNNING|PAUSED' "$(workspace_status hh)"
	same paused "$(workspace_read hh /data/f)"
}

@test "the standard streams go on where they went" {
	log=$BATS_TEST_TMPDIR/log
	WORKSPACE_OPTIONS=(--log-uri "file://$log")
	workspace j sh -c 'echo started; trap "exit 0" TERM; while :; do sleep 60 & wait $!; done'
	servers_wait_for 60 grep -q started "$log"
	expect 0 create j
	servers_wait_for 60 eval '[ "$(grep -c started "$log")" = 2 ]'
	expect 0 rollback j 1
	servers_wait_for 60 eval '[ "$(grep -c started "$log")" = 3 ]'
}

@test "labels, spec, image and runtime of the container are kept" {
	WORKSPACE_OPTIONS=(--label custom=kept --env SPECIAL=1 --cwd /data)
	workspace k
	wanted=$(container_field k '{Labels, Image, Runtime, Spec, Snapshotter, CreatedAt}')
	expect 0 create k
	expect 0 rollback k 1
	same "$wanted" "$(container_field k '{Labels, Image, Runtime, Spec, Snapshotter, CreatedAt}')"
	same "$(printf '1\n/data')" "$(workspace_says k sh -c 'echo $SPECIAL; pwd')"
}

@test "the first process runs on the new layer, and its writes are the next version's" {
	workspace l
	expect 0 create l
	workspace_exec l sh -c 'echo inside >/data/f'
	expect 0 create l
	workspace_exec l sh -c 'rm /data/f'
	expect 0 rollback l 2
	same inside "$(workspace_says l cat /data/f)"
}
