# shellcheck shell=bash
#
# What the bats tests are written with: workspaces in a real containerd, a real database beside them, the real
# program. Load it, call workspaces_begin in setup_file and workspaces_end in teardown_file. Every file gets a
# containerd namespace, a database, a state directory and a configuration file of its own, so files can run at
# the same time; the two servers (servers.sh) are in the environment, or are started for this file alone.
#
# Do not call a variable `i` around bats' own `run`; expect, below, needs no `run`.

bats_require_minimum_version 1.5.0
# The tests' own texts and patterns are UTF-8, whatever the caller's are.
export LC_ALL=C.UTF-8

WORKSPACE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$WORKSPACE_ROOT/tests/lib/servers.sh"
. "$WORKSPACE_ROOT/tests/lib/image.sh"

# --- a file's surroundings ------------------------------------------------------------------------

workspaces_begin() {
	local name=${BATS_TEST_FILENAME##*/}
	name=${name%.bats}
	if [ -z "${CONTAINERD_ADDRESS:-}" ] || [ -z "${SERVERS:-}" ]; then
		workspaces_own_servers
	fi
	WSNAP=${WSNAP:-$WORKSPACE_ROOT/build/wsnap}
	CONTAINERD_NAMESPACE=wsnap-$name-$$-$RANDOM
	PGDATABASE=wsnap_${name//[^a-z0-9]/_}_$$
	WSNAP_STATE_DIR=$BATS_FILE_TMPDIR/state
	WSNAP_CONFIG=$BATS_FILE_TMPDIR/wsnap.conf
	NETCONFPATH=$BATS_FILE_TMPDIR/cni
	export WSNAP CONTAINERD_NAMESPACE PGDATABASE WSNAP_STATE_DIR WSNAP_CONFIG NETCONFPATH
	export PGOPTIONS='-c client_min_messages=warning'
	unset WSNAP_DATABASE
	: >"$WSNAP_CONFIG"
	mkdir -p "$NETCONFPATH"
	createdb "$PGDATABASE"
	workspaces_images
	[ "${1:-}" = bare ] || "$WSNAP" init >/dev/null
}

# For a file that stops, kills or reconfigures the servers: in FOLDER, or in one of their own.
workspaces_own_servers() {
	servers_start "${1:-}" 3>&- || { servers_end; return 1; }
	WORKSPACES_OWN_SERVERS=$SERVERS
	export WORKSPACES_OWN_SERVERS
}

# disk_mount FOLDER MIB: a small filesystem there, in a file beside it.
disk_mount() {
	mkdir -p "$1"
	truncate --size "$2M" "$1.img"
	mkfs.ext4 -q -F -m 0 "$1.img"
	mount -o loop "$1.img" "$1"
}

workspaces_images() {
	local images=$SERVERS/images signal
	(
		flock 9
		[ -e "$images/complete" ] && exit 0
		mkdir -p "$images"
		image_build "$images/busybox.tar" && image_build "$images/sigusr1.tar" SIGUSR1 && : >"$images/complete"
	) 9>"$SERVERS/images.lock"
	for signal in busybox sigusr1; do
		image_import "$CONTAINERD_NAMESPACE" "$images/$signal.tar"
	done
}

workspaces_end() {
	local name
	for name in $(ctr tasks ls -q); do
		timeout 20 ctr tasks delete --force "$name" >/dev/null 2>&1
	done
	for name in $(ctr containers ls -q); do
		timeout 20 ctr containers delete "$name" >/dev/null 2>&1
	done
	if [ -n "${WORKSPACES_OWN_SERVERS:-}" ]; then
		servers_attach "$WORKSPACES_OWN_SERVERS"
		servers_end
	else
		dropdb --force --if-exists "$PGDATABASE"
	fi
}

# After a test that has failed: what it began would be the next one's failure. A file with a teardown of its own does
# so itself, if its tests look at all there is.
teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}${BATS_TEST_SKIPPED:-}" ] || workspaces_clear
}

