#!/usr/bin/env bats
# One writer per workspace, and the container always there.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

@test "twenty runs at once make twenty consecutive versions" {
	workspace a
	pids=()
	for number in $(seq 20); do
		timeout 200 "$WSNAP" --wait 180 -q create a >"$BATS_TEST_TMPDIR/$number" 2>&1 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || complain "a run failed: $(cat "$BATS_TEST_TMPDIR"/[0-9]*)"
	done
	same "$(seq 20)" "$(cat "$BATS_TEST_TMPDIR"/[0-9]* | sort -n)"
	same "$(seq 20)" "$(db "SELECT version FROM container_versions WHERE container_id = 'a' ORDER BY version")"
	same RUNNING "$(workspace_status a)"
	same '' "$(lease_names)"
}

# slow_to_end ID: a workspace that a run holds until let_end: it is being stopped, and does not end.
slow_to_end() {
	workspace "$1" sh -c 'trap "touch /data/term; while [ ! -e /data/go ]; do sleep 0.1; done; exit 0" TERM
		touch /data/ready; while :; do sleep 60 & wait $!; done'
	root=$(workspace_root "$1")
	servers_wait_for 60 test -e "$root/data/ready"
	"$WSNAP" -q --stop-timeout 300 create "$1" >/dev/null 2>&1 3>&- &
	first=$!
	servers_wait_for 60 test -e "$root/data/term"
}

let_end() {
	touch "$root/data/go"
	wait "$first"
}

@test "--wait 0 fails at once while another run holds the workspace" {
	slow_to_end b
	began=$SECONDS
	expect 4 --wait 0 create b
	[ $((SECONDS - began)) -le 30 ]
	same '' "$output"
	expect 4 --json --wait 0 create b
	same busy "$(jq -r .error.code <<<"$stderr")"
	expect 0 list b
	let_end b
	same 1 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'b'")"
}

@test "other workspaces are not held up" {
	workspace d
	slow_to_end c
	expect 0 --wait 0 create d
	let_end c
}

@test "the container is in the list at every moment" {
	workspace e
	touch "$BATS_TEST_TMPDIR/go"
	(
		while [ -e "$BATS_TEST_TMPDIR/go" ]; do
			container_exists e || echo missing
			echo looked >>"$BATS_TEST_TMPDIR/looked"
		done >"$BATS_TEST_TMPDIR/watch" 3>&-
	) &
	watcher=$!
	for number in 1 2 3 4 5; do
		expect 0 create e "v$number"
		expect 0 rollback e 1
	done
	rm "$BATS_TEST_TMPDIR/go"
	wait "$watcher"
	same '' "$(cat "$BATS_TEST_TMPDIR/watch")"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/looked")" -gt 20 ]
}

@test "garbage collection takes nothing that a version needs" {
	workspace f
	for number in 1 2 3 4 5; do
		workspace_write f /data/f "$number"
		expect 0 create f
		collect_garbage
	done
	expect 0 rollback f 1
	collect_garbage
	collect_garbage
	expect 0 --json list f
	same true "$(json '[.versions[].present] | all')"
	for number in 5 2 4 3; do
		expect 0 rollback f "$number"
		same "$number" "$(workspace_read f /data/f)"
		collect_garbage
	done
}

@test "collections at the same time as operations take nothing" {
	workspace g
	touch "$BATS_TEST_TMPDIR/go"
	(
		while [ -e "$BATS_TEST_TMPDIR/go" ]; do
			collect_garbage 3>&-
		done
	) &
	collector=$!
	for number in $(seq 12); do
		workspace_write g /data/f "$number"
		expect 0 create g
	done
	rm "$BATS_TEST_TMPDIR/go"
	wait "$collector"
	expect 0 --json list g
	same '12 true' "$(json '[(.versions | length | tostring), ([.versions[].present] | all | tostring)] | join(" ")')"
	expect 0 rollback g 1
	same 1 "$(workspace_read g /data/f)"
}

# --- several state directories ---------------------------------------------------------------------

other_state() {
	printf '%s/other-state' "$BATS_TEST_TMPDIR"
}

# The lease that is the lock of a workspace, as JSON of its labels.
lock_label() {
	ctr leases ls | awk -v key="$2=" -v of="wsnap.container=$1" '
		index($0, of) && (at = index($0, key)) { rest = substr($0, at + length(key)); sub(/,wsnap.*|,memoh.*/, "", rest); print rest }'
}

