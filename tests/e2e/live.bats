#!/usr/bin/env bats
# Live versions: the workspace goes on running.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# A process that counts in memory, with a child.
COUNTER='sleep 1000 & n=0; while :; do n=$((n+1)); echo $n >/run/count; usleep 2000; done'

# The tree of a version, as a line for each entry.
version_tree() {
	local view=$BATS_TEST_TMPDIR/view key=look-$2-$RANDOM name try
	name=$(version_snapshot "$1" "$2")
	mkdir -p "$view"
	# A view is nobody's, so that a collection may take it before it has its label.
	for try in 1 2 3 4 5; do
		ctr snapshots view "$key" "$name" >/dev/null || continue
		ctr snapshots label "$key" containerd.io/gc.root=now >/dev/null && break
	done
	eval "$(ctr snapshots mounts "$view" "$key")"
	tree_of "$view"
	umount "$view"
	ctr snapshots rm "$key"
}

running_tree() {
	tree_of "$(workspace_root "$1")"
}

@test "nothing of the container changes, and the version is a version like any other" {
	workspace a sh -c "$COUNTER"
	workspace_write a /data/f one
	pid=$(workspace_pid a) snapshot=$(container_snapshot a) updated=$(container_field a .UpdatedAt)
	expect 0 --json create --live a 'first live'
	json_has . container_id snapshot_name runtime_snapshot_name display_name snapshotter source version created_at \
		operation_id downtime_ms steps live frozen_ms passes copied_bytes copied_entries
	same true "$(json .live)"
	same true "$(json ".downtime_ms == 0")"
	same 1 "$(json .version)"
	name=$(json .runtime_snapshot_name)
	same "$pid" "$(workspace_pid a)"
	same "$snapshot" "$(container_snapshot a)"
	same "$updated" "$(container_field a .UpdatedAt)"
	same 0 "$(workspace_frozen a)"
	same Committed "$(snapshot_field "$name" .Kind)"
	same true "$(snapshot_field "$name" '.Labels["wsnap.live"]')"
	same 1 "$(snapshot_field "$name" '.Labels["wsnap.version"]')"
	same "$name" "$(snapshot_field "$snapshot" '.Labels["wsnap.stands_on"]')"
	same '' "$(lease_names | grep -v lock || true)"
	same 'true' "$(db "SELECT payload->>'live' FROM lifecycle_events WHERE container_id = 'a'")"
	expect 0 --json list a
	same 'true true' "$(jq -r '.versions[0] | "\(.current) \(.present)"' <<<"$output")"
	expect 0 doctor
}

@test "each version is what the workspace was, and the next one costs what changed" {
	workspace b sh -c "$COUNTER"
	root=$(workspace_root b)
	mkdir -p "$root/data/d/deep" "$root/data/x"
	for n in $(seq 50); do echo "$n" >"$root/data/d/deep/$n"; done
	ln "$root/data/d/deep/1" "$root/data/x/second-name"
	ln -s /nowhere "$root/data/link"
	mkfifo "$root/data/fifo"
	truncate -s 100M "$root/data/sparse"
	rm "$root/etc/passwd"
	sleep 0.1
	expect 0 version --live b
	running_tree b >"$BATS_TEST_TMPDIR/1"
	expect 0 --json version --live b
	same 0 "$(json .copied_bytes)"
	running_tree b >"$BATS_TEST_TMPDIR/2"
	rm -rf "$root/data/x"
	rm "$root/data/d/deep/7"
	echo changed >"$root/data/d/deep/8"
	mv "$root/data/d" "$root/data/moved"
	mkdir "$root/data/d"
	echo new >"$root/data/d/new"
	expect 0 version --live b
	running_tree b >"$BATS_TEST_TMPDIR/3"
	for n in 1 2 3; do
		version_tree b "$n" | diff "$BATS_TEST_TMPDIR/$n" - || complain "version $n differs"
	done
}

