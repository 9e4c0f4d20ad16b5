#!/usr/bin/env bats
# Containers that somebody removes, makes anew or turns while an operation is at them.
load ../lib/workspace
load ../lib/killed
load ../lib/turn

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

remove() {
	ctr tasks delete --force "$1" >/dev/null 2>&1 || true
	ctr containers delete "$1"
}

# stopped_at STEP ARGUMENT…: begins a run in the background that stands still for three seconds behind this step, and
# returns when it does.
stopped_at() {
	local step=$1
	shift
	delayed_at "$step" 3 "$@" 3>&- 4>&- &
	RUN=$!
	# The line itself is what is late: what is before it has been told.
	servers_wait_for 20 stands_still "$step"
	sleep 0.5
}

stands_still() {
	local line
	line=$(grep -n "^wsnap: $1 " "$LIKE" | head -n 1 | cut -d: -f1)
	[ "$(wc -l <"$BATS_TEST_TMPDIR/told")" -ge $((line - 1)) ]
}

# ended_with STATUS: the run in the background, whose words are in $stderr then.
ended_with() {
	status=0
	wait "$RUN" || status=$?
	stderr=$(grep -v '^wsnap: [a-z]* *[0-9.]* ms$' "$BATS_TEST_TMPDIR/told")
	output=$(cat "$BATS_TEST_TMPDIR/result")
	same "$1" "$status" "status of the run"
}

# A workspace like it tells of the steps.
begin() {
	workspace "$1"
	workspace_write "$1" /data/f old
	told_by version "$1"
}

@test "a container that was made anew before the stop is not killed" {
	begin before
	workspace_write before /data/f older
	stopped_at announce version before
	remove before
	workspace before
	workspace_write before /data/f new
	pid=$(workspace_pid before)
	ended_with 1
	[[ $stderr == *"the operation on 'before' has ended early: the container was removed by somebody, and another one made; there was nothing to keep"* ]] ||
		complain "it is not said"
	same "$pid" "$(workspace_pid before)"
	same RUNNING "$(workspace_status before)"
	same new "$(workspace_read before /data/f)"
	same before "$(container_snapshot before)"
	nothing_is_left
	same RUNNING "$(workspace_status before)"
	expect 0 version before
	same new "$(workspace_read before /data/f)"
}

@test "a container that was made anew during a merge keeps its own restart label" {
	begin merging
	stopped_at merge version merging
	remove merging
	workspace merging
	# Not while it is being started: the restart monitor could start it as well.
	ctr containers label merging containerd.io/restart.status=running >/dev/null
	pid=$(workspace_pid merging)
	ended_with 1
	same "$pid" "$(workspace_pid merging)"
	same running "$(container_field merging '.Labels."containerd.io/restart.status"')"
	nothing_is_left
}

@test "a container that was removed between stop and commit is not called saved" {
	begin gone
	stopped_at stop version gone
	remove gone
	ended_with 1
	[[ $stderr == *"the operation on 'gone' has ended early: the container was removed by somebody; there was nothing to keep"* ]] ||
		complain "it is not said"
	[[ $stderr != *"is saved"* && $stderr != *"starts it"* ]] || complain "nothing was saved, and there is nothing to start"
	nothing_is_left
	same 1 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'gone'")"
}

@test "the row that is written for a container which is gone by then makes no server start it" {
	begin deleted
	workspace_write deleted /data/f kept
	killed_after commit version deleted
	remove deleted
	db "DELETE FROM container_versions WHERE container_id = 'deleted'"
	db "DELETE FROM snapshots WHERE container_id = 'deleted'"
	db "DELETE FROM lifecycle_events WHERE container_id = 'deleted'"
	db "DELETE FROM containers WHERE container_id = 'deleted'"
	expect 0 recover
	same "'deleted': the container was removed by somebody; its state is kept as version 2" "$output"
	same f "$(db "SELECT auto_start FROM containers WHERE container_id = 'deleted'")" "auto_start"
	nothing_is_left
}