# A run that stands still, with the lock in its hands, until it is killed: its first process takes its time to end.
slow_workspace() {
	workspace "$1" sh -c 'trap "sleep 30; exit 0" TERM; while :; do sleep 60 & wait $!; done'
	sleep 0.3
}

# beside_a_version COMMAND ID WHAT: the command and, with another state directory, a version of the workspace at once.
beside_a_version() {
	local one other
	timeout 120 "$WSNAP" -q "$1" "$2" >"$BATS_TEST_TMPDIR/one" 2>&1 3>&- 4>&- &
	one=$!
	timeout 120 "$WSNAP" --state-dir "$(other_state)" -q version "$2" >"$BATS_TEST_TMPDIR/other" 2>&1 3>&- 4>&- &
	other=$!
	wait $one || complain "$3: $(cat "$BATS_TEST_TMPDIR/one")"
	wait $other || complain "$3: $(cat "$BATS_TEST_TMPDIR/other")"
}

@test "eight pairs of runs with two state directories leave the workspace running, and every version whole" {
	workspace pairs
	expect 0 create pairs
	for round in 1 2 3 4 5 6 7 8; do
		workspace_write pairs "/data/$round" "$round"
		beside_a_version version pairs "round $round"
	done
	same RUNNING "$(workspace_status pairs)"
	same "$(seq 17)" "$(db "SELECT version FROM container_versions WHERE container_id = 'pairs' ORDER BY version")"
	same '' "$(lease_names)"
	for round in 1 2 3 4 5 6 7 8; do
		same "$round" "$(workspace_read pairs "/data/$round")"
	done
	expect 0 --json list pairs
	same true "$(json '[.versions[].present] | all')"
	for round in 8 4 1; do
		expect 0 rollback pairs $((round * 2 + 1))
		same "$round" "$(workspace_read pairs "/data/$round")"
		[ ! -e "$(workspace_root pairs)/data/$((round + 1))" ] || complain "version $((round * 2 + 1)) has what came later"
	done
	expect 0 doctor pairs
	expect 0 --state-dir "$(other_state)" doctor pairs
}

@test "a compaction and a version at once, from two state directories, lose nothing" {
	workspace merged
	for round in 1 2 3 4 5; do
		workspace_write merged "/data/$round" "$round"
		expect 0 create merged
		workspace_write merged "/data/late" "$round"
		beside_a_version compact merged "round $round"
		same "$round" "$(workspace_read merged /data/late)"
		same "$round" "$(workspace_read merged "/data/$round")"
	done
	same RUNNING "$(workspace_status merged)"
	for round in 1 2 3 4 5; do
		expect 0 rollback merged $((round * 2))
		same "$round" "$(workspace_read merged /data/late)"
	done
	same '' "$(lease_names)"
	expect 0 doctor merged
}

@test "who finds the lock held by another state directory waits, and then is told by whom" {
	slow_workspace held
	"$WSNAP" -q version held >/dev/null 2>&1 3>&- 4>&- &
	first=$!
	servers_wait_for 60 lock_is_held held
	began=$SECONDS
	expect 4 --state-dir "$(other_state)" --wait 2 version held
	[ $((SECONDS - began)) -ge 2 ] || complain "it was not waited for"
	matches "wsnap: 'held' is busy: another run of wsnap holds it \(pid $first on the host '$(hostname)', version since $TIME, state directory '$WSNAP_STATE_DIR'\)" \
		"${stderr%%$'\n'*}"
	expect 4 --state-dir "$(other_state)" --wait 0 prune --keep-last 1 held
	expect 4 --state-dir "$(other_state)" --wait 0 doctor held
	expect 4 --state-dir "$(other_state)" --wait 0 recover --break-lock held
	matches ".*that run still lives on this host.*" "$(tr '\n' ' ' <<<"$stderr")"
	wait "$first"
	expect 0 --state-dir "$(other_state)" version held
	same '' "$(lease_names)"
}

lock_is_held() {
	[ -n "$(lock_label "$1" wsnap.lock.pid)" ]
}

# killed_holding ID ARGUMENT…: a run on a slow workspace, killed while it waits for its end.
killed_holding() {
	local id=$1 pid
	shift
	"$WSNAP" "$@" version "$id" >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	servers_wait_for 60 record_is_there "$id"
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
}

