#!/usr/bin/env bats
# Networks that cannot be had: behind the real plugins stands a scripted one that fails. The workspace runs, the
# status says what is missing, and recover or the next operation puts it right.
load ../lib/workspace
load ../lib/host

setup_file() {
	workspaces_begin
	echo 'cni_timeout = 2' >"$WSNAP_CONFIG"
	host_begin
}

teardown_file() {
	host_end
	workspaces_end
}

setup() {
	host_network
}

# incomplete ID WORDS ARGUMENT…: status 7, running, and the plugin's words.
incomplete() {
	local id=$1 words=$2
	shift 2
	expect 7 "$@"
	[[ $stderr == "wsnap: '$id' runs, but without its network: "*"$words"* ]] || complain "no '$words'"
	same RUNNING "$(workspace_status "$id")"
	same '' "$(inside_address "$id" 2>/dev/null)" "an address"
	same '' "$(leases_of "$id")" "addresses held"
}

cni_error() {
	printf '%s' "echo '{\"cniVersion\":\"1.0.0\",\"code\":$1,\"msg\":\"no luck $1\",\"details\":\"at all\"}'; exit 1"
}

# failing ID WORDS FAULT: an operation without its network, put right by recover once the cause is gone.
failing() {
	fault ADD "$3"
	incomplete "$1" "$2" create "$1"
	fault ADD
	expect 0 recover "$1"
	same "$(leases_of "$1")" "$(inside_address "$1")" "the address after recover"
	matches '10\..*' "$(inside_address "$1")"
	[ "$(find "$WSNAP_STATE_DIR" -name '*.json' | wc -l)" = 0 ] || complain "a record is left"
}

@test "a plugin's error leaves the workspace running without network until recover" {
	workspace neighbour
	expect 0 create neighbour
	workspace failed
	expect 0 create failed
	theirs="$(inside_address neighbour) $(leases_of neighbour) $(workspace_pid neighbour)"
	for code in 4 6 7 11 999; do
		failing failed "failed with code $code: no luck $code; at all" "$(cni_error $code)"
	done
	same "$theirs" "$(inside_address neighbour) $(leases_of neighbour) $(workspace_pid neighbour)" 'the neighbour'
	expect 0 -q list failed
	same $'1\n2\n3\n4\n5\n6' "$output" 'versions'
}

@test "a plugin that hangs, floods, says nothing or speaks another version" {
	workspace odd
	expect 0 create odd
	failing odd 'was killed after 2000 ms without an answer' 'sleep 1000'
	failing odd 'printed more than 1048576 bytes' 'head -c 2000000 /dev/zero | tr "\0" x; exit 0'
	failing odd 'succeeded without a result' 'exit 0'
	failing odd "has cniVersion '9.9.9', which is not supported" 'echo "{\"cniVersion\":\"9.9.9\"}"; exit 0'
	failing odd 'failed with exit status 3: my last words' 'echo my last words >&2; exit 3'
}

@test "a failed ADD is tried once more after a DEL" {
	workspace twice
	expect 0 create twice
	: >"$HOST/log"
	fault ADD "if [ ! -e $HOST/once ]; then touch $HOST/once; $(cni_error 999); fi"
	expect 0 create twice
	same 'DEL ADD DEL ADD' "$(cut -d ' ' -f 1 "$HOST/log" | paste -sd ' ')"
	same "$(leases_of twice)" "$(inside_address twice)"
}

@test "a new operation takes a missing network over" {
	workspace taken
	expect 0 create taken
	address=$(inside_address taken)
	fault ADD "$(cni_error 999)"
	incomplete taken 'no luck 999' create taken
	incomplete taken 'no luck 999' version taken
	expect 7 recover taken
	fault ADD
	expect 0 create taken
	same "$address" "$(inside_address taken)" 'the address'
	expect 0 recover taken
	expect 0 -q list taken
	same $'1\n2\n3\n4' "$output"
}

@test "a configuration that is gone keeps nobody down" {
	workspace unplugged
	expect 0 create unplugged
	fault ADD "$(cni_error 999)"
	incomplete unplugged 'no luck 999' create unplugged
	rm "$NETCONFPATH"/*
	expect 7 recover unplugged
	same RUNNING "$(workspace_status unplugged)"
	host_network
	expect 0 recover unplugged
	matches '10\..*' "$(inside_address unplugged)"
}

@test "an operation killed in the middle of ADD leaks no address" {
	workspace killed
	expect 0 create killed
	address=$(inside_address killed)
	rm -f "$HOST/hanging"
	fault ADD "echo \$\$ >$HOST/hanging; exec sleep 1000"
	"$WSNAP" create killed >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	wsnap=$!
	servers_wait_for 60 test -s "$HOST/hanging"
	kill -KILL "$wsnap"
	kill -KILL "$(cat "$HOST/hanging")"
	fault ADD
	expect 0 recover killed
	same RUNNING "$(workspace_status killed)"
	same "$address" "$(inside_address killed)"
	same "$address" "$(leases_of killed)"
}

@test "a version that does not start leaves no address behind" {
	workspace whole
	expect 0 create whole
	# Its task is created and attached, and does not start.
	rm "$(workspace_root whole)/bin/sh"
	expect 7 create whole
	same '' "$(leases_of whole)" 'addresses held'
	expect 0 rollback whole 1
	same RUNNING "$(workspace_status whole)"
	same "$(leases_of whole)" "$(inside_address whole)"
}

@test "the address of a container that was removed is found, and given back" {
	workspace leaving
	expect 0 create leaving
	matches '10\..*' "$(leases_of leaving)"
	ctr tasks delete --force leaving >/dev/null
	ctr containers delete leaving
	expect 1 doctor leaving
	[[ $output == *"'leaving' does not run, but holds the address 10."* ]] || complain "other words"
	expect 0 doctor --fix
	same '' "$(leases_of leaving)" "addresses held"
	expect 0 doctor leaving
}

# removed_halfway ID: its create is killed when its network is attached, which the record does not know yet, and somebody
# removes the container.
removed_halfway() {
	local line
	workspace "$1"
	expect 0 create "$1"
	"$WSNAP" -v create "$1" >/dev/null 2>"$BATS_TEST_TMPDIR/like" </dev/null 3>&- 4>&-
	line=$(grep -n '^wsnap: start ' "$BATS_TEST_TMPDIR/like" | cut -d: -f1)
	: >"$BATS_TEST_TMPDIR/told"
	strace -f -qq -o /dev/null -e trace=write -P "$BATS_TEST_TMPDIR/told" -e inject=write:signal=KILL:when="$line" \
		"$WSNAP" -v create "$1" >/dev/null 2>"$BATS_TEST_TMPDIR/told" </dev/null 3>&- 4>&- || true
	matches '10\..*' "$(leases_of "$1")"
	ctr tasks delete --force "$1" >/dev/null
	ctr containers delete "$1"
}

@test "removed between its new address and its start: recovery gives the address back" {
	removed_halfway halfway
	expect 0 recover halfway
	same '' "$stderr"
	same '' "$(leases_of halfway)" "addresses held"
}

@test "an address that cannot be given back is a warning, and doctor finds it" {
	removed_halfway stuck
	fault DEL "$(cni_error 999)"
	expect 0 recover stuck
	[[ $stderr == *"warning: 'stuck' is gone, but may still hold a network address: "*"no luck 999"* ]] ||
		complain "no warning"
	fault DEL
	expect 0 doctor --fix stuck
	same '' "$(leases_of stuck)" "addresses held"
}