@test "a container that was made anew behind the stop keeps what it stands on" {
	begin like
	workspace behind
	workspace_write behind /data/f old
	same behind "$(container_snapshot behind)"
	stopped_at stop version behind
	remove behind
	workspace behind
	workspace_write behind /data/f new
	pid=$(workspace_pid behind)
	ended_with 1
	[[ $stderr == *"the operation on 'behind' has ended early: the container was removed by somebody, and another one made; there was nothing to keep"* ]] ||
		complain "it is not said"
	same "$pid" "$(workspace_pid behind)"
	same behind "$(container_snapshot behind)"
	same Active "$(snapshot_field behind .Kind)"
	same new "$(workspace_read behind /data/f)"
	nothing_is_left
	expect 0 version behind
	same new "$(workspace_read behind /data/f)"
}

@test "what was saved of a container that is made anew before the repoint is kept, and the new one is left alone" {
	begin late
	workspace_write late /data/f kept
	stopped_at prepare version late
	remove late
	workspace late
	pid=$(workspace_pid late)
	ended_with 1
	[[ $stderr == *"the container was removed by somebody, and another one made; its state is kept as version 2"* ]] ||
		complain "it is not said"
	same "$pid" "$(workspace_pid late)"
	same late "$(container_snapshot late)"
	same RUNNING "$(workspace_status late)"
	nothing_is_left
	expect 0 rollback late 2
	same kept "$(workspace_read late /data/f)"
}

@test "a container that somebody puts on another snapshot while it is down runs again" {
	begin turned
	ctr snapshots prepare elsewhere "$(snapshot_field "$(container_snapshot turned)" .Parent)"
	stopped_at prepare version turned
	turn turned elsewhere
	ended_with 1
	[[ $stderr == *"somebody gave the container another snapshot; its state is kept as version 2"* ]] ||
		complain "it is not said"
	same elsewhere "$(container_snapshot turned)"
	same RUNNING "$(workspace_status turned)"
	nothing_is_left
}

# down ID: version 1 says "old", version 2 "newer"; its task is ended and removed.
down() {
	workspace "$1"
	workspace_write "$1" /data/f old
	expect 0 version "$1"
	workspace_write "$1" /data/f newer
	expect 0 version "$1"
	ctr tasks kill --signal KILL "$1"
	servers_wait_for 20 ctr tasks delete "$1"
}

@test "a workspace that was down, and that somebody starts in the middle of a rollback, runs on what it stands on" {
	local step
	down alike
	told_by rollback alike 1
	for step in stop prepare; do
		down "mid$step"
		stopped_at "$step" rollback "mid$step" 1
		ctr tasks start --detach --null-io "mid$step" 3>&- 4>&-
		workspace_write "mid$step" /data/theirs theirs
		ended_with 0
		same RUNNING "$(workspace_status "mid$step")" "behind '$step'"
		same old "$(workspace_read "mid$step" /data/f)" "what it shows behind '$step'"
		workspace_write "mid$step" /data/g later
		expect 0 version "mid$step"
		same 'old later' "$(cat "$(workspace_root "mid$step")"/data/[fg] | xargs)" "what it holds behind '$step'"
		nothing_is_left
	done
}

