#!/usr/bin/env bats
# Who made a workspace, and who else has a say in it: ctr with and without --cni, nerdctl, Kubernetes, Docker.
load ../lib/workspace
load ../lib/turn
load ../lib/host

ROUNDS=${ROUNDS:-3}

setup_file() {
	workspaces_begin
	host_begin
	on_host mkdir -p /etc/cni/net.d /opt/cni
	on_host rm -rf /opt/cni/bin
	on_host ln -s "$REAL_PLUGINS" /opt/cni/bin
}

teardown_file() {
	host_end
	workspaces_end
}

setup() {
	host_network
	# ctr knows no other folders than its own.
	sed '/"scripted"/d; s/{"type": "firewall"},/{"type": "firewall"}]}/' "$NETCONFPATH/10-web.conflist" \
		>"$BATS_TEST_TMPDIR/conflist"
	on_host cp "$BATS_TEST_TMPDIR/conflist" /etc/cni/net.d/10-web.conflist
}

@test "a network that ctr attached is attached again as ctr would" {
	on_host ctr run --cni --detach --null-io --label kept=yes "$IMAGE" made sleep infinity 3>&- 4>&-
	full=$CONTAINERD_NAMESPACE-made
	address=$(inside_address made)
	matches '10\.213\.0\.[0-9]+' "$address"
	before="$(rules) $(interfaces)"
	for ((round = 1; round <= ROUNDS; round++)); do
		expect 0 create made
		same "$address" "$(inside_address made)" "address after $round operations"
		same "$address" "$(leases_of "$full")" "addresses held"
		same "$address" "$(cached_address "$full")" "the cached address"
		same "$before" "$(rules) $(interfaces)" "rules and interfaces"
	done
	on_host test ! -e /var/lib/cni/results/web-made-eth0
	same yes "$(container_field made '.Labels.kept')"
	# What ctr made, ctr can take down: it detaches by the same cache.
	on_host ctr tasks delete --force made >/dev/null
	on_host ctr containers delete made
}

@test "a container of ctr without a network stays without one, unless it is asked for" {
	: >"$WSNAP_CONFIG"
	workspace plain
	interfaces=$(nsenter --net="/proc/$(workspace_pid plain)/ns/net" ip -o link | wc -l)
	for words in 'create plain' 'version plain' 'rollback plain 1'; do
		# shellcheck disable=SC2086 # words
		expect 0 -v $words
		[[ $stderr == *"the network of 'plain' is left alone: it never had one ('--network attach' gives it one)"* ]] ||
			complain "the reason is not said"
		same "$interfaces" "$(nsenter --net="/proc/$(workspace_pid plain)/ns/net" ip -o link | wc -l)" "interfaces"
		same '' "$(leases_of plain)" "addresses held"
	done
	expect 0 --network attach create plain
	same "$(leases_of plain)" "$(inside_address plain)"
	matches '10\..*' "$(inside_address plain)"
	# From now on it is one that had a network.
	address=$(inside_address plain)
	expect 0 create plain
	same "$address" "$(inside_address plain)"
}

@test "a workspace server's own container gets its network, whatever libcni remembers" {
	: >"$WSNAP_CONFIG"
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$(cat /proc/sys/kernel/random/uuid)")
	workspace bots
	WORKSPACE_OPTIONS=(--label memoh.workspace=v3)
	workspace servers
	for id in bots servers; do
		expect 0 create "$id"
		same "$(leases_of "$id")" "$(inside_address "$id")"
		matches '10\..*' "$(inside_address "$id")"
	done
}

@test "who shares the network of a workspace is named" {
	: >"$WSNAP_CONFIG"
	bot=$(cat /proc/sys/kernel/random/uuid)
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$bot")
	workspace shared
	WORKSPACE_OPTIONS=(--with-ns "network:/proc/$(workspace_pid shared)/ns/net")
	workspace beside
	WORKSPACE_OPTIONS=(--label "memoh.network.bot_id=$bot")
	workspace companion
	workspace stranger
	expect 0 create shared
	for id in beside companion; do
		[[ $stderr == *"warning: '$id' shares the network of 'shared', whose processes get a new one: it has to be started again"* ]] ||
			complain "$id is not named"
	done
	[[ $stderr != *stranger* && $stderr != *"'shared' shares"* ]] || complain "somebody is named who shares nothing"
	# That one's namespace is named by a process that has ended.
	before=$(world)
	expect 8 create beside
	matches "wsnap: 'beside' would not start again: '/proc/[0-9]+/ns/net', which is its namespace 'network', is not there" \
		"${stderr%%$'\n'*}"
	same "$before" "$(world)"
	expect 0 create stranger
	[[ $stderr != *shares* ]] || complain "nobody shares this one"
}

# A CDI file can put hooks into a spec, as nerdctl does when it makes one.
hooked() {
	mkdir -p "$BATS_TEST_TMPDIR/cdi"
	cat >"$BATS_TEST_TMPDIR/cdi/hook.json" <<-'END'
		{"cdiVersion": "0.5.0", "kind": "wsnap.test/hook", "devices": [{"name": "net", "containerEdits": {"hooks": [
		  {"hookName": "createRuntime", "path": "/bin/true",
		   "args": ["/usr/local/bin/nerdctl", "internal", "oci-hook", "createRuntime"]},
		  {"hookName": "poststop", "path": "/bin/true",
		   "args": ["/usr/local/bin/nerdctl", "internal", "oci-hook", "postStop"]}]}}]}
	END
	echo "cdi_dirs = $BATS_TEST_TMPDIR/cdi" >"$WSNAP_CONFIG"
	WORKSPACE_OPTIONS=(--label memoh.workspace.cdi_devices=wsnap.test/hook=net --label nerdctl/namespace=default
		--label 'nerdctl/networks=["bridge"]' --label nerdctl/hostname=box)
	workspace "$1"
	expect 0 --network none create "$1"
}

