# shellcheck shell=bash
#
# What must be true of a workspace after anything at all has happened to an operation on it and `wsnap recover`
# has run. Sourced by torture.sh; the servers are up, ctr and psql find them by the environment.

POINTS=0 FAULTS=0 LOST=0
# A state is made, then struck: rows and roots are compared by the names that versions have in containerd.
IS_VERSION='-(v|snapshot-)[0-9]+$'

# Without Debian's wrapper around psql, which takes longer than the query.
db() {
	"$POSTGRES_PROGRAMS/psql" --no-psqlrc -qAtv ON_ERROR_STOP=1 -c "$1"
}

complain() {
	FAULTS=$((FAULTS + 1))
	printf '# FAULT in %s: %s\n' "$CASE" "$*"
	for output in "$SCRATCH/run.out" "$SCRATCH/recover.out" "$SCRATCH/remove.out"; do
		[ -s "$output" ] && sed "s/^/#   ${output##*/}: /" "$output" | tail -n 12
	done
	return 1
}

# Data that is gone is counted by itself.
lose() {
	LOST=$((LOST + 1))
	complain "$@"
}

# --- workspaces -------------------------------------------------------------------------------------

# make_workspace ID STATE: running or stopped, with version 1 whose /token is "first".
make_workspace() {
	local options=()
	[ -z "${MAPPED:-}" ] || options=(--uidmap "0:$MAPPED:65536" --gidmap "0:$MAPPED:65536" --remap-labels)
	ctr run --detach --null-io "${options[@]}" "$IMAGE" "$1" sleep 1000000 || return 1
	write_token "$1" first
	"$WSNAP" -q create "$1" first >/dev/null || return 1
	[ "$2" = running ] || stop_workspace "$1"
}

stop_workspace() {
	ctr tasks kill --signal KILL "$1"
	ctr tasks delete "$1" >/dev/null 2>&1 || { sleep 0.1; ctr tasks delete --force "$1" >/dev/null; }
}

# A task that is not removed is no fault of the program under torture, but is told with one that comes of it.
remove_workspace() {
	ctr tasks delete --force "$1" >"$SCRATCH/remove.out" 2>&1
	ctr containers delete "$1"
}

# The pid and status of its task: "4711 RUNNING".
task_line() {
	ctr tasks ls | awk -v id="$1" '$1 == id { print $2, $3 }'
}

# with_root ID TASK-LINE COMMAND…: runs the command with ROOT at its files: the root of the task, else the writable
# layer on its lower ones, mounted.
with_root() {
	local id=$1 pid status key
	read -r pid status <<<"$2"
	shift 2
	if [ -n "$pid" ] && [ "$status" != STOPPED ]; then
		ROOT=/proc/$pid/root "$@"
		return
	fi
	key=$(ctr containers info "$id" | jq -r .SnapshotKey)
	mkdir -p "$SCRATCH/mount"
	eval "$(ctr snapshots mounts "$SCRATCH/mount" "$key")" || return 1
	ROOT=$SCRATCH/mount "$@"
	umount "$SCRATCH/mount"
}

# In several files, so that half of a change would be seen; in some other folder each time.
put_token() {
	local file
	printf '%s\n' "$1" >"$ROOT/token"
	rm -rf "$ROOT/set"
	mkdir -p "$ROOT/set/$1"
	for file in 1 2 3 "$1/4" "$1/5"; do
		printf '%s\n' "$1" >"$ROOT/set/$file"
	done
	ln "$ROOT/set/3" "$ROOT/set/6"
	[ -z "${MAPPED:-}" ] || chown -R "$MAPPED:$MAPPED" "$ROOT/set" "$ROOT/token"
}

# Entries that do not belong to whom they belonged.
strangers() {
	[ -z "${MAPPED:-}" ] || find "$ROOT/set" "$ROOT/token" "$ROOT/bin/busybox" "(" ! -uid "$MAPPED" -o ! -gid "$MAPPED" ")"
}

get_token() {
	local token
	token=$(cat "$ROOT/token" 2>/dev/null)
	if [ "$(cd "$ROOT/set" && find . | sort | tr '\n' ' ')" = \
		"$(printf '%s\n' . ./1 ./2 ./3 "./$token" "./$token/4" "./$token/5" ./6 | sort | tr '\n' ' ')" ] &&
		[ "$(cat "$ROOT"/set/? "$ROOT"/set/*/? | sort -u)" = "$token" ] && [ "$ROOT/set/3" -ef "$ROOT/set/6" ] &&
		[ -z "$(strangers)" ]; then
		echo "$token"
	else
		echo "half '$token': $(cd "$ROOT/set" && find . | sort | tr '\n' ' ')$(strangers)"
	fi
}

write_token() {
	with_root "$1" "$(task_line "$1")" put_token "$2"
}

read_token() {
	with_root "$1" "$(task_line "$1")" get_token
}

# --- before and after -------------------------------------------------------------------------------

versions_query() {
	echo "SELECT v.version, s.runtime_snapshot_name FROM container_versions v JOIN snapshots s ON s.id = v.snapshot_id
	      WHERE v.container_id = '$1' ORDER BY 1"
}

