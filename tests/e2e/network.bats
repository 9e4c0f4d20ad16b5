#!/usr/bin/env bats
# Workspaces with CNI networks: the real bridge, host-local, portmap and firewall plugins, and a scripted one that
# writes down what it sees.
# ROUNDS is how many operations the repeating tests do.
load ../lib/workspace
load ../lib/host

ROUNDS=${ROUNDS:-3}

setup_file() {
	workspaces_begin
	host_begin
}

teardown_file() {
	host_end
	workspaces_end
}

setup() {
	host_network
}

# The Nth of a mixed series of operations on a workspace that has a version 1.
operate() {
	case $(($2 % 3)) in
	0) expect 0 create "$1" ;;
	1) expect 0 version "$1" ;;
	2) expect 0 rollback "$1" 1 ;;
	esac
}

# page ADDRESS PORT: as a client outside gets it.
page() {
	# shellcheck disable=SC2016 # for the shell over there
	outside timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET /page HTTP/1.0\r\n\r\n" >&3 && tail -n 1 <&3' "$@"
}

@test "address and published port stay the same, and nothing piles up" {
	workspace web sh -c 'echo hello >/data/page; exec httpd -f -p 80 -h /data'
	expect 0 create web
	address=$(inside_address web)
	matches '10\.213\.0\.[0-9]+' "$address"
	publish web 8080 80
	expect 0 create web
	before="$(rules) $(interfaces)"
	for ((round = 1; round <= ROUNDS; round++)); do
		operate web $round
		same "$address" "$(inside_address web)" "address after $round operations"
		servers_wait_for 60 page "$address" 80 || complain "no answer at $address after $round operations"
		same hello "$(page 192.0.2.1 8080)" "the published port after $round operations"
		same "$address" "$(leases_of web)" "addresses held"
		same "$before" "$(rules) $(interfaces)" "rules and interfaces"
	done
	same 80 "$(cached web '.capabilityArgs.portMappings[0].containerPort')"
}

@test "a fork has an address of its own" {
	workspace mother
	expect 0 create mother
	address=$(inside_address mother)
	expect 0 fork mother 1 daughter --start
	matches '10\.213\.0\.[0-9]+' "$(inside_address daughter)"
	[ "$(inside_address daughter)" != "$address" ] || complain "both have $address"
	same "$address" "$(inside_address mother)"
	same "$(inside_address daughter)" "$(leases_of daughter)" "addresses held"
}

@test "killed in the middle, a fork that was to be started holds one address, or there is none" {
	local call made=0
	workspace elder
	expect 0 create elder
	for call in 30 50 60 65 70 74 78 82 86 90 95 100 500; do
		strace -f -qq -o /dev/null -e trace=sendto,sendmsg -e inject=sendto,sendmsg:signal=KILL:when="$call" \
			"$WSNAP" fork elder 1 "younger-$call" --start >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
		expect 0 recover
		if container_exists "younger-$call"; then
			same RUNNING "$(workspace_status "younger-$call")" "status after call $call"
			same "$(inside_address "younger-$call")" "$(leases_of "younger-$call")" "addresses held after call $call"
			matches '10\.213\.0\.[0-9]+' "$(inside_address "younger-$call")"
			made=$((made + 1))
		else
			same "" "$(leases_of "younger-$call")" "addresses held after call $call"
		fi
	done
	[ "$made" -ge 2 ] || complain "$made forks only"
}

@test "no process runs without its network" {
	workspace first sh -c 'ip -4 -o addr show eth0 >/data/first 2>&1; echo looked >>/data/first; exec sleep infinity'
	expect 0 create first
	address=$(inside_address first)
	for ((round = 1; round <= ROUNDS; round++)); do
		root=$(workspace_root first)
		rm -f "$root/data/first"
		expect 0 version first
		root=$(workspace_root first)
		servers_wait_for 60 grep -qs looked "$root/data/first"
		[[ $(cat "$root/data/first") == *" $address/24 "* ]] ||
			complain "in round $round it found: $(cat "$root/data/first")"
	done
}

@test "ADD comes before the start, DEL before the old namespace dies" {
	workspace order
	expect 0 create order
	address=$(inside_address order)
	: >"$HOST/log"
	expect 0 create order
	# DEL runs beside the end of the old task and the creation of the new one, so that the task may be in any state;
	# that it sees the old address shows that the old namespace is there.
	same "DEL order $address/24
ADD order CREATED $address/24" "$(sed -E 's/^(DEL order) (RUNNING|STOPPED|CREATED)? /\1 /' "$HOST/log")"
}

