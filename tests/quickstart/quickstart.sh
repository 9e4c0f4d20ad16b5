#!/bin/bash
# quickstart.sh start | stop: two private servers, a small image, a workspace, and wsnap's main job shown on it. The
# servers stay up to be played with; `stop` ends them and removes everything. Started again, it starts over.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/lib/servers.sh"
. "$root/tests/lib/image.sh"

# Which folder the servers of the last start are in. /run belongs to root, and is empty after a reboot.
pointer=/run/wsnap-quickstart

stop() {
	local folder
	[ -e "$pointer" ] || return 0
	folder=$(cat "$pointer")
	if servers_attach "$folder"; then
		servers_end || return 1
	fi
	rm -f "$pointer"
}

fail() {
	echo "quickstart: $*" >&2
	echo "quickstart: the servers' logs are in $SERVERS; \`sudo make quickstart-stop\` removes them" >&2
	exit 1
}

# Prints a command as one would type it.
type_out() {
	local word
	printf '\n$'
	for word in "$@"; do
		case $word in
		*[!a-zA-Z0-9_./:=-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
}

# Shows a command, then runs it.
show() {
	type_out "$@"
	"$@" || fail "this failed: $*"
}

inside() {
	show ctr tasks exec --exec-id "shell-$RANDOM" demo "$@"
}

# Shows a command that is meant to fail.
show_failing() {
	type_out "$@"
	! "$@" || fail "this should have failed: $*"
}

use_servers() {
	export CONTAINERD_NAMESPACE=wsnap-quickstart WSNAP_STATE_DIR=$SERVERS/wsnap
	export PATH=$root/build:$PATH
}

exports() {
	printf '%s CONTAINERD_NAMESPACE=%s WSNAP_STATE_DIR=%s PATH="%s:$PATH"\n' "$(servers_exports)" \
		"$CONTAINERD_NAMESPACE" "$WSNAP_STATE_DIR" "$root/build"
}

prepare() {
	local folder
	folder=$(servers_scratch)
	echo "$folder" >"$pointer"
	echo "starting containerd and Postgres in $folder"
	servers_start "$folder" || { SERVERS=$folder; fail "the servers do not start"; }
	use_servers
	image_build "$SERVERS/busybox.tar" || fail "no image"
	image_import "$CONTAINERD_NAMESPACE" "$SERVERS/busybox.tar" || fail "the image cannot be imported"
	show wsnap init
	show ctr run --detach --null-io "$IMAGE" demo sleep infinity
}

demonstrate() {
	inside sh -c 'echo "three years of work" > /data/work'
	show wsnap create demo 'before the accident'
	inside sh -c 'rm -r /data /bin/ls'
	show wsnap list demo
	show_failing ctr tasks exec --exec-id lost demo cat /data/work
	show wsnap rollback demo 'before the accident'
	inside cat /data/work
}

# What was shown is also checked.
verify() {
	local versions
	[ "$(ctr tasks exec --exec-id verify demo cat /data/work)" = 'three years of work' ] ||
		fail "the file did not come back"
	ctr tasks exec --exec-id verify-ls demo ls / >/dev/null || fail "/bin/ls did not come back"
	versions=$(wsnap --quiet list demo | tr '\n' ' ')
	[ "$versions" = '1 2 ' ] || fail "there should be versions 1 and 2, there are: $versions"
}

start() {
	[ "$(id -u)" = 0 ] || { echo "quickstart needs root: sudo make quickstart" >&2; exit 1; }
	stop
	prepare
	demonstrate
	verify
	printf '\nThe file is back, and what was there before the rollback is version 2.\n'
	printf 'The servers go on. To use them from a root shell, paste this line; sudo make quickstart-stop ends them.\n\n'
	exports
}

case ${1:-start} in
start) start ;;
stop) stop ;;
*) echo "usage: quickstart.sh start | stop" >&2; exit 2 ;;
esac