@test "rollback to a live version, and on from there" {
	workspace c
	workspace_write c /data/f one
	expect 0 -q create --live c
	workspace_write c /data/f two
	expect 0 -q create --live c
	workspace_write c /data/f three
	expect 0 --json rollback c 1
	same 3 "$(json .saved_version)"
	same one "$(workspace_read c /data/f)"
	expect 0 -q create --live c
	same 4 "$output"
	expect 0 rollback c 2
	same two "$(workspace_read c /data/f)"
	expect 0 rollback c 3
	same three "$(workspace_read c /data/f)"
}

@test "--if-changed judges against the live version" {
	workspace d
	workspace_write d /data/f one
	expect 0 -q create --live d
	expect 0 --json version --live --if-changed d
	same 'true 1' "$(json '"\(.unchanged) \(.version)"')"
	same 'true 0 0 0 0' "$(json '"\(.live) \(.frozen_ms) \(.passes) \(.copied_bytes) \(.copied_entries)"')"
	expect 0 --json version --stop --if-changed d
	same 'true 1' "$(json '"\(.unchanged) \(.version)"')"
	same null "$(jq -r .live <<<"$output")"
	workspace_write d /data/f two
	expect 0 --json version --live --if-changed d
	same 'false 2' "$(json '"\(.unchanged) \(.version)"')"
	# Back to what the layer below has: a change all the same.
	rm "$(workspace_root d)/data/f"
	expect 0 --json version --if-changed d
	same 'false 3' "$(json '"\(.unchanged) \(.version)"')"
}

@test "mode = live is the default of create and version, and --stop overrules it" {
	echo 'mode = live' >"$WSNAP_CONFIG"
	workspace e
	pid=$(workspace_pid e)
	expect 0 --json create e
	same true "$(json .live)"
	same "$pid" "$(workspace_pid e)"
	expect 0 --json version --stop e
	same null "$(jq -r .live <<<"$output")"
	! same "$pid" "$(workspace_pid e)" 2>/dev/null
	: >"$WSNAP_CONFIG"
}

@test "a workspace that does not run is saved as with a stop" {
	workspace_created f
	expect 0 --json create --live f
	same null "$(jq -r .live <<<"$output")"
	same 1 "$(json .version)"
}

@test "--live and --stop exclude each other, and a paused workspace stays paused" {
	workspace g
	expect_error 2 "'--live' and '--stop' exclude each other" create --live --stop g
	workspace_write g /data/f one
	ctr tasks pause g
	expect 0 --json create --live g
	same PAUSED "$(workspace_status g)"
	same true "$(json ".frozen_ms == 0")"
	ctr tasks resume g
}

@test "servers are told by wsnap_saved that the processes are the old ones" {
	workspace hh
	psql --no-psqlrc -qAt >"$BATS_TEST_TMPDIR/heard" 2>&1 <<-SQL
		LISTEN wsnap_saved;
		LISTEN wsnap_lifecycle;
		\! "$WSNAP" -q create --live hh >/dev/null
		SELECT 1;
	SQL
	grep -q 'Asynchronous notification "wsnap_saved"' "$BATS_TEST_TMPDIR/heard" || complain "$(cat "$BATS_TEST_TMPDIR/heard")"
	! grep -q wsnap_lifecycle "$BATS_TEST_TMPDIR/heard"
}

@test "what the collection would take is kept, and a version in the middle can go" {
	workspace i
	for n in 1 2 3; do
		workspace_write i /data/f "$n"
		workspace_write i "/data/only-$n" "$n"
		expect 0 -q create --live i
	done
	expect 0 delete i 2
	collect_garbage
	workspace_write i /data/f 4
	expect 0 -q create --live i
	same 4 "$output"
	collect_garbage
	for n in 1 3 4; do
		expect 0 rollback i "$n"
		same "$n" "$(workspace_read i /data/f)"
	done
}

