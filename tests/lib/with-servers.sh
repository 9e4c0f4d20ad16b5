#!/bin/bash
# with-servers.sh COMMAND [ARGUMENT]…: runs the command beside a private containerd and a private Postgres
# (servers.sh says which variables it finds them by), and removes both when it has ended.
set -u
library=$(dirname "$(readlink -f "$0")")
. "$library/servers.sh"

[ $# -gt 0 ] || { echo "usage: with-servers.sh COMMAND [ARGUMENT]…" >&2; exit 2; }
trap servers_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
servers_start "" || exit 1
"$@"