record_is_there() {
	grep -qs '"stage":1' "${STATE:-$WSNAP_STATE_DIR}/$CONTAINERD_NAMESPACE~$1.operation"
}

@test "the lock of a run that was killed is taken over by its own state directory, and by no other" {
	slow_workspace orphan
	expect 0 -t 1 create orphan
	killed_holding orphan
	same "$(hostname)" "$(lock_label orphan wsnap.lock.host)"
	expect 4 --state-dir "$(other_state)" --wait 1 -t 1 version orphan
	matches ".*state directory '$WSNAP_STATE_DIR'.*hint: that run has ended: 'wsnap --state-dir $WSNAP_STATE_DIR recover orphan' ends what it left.*" \
		"$(tr '\n' ' ' <<<"$stderr")"
	expect 4 --state-dir "$(other_state)" --wait 0 doctor orphan
	[[ $output == *"'orphan' is held by another run"*"recover --break-lock orphan"* ]] || complain "doctor does not name it"
	expect 0 -t 1 version orphan
	[[ $stderr == *"an earlier operation on 'orphan' was finished first"* ]] || complain "its record was not finished first"
	same RUNNING "$(workspace_status orphan)"
	same '' "$(lease_names)"
	expect 0 --state-dir "$(other_state)" -t 1 version orphan
}

@test "of two that take a lock over at once one does" {
	slow_workspace twins
	expect 0 -t 1 create twins
	killed_holding twins
	for number in 1 2 3 4; do
		timeout 100 "$WSNAP" -t 1 -q recover twins >"$BATS_TEST_TMPDIR/said$number" 2>&1 3>&- 4>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || complain "$(cat "$BATS_TEST_TMPDIR"/said*)"
	done
	same 1 "$(cat "$BATS_TEST_TMPDIR"/said* | wc -l)" 'runs that finished it'
	same RUNNING "$(workspace_status twins)"
	same '' "$(lease_names)"
	same 1 "$(db "SELECT version FROM container_versions WHERE container_id = 'twins'")"
}

@test "who takes over and is killed as well is taken over in turn" {
	slow_workspace again
	expect 0 -t 1 create again
	killed_holding again
	for round in 1 2 3; do
		strace -f -qq -o /dev/null -e trace=unlinkat -P "$CONTAINERD_NAMESPACE~again.operation" \
			-e inject=unlinkat:error=EIO:signal=KILL "$WSNAP" -t 1 recover again >/dev/null 2>&1 3>&- 4>&- || true
		same 1 "$(lease_names | grep -c '^wsnap.lock.again$')"
		[ "$(lease_names | grep -c 'takeover')" -ge 1 ] || complain "nobody has taken it over"
	done
	expect 0 -t 1 recover again
	expect 0 -t 1 version again
	same RUNNING "$(workspace_status again)"
	same '' "$(lease_names)"
}

@test "the lock of a run that nobody here can see is the operator's to break" {
	slow_workspace far
	expect 0 -t 1 create far
	STATE=$(other_state)
	unshare --uts --pid --fork --mount-proc --kill-child sh -c 'hostname faraway && exec "$@"' sh \
		"$WSNAP" --state-dir "$STATE" -t 20 version far >/dev/null 2>&1 3>&- 4>&- &
	first=$!
	servers_wait_for 60 record_is_there far
	kill -KILL "$first"
	wait "$first" 2>/dev/null || true
	same faraway "$(lock_label far wsnap.lock.host)"
	expect 4 --wait 1 -t 1 version far
	matches "wsnap: 'far' is busy: another run of wsnap holds it \(pid [0-9]+ on the host 'faraway', version since $TIME, state directory '$STATE'\).*hint: it cannot be seen from here .*'wsnap recover --break-lock far'.*" \
		"$(tr '\n' ' ' <<<"$stderr")"
	expect 2 recover --break-lock
	same "wsnap: '--break-lock' needs a TARGET" "${stderr%%$'\n'*}"
	expect 0 -t 1 recover --break-lock far
	[[ $stderr == *"the lock of 'far' was taken away from another run (pid "*"on the host 'faraway'"* ]] || complain "it is not said whose"
	same '' "$(lease_names | grep '^wsnap.lock' || true)"
	expect 0 --state-dir "$STATE" -t 1 recover far
	expect 0 -t 1 version far
	same RUNNING "$(workspace_status far)"
	same '' "$(lease_names)"
}

