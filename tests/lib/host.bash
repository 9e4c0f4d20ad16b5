# shellcheck shell=bash
#
# A host of its own for tests with networks: wsnap and the CNI plugins that it runs live in a network namespace and a
# mount namespace beside ours, so bridges, iptables rules, /etc/cni, /opt/cni and /var/lib/cni are private and go
# with it. containerd stays where it is: it knows nothing of networks. Load it after workspace.bash; host_begin
# comes after workspaces_begin, host_end before workspaces_end.
#
#   on_host COMMAND…    runs there
#   outside COMMAND…    runs on a machine beside the host: it is 192.0.2.2, the host 192.0.2.1
#
# Below $HOST: plugins/ stands before the real ones, ipam/ is host-local's, `log` has what the scripted plugin saw.

REAL_PLUGINS=/usr/lib/cni

host_begin() {
	HOST=$BATS_FILE_TMPDIR/host
	mkdir -p "$HOST/private" "$HOST/plugins" "$HOST/ipam"
	host_script >"$HOST/begin"
	unshare --net sleep infinity </dev/null >/dev/null 2>&1 3>&- 4>&- &
	OUTSIDE_PID=$!
	unshare --net --mount --propagation private bash "$HOST/begin" "$HOST" "$OUTSIDE_PID" \
		</dev/null >"$HOST/begun" 2>&1 3>&- 4>&- &
	HOST_PID=$!
	export HOST HOST_PID OUTSIDE_PID
	servers_wait_for 60 test -e "$HOST/ready" || { cat "$HOST/begun" >&2; return 1; }
	outside sh -c 'ip link set lo up; ip addr add 192.0.2.2/24 dev cable; ip link set cable up
		ip route add default via 192.0.2.1'
	printf '#!/bin/sh\nexec nsenter --target %s --net --mount -- "%s" "$@"\n' "$HOST_PID" "$WSNAP" >"$HOST/wsnap"
	chmod +x "$HOST/wsnap"
	export WSNAP=$HOST/wsnap CNI_PATH=$HOST/plugins:$REAL_PLUGINS
	host_plugin
}

# What the host does first: folders that may be written to, a cable to the outside.
host_script() {
	cat <<-'END'
		set -e
		mount -t tmpfs tmpfs "$1/private"
		for folder in /etc /opt /var/lib; do
			mkdir -p "$1/private$folder/upper" "$1/private$folder/work"
			mount -t overlay -o "lowerdir=$folder,upperdir=$1/private$folder/upper,workdir=$1/private$folder/work" \
				overlay "$folder"
		done
		ip link set lo up
		ip link add cable type veth peer name cable netns "$2"
		ip addr add 192.0.2.1/24 dev cable
		ip link set cable up
		echo 1 >/proc/sys/net/ipv4/ip_forward
		touch "$1/ready"
		exec sleep infinity
	END
}

host_end() {
	kill "$HOST_PID" "$OUTSIDE_PID" 2>/dev/null
	servers_wait_gone "$HOST_PID" 5
}

on_host() {
	nsenter --target "$HOST_PID" --net --mount -- "$@"
}

outside() {
	nsenter --target "$OUTSIDE_PID" --net -- "$@"
}

# A plugin to be named last in a list: passes the result before it on, writes down what it saw, and does what the
# file `fault` says instead, if there is one. $FOLDER is the host's, $STATE what containerd said of the task.
host_plugin() {
	cat >"$HOST/plugins/scripted" <<-END
		#!/bin/bash
		FOLDER=$HOST
		input=\$(cat)
		interface=\$([ -n "\$CNI_NETNS" ] && nsenter --net="\$CNI_NETNS" ip -4 -o addr show "\$CNI_IFNAME" 2>/dev/null |
			awk '{ print \$4 }')
		state=\$(ctr -a "$CONTAINERD_ADDRESS" -n "$CONTAINERD_NAMESPACE" tasks ls |
			awk -v id="\$CNI_CONTAINERID" '\$1 == id { print \$3 }')
		echo "\$CNI_COMMAND \$CNI_CONTAINERID \$state \$interface" >>"\$FOLDER/log"
		[ ! -e "\$FOLDER/fault.\$CNI_COMMAND" ] || . "\$FOLDER/fault.\$CNI_COMMAND"
		[ "\$CNI_COMMAND" = DEL ] || jq -c .prevResult <<<"\$input"
	END
	chmod +x "$HOST/plugins/scripted"
}

# fault ADD|DEL [SHELL_WORDS]: from now on; without words it is gone.
fault() {
	rm -f "$HOST/fault.$1"
	[ -z "${2:-}" ] || printf '%s\n' "$2" >"$HOST/fault.$1"
}

# The configuration `web`: bridge with host-local, portmap, firewall, and the scripted plugin. Workspaces of ctr, which
# never had a network, get it as well.
host_network() {
	local bridge=${1:-bridge}
	rm -f "$NETCONFPATH"/*
	grep -qs '^network = ' "$WSNAP_CONFIG" || echo 'network = attach' >>"$WSNAP_CONFIG"
	cat >"$NETCONFPATH/10-web.conflist" <<-END
		{"cniVersion": "1.0.0", "name": "web", "plugins": [
		  {"type": "$bridge", "bridge": "wsnapt0", "isGateway": true, "ipMasq": true,
		   "ipam": {"type": "host-local", "dataDir": "$HOST/ipam", "ranges": [[{"subnet": "10.213.0.0/24"}]],
		            "routes": [{"dst": "0.0.0.0/0"}]}},
		  {"type": "portmap", "capabilities": {"portMappings": true}},
		  {"type": "firewall"},
		  {"type": "scripted"}]}
	END
	: >"$HOST/log"
	fault ADD
	fault DEL
}

# cached ID [FILTER]: libcni's cache of the attachment, by jq.
cached() {
	on_host jq -r "${2:-.}" "/var/lib/cni/results/web-$1-eth0"
}

# The address that the cache has for ID, without prefix length.
cached_address() {
	cached "$1" '.result.ips[0].address | sub("/.*"; "")'
}

# The address that eth0 of the workspace has.
inside_address() {
	nsenter --net="/proc/$(workspace_pid "$1")/ns/net" ip -4 -o addr show eth0 | awk '{ sub("/.*", "", $4); print $4 }'
}

# publish ID PORT INSIDE: as whoever made the attachment would have asked for it. True from the next operation on.
publish() {
	local file=/var/lib/cni/results/web-$1-eth0
	# shellcheck disable=SC2016 # for the shell over there
	on_host sh -c 'jq -c ".capabilityArgs.portMappings = [{hostPort: $2, containerPort: $3, protocol: \"tcp\"}]" "$1" \
		>"$1.new" && mv "$1.new" "$1"' - "$file" "$2" "$3"
}

# The addresses that host-local holds for an attachment.
leases_of() {
	grep -lsx -- "$1"$'\r' "$HOST"/ipam/web/10.* | sed 's|.*/||'
}

rules() {
	on_host iptables-save | grep -c '^-A'
}

# Interfaces of the host; those of a workspace end in another namespace.
interfaces() {
	on_host ip -o link | wc -l
}
