#!/bin/bash
# downtime.sh: what a network costs a workspace. The medians of RUNS (10) operations with a bridge network and as many
# without, taken in turns, of the same workspace's kind; the time of one ADD and one DEL by themselves; and how far
# the difference of the downtimes is from one ADD. Figures, no verdict: it fails only if an operation does.
set -u -o pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
if [ -z "${SERVERS:-}" ]; then
	exec "$root/tests/lib/with-servers.sh" "$0"
fi
RUNS=${RUNS:-10}
export BATS_TEST_FILENAME=downtime.bats
BATS_FILE_TMPDIR=$(mktemp -d "$SERVERS/downtime.XXXXXX")
bats_require_minimum_version() { :; }
. "$root/tests/lib/workspace.bash"
. "$root/tests/lib/host.bash"

finish() {
	host_end
	workspaces_end
	rm -rf --one-file-system "$BATS_FILE_TMPDIR"
}

# Bridge and host-local, without the scripted plugin.
plain_network() {
	rm -f "$NETCONFPATH"/*
	echo 'network = attach' >"$WSNAP_CONFIG"
	cat >"$NETCONFPATH/10-plain.conflist" <<-END
		{"cniVersion": "1.0.0", "name": "plain", "plugins": [
		  {"type": "bridge", "bridge": "wsnapt1", "isGateway": true, "ipMasq": true,
		   "ipam": {"type": "host-local", "dataDir": "$HOST/ipam", "ranges": [[{"subnet": "10.214.0.0/24"}]]}}]}
	END
}

median() {
	sort -n | awk '{ value[NR] = $1 } END { print NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'
}

downtime() {
	"$WSNAP" --json "$@" </dev/null | jq -er .downtime_ms
}

# plugin COMMAND NETNS: one run of the bridge plugin as wsnap makes it; its milliseconds.
plugin() {
	local began ended
	began=$(date +%s%N)
	jq -c '{cniVersion, name} + .plugins[0]' "$NETCONFPATH/10-plain.conflist" |
		on_host env CNI_COMMAND="$1" CNI_CONTAINERID=alone CNI_IFNAME=eth0 CNI_NETNS="$2" CNI_PATH="$CNI_PATH" \
			"$REAL_PLUGINS/bridge" >/dev/null || return 1
	ended=$(date +%s%N)
	echo $(((ended - began) / 10000)) | awk '{ print $1 / 100 }'
}

measure() {
	local figures=$BATS_FILE_TMPDIR round netns
	workspace with sleep infinity
	workspace without sleep infinity
	plain_network
	downtime create with >/dev/null && downtime --network none create without >/dev/null || return 1
	for ((round = 1; round <= RUNS; round++)); do
		downtime create with >>"$figures/with" && downtime --network none create without >>"$figures/without" || return 1
		unshare --net sleep 5 &
		netns=/proc/$!/ns/net
		sleep 0.1
		plugin ADD "$netns" >>"$figures/add" && plugin DEL "$netns" >>"$figures/del" || return 1
		kill $!
	done
	report "$(median <"$figures/with")" "$(median <"$figures/without")" "$(median <"$figures/add")" \
		"$(median <"$figures/del")"
}

report() {
	awk -v with="$1" -v without="$2" -v add="$3" -v del="$4" -v runs="$RUNS" 'BEGIN {
		printf "# medians of %d, in ms\n", runs
		printf "# downtime with a bridge network     %7.1f\n", with
		printf "# downtime without a network         %7.1f\n", without
		printf "# one ADD by itself                  %7.1f\n", add
		printf "# one DEL by itself                  %7.1f\n", del
		printf "# with / (without + one ADD)         %7.2f\n", with / (without + add)
	}'
}

trap finish EXIT
workspaces_begin && host_begin || exit 1
if measure; then echo "ok 1 downtime with and without a network"; else echo "not ok 1 downtime with and without a network"; fi
echo 1..1