@test "the detach runs beside the wait for the exit" {
	workspace beside sh -c 'trap "touch /data/term; while [ ! -e /data/del ]; do sleep 0.05; done; exit 0" TERM
		rm -f /data/term /data/del; while :; do sleep 60 & wait $!; done'
	expect 0 create beside
	servers_wait_for 60 eval '[ ! -e "$(workspace_root beside)/data/term" ]'
	sleep 0.2
	root=$(workspace_root beside)
	fault DEL "for try in \$(seq 30); do [ ! -e $root/data/term ] || break; sleep 0.05; done
		[ -e $root/data/term ] && touch $root/data/del && touch $HOST/met"
	expect 0 create beside
	fault DEL
	[ -e "$HOST/met" ] || complain "DEL did not run while the process ended"
}

@test "an address that is taken is replaced, and that is said" {
	printf '#!/bin/sh\n%s/bridge || exit\n[ $CNI_COMMAND != DEL ] || [ ! -e %s/thief ] || sh %s/thief\n' \
		"$REAL_PLUGINS" "$HOST" "$HOST" >"$HOST/plugins/robbed"
	chmod +x "$HOST/plugins/robbed"
	host_network robbed
	workspace moved
	expect 0 create moved
	address=$(inside_address moved)
	printf 'printf "somebody\\r\\neth0" >%s/ipam/web/%s\n' "$HOST" "$address" >"$HOST/thief"
	expect 0 create moved
	rm "$HOST/thief" "$HOST/ipam/web/$address"
	new=$(inside_address moved)
	[ "$new" != "$address" ] || complain "the address was not taken"
	same "wsnap: warning: 'moved' could not get its address $address/24 again: it has $new/24 now" "$stderr"
	same "$new" "$(leases_of moved)"
	same RUNNING "$(workspace_status moved)"
}

# left_alone ID REASON: an operation that runs no plugin, and says why with -v.
left_alone() {
	: >"$HOST/log"
	expect 0 -v create "$1"
	[[ $stderr == *"the network of '$1' is left alone: $2"* ]] || complain "the reason is not said"
	same '' "$(cat "$HOST/log")"
	same RUNNING "$(workspace_status "$1")"
}

@test "networks that are not ours are left alone" {
	WORKSPACE_OPTIONS=(--net-host)
	workspace hostnet
	left_alone hostnet 'it has no network namespace of its own'
	WORKSPACE_OPTIONS=(--with-ns "network:/proc/$OUTSIDE_PID/ns/net")
	workspace bypath
	left_alone bypath 'it has no network namespace of its own'
	rm "$NETCONFPATH"/*
	workspace noconf
	left_alone noconf "there is no CNI configuration in '$NETCONFPATH'"
	host_network
	workspace byuser
	: >"$HOST/log"
	expect 0 --network none create byuser
	same '' "$(cat "$HOST/log")"
}

@test "a folder of plugins that is no absolute path is an error before anything is stopped" {
	workspace relative
	expect 0 create relative
	pid=$(workspace_pid relative)
	before=$(world)
	for path in . plugins "$CNI_PATH:./plugins"; do
		CNI_PATH=$path expect 2 create relative
		expect 2 --cni-path "$path" create relative
		same "$before" "$(world)" "the world after '$path'"
	done
	same "$pid" "$(workspace_pid relative)"
	CNI_PATH=. expect 0 --network none create relative
}

@test "a configuration that is there but broken is an error before anything is stopped" {
	workspace careful
	expect 0 create careful
	pid=$(workspace_pid careful)
	before=$(world)
	for broken in 'no JSON' '{"cniVersion":"1.0.0","name":"web","plugins":[{"type":"nowhere"}]}' \
		'{"cniVersion":"1.0.0","plugins":[{"type":"bridge"}]}' '{"cniVersion":"1.0.0","name":"web","plugins":[]}'; do
		printf '%s\n' "$broken" >"$NETCONFPATH/10-web.conflist"
		expect 2 create careful
		same '' "$output"
		same "$before" "$(world)" "the world after '$broken'"
		same "$pid" "$(workspace_pid careful)"
	done
	host_network
	expect 0 create careful
}