# Nothing is left of any workspace: not in containerd, in the database, in the state directory.
workspaces_clear() {
	local name snapshotter
	for name in $(ctr tasks ls -q); do timeout 60 ctr tasks delete --force "$name" >/dev/null 2>&1; done
	for name in $(ctr containers ls -q); do timeout 60 ctr containers delete "$name" >/dev/null 2>&1; done
	for snapshotter in overlayfs native ${SERVERS_SNAPSHOTTERS:-}; do
		for name in $(ctr snapshots --snapshotter "$snapshotter" ls 2>/dev/null |
			awk 'NR > 1 && $1 !~ /^sha256/ { print $1 }'); do
			ctr snapshots --snapshotter "$snapshotter" label "$name" containerd.io/gc.root= >/dev/null
		done
	done
	collect_garbage
	lease_names | xargs -r -n 1 timeout 60 ctr leases rm >/dev/null
	db 'TRUNCATE bots, containers, snapshots, container_versions, lifecycle_events CASCADE' 2>/dev/null
	rm -rf "$WSNAP_STATE_DIR"
}

# --- workspaces -----------------------------------------------------------------------------------

# A first process that ends at SIGTERM at once.
POLITE='trap "exit 0" TERM; while :; do sleep 60 & wait $!; done'

# workspace ID [COMMAND…]: a running one. WORKSPACE_IMAGE and the array WORKSPACE_OPTIONS (for ctr run) are honoured.
workspace() {
	local id=$1
	shift
	# To ctr of containerd 2 that is a wish for help.
	[ "$id" != h ] || complain "a workspace cannot be called 'h' here"
	[ $# -gt 0 ] || set -- sh -c "$POLITE"
	[[ " ${WORKSPACE_OPTIONS[*]-} " == *" --log-uri "* ]] || WORKSPACE_OPTIONS+=(--null-io)
	ctr run --detach "${WORKSPACE_OPTIONS[@]}" "${WORKSPACE_IMAGE:-$IMAGE}" "$id" "$@" 3>&- 4>&-
	WORKSPACE_OPTIONS=()
}

# workspace_created ID: a container without a task. (ctr would take a command's options for its own here.)
workspace_created() {
	ctr containers create "${WORKSPACE_OPTIONS[@]}" "${WORKSPACE_IMAGE:-$IMAGE}" "$1" sleep infinity
	WORKSPACE_OPTIONS=()
}

# workspace_of_versions ID COUNT: a running one. With each of its versions a file /data/N came, which says "ID N".
workspace_of_versions() {
	local number
	workspace "$1"
	for ((number = 1; number <= $2; number++)); do
		workspace_write "$1" "/data/$number" "$1 $number"
		expect 0 -q version "$1"
	done
}

# The status of the task in containerd's words: RUNNING, STOPPED, PAUSED; nothing without a task.
workspace_status() {
	ctr tasks ls | awk -v id="$1" '$1 == id { print $3 }'
}

workspace_pid() {
	ctr tasks ls | awk -v id="$1" '$1 == id { print $2 }'
}

# The root of the first process, where files can be looked at without a program inside.
workspace_root() {
	printf '/proc/%s/root' "$(workspace_pid "$1")"
}

# workspace_write ID PATH TEXT
workspace_write() {
	printf '%s\n' "$3" >"$(workspace_root "$1")$2"
}

workspace_read() {
	cat "$(workspace_root "$1")$2"
}

# tree_of ROOT: what is in the folders that hold state, as a line for each entry: kind, mode, owner, size, times, links.
tree_of() {
	(cd "$1" && find data etc -printf '%p %y %m %U:%G %s %T@ %l\n' | sed -E '/ d /s/ [0-9]+ ([0-9.]+) / \1 /' | sort)
}

workspace_exec() {
	local id=$1
	shift
	ctr tasks exec --exec-id "x$RANDOM$RANDOM" "$id" "$@"
}

# What a command inside says. (Under load ctr loses what a short one writes: a file in /run, which is no part of the
# layer, does not.)
workspace_says() {
	local id=$1
	shift
	workspace_exec "$id" sh -c '"$@" >/run/said' sh "$@" && cat "$(workspace_root "$id")/run/said"
}

# Whether its processes stand still: 1 or 0.
workspace_frozen() {
	local group
	group=$(sed -n 's/^0:://p' "/proc/$(workspace_pid "$1")/cgroup")
	sed -n 's/^frozen //p' "/sys/fs/cgroup/unified$group/cgroup.events" 2>/dev/null ||
		sed -n 's/^frozen //p' "/sys/fs/cgroup$group/cgroup.events"
}

# shim_joins ID: the shim, which would have to thaw the workspace, is in its control group. shim_leaves ID: no more.
shim_joins() {
	local group freezer
	group=$(sed -n 's/^0:://p' "/proc/$(workspace_pid "$1")/cgroup")
	freezer=$(sed -n 's/^[0-9]*:freezer://p' "/proc/$(workspace_pid "$1")/cgroup")
	shim_moves "$1" "$group" "$freezer"
}

shim_leaves() {
	shim_moves "$1" '' ''
}

shim_moves() {
	local shim
	shim=$(awk '/^PPid/ { print $2 }' "/proc/$(workspace_pid "$1")/status")
	echo "$shim" >"/sys/fs/cgroup/unified$2/cgroup.procs"
	echo "$shim" >"/sys/fs/cgroup/freezer$3/cgroup.procs"
}

# --- containerd -----------------------------------------------------------------------------------

container_exists() {
	ctr containers ls -q | grep -Fqx -- "$1"
}

# container_field ID FILTER: of its record, by jq.
container_field() {
	ctr containers info "$1" | jq -r "$2"
}

container_snapshot() {
	container_field "$1" .SnapshotKey
}

# snapshot_field NAME FILTER: Name, Parent, Kind, Labels.
snapshot_field() {
	ctr snapshots info "$1" | jq -r "$2"
}

snapshot_exists() {
	ctr snapshots info "$1" >/dev/null 2>&1
}

snapshot_names() {
	ctr snapshots ls | awk 'NR > 1 { print $1 }'
}

# How many snapshots stand above the image under this one, itself included.
snapshot_depth() {
	local name=$1 depth=0
	while [ -n "$name" ] && [[ $name != sha256:* ]]; do
		depth=$((depth + 1))
		name=$(snapshot_field "$name" .Parent)
	done
	printf '%s\n' "$depth"
}

# How many layers the workspace has under the one that it writes to.
workspace_depth() {
	printf '%s\n' $(($(snapshot_depth "$(container_snapshot "$1")") - 1))
}

# The folder that an active snapshot writes to.
snapshot_folder() {
	ctr snapshots mounts /nowhere "$1" | grep -o 'upperdir=[^, ]*' | cut -d= -f2
}

lease_names() {
	ctr leases ls -q
}

collect_garbage() {
	ctr leases create --id "collect-$$-$RANDOM" >"$BATS_TEST_TMPDIR/lease"
	ctr leases rm --sync "$(cat "$BATS_TEST_TMPDIR/lease")" >/dev/null
}

take_leases() {
	local name
	while :; do
		for name in $(lease_names | grep '^wsnap-'); do ctr leases rm "$name" >/dev/null 2>&1 || true; done
		collect_garbage 2>/dev/null || true
		sleep 0.3
	done
}

# leases_gone_during COMMAND…: meanwhile somebody deletes the leases of operations, and has containerd collect.
leases_gone_during() {
	local taker
	take_leases 3>&- 4>&- &
	taker=$!
	"$@"
	kill "$taker"
	wait "$taker" || true
}

# --- the database ---------------------------------------------------------------------------------

db() {
	psql --no-psqlrc -qAtv ON_ERROR_STOP=1 -c "$1"
}

# The numbers of a workspace's versions in a line.
version_numbers() {
	db "SELECT string_agg(version::text, ' ' ORDER BY version) FROM container_versions WHERE container_id = '$1'"
}

# The highest one; 0 without a version.
version_newest() {
	db "SELECT coalesce(max(version), 0) FROM container_versions WHERE container_id = '$1'"
}

# version_snapshot ID NUMBER: its snapshot's name in containerd.
version_snapshot() {
	db "SELECT s.runtime_snapshot_name FROM container_versions v JOIN snapshots s ON s.id = v.snapshot_id
		WHERE v.container_id = '$1' AND v.version = $2"
}

# versions_made_ago ID TIME: all of them, "3 days".
versions_made_ago() {
	db "UPDATE container_versions SET created_at = now() - interval '$2' WHERE container_id = '$1'"
	db "UPDATE snapshots SET created_at = now() - interval '$2' WHERE container_id = '$1'"
}

# Everything that an operation could change, for "nothing was touched".
world() {
	ctr containers ls -q | sort | while read -r id; do
		ctr containers info "$id" | jq -c '{ID, SnapshotKey, UpdatedAt, Labels}'
	done
	ctr tasks ls | sort
	ctr snapshots ls | sort
	lease_names | sort
	find "$WSNAP_STATE_DIR" -name '*.json' 2>/dev/null
	db "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1" |
		while read -r table; do
			db "SELECT '$table', * FROM public.$table ORDER BY 2"
		done
}

# --- running the program and saying what is expected ----------------------------------------------

complain() {
	{
		printf -- '%s\n' "$@"
		printf -- '--- status %s, standard output:\n' "${status-}"
		printf -- '%s\n' "${output-}"
		printf -- '--- standard error:\n%s\n' "${stderr-}"
	} >&2
	return 1
}

# expect STATUS ARGUMENT…: runs wsnap; $status, $output and $stderr are set, the bytes are in the files
# $BATS_TEST_TMPDIR/output and /stderr.
expect() {
	local wanted=$1
	shift
	status=0
	timeout -k 5 "${EXPECT_SECONDS:-300}" "$WSNAP" "$@" >"$BATS_TEST_TMPDIR/output" \
		2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- 4>&- || status=$?
	output=$(cat "$BATS_TEST_TMPDIR/output")
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
	[ "$status" -eq "$wanted" ] || complain "wanted status $wanted from: wsnap $*"
}

# expect_error STATUS MESSAGE ARGUMENT…: nothing on standard output, `wsnap: MESSAGE` as the first line of
# standard error, and behind it at most a hint.
expect_error() {
	local wanted=$1 message=$2
	shift 2
	expect "$wanted" "$@"
	[ -z "$output" ] || complain "an error printed a result: wsnap $*"
	[ "${stderr%%$'\n'*}" = "wsnap: $message" ] || complain "wanted the error: wsnap: $message"
	case ${stderr#"${stderr%%$'\n'*}"} in
	'' | $'\nhint: '*) ;;
	*) complain "an error is one line and a hint" ;;
	esac
}

# same WANTED FOUND [WHAT]
same() {
	[ "$1" = "$2" ] || complain "${3:-value}: wanted '$1', found '$2'"
}

# matches PATTERN TEXT: an extended regular expression over all of the text.
matches() {
	[[ $2 =~ ^($1)$ ]] || complain "wanted /$1/, found '$2'"
}

# json FILTER: of the last output.
json() {
	jq -er "$1" <<<"$output"
}

# json_has FILTER KEY…: an object of the last output has these keys, whatever else it has.
json_has() {
	local filter=$1 key
	shift
	for key in "$@"; do
		jq -e "$filter | has(\"$key\")" >/dev/null <<<"$output" || complain "no key '$key' in $filter"
	done
}

# RFC 3339 in UTC.
TIME='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z'
UUID='[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
