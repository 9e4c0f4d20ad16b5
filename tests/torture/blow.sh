#!/bin/bash
# blow.sh containerd|postgres now|later|frozen: deals the server a blow. `now` has it back when this returns;
# with `later` it comes back a while afterwards, by itself; with `frozen` it reads nothing from here on, dies a
# moment later and then comes back. $SERVERS/blow is there until it is over.
set -u
. "$(dirname "$(readlink -f "$0")")/../lib/servers.sh"
servers_attach "$SERVERS" || exit 1
exec </dev/null >>"$SERVERS/blow.log" 2>&1

backends() {
	cat "/proc/$(head -n 1 "$SERVERS/postgres/data/postmaster.pid")/task/"*/children
}

down() {
	case $1 in
	containerd) containerd_kill ;;
	postgres) postgres_stop ;;
	esac
}

up() {
	case $1 in
	containerd) containerd_start ;;
	postgres) postgres_start ;;
	esac
	rm -f "$SERVERS/blow"
}

: >"$SERVERS/blow"
case $2 in
now)
	down "$1"
	up "$1"
	;;
later)
	down "$1"
	{ sleep 0.5; up "$1"; } &
	;;
frozen)
	# shellcheck disable=SC2046 # one pid a word
	kill -STOP $(backends)
	{ sleep 0.2; postgres_kill; up "$1"; } &
	;;
esac
