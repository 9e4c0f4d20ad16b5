#!/usr/bin/env bats
# Who made a workspace, and who else has a say in it: ctr with and without --cni, nerdctl, Kubernetes, Docker.
load ../lib/workspace
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

@test "a container of ctr without a network gets the host's one network" {
	workspace plain
	same '' "$(inside_address plain 2>/dev/null)"
	expect 0 create plain
	same "$(leases_of plain)" "$(inside_address plain)"
	matches '10\..*' "$(inside_address plain)"
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