@test "nerdctl's hooks attach the network themselves" {
	hooked nerd
	same nerdctl "$(container_field nerd '.Spec.hooks.createRuntime[0].args[0] | sub(".*/"; "")')"
	labels=$(container_field nerd .Labels)
	hooks=$(container_field nerd .Spec.hooks)
	: >"$HOST/log"
	expect 0 -v create nerd
	: >"$WSNAP_CONFIG"
	[[ $stderr == *"the network of 'nerd' is left alone: hooks in its spec attach it"* ]] || complain "not said"
	same '' "$(cat "$HOST/log")"
	same "$labels" "$(container_field nerd .Labels)"
	same "$hooks" "$(container_field nerd .Spec.hooks)"
	same RUNNING "$(workspace_status nerd)"
}

# in_namespace NAMESPACE KEEPER: refused, and done with --force.
in_namespace() {
	local own=$CONTAINERD_NAMESPACE id=box$$$RANDOM pid
	export CONTAINERD_NAMESPACE=$1
	image_import "$1" "$SERVERS/images/busybox.tar"
	workspace "$id"
	pid=$(workspace_pid "$id")
	expect_error 8 "'$id' is kept by $2 (namespace '$1'), which would fight an operation on it" create "$id"
	same "wsnap: '$id' is kept by $2 (namespace '$1'), which would fight an operation on it
hint: --force insists" "$stderr"
	same "$pid" "$(workspace_pid "$id")"
	expect 0 --network none --force create "$id"
	expect 8 rollback "$id" 1
	expect 0 --network none --force rollback "$id" 1
	same RUNNING "$(workspace_status "$id")"
	expect 0 list "$id"
	ctr tasks delete --force "$id" >/dev/null
	ctr containers delete "$id"
	export CONTAINERD_NAMESPACE=$own
}

@test "containers of Kubernetes are refused without --force" {
	in_namespace k8s.io Kubernetes
}

@test "containers of Docker are refused without --force" {
	in_namespace moby Docker
}

@test "writable bind mounts are named as not saved" {
	mkdir -p "$BATS_TEST_TMPDIR"/{data,both,read,hosts}
	touch "$BATS_TEST_TMPDIR/hostsfile"
	WORKSPACE_OPTIONS=(--mount "type=bind,src=$BATS_TEST_TMPDIR/data,dst=/data/shared,options=rbind:rw"
		--mount "type=bind,src=$BATS_TEST_TMPDIR/both,dst=/mnt/two words,options=bind"
		--mount "type=bind,src=$BATS_TEST_TMPDIR/read,dst=/mnt/read,options=rbind:ro"
		--mount "type=bind,src=$BATS_TEST_TMPDIR/hostsfile,dst=/etc/hosts,options=rbind:rw"
		--mount "type=tmpfs,src=tmpfs,dst=/scratch,options=nosuid")
	workspace mounted
	expect 0 --network none --json create mounted
	same '["/data/shared","/mnt/two words"]' "$(jq -c .unsaved_mounts <<<"$output")"
	same '' "$stderr"
	expect 0 --network none -v create mounted
	[[ $stderr == *"/data/shared"*"/mnt/two words"* ]] || complain "the mounts are not named with -v"
	[[ $stderr != */mnt/read* && $stderr != */scratch* && $stderr != */etc/hosts* ]] || complain "too many are named"
	expect 0 --network none --json rollback mounted 1
	same '["/data/shared","/mnt/two words"]' "$(jq -c .unsaved_mounts <<<"$output")"
	workspace unmounted
	expect 0 --network none --json create unmounted
	same '[]' "$(jq -c .unsaved_mounts <<<"$output")"
}

@test "a container that is removed when it stops is not stopped" {
	ctr run --rm --null-io "$IMAGE" attached sh -c "$POLITE" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	client=$!
	servers_wait_for 10 is_running attached
	expect_error 8 "'attached' would be removed as soon as it stops: 'ctr run --rm' (pid $client) waits for that" \
		version attached
	same "hint: --force insists" "${stderr#*$'\n'}"
	same RUNNING "$(workspace_status attached)"
	WORKSPACE_OPTIONS=(--label nerdctl/auto-remove=true)
	workspace labelled
	expect_error 8 "'labelled' would be removed as soon as it stops: it was run with --rm (label 'nerdctl/auto-remove')" \
		create labelled
	expect 0 --network none --force create labelled
	ctr tasks delete --force labelled >/dev/null
	expect 0 --network none create labelled
	WORKSPACE_OPTIONS=(--label nerdctl/auto-remove=false)
	workspace stays
	expect 0 --network none create stays
	ctr tasks kill -s KILL attached
	wait "$client" || true
}

is_running() {
	[ "$(workspace_status "$1")" = RUNNING ]
}

@test "two containers on one snapshot are refused, whomever that was made for" {
	workspace first
	workspace second
	expect 0 --network none create first
	mine=$(container_snapshot first)
	same first "$(snapshot_field "$mine" '.Labels."wsnap.container"')"
	theirs=$(container_snapshot second)
	turn second "$mine"
	expect_error 8 "'first' shares its snapshot '$mine' with the container 'second'" create first
	turn second "$theirs"
	expect 0 --network none create first
}