versions_of() {
	db "$(versions_query "$1")"
}

# remember ID TOKEN: writes it, and notes what must still be there afterwards.
remember() {
	local line
	ID=$1
	TOKEN=$2
	line=$(task_line "$1")
	STATUS_BEFORE=${line#* }
	with_root "$1" "$line" put_token "$2"
	VERSIONS_BEFORE=$(versions_of "$1")
}

check_kept() {
	local kept removed most=1
	# Started on a half of its files, it is saved once more before the rest is changed.
	[ -z "${BETWEEN:-}" ] || [[ $OPERATION != restore* ]] || most=2
	kept=$(comm -12 <(sort <<<"$VERSIONS_BEFORE") <(sort <<<"$1") | wc -l)
	removed=$(($(wc -l <<<"$VERSIONS_BEFORE") - kept))
	[ "$removed" -eq 0 ] || [ "$OPERATION" = prune ] || lose "$removed versions that were recorded are gone"
	NEW_VERSIONS=$(($(wc -l <<<"$1") - kept))
	[ "$NEW_VERSIONS" -le "$most" ] || complain "$NEW_VERSIONS versions came of one operation"
	[[ ! $OPERATION:$NEW_VERSIONS =~ ^(prune|fork.*):1$ ]] || complain "$OPERATION made a version of the workspace"
	[ "$(tail -n 1 <<<"$VERSIONS_BEFORE")" = "$(tail -n $((NEW_VERSIONS + 1)) <<<"$1" | head -n 1)" ] ||
		lose "the newest version from before is gone"
}

# A snapshot that no row names is left over, unless it was given up and waits for those that stand on it.
check_surplus() {
	local name
	for name in $1; do
		ctr snapshots info "$name" | jq -e '.Labels["containerd.io/gc.root"]' >/dev/null &&
			complain "the snapshot '$name' is kept, but no version names it"
	done
}

# Versions whose events, or rows, are not one each; every line with a "!".
doubled_versions() {
	cat <<-END
		SELECT '!' || v.version FROM container_versions v WHERE container_id = '$1' AND 1 <>
		(SELECT count(*) FROM lifecycle_events e WHERE e.container_id = v.container_id
		 AND event_type IN ('snapshot_create', 'version_create') AND (payload->>'version')::int = v.version)
		UNION SELECT '!' FROM snapshots s WHERE container_id = '$1' GROUP BY 1 HAVING count(*) <>
		(SELECT count(*) FROM container_versions WHERE container_id = '$1')
	END
}

# Every row's snapshot is there under gc.root, every version's snapshot has one row, every version one event.
check_versions() {
	local found_rows rows named found missing extra
	found_rows=$(db "$(versions_query "$ID"); $(doubled_versions "$ID")")
	rows=$(grep -v '^!' <<<"$found_rows")
	extra=$(grep '^!' <<<"$found_rows")
	SNAPSHOTS=$(ctr snapshots list)
	check_kept "$rows"
	named=$(cut -d'|' -f2 <<<"$rows" | sort)
	found=$(awk 'NR > 1 && $NF == "Committed" { print $1 }' <<<"$SNAPSHOTS" | grep -E "^$ID$IS_VERSION" | sort)
	missing=$(comm -23 <(echo "$named") <(echo "$found"))
	[ -z "$missing" ] || lose "versions without their snapshots: $missing"
	check_surplus "$(comm -13 <(echo "$named") <(echo "$found"))"
	[ "$NEW_VERSIONS" -eq 0 ] ||
		ctr snapshots info "$(tail -n 1 <<<"$rows" | cut -d'|' -f2)" |
		jq -e '.Labels["containerd.io/gc.root"]' >/dev/null || lose "the new snapshot has no gc.root"
	[ -z "$extra" ] || complain "events or rows are not one per version: $extra"
}

# Whether its processes stand still though nobody has paused it.
is_frozen() {
	local group
	group=$(sed -n 's/^0:://p' "/proc/$1/cgroup" 2>/dev/null)
	cat "/sys/fs/cgroup/unified$group/cgroup.events" "/sys/fs/cgroup$group/cgroup.events" 2>/dev/null |
		grep -q '^frozen 1'
}

# Behind check_versions, which lists the snapshots.
check_workspace() {
	local line status token key
	line=$(task_line "$ID")
	status=${line#* }
	[ "$status" = "${STATUS_AFTER-$STATUS_BEFORE}" ] || complain "its task is '$status', it was '$STATUS_BEFORE'"
	[ "$status" != RUNNING ] || ! is_frozen "${line% *}" || complain "its processes are frozen"
	key=$(ctr containers info "$ID" | jq -r .SnapshotKey) || lose "the container is gone"
	awk -v key="$key" '$1 == key && $NF == "Active" { found = 1 } END { exit !found }' <<<"$SNAPSHOTS" ||
		lose "its snapshot '$key' is not active"
	token=$(with_root "$ID" "$line" get_token)
	case $OPERATION:$token in
	*:"$TOKEN") ROLLED_BACK=0 ;;
	rollback:first | restore*:first) ROLLED_BACK=1 ;;
	*) lose "its file says '$token', it was '$TOKEN'" ;;
	esac
}