@test "a task that runs on another snapshot than its container's is not stopped: what it has written would be lost" {
	local key pid
	workspace astray
	workspace_write astray /data/f old
	expect 0 version astray
	key=$(container_snapshot astray)
	# Without a container that names it, it would be collected.
	ctr snapshots label "$key" containerd.io/gc.root=now >/dev/null
	workspace_write astray /data/f precious
	ctr snapshots prepare other "$(snapshot_field "$key" .Parent)"
	turn astray other
	pid=$(workspace_pid astray)
	for operation in 'create astray' 'version astray' 'version --live astray' 'create --if-changed astray' 'compact astray' \
		'rollback astray 1'; do
		# shellcheck disable=SC2086 # words
		expect_error 8 "'astray' was not touched: its task runs on another snapshot than the one that the container stands on, and what it has written would be lost" \
			$operation
		[[ $stderr == *"its next start is on 'other'"* ]] || complain "other hint"
	done
	same "$pid" "$(workspace_pid astray)"
	same other "$(container_snapshot astray)"
	same precious "$(workspace_read astray /data/f)"
	same 1 "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'astray'")"
	expect 1 doctor --fix astray
	[[ $output == *"'astray' runs on another snapshot than 'other', on which it stands: what it writes is in no version, and is lost when it stops"* ]] ||
		complain "doctor is silent"
	same precious "$(workspace_read astray /data/f)"
	expect 0 --force version astray
	expect 0 doctor astray
	same old "$(workspace_read astray /data/f)"
	nothing_is_left
}

# layered ID: three versions, and what no version holds.
layered() {
	workspace_of_versions "$1" 3
	workspace_write "$1" /data/n precious
}

# remake ID KEY: another container of this id, on the snapshot KEY, which is not collected in between.
remake() {
	ctr tasks delete --force "$1" >/dev/null 2>&1 || true
	ctr snapshots label "$2" containerd.io/gc.root=now >/dev/null
	ctr containers delete --keep-snapshot "$1"
	ctr snapshots rm "$1" >/dev/null 2>&1 || true
	ctr containers create "$IMAGE" "$1" sleep infinity
	turn "$1" "$2"
	ctr snapshots label "$2" containerd.io/gc.root= >/dev/null
}

# layer_of KEY: what the active snapshot holds of /data.
layer_of() {
	cat "$(snapshot_folder "$1")/data/n"
}

@test "a container that is made anew on the new snapshot of a compaction keeps it" {
	local step key id
	layered model
	told_by compact model
	for step in repoint unhold; do
		id=new$step
		layered "$id"
		killed_after "$step" compact "$id"
		key=$(container_snapshot "$id")
		remake "$id" "$key"
		expect 0 recover
		collect_garbage
		same "$key" "$(container_snapshot "$id")"
		snapshot_exists "$key" || complain "behind '$step' the snapshot of the container is gone"
		same precious "$(layer_of "$key")" "its layer behind '$step'"
		same null "$(snapshot_field "$key" '.Labels["containerd.io/gc.root"]')" "what keeps it beside the container"
		nothing_is_left
	done
}

@test "a container that is made anew on its old snapshot has its layer back" {
	local kind key id
	for kind in version compact; do
		id=old$kind
		layered "$id"
		echo 'max_depth = 3' >"$WSNAP_CONFIG"
		key=$(container_snapshot "$id")
		cut_in_move "$kind" "$id"
		: >"$WSNAP_CONFIG"
		remake "$id" "$key"
		expect 0 recover
		collect_garbage
		same "$key" "$(container_snapshot "$id")"
		same precious "$(layer_of "$key")" "its layer after a $kind that was cut off"
		ctr tasks start --detach --null-io "$id" 3>&- 4>&-
		same precious "$(workspace_read "$id" /data/n)" "what it shows after a $kind that was cut off"
		nothing_is_left
	done
}

# What the container stood on goes with it: the layer that a compaction has taken out of there is saved.
@test "the layer of a container that is removed in the middle of a compaction becomes a version" {
	local id version
	for id in removed remade; do
		layered "$id"
		cut_in_move compact "$id"
		remove "$id"
		[ "$id" = removed ] || ctr run --detach --null-io "$IMAGE" "$id" sleep 1000000 3>&- 4>&-
		expect 0 recover
		version=$(db "SELECT max(version) FROM container_versions WHERE container_id = '$id'")
		[[ $output == *"its state is kept as version $version"* ]] || complain "it is not said"
		collect_garbage
		same "" "$(ctr snapshots ls | awk -v id="$id-" 'index($1, id) == 1 && $NF != "Committed" { print $1 }')"
		mkdir -p "$BATS_TEST_TMPDIR/look"
		expect 0 mount "$id" "$version" "$BATS_TEST_TMPDIR/look"
		same "precious $id 3" "$(cat "$BATS_TEST_TMPDIR"/look/data/{n,3} | xargs)"
		expect 0 umount "$BATS_TEST_TMPDIR/look"
		nothing_is_left
	done
	expect 0 doctor remade
}

