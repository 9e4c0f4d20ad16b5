# shellcheck shell=bash
#
# A private containerd and a private Postgres below one scratch folder, for tests and for trying wsnap.
# Source it, then:
#
#   servers_start [FOLDER]   both servers up; without FOLDER one is made below $TMPDIR or /tmp
#   servers_attach FOLDER    use servers that another shell started
#   servers_end              tasks, servers, mounts and the folder are gone; may be called twice
#
# Afterwards SERVERS, CONTAINERD_ADDRESS and PGHOST, PGPORT, PGUSER, PGDATABASE are set and exported. Nothing
# outside the folder is touched, except what runc keeps for our own tasks below /run/containerd and /sys/fs/cgroup.
#
# CONTAINERD=/path/to/containerd takes another containerd, with the shim and the ctr beside it.
# SERVERS_RESTART_INTERVAL=1s is how often containerd's restart monitor looks (default 10s).
# SERVERS_SNAPSHOTTERS="btrfs blockfile" are made ready beside overlayfs and native, as far as the containerd has them.
# SERVERS_OVERLAY_OPTIONS='"userxattr"' is what the overlayfs snapshotter puts into its mounts.
# SERVERS_POSTGRES_OPTIONS="-c fsync=on" is put behind the options of the server.

# The new mount interface of Debian 13's mount takes at most 256 bytes for an option: too few for an overlay's layers.
export LIBMOUNT_FORCE_MOUNT2=always

servers_say() {
	printf '%s\n' "$*" >&2
}