@test "the layers of live versions are merged without a stop" {
	workspace j
	root=$(workspace_root j)
	for n in 1 2 3 4; do
		echo "$n" >"$root/data/f"
		echo "$n" >"$root/data/only-$n"
		rm -f "$root/data/only-$((n - 2))"
		sleep 0.05
		expect 0 -q version --live j
	done
	pid=$(workspace_pid j) snapshot=$(container_snapshot j)
	expect 0 --json compact --live j
	same 4 "$(json .layers_merged)"
	same true "$(json ".downtime_ms == 0")"
	same 'true 0 0 true' "$(json '"\(.live) \(.frozen_ms) \(.passes) \(.copied_entries > 0)"')"
	same 1 "$(grep -o '"copied_bytes"' <<<"$output" | wc -l)"
	same "$pid $snapshot" "$(workspace_pid j) $(container_snapshot j)"
	collect_garbage
	expect 0 --json compact --live j
	same 0 "$(json .layers_merged)"
	same 'true 0 0 0 0' "$(json '"\(.live) \(.frozen_ms) \(.passes) \(.copied_bytes) \(.copied_entries)"')"
	expect 0 compact --live j
	same "'j' has no layers to merge" "$output"
	echo five >"$root/data/five"
	expect 0 --json version --live j
	same 5 "$(json .copied_bytes)"
	same 2 "$(snapshot_depth "$(json .runtime_snapshot_name)")"
	collect_garbage
	for n in 1 2 3 4 5; do
		expect 0 rollback --no-save j "$n"
		same "$((n < 4 ? n : 4))" "$(workspace_read j /data/f)"
		last=$((n < 4 ? n : 4))
		same "$(seq $((last > 1 ? last - 1 : 1)) "$last" | tr '\n' ' ')" \
			"$(cd "$(workspace_root j)/data" && ls | sed -n 's/^only-//p' | tr '\n' ' ')"
	done
}

@test "a chain of live versions has a bound" {
	echo 'max_depth = 3' >"$WSNAP_CONFIG"
	workspace k
	for n in 1 2 3 4 5 6 7 8; do
		workspace_write k /data/f "$n"
		workspace_write k "/data/$n" "$n"
		expect 0 --json version --live k
		[ "$(snapshot_depth "$(json .runtime_snapshot_name)")" -le 3 ] || complain "too deep"
	done
	collect_garbage
	for n in 8 1 5 3; do
		expect 0 rollback --no-save k "$n"
		same "$n" "$(workspace_read k /data/f)"
		same "$n" "$(ls "$(workspace_root k)/data" | grep -c '^[0-9]')"
	done
	: >"$WSNAP_CONFIG"
}

# The file in which the state of the newest live version is kept.
state_of() {
	printf '%s/%s~%s.live' "$WSNAP_STATE_DIR" "$CONTAINERD_NAMESPACE" "$1"
}

@test "without the state of the newest version all is compared, and what differs is copied" {
	workspace state
	root=$(workspace_root state)
	mkdir "$root/data/d"
	for n in $(seq 50); do echo "number $n" >"$root/data/d/$n"; done
	ln "$root/data/d/1" "$root/data/second-name"
	rm "$root/etc/passwd"
	sleep 0.1
	expect 0 --json version --live state
	for how in missing cut damaged another none; do
		tip=$(json .runtime_snapshot_name)
		case $how in
		missing) rm "$(state_of state)" ;;
		cut) truncate -s -5 "$(state_of state)" ;;
		damaged) printf X | dd of="$(state_of state)" bs=1 seek=200 conv=notrunc status=none ;;
		another) options="--state-dir $BATS_TEST_TMPDIR/another" ;; # the next one finds this one's tip to be a stranger
		none) options= ;;
		esac
		echo "$how" >"$root/data/d/8"
		rm "$root/data/d/1$((RANDOM % 10))"
		mkdir "$root/data/$how"
		sleep 0.1
		expect 0 ${options:-} --json version --live state
		same "$((${#how} + 1))" "$(json .copied_bytes)"
		same "$tip" "$(snapshot_field "$(json .runtime_snapshot_name)" .Parent)"
		running_tree state >"$BATS_TEST_TMPDIR/now"
		version_tree state "$(json .version)" | diff "$BATS_TEST_TMPDIR/now" - || complain "$how: the version differs"
		rm -f "$root"/data/d/1[0-9]
		for n in $(seq 10 19); do echo "number $n" >"$root/data/d/$n"; done
		touch -d @1000000000 "$root"/data/d/1[0-9]
		sleep 0.1
		expect 0 ${options:-} --json version --live state
	done
}

