# shellcheck shell=bash
#
# What must be true of a workspace after anything at all has happened to an operation on it and `wsnap recover`
# has run. Sourced by torture.sh; the servers are up, ctr and psql find them by the environment.

POINTS=0 FAULTS=0
DOWN_OPERATIONS='create version rollback compact'

db() {
	psql --no-psqlrc -qAtv ON_ERROR_STOP=1 -c "$1"
}

complain() {
	FAULTS=$((FAULTS + 1))
	printf 'NOT OK %s: %s\n' "$CASE" "$*" >&2
	for output in "$SCRATCH/run.out" "$SCRATCH/recover.out"; do
		[ -s "$output" ] && sed "s/^/  ${output##*/}: /" "$output" | tail -n 12 >&2
	done
	return 1
}

# --- workspaces -------------------------------------------------------------------------------------

# make_workspace ID STATE: running or stopped, with version 1 whose /token is "first".
make_workspace() {
	ctr run --detach --null-io "$IMAGE" "$1" sleep 1000000 || return 1
	write_token "$1" first
	"$WSNAP" -q create "$1" first >/dev/null || return 1
	[ "$2" = running ] || stop_workspace "$1"
}

stop_workspace() {
	ctr tasks kill --signal KILL "$1"
	ctr tasks delete "$1" >/dev/null 2>&1 || { sleep 0.1; ctr tasks delete --force "$1" >/dev/null; }
}

remove_workspace() {
	ctr tasks delete --force "$1" >/dev/null 2>&1
	ctr containers delete "$1"
}

task_line() {
	ctr tasks ls | awk -v id="$1" '$1 == id { print $2, $3 }'
}

# Where its files are: the root of the task, else the writable layer on its lower ones, mounted.
with_root() {
	local id=$1 pid key
	shift
	pid=$(ctr tasks ls | awk -v id="$id" '$1 == id && $3 != "STOPPED" { print $2 }')
	if [ -n "$pid" ]; then
		ROOT=/proc/$pid/root "$@"
		return
	fi
	key=$(ctr containers info "$id" | jq -r .SnapshotKey)
	mkdir -p "$SCRATCH/mount"
	eval "$(ctr snapshots mounts "$SCRATCH/mount" "$key")" || return 1
	ROOT=$SCRATCH/mount "$@"
	umount "$SCRATCH/mount"
}

put_token() {
	printf '%s\n' "$1" >"$ROOT/token"
}

get_token() {
	cat "$ROOT/token" 2>/dev/null
}

write_token() {
	with_root "$1" put_token "$2"
}

read_token() {
	with_root "$1" get_token
}

# --- before and after -------------------------------------------------------------------------------

# Remembers what must still be there afterwards.
remember() {
	ID=$1
	TOKEN=$2
	[ "$2" = "$(read_token "$1")" ] || write_token "$1" "$2"
	STATUS_BEFORE=$(task_line "$1" | awk '{ print $2 }')
	VERSIONS_BEFORE=$(versions_of "$1")
}

versions_of() {
	db "SELECT v.version, s.runtime_snapshot_name FROM container_versions v JOIN snapshots s ON s.id = v.snapshot_id
	    WHERE v.container_id = '$1' ORDER BY 1"
}

# Every row's snapshot is there under gc.root, every version's snapshot has one row, every version one event.
check_versions() {
	local rows roots extra
	rows=$(versions_of "$ID")
	[ "$(head -n "$(wc -l <<<"$VERSIONS_BEFORE")" <<<"$rows")" = "$VERSIONS_BEFORE" ] ||
		complain "a version that was recorded is gone"
	roots=$(ctr snapshots list | awk 'NR > 1 && $3 == "Committed" { print $1 }' | grep "^$ID-\(v\|snapshot-\)" | sort)
	extra=$(diff <(cut -d'|' -f2 <<<"$rows" | sort) <(printf '%s\n' "$roots")) ||
		complain "rows and snapshots differ: $(tr '\n' ' ' <<<"$extra")"
	extra=$(db "SELECT v.version FROM container_versions v WHERE container_id = '$ID' AND 1 <>
		(SELECT count(*) FROM lifecycle_events e WHERE e.container_id = v.container_id
		 AND event_type IN ('snapshot_create', 'version_create') AND (payload->>'version')::int = v.version)")
	[ -z "$extra" ] || complain "versions without exactly one event: $extra"
	NEW_VERSIONS=$(($(wc -l <<<"$rows") - $(wc -l <<<"$VERSIONS_BEFORE")))
	[ "$NEW_VERSIONS" -le 1 ] || complain "$NEW_VERSIONS versions came of one operation"
	[ "$NEW_VERSIONS" -eq 0 ] || check_root "$(tail -n 1 <<<"$rows" | cut -d'|' -f2)"
}

check_root() {
	ctr snapshots info "$1" | jq -e '.Labels["containerd.io/gc.root"]' >/dev/null ||
		complain "the snapshot $1 has no gc.root"
}

check_workspace() {
	local status token key
	status=$(task_line "$ID" | awk '{ print $2 }')
	[ "$status" = "$STATUS_BEFORE" ] || complain "its task is '$status', it was '$STATUS_BEFORE'"
	key=$(ctr containers info "$ID" | jq -r .SnapshotKey) || complain "the container is gone"
	[ "$(ctr snapshots info "$key" | jq -r .Kind)" = Active ] || complain "its snapshot '$key' is not active"
	token=$(read_token "$ID")
	case $OPERATION:$token in
	*:"$TOKEN" | rollback:first) ;;
	*) complain "its file says '$token', it was '$TOKEN'" ;;
	esac
}

# Nothing is left over: no lease, no record; and nothing is left to do.
check_tidy() {
	local leases
	leases=$(ctr leases ls -q | grep '^wsnap-')
	[ -z "$leases" ] || complain "a lease is left: $leases"
	[ -z "$(find "$WSNAP_STATE_DIR" -name '*.operation*')" ] || complain "a record is left"
	[ "$("$WSNAP" recover 2>&1)" = "nothing to recover" ] || complain "recovering twice does something more"
}

check_all() {
	check_versions
	check_workspace
	check_tidy
	POINTS=$((POINTS + 1))
}

recover() {
	local status=0
	"$WSNAP" -v recover >"$SCRATCH/recover.out" 2>&1 || status=$?
	[ "$status" -eq 0 ] || complain "recover ended with status $status"
}