# A folder whose sockets' paths stay under the 108 bytes of sun_path.
servers_scratch() {
	local folder
	folder=$(mktemp -d "${TMPDIR:-/tmp}/wsnap.XXXXXX") || return 1
	if [ ${#folder} -gt 70 ]; then
		rmdir "$folder"
		folder=$(mktemp -d /tmp/wsnap.XXXXXX) || return 1
	fi
	chmod 755 "$folder"
	printf '%s\n' "$folder"
}

servers_postgres_programs() {
	if [ -n "${POSTGRES_PROGRAMS:-}" ]; then
		printf '%s\n' "$POSTGRES_PROGRAMS"
		return
	fi
	find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1
}

# Sets and exports what everything else uses.
servers_environment() {
	SERVERS=$1
	CONTAINERD=${CONTAINERD:-containerd}
	case $CONTAINERD in
	*/*)
		case ":$PATH:" in
		*":$(dirname "$CONTAINERD"):"*) ;;
		*) PATH=$(cd "$(dirname "$CONTAINERD")" && pwd):$PATH ;;
		esac
		;;
	esac
	POSTGRES_PROGRAMS=$(servers_postgres_programs)
	CONTAINERD_ADDRESS=$SERVERS/containerd.sock
	PGHOST=$SERVERS/postgres PGPORT=5432 PGUSER=postgres PGDATABASE=wsnap
	export SERVERS CONTAINERD POSTGRES_PROGRAMS PATH CONTAINERD_ADDRESS PGHOST PGPORT PGUSER PGDATABASE
}

# What to paste into a shell to use the servers by hand.
servers_exports() {
	printf 'export CONTAINERD_ADDRESS=%s PGHOST=%s PGPORT=%s PGUSER=%s PGDATABASE=%s' \
		"$CONTAINERD_ADDRESS" "$PGHOST" "$PGPORT" "$PGUSER" "$PGDATABASE"
}

# Waits up to SECONDS for a command to succeed.
servers_wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.05
	done
}

# Whether the process of a pid file runs, and is the program it should be.
servers_alive() {
	local pid
	pid=$(head -n 1 "$1" 2>/dev/null) || return 1
	[ -n "$pid" ] && grep -qa "$2" "/proc/$pid/cmdline" 2>/dev/null
}

servers_wait_gone() {
	local pid=$1 deadline=$((SECONDS + $2)) state
	while [ -e "/proc/$pid" ]; do
		state=$(sed 's/.*) \(.\).*/\1/' "/proc/$pid/stat" 2>/dev/null) || return 0
		[ "$state" != Z ] || return 0
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.02
	done
}

# --- containerd -----------------------------------------------------------------------------------

# snapshotter_wanted NAME: whether SERVERS_SNAPSHOTTERS names it.
snapshotter_wanted() {
	[[ " ${SERVERS_SNAPSHOTTERS:-} " == *" $1 "* ]]
}

# Those that the containerd has but nobody has asked for, each as an element of disabled_plugins.
snapshotters_disabled() {
	local name
	for name in aufs btrfs devmapper zfs blockfile erofs; do
		snapshotter_wanted "$name" || printf '"io.containerd.snapshotter.v1.%s", ' "$name"
	done
}

# What the snapshotters asked for need: a btrfs of its own in a file, a scratch file with an empty ext4.
snapshotters_prepare() {
	if snapshotter_wanted btrfs && ! mountpoint -q "$SERVERS/btrfs"; then
		mkdir -p "$SERVERS/btrfs"
		truncate -s 512M "$SERVERS/btrfs.img"
		mkfs.btrfs -q "$SERVERS/btrfs.img" >"$SERVERS/btrfs.log" 2>&1 && mount -o loop "$SERVERS/btrfs.img" "$SERVERS/btrfs" || return 1
	fi
	if snapshotter_wanted blockfile && [ ! -e "$SERVERS/scratch.img" ]; then
		truncate -s 16M "$SERVERS/scratch.img"
		mkfs.ext4 -q -F "$SERVERS/scratch.img" || return 1
	fi
}

snapshotters_configure() {
	if snapshotter_wanted btrfs; then
		printf '[plugins."io.containerd.snapshotter.v1.btrfs"]\n  root_path = "%s"\n' "$SERVERS/btrfs"
	fi
	if snapshotter_wanted blockfile; then
		printf '[plugins."io.containerd.snapshotter.v1.blockfile"]\n'
		printf '  scratch_file = "%s"\n  fs_type = "ext4"\n  mount_options = []\n' "$SERVERS/scratch.img"
	fi
}

containerd_configure() {
	mkdir -p "$SERVERS/root" "$SERVERS/state"
	cat >"$SERVERS/containerd.toml" <<-END
		version = 2
		root = "$SERVERS/root"
		state = "$SERVERS/state"
		disabled_plugins = [
		  "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
		  "io.containerd.podsandbox.controller.v1.podsandbox", "io.containerd.nri.v1.nri",
		  "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing",
		  "io.containerd.tracing.processor.v1.otlp", $(snapshotters_disabled)
		]
		[grpc]
		  address = "$SERVERS/containerd.sock"
		[plugins."io.containerd.snapshotter.v1.overlayfs"]
		  mount_options = [${SERVERS_OVERLAY_OPTIONS:-}]
		[plugins."io.containerd.internal.v1.restart"]
		  interval = "${SERVERS_RESTART_INTERVAL:-10s}"
		[plugins."io.containerd.monitor.container.v1.restart"]
		  interval = "${SERVERS_RESTART_INTERVAL:-10s}"
		$(snapshotters_configure)
	END
}

# Ready: it answers, and its overlay snapshotter is there.
containerd_answers() {
	timeout 5 ctr version && timeout 5 ctr plugins ls | grep -q 'io.containerd.snapshotter.v1 *overlayfs .* ok'
}

containerd_start() {
	! servers_alive "$SERVERS/containerd.pid" containerd || return 0
	snapshotters_prepare || return 1
	[ -e "$SERVERS/containerd.toml" ] || containerd_configure
	setsid "$CONTAINERD" --config "$SERVERS/containerd.toml" </dev/null >>"$SERVERS/containerd.log" 2>&1 &
	echo $! >"$SERVERS/containerd.pid"
	disown $! 2>/dev/null
	if ! servers_wait_for 60 containerd_answers; then
		servers_say "containerd does not come up (it needs root, and a filesystem under $SERVERS that overlayfs takes):"
		tail -n 20 "$SERVERS/containerd.log" >&2
		return 1
	fi
}

# containerd_signal SIGNAL: ends it with that signal; its shims and tasks go on.
containerd_signal() {
	local pid
	servers_alive "$SERVERS/containerd.pid" containerd || return 0
	pid=$(cat "$SERVERS/containerd.pid")
	kill -"$1" "$pid" 2>/dev/null
	servers_wait_gone "$pid" 10 || { kill -KILL "$pid"; servers_wait_gone "$pid" 5; }
	rm -f "$SERVERS/containerd.pid"
}

containerd_stop() { containerd_signal TERM; }
containerd_kill() { containerd_signal KILL; }

# --- Postgres -------------------------------------------------------------------------------------

postgres_program() {
	local name=$1
	shift
	(cd / && exec runuser -u postgres -- "$POSTGRES_PROGRAMS/$name" "$@")
}

postgres_configure() {
	mkdir -p "$SERVERS/postgres"
	chown postgres "$SERVERS/postgres"
	if ! postgres_program initdb --pgdata "$SERVERS/postgres/data" --username postgres --auth trust \
		--encoding UTF8 --locale C.UTF-8 --no-sync >"$SERVERS/initdb.log" 2>&1; then
		cat "$SERVERS/initdb.log" >&2
		return 1
	fi
	cat >>"$SERVERS/postgres/data/postgresql.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$SERVERS/postgres'
		fsync = off
		max_connections = 200
		shared_buffers = 32MB
	END
}

postgres_launch() {
	postgres_program pg_ctl --pgdata "$SERVERS/postgres/data" --log "$SERVERS/postgres/log" \
		--options "${SERVERS_POSTGRES_OPTIONS:-}" --silent --wait start </dev/null >/dev/null 2>&1
}

# After a SIGKILL the old backends may hold the shared memory a moment longer: hence more than one try.
postgres_start() {
	local data=$SERVERS/postgres/data
	! servers_alive "$data/postmaster.pid" postgres || return 0
	[ -e "$data/PG_VERSION" ] || postgres_configure || return 1
	if ! servers_wait_for 60 postgres_launch; then
		servers_say "Postgres does not come up:"
		tail -n 20 "$SERVERS/postgres/log" >&2
		return 1
	fi
}

postgres_stop() {
	servers_alive "$SERVERS/postgres/data/postmaster.pid" postgres || return 0
	postgres_program pg_ctl --pgdata "$SERVERS/postgres/data" --mode immediate --silent --wait stop \
		>/dev/null 2>&1
}

postgres_kill() {
	local pid children
	servers_alive "$SERVERS/postgres/data/postmaster.pid" postgres || return 0
	pid=$(head -n 1 "$SERVERS/postgres/data/postmaster.pid")
	children=$(cat "/proc/$pid/task/$pid/children")
	# shellcheck disable=SC2086 # one pid a word
	kill -KILL "$pid" $children 2>/dev/null
	servers_wait_gone "$pid" 5
}

# --- both -----------------------------------------------------------------------------------------

servers_start() {
	local folder=${1:-}
	[ "$(id -u)" = 0 ] || { servers_say "the private servers need root: use sudo"; return 1; }
	[ -n "$folder" ] || folder=$(servers_scratch) || return 1
	servers_environment "$folder"
	containerd_start && postgres_start || return 1
	psql --no-psqlrc -qAtd postgres -c "SELECT 1 FROM pg_database WHERE datname = '$PGDATABASE'" | grep -q 1 ||
		createdb "$PGDATABASE"
}

servers_attach() {
	[ -e "$1/containerd.toml" ] || return 1
	servers_environment "$1"
}

# NAMESPACE/ID of every task that our containerd has a bundle of.
servers_bundles() {
	find "$SERVERS/state/io.containerd.runtime.v2.task" -mindepth 2 -maxdepth 2 -printf '%P\n' 2>/dev/null
}

servers_end_tasks() {
	local bundle namespace
	servers_alive "$SERVERS/containerd.pid" containerd || return 0
	for bundle in $(servers_bundles); do
		namespace=${bundle%%/*}
		timeout 10 ctr -n "$namespace" tasks delete --force "${bundle#*/}" >/dev/null 2>&1
	done
}

# Our shims are the ones that were given our socket.
servers_shims() {
	local folder words
	for folder in /proc/[0-9]*; do
		words=$({ tr '\0' ' ' <"$folder/cmdline"; } 2>/dev/null)
		case $words in
		*containerd-shim*" -address $SERVERS/containerd.sock "*) printf '%s\n' "${folder#/proc/}" ;;
		esac
	done
}

# A shim that was killed leaves its socket, whose path stands in its bundle.
servers_end_socket() {
	local address
	address=$(cat "$1" 2>/dev/null) || return 0
	case $address in
	unix:///run/containerd/s/*) rm -f "${address#unix://}" ;;
	esac
}

# What a killed or stuck containerd left: shims with the processes they hold, runc's state, cgroups.
servers_end_leftovers() {
	local bundle shim
	for shim in $(servers_shims); do
		# shellcheck disable=SC2046 # one pid a word
		kill -KILL "$shim" $(cat "/proc/$shim/task/"*/children 2>/dev/null) 2>/dev/null
		servers_wait_gone "$shim" 5
	done
	for bundle in $(servers_bundles); do
		servers_end_socket "$SERVERS/state/io.containerd.runtime.v2.task/$bundle/address"
		rm -rf "/run/containerd/runc/${bundle:?}"
		rmdir "/run/containerd/runc/${bundle%%/*}" 2>/dev/null
		find /sys/fs/cgroup -depth -type d \( -path "*/$bundle" -o -path "*/$bundle/*" \) \
			-exec rmdir {} \; 2>/dev/null
	done
}

servers_unmount() {
	local point points
	points=$(awk -v below="$SERVERS/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r)
	for point in $points; do
		umount "$point" 2>/dev/null || umount --lazy "$point" 2>/dev/null
	done
}

# runc leaves the folders of a namespace behind when its last container goes.
servers_forget_namespaces() {
	local folder namespace
	for folder in "$SERVERS/state/io.containerd.runtime.v2.task"/*/; do
		namespace=$(basename "$folder")
		[ "$namespace" != '*' ] || continue
		rmdir "/run/containerd/runc/$namespace" 2>/dev/null
		find /sys/fs/cgroup -depth -type d -name "$namespace" -exec rmdir {} \; 2>/dev/null
	done
}

servers_end() {
	[ -n "${SERVERS:-}" ] && [ -d "$SERVERS" ] || return 0
	servers_end_tasks
	containerd_stop
	servers_end_leftovers
	servers_forget_namespaces
	postgres_stop
	servers_unmount
	rm -rf --one-file-system "$SERVERS"
	if [ -d "$SERVERS" ]; then
		servers_say "could not remove $SERVERS"
		return 1
	fi
}
