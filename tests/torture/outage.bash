# shellcheck shell=bash
#
# The blows that the others take: containerd killed, Postgres stopped, the machine switched off.

# A server goes while wsnap stands still before a call, and comes back at once, or while wsnap goes on.
blow_command() {
	local server=$1 moment=$2
	if [ $((moment % 2)) -eq 0 ]; then
		echo "run:$here/blow.sh $server now"
	else
		echo "run:$here/blow.sh $server later"
	fi
}

# outage_point SERVER SET AT COMMAND
outage_point() {
	local server=$1 status=0
	stir ws
	strike_at "$2" "$3" "$4" || status=$?
	servers_return
	check_word "$status"
	recover
	check_all
	check_promise "$status"
	freshen "$STATE"
}

servers_return() {
	local deadline=$((SECONDS + 20))
	while [ -e "$SERVERS/blow" ] && [ $SECONDS -lt $deadline ]; do
		sleep 0.05
	done
	rm -f "$SERVERS/blow"
	containerd_start && servers_wait_for 60 db 'SELECT 1' || complain "the servers do not come back"
}

# torture_outage SERVER OPERATION STATE MOMENTS: spread over all calls of the operation that can be noticed.
torture_outage() {
	local server=$1 moments=${4:-50} i at
	STATE=$3
	begin_case "outage $server" "$2" "$3"
	measure noticed
	local total=$CALLS
	for ((i = 0; i < moments; i++)); do
		at=$((1 + i * (total - 1) / (moments > 1 ? moments - 1 : 1)))
		CASE="outage of $server in $2 $3 at call $at of $total"
		outage_point "$server" noticed "$at" "$(blow_command "$server" "$i")"
	done
	[ "$server" != postgres ] || outage_of_commit "$2" "$3" $(((moments + 9) / 10))
	end_case "outage $server $2 $3"
}

# Between sending COMMIT and its answer: with the server process frozen before COMMIT arrives, and after it has.
outage_of_commit() {
	local i
	for ((i = 0; i < $3; i++)); do
		CASE="outage of postgres in $1 $2 before it reads COMMIT ($i)"
		outage_point postgres commit 1 "run:$here/blow.sh postgres frozen"
		CASE="outage of postgres in $1 $2 behind COMMIT ($i)"
		outage_point postgres commit 2 "run:$here/blow.sh postgres now"
		CASE="the answer to COMMIT is lost in $1 $2 ($i)"
		outage_point postgres commit 2 error:ECONNRESET
	done
}

# The machine goes off while wsnap is at work: no process is left, and nothing of /run.
power_off() {
	local shim
	for shim in $(servers_shims); do
		# shellcheck disable=SC2046 # one pid a word
		kill -KILL "$shim" $(cat "/proc/$shim/task/"*/children 2>/dev/null) 2>/dev/null
		servers_wait_gone "$shim" 5
	done
	containerd_kill
	awk -v below="$SERVERS/state/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo |
		sort -r | xargs -r -n 1 umount --lazy
	servers_end_leftovers
	rm -rf "$SERVERS/state"
	mkdir -p "$SERVERS/state"
}

# What was running must run again if the operation had a record by then and had not brought it back itself.
expect_after_power_off() {
	local record
	record=$(find "$WSNAP_STATE_DIR" -name '*.operation')
	STATUS_AFTER=
	# What nothing was stopped for comes back by a new boot alone, which this is none of.
	[[ $OPERATION != *-live && $OPERATION != restore* ]] || return 0
	if [ -n "$record" ] && [ "$(jq -r .stage "$record")" != 2 ] && [ "$STATUS_BEFORE" = RUNNING ]; then
		STATUS_AFTER=RUNNING
	fi
}

torture_reboot() {
	local moments=${3:-25} i at total
	begin_case reboot "$1" "$2"
	measure noticed
	total=$CALLS
	for ((i = 0; i < moments; i++)); do
		at=$((1 + i * (total - 1) / (moments > 1 ? moments - 1 : 1)))
		CASE="power off in $1 $2 at call $at of $total"
		stir ws
		strike_at noticed "$at" kill
		expect_after_power_off
		power_off
		containerd_start || { complain "containerd does not start"; break; }
		recover
		check_all
		unset STATUS_AFTER
		renew ws "$2"
	done
	end_case "reboot $1 $2"
}
