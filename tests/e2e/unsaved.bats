#!/usr/bin/env bats
# What was never saved, and where it lies: whether a workspace has changed is judged against the version that it stands
# on, whatever has become of its layers.
load ../lib/workspace

setup_file() {
	workspaces_begin
}
teardown_file() { workspaces_end; }

setup() {
	: >"$WSNAP_CONFIG"
}

# lineage ID: "NUMBER PARENT's number" of every version, from the rows.
lineage() {
	db "SELECT v.version || ' ' || coalesce((SELECT p.version::text FROM container_versions p JOIN snapshots q
	    ON q.id = p.snapshot_id WHERE p.container_id = v.container_id
	    AND q.runtime_snapshot_name = s.parent_runtime_snapshot_name), '-')
	    FROM container_versions v JOIN snapshots s ON s.id = v.snapshot_id WHERE v.container_id = '$1' ORDER BY 1"
}

stands_on() {
	expect 0 list "$1" --json
	json '.versions[] | select(.current) | .version'
}

parent_of_active() {
	snapshot_field "$(container_snapshot "$1")" .Parent
}

# shows ID: what the layer under the workspace says that it shows.
shows() {
	snapshot_field "$(parent_of_active "$1")" '.Labels["wsnap.shows"] // "nothing"'
}

two_versions() {
	workspace "$1"
	workspace_write "$1" /data/kept "of one"
	expect 0 create "$1" one
	workspace_write "$1" /data/both "of two"
	expect 0 create "$1" two
}

@test "what was unsaved when the layers were merged is saved by --if-changed, and does not show in the version before" {
	two_versions a
	workspace_write a /data/c unsaved
	expect 0 compact a
	same 2 "$(stands_on a)"
	expect 0 -q create --if-changed a three
	same 3 "$output"
	same $'1 -\n2 1\n3 2' "$(lineage a)"
	expect 0 rollback a two
	[ ! -e "$(workspace_root a)/data/c" ] || complain "what was not in version 2 shows in it"
	expect 0 rollback a three
	same unsaved "$(workspace_read a /data/c)"
	expect 0 doctor a
}

@test "what was unsaved when the layers were merged is saved by a rollback" {
	two_versions b
	workspace_write b /data/c unsaved
	expect 0 compact b
	expect 0 rollback b two --json
	same 3 "$(json .saved_version)"
	[ ! -e "$(workspace_root b)/data/c" ] || complain "what was not in version 2 shows in it"
	expect 0 rollback b 3
	same unsaved "$(workspace_read b /data/c)"
}

@test "an unsaved change from another version than the newest is found after a merge" {
	two_versions d
	workspace_write d /data/both "of three"
	expect 0 create d three
	expect 0 rollback d two
	workspace_write d /data/c unsaved
	expect 0 compact d
	same 2 "$(stands_on d)"
	expect 0 rollback d three --json
	same 4 "$(json .saved_version)"
	same $'1 -\n2 1\n3 2\n4 2' "$(lineage d)"
	expect 0 rollback d 4
	same "unsaved of two" "$(workspace_read d /data/c) $(workspace_read d /data/both)"
}

@test "without an unsaved change a merge changes nothing, and says so" {
	two_versions e
	expect 0 compact e
	same "$(version_snapshot e 2)" "$(shows e)"
	expect 0 -q create --if-changed e
	same 2 "$output"
	expect 0 rollback e two --json
	same null "$(json .saved_version)"
	workspace_write e /data/c unsaved
	expect 0 -q create --if-changed e
	same 3 "$output"
}

@test "a merge of a merged chain does not forget what was unsaved before the first" {
	two_versions f
	workspace_write f /data/c unsaved
	expect 0 compact f
	expect 0 rollback f two --no-save
	workspace_write f /data/c unsaved
	expect 0 compact f
	same "$(version_snapshot f 2)" "$(shows f)"
	expect 0 -q create --if-changed f
	same 3 "$output"
	same unsaved "$(workspace_read f /data/c)"
	expect 0 -q create --if-changed f
	same 3 "$output"
}

@test "a version that merges shows the same tree, and the next one has nothing to save" {
	workspace g
	echo 'max_depth = 2' >"$WSNAP_CONFIG"
	for turn in 1 2 3 4; do
		workspace_write g "/data/$turn" "turn $turn"
		expect 0 -q version g
		expect 0 -q version --if-changed g
		same "$turn" "$output"
	done
	same "$(version_snapshot g 4)" "$(parent_of_active g)"
	same "$(version_snapshot g 3)" "$(snapshot_field "$(snapshot_field "$(parent_of_active g)" .Parent)" '.Labels["wsnap.shows"]')"
	expect 0 rollback g 3
	expect 0 rollback g 4 --json
	same null "$(json .saved_version)"
	same "turn 4" "$(workspace_read g /data/4)"
}

# Each changes something that no size and no name tells, or takes something away.
changes() {
	cat <<-'END'
		echo new >data/new
		rm data/both
		rm -r data/folder
		rm -r data/folder; mkdir data/folder
		chmod 700 data/kept
		chown 7:7 data/folder
		setfattr -n user.note -v x data/kept
		ln -sfn /else data/link
		mv data/folder data/moved
		cp -p data/both /tmp/time.$$; printf 'of TWO\n' >data/both; touch -r /tmp/time.$$ data/both; rm /tmp/time.$$
		mkfifo data/pipe
		rm data/link; mkdir data/link
		ln data/kept data/again
		truncate -s 1 data/folder/file
		rm etc/passwd
	END
}

@test "changes of every kind are found after a merge, and in the one that was made before it" {
	two_versions hh
	root=$(workspace_root hh)
	mkdir "$root/data/folder"
	echo file >"$root/data/folder/file"
	ln -s /there "$root/data/link"
	expect 0 -q create hh base
	base=$output
	count=$base
	while read -r change; do
		expect 0 rollback hh base --no-save
		(cd "$(workspace_root hh)" && eval "$change") || complain "cannot do: $change"
		expect 0 compact hh
		expect 0 -q create --if-changed hh
		count=$((count + 1))
		same "$count" "$output" "after: $change"
		same "$base" "$(db "SELECT v.version FROM container_versions v JOIN snapshots s ON s.id = v.snapshot_id
			JOIN snapshots c ON c.parent_runtime_snapshot_name = s.runtime_snapshot_name
			WHERE c.runtime_snapshot_name = '$(version_snapshot hh "$count")'")" "parent after: $change"
	done < <(changes)
	# Each of them differs from where they began.
	expect 0 rollback hh base
	same 'of two there file' "$(workspace_read hh /data/both) $(basename "$(readlink "$(workspace_root hh)/data/link")") $(
		workspace_read hh /data/folder/file)"
}

@test "a change that was taken back after the merge is none" {
	two_versions i
	workspace_write i /data/c unsaved
	expect 0 compact i
	rm "$(workspace_root i)/data/c"
	expect 0 -q create --if-changed i
	same 2 "$output"
	snapshot_names >"$BATS_TEST_TMPDIR/names"
	! grep -- -look- "$BATS_TEST_TMPDIR/names" || complain "the look at the version has left a snapshot"
	expect 0 rollback i two --json
	same null "$(json .saved_version)"
}