@test "without the state a restore saves what differs, and brings the version back" {
	workspace back
	root=$(workspace_root back)
	mkdir "$root/data/d"
	for n in $(seq 30); do echo "number $n" >"$root/data/d/$n"; done
	sleep 0.1
	expect 0 --json version --live back
	tip=$(json .runtime_snapshot_name)
	running_tree back >"$BATS_TEST_TMPDIR/1"
	echo changed >"$root/data/d/8"
	rm "$root/data/d/9"
	mv "$root/data/d/10" "$root/data/moved"
	sleep 0.1
	running_tree back >"$BATS_TEST_TMPDIR/2"
	rm "$(state_of back)"
	expect 0 --json restore back 1
	same 2 "$(json .saved_version)"
	running_tree back | diff "$BATS_TEST_TMPDIR/1" - || complain "it is not version 1"
	version_tree back 2 | diff "$BATS_TEST_TMPDIR/2" - || complain "what it was before is not saved"
	expect 0 --json show back 2
	same "$tip" "$(snapshot_field "$(json .runtime_snapshot_name)" .Parent)"
}

# Writers whose files must be of one moment: two files written strictly one after the other, a counter through a shared
# mapping, a second name, folders that are exchanged, an appender.
@test "whatever writes, a version is of one moment" {
	workspace l sh -c '
		cd /data; mkdir -p a b; echo same >a/f; echo same >b/f; touch -d @1000000000 a/f b/f; echo 0 >x; ln x y
		n=0
		while :; do
			n=$((n + 1))
			echo $n >first; echo $n >second
			echo $n >y
			echo line $n >>log
			mv a c; mv b a; mv c b
			[ $((n % 50)) -ne 0 ] || rm -f first.old
		done'
	for n in $(seq 15); do expect 0 -q version --live l; done
	ctr tasks kill --signal KILL l
	for n in $(seq 15); do
		expect 0 rollback --no-save l "$n"
		root=$BATS_TEST_TMPDIR/root-$n
		mkdir "$root"
		ctr snapshots mounts "$root" "$(container_snapshot l)" | sh
		first=$(cat "$root/data/first") second=$(cat "$root/data/second")
		[ -z "$first" ] || [ -z "$second" ] || [ "$first" = "$second" ] || [ "$first" = $((second + 1)) ] ||
			complain "version $n: first says $first, second $second"
		same "$(cat "$root/data/x")" "$(cat "$root/data/y")"
		same "$(stat -c %i "$root/data/x")" "$(stat -c %i "$root/data/y")"
		same "$(wc -l <"$root/data/log")" "$(tail -n 1 "$root/data/log" | cut -d ' ' -f 2)"
		umount "$root"
	done
}

@test "nothing is taken, and all runs on, where the freeze takes too long" {
	workspace m
	before=$(snapshot_names | grep -E '^m(-|$)' | sort)
	# As if it never froze: a process of the workspace that is stopped in the kernel cannot be made here, so the
	# time is too short for what there is to copy.
	workspace_exec m sh -c 'dd if=/dev/zero of=/data/big bs=1M count=300 2>/dev/null'
	workspace_exec m sh -c 'while :; do dd if=/dev/urandom of=/data/big bs=1M count=300 conv=notrunc 2>/dev/null; done' &
	sleep 1
	expect 1 version --live --max-freeze 1 m
	matches '.*--max-freeze.*' "$(tail -n 1 <<<"$stderr")"
	same 0 "$(workspace_frozen m)"
	same RUNNING "$(workspace_status m)"
	same "$before" "$(snapshot_names | grep -E '^m(-|$)' | sort)"
	same '' "$(find "$WSNAP_STATE_DIR" -name '*.operation')"
	same 0 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'm'")"
	ctr tasks kill --signal KILL m
}

@test "who would have to thaw it is not frozen" {
	workspace n
	shim_joins n
	expect_error 8 "'n': its processes cannot be frozen: wsnap, containerd or the shim is in their control group" \
		create --live n
	matches 'hint: --stop.*' "$(tail -n 1 <<<"$stderr")"
	same 0 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'n'")"
	shim_leaves n
}
