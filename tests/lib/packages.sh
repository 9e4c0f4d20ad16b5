#!/bin/bash
# packages.sh SET…: installs what is missing of the sets `build`, `run` and `test` (Debian packages). A program that is
# there already counts, wherever it came from: another vendor's containerd is not replaced.
set -eu

build_set() {
	needs_program gcc gcc
	needs_program pkg-config pkg-config
	needs_program protoc-c protobuf-c-compiler
	needs_package libc6-dev libpq-dev libcurl4-openssl-dev libcjson-dev uuid-dev libprotobuf-c-dev libyaml-dev
}

# Two servers, and what they run.
run_set() {
	needs_program containerd containerd
	needs_program ctr containerd
	needs_program runc runc
	needs_program psql postgresql-client
	compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
	if ! command -v busybox >/dev/null || ldd "$(command -v busybox)" >/dev/null 2>&1; then
		missing+=(busybox-static)
	fi
	needs_program runuser util-linux
}

test_set() {
	needs_program bats bats
	needs_program jq jq
	needs_program clang-format clang-format
	needs_program setfattr attr
	needs_program strace strace
	needs_program faketime faketime
	needs_program curl curl
	needs_program sqlite3 sqlite3
	needs_program man man-db
	needs_program ip iproute2
	needs_program iptables iptables
	needs_program mkfs.ext4 e2fsprogs
	needs_program mkfs.xfs xfsprogs
	needs_program mkfs.btrfs btrfs-progs
	needs_program mkfs.erofs erofs-utils
	[ -x /usr/lib/cni/bridge ] || [ -x /opt/cni/bin/bridge ] || missing+=(containernetworking-plugins)
	needs_package libcmocka-dev
}

needs_program() {
	PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null || missing+=("$2")
}

needs_package() {
	local name
	for name in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
	done
}

missing=()
command -v dpkg-query >/dev/null || { echo "no dpkg here: nothing is installed, see README.md for what is needed" >&2; exit 0; }
for set in "$@"; do
	"${set}_set"
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "installing: ${missing[*]}"
[ "$(id -u)" = 0 ] || { echo "this needs root: use sudo" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q install --yes --no-install-recommends "${missing[@]}"