@test "a container that is made anew while its layer is moved away has it back" {
	local key run
	layered window
	key=$(container_snapshot window)
	strace -f -qq -o /dev/null -P "$(writable_folder window)" -e trace=renameat,renameat2 \
		-e inject=renameat,renameat2:delay_exit=5000000 \
		"$WSNAP" compact window >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	run=$!
	servers_wait_for 20 layer_has_moved window
	remake window "$key"
	status=0
	wait "$run" || status=$?
	same 1 "$status"
	collect_garbage
	same "$key" "$(container_snapshot window)"
	same precious "$(layer_of "$key")" "its layer"
	ctr tasks start --detach --null-io window 3>&- 4>&-
	same precious "$(workspace_read window /data/n)"
	nothing_is_left
}

@test "a snapshot that somebody has put the container on is not removed with the compaction that was cut off" {
	local step id parent
	layered pattern
	told_by compact pattern
	for step in stop prepare; do
		id=theirs$step
		layered "$id"
		killed_after "$step" compact "$id"
		ctr tasks delete --force "$id" >/dev/null 2>&1 || true
		parent=$(db "SELECT runtime_snapshot_name FROM snapshots WHERE container_id = '$id' ORDER BY created_at DESC LIMIT 1")
		ctr snapshots prepare "theirs-$id" "$parent" >/dev/null
		turn "$id" "theirs-$id"
		expect 0 recover
		same RUNNING "$(workspace_status "$id")" "behind '$step'"
		collect_garbage
		snapshot_exists "theirs-$id" || complain "behind '$step' their snapshot is gone"
		workspace_write "$id" /data/later later
		nothing_is_left
	done
}

@test "a snapshot that somebody takes in the moment before it is removed stays" {
	local key folder run
	layered shape
	told_by compact shape
	layered taken
	killed_after stop compact taken
	key=$(jq -r .new_active "$(records)")
	folder=$(jq -r .moved_to "$(records)")
	# It stands still behind its look into the folder, or before it takes that away.
	strace -f -qq -o /dev/null -P "$folder" -e trace=getdents64,rmdir \
		-e inject=getdents64:delay_exit=6000000:when=1 -e inject=rmdir:delay_enter=6000000 \
		"$WSNAP" -v recover taken >/dev/null 2>"$BATS_TEST_TMPDIR/told" </dev/null 3>&- 4>&- &
	run=$!
	servers_wait_for 60 grep -q '^wsnap: post_hook ' "$BATS_TEST_TMPDIR/told"
	sleep 1
	ctr containers create "$IMAGE" theirs sleep infinity
	turn theirs "$key"
	echo theirs >"$folder/theirs"
	wait "$run"
	collect_garbage
	snapshot_exists "$key" || complain "what a container stands on was removed"
	same theirs "$(cat "$folder/theirs")"
	same precious "$(workspace_read taken /data/n)"
	nothing_is_left
}

@test "a compaction that was cut off behind the move of the layer goes forward" {
	layered forward
	cut_in_move compact forward
	expect 0 recover
	[[ $output == *"the compaction was completed"* ]] || complain "it was taken back"
	collect_garbage
	same RUNNING "$(workspace_status forward)"
	same precious "$(workspace_read forward /data/n)"
	same "forward 3" "$(workspace_read forward /data/3)"
	nothing_is_left
}