@test "after a reboot its own state directory takes the lock over" {
	workspace booted
	killed_before_record booted
	label=$(lock_label booted wsnap.lock.boot)
	same "$(cat /proc/sys/kernel/random/boot_id)" "$label"
	remake_lock booted wsnap.lock.boot=00000000-0000-4000-8000-000000000000 wsnap.lock.pid=1 \
		"wsnap.lock.pid_started=$(awk '{ print $22 }' /proc/1/stat)"
	expect 4 --state-dir "$(other_state)" --wait 0 version booted
	expect 0 --wait 0 version booted
	same '' "$(lease_names)"
}

@test "a pid that is another process by now keeps nobody away" {
	workspace reused
	killed_before_record reused
	remake_lock reused wsnap.lock.pid=1 wsnap.lock.file=1:1
	expect 0 --wait 0 version reused
	remake_lock_of_live reused
	expect 4 --wait 0 version reused
	ctr leases rm wsnap.lock.reused >/dev/null
}

# The lock stays of a run that is killed as soon as it has it, and looks for an earlier record.
killed_before_record() {
	strace -f -qq -o /dev/null -e trace=openat -P "$CONTAINERD_NAMESPACE~$1.operation" \
		-e inject=openat:error=EIO:signal=KILL "$WSNAP" version "$1" >/dev/null 2>&1 3>&- 4>&- || true
	LEFT=$(ctr leases ls | awk '$1 ~ /^wsnap.lock/ { print $3 }')
	[ -n "$LEFT" ] || complain "no lock is left of $1"
}

# remake_lock ID LABEL=VALUE…: the lock that was left, with other labels.
remake_lock() {
	local id=$1 labels word
	shift
	labels=$LEFT
	for word in "$@"; do
		labels=$(sed "s|${word%%=*}=[^,]*|$word|" <<<"$labels")
	done
	ctr leases rm "wsnap.lock.$id" >/dev/null
	# shellcheck disable=SC2046 # one word for each
	ctr leases create --id "wsnap.lock.$id" $(tr ',' ' ' <<<"$labels") >/dev/null
}

# A run of this very state directory that lives, though its file is not locked: it was removed and made anew.
remake_lock_of_live() {
	killed_before_record "$1"
	remake_lock "$1" wsnap.lock.pid=$$ "wsnap.lock.pid_started=$(awk '{ print $22 }' "/proc/$$/stat")" wsnap.lock.file=1:1
}

@test "a container's id may be as long as containerd's rule has it" {
	id=$(printf 'a%.0s' $(seq 76))
	workspace "$id"
	expect 0 create "$id"
	killed_before_record "$id"
	matches 'wsnap.lock-[0-9a-f-]{36}' "$(lease_names)"
	expect 4 --state-dir "$(other_state)" --wait 0 version "$id"
	expect 0 version "$id"
	same '' "$(lease_names)"
}

@test "recover lets go of a lock that was left without a record" {
	workspace bare
	killed_before_record bare
	expect 4 --state-dir "$(other_state)" --wait 0 version bare
	expect 0 recover
	same 'nothing to recover' "$output"
	same '' "$(lease_names)"
	killed_before_record bare
	expect 0 recover bare
	same '' "$(lease_names)"
	killed_before_record bare
	expect 0 doctor --fix
	same '' "$(lease_names)"
}

@test "operations end also where somebody deletes their leases, and loses nothing" {
	workspace leases sh -c 'trap "sleep 1; exit 0" TERM; while :; do sleep 60 & wait $!; done'
	workspace_write leases /data/1 one
	leases_gone_during expect 0 version leases
	workspace_write leases /data/2 two
	dd if=/dev/urandom of="$(workspace_root leases)/data/big" bs=1M count=64 status=none
	leases_gone_during expect 0 version leases --live
	workspace_write leases /data/3 three
	leases_gone_during expect 0 rollback leases 1
	same '1 2 3' "$(version_numbers leases)"
	[ ! -e "$(workspace_root leases)/data/2" ]
	leases_gone_during expect 0 rollback leases 3
	same three "$(workspace_read leases /data/3)"
	same RUNNING "$(workspace_status leases)"
	collect_garbage
	expect 0 doctor leases
	for number in 1 2 3; do
		snapshot_exists "$(version_snapshot leases "$number")" || complain "version $number is lost"
	done
	same '' "$(lease_names | grep '^wsnap')"
}