# What only looks (at what differs) keeps what it looks at by a lease of an hour.
pass_an_hour() {
	ctr leases ls -q | grep '^wsnap-look-' | xargs -r -n 1 ctr leases rm >/dev/null
}

# No lease, no record, and nothing left to do.
check_tidy() {
	local leases said
	pass_an_hour
	leases=$(ctr leases ls -q | grep '^wsnap[-.]')
	[ -z "$leases" ] || complain "a lease is left: $leases"
	[ -z "$(find "$WSNAP_STATE_DIR" -name '*.operation*')" ] || complain "a record is left"
	[ -z "$(find "$WSNAP_STATE_DIR" -type f ! -name '*.lock' ! -name '*.result' ! -name '*.live')" ] ||
		complain "files are left: $(find "$WSNAP_STATE_DIR" -type f ! -name '*.lock' ! -name '*.result' ! -name '*.live')"
	said=$("$WSNAP" recover 2>&1)
	[ "$said" = "nothing to recover" ] || complain "recovering twice does something more: $said"
}

# A fork, "child", is whole, or there is nothing of it; then it is removed.
check_fork() {
	local rows=$(versions_of child) line
	FORKED=0
	if ! ctr containers info child >"$SCRATCH/child" 2>/dev/null; then
		collect
		[ -z "$rows$(db "SELECT container_id FROM containers WHERE container_id = 'child'")" ] || complain "no fork, but rows of it"
		[ -z "$(ctr snapshots list | grep '^child-')" ] || complain "no fork, but snapshots of it"
		return
	fi
	FORKED=1
	[[ $rows =~ ^1\|child-v[0-9]+$ ]] || lose "the fork's versions are '$rows'"
	[ "$(db "SELECT count(*) FROM lifecycle_events WHERE container_id = 'child' AND event_type = 'fork'")" = 1 ] ||
		complain "the fork has not one event"
	ctr snapshots info "${rows#*|}" | jq -e '.Labels["containerd.io/gc.root"]' >/dev/null || lose "the fork's version has no gc.root"
	line=$(task_line child)
	[ "$OPERATION:${line#* }" != "fork:RUNNING" ] || complain "the fork runs"
	[ "$OPERATION:${line#* }" = "fork-start:RUNNING" ] || [ "$OPERATION" = fork ] || complain "the fork's task is '$line'"
	collect
	[ "$(with_root child "$line" get_token)" = first ] || lose "the fork has not the file of version 1"
	remove_workspace child
	forget child
	db "DELETE FROM containers WHERE container_id = 'child'"
}

check_all() {
	check_versions
	check_workspace
	check_tidy
	[[ $OPERATION != fork* ]] || check_fork
	POINTS=$((POINTS + 1))
	[ $((POINTS % 10)) -ne 0 ] || check_orphans
}

# After a collection nothing is left but what the versions and the workspace stand on.
check_orphans() {
	local active
	collect
	active=$(ctr snapshots list | awk -v id="$ID" 'NR > 1 && $NF != "Committed" && index($1, id "-") == 1 { print $1 }')
	[ "$(wc -w <<<"$active")" -le 1 ] || complain "active snapshots are left after a collection: ${active//$'\n'/, }"
}

# Forces a collection of garbage.
collect() {
	ctr leases create --id collect >/dev/null && ctr leases rm --sync collect >/dev/null
}

recover() {
	local status=0
	timeout 120 "$WSNAP" -v recover >"$SCRATCH/recover.out" 2>&1 || status=$?
	[ "$status" -eq 0 ] || complain "recover ended with status $status"
}

# Takes all that a workspace had out of the database and containerd; nothing may stay behind.
forget() {
	local name left
	db "DELETE FROM lifecycle_events WHERE container_id = '$1'; DELETE FROM container_versions WHERE container_id = '$1';
	    DELETE FROM snapshots WHERE container_id = '$1'"
	for name in $(ctr snapshots ls | awk 'NR > 1 { print $1 }' | grep "^$1-"); do
		ctr snapshots label "$name" containerd.io/gc.root= >/dev/null 2>&1
	done
	rm -f "$WSNAP_STATE_DIR"/*.operation
	pass_an_hour
	collect
	left=$(ctr snapshots ls | awk 'NR > 1 { print $1 }' | grep "^$1-")
	[ -z "$left" ] || complain "nothing holds these, but they stay: $left"
}

# A new workspace now and then, so that thousands of points do not share one history.
renew() {
	remove_workspace "$1"
	forget "$1"
	make_workspace "$1" "$2" && return
	complain "no new workspace can be made"
	tail -n 40 "$SERVERS/containerd.log" | sed 's/^/#   containerd: /'
	exit 1
}

# freshen STATE: a new workspace now and then; always where an operation that fails leaves the next one more to do.
freshen() {
	case $OPERATION:$((POINTS % 40)) in
	compact:* | prune:* | *:0) renew ws "$1" ;;
	esac
}
