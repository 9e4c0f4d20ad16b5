#!/usr/bin/env bats
# What makes a container is kept with its versions, and a version becomes a container of its own.
load ../lib/workspace
load ../lib/killed

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# The digest of what makes the container that the version's snapshot refers to.
kept_of() {
	snapshot_field "$(version_snapshot "$1" "$2")" '.Labels["containerd.io/gc.ref.content.wsnap"]'
}

blobs() {
	ctr content ls -q | sort
}

@test "what makes the container is kept with each version, once while it does not change" {
	WORKSPACE_OPTIONS=(--env COLOUR=green --label team=red)
	workspace kept
	ctr containers info kept >"$BATS_TEST_TMPDIR/info"
	# What an import has left, a collection may take at any time.
	collect_garbage
	before=$(blobs | wc -l)
	expect 0 create kept
	expect 0 version kept
	expect 0 version kept
	same "$(kept_of kept 1)" "$(kept_of kept 3)"
	matches 'sha256:[0-9a-f]{64}' "$(kept_of kept 1)"
	same "$((before + 1))" "$(blobs | wc -l)" "blobs"
	ctr containers label kept team=blue >/dev/null
	expect 0 version kept
	same "$((before + 2))" "$(blobs | wc -l)" "blobs after a change"
	[ "$(kept_of kept 4)" != "$(kept_of kept 3)" ]

	expect 0 show kept 1 --spec
	same kept "$(json .container_id)"
	same "$IMAGE" "$(json .image)"
	same red "$(json .labels.team)"
	same "$(jq -r .Runtime.Name "$BATS_TEST_TMPDIR/info")" "$(json .runtime.name)"
	same "$(jq -cS .Spec "$BATS_TEST_TMPDIR/info")" "$(jq -cS .spec <<<"$output")" "the OCI spec"
	same true "$(json '.spec.process.env | index("COLOUR=green") != null')"
	expect 0 --json show kept 4 --spec
	same blue "$(json .labels.team)"
	expect 0 -q show kept @ --spec
	same blue "$(json .labels.team)"

	collect_garbage
	expect 0 show kept 1 --spec
	ctr tasks delete --force kept >/dev/null
	ctr containers delete kept
	expect 0 delete kept --all --yes
	collect_garbage
	same "$before" "$(blobs | wc -l)" "blobs when the versions are gone"
	[ -z "$(lease_names)" ]
}

@test "a version without it says so" {
	workspace bare
	expect 0 version bare
	name=$(db "SELECT runtime_snapshot_name FROM snapshots WHERE container_id = 'bare'")
	ctr snapshots label "$name" containerd.io/gc.ref.content.wsnap= >/dev/null
	expect_error 3 "nothing is kept of what made the container of version 1 of 'bare'" show bare 1 --spec
	expect 0 show bare 1
}

# --- forks ----------------------------------------------------------------------------------------

@test "a fork has the files, the environment and the command, and a history of its own" {
	WORKSPACE_OPTIONS=(--env COLOUR=green --label team=red --label memoh.bot_id=11111111-2222-3333-4444-555555555555
		--label nerdctl/name=x)
	workspace first
	ctr containers label first containerd.io/restart.status=running >/dev/null
	workspace_write first /data/file one
	expect 0 version first
	workspace_write first /data/file two
	pid=$(workspace_pid first)
	expect 0 --json fork first 1 second --start --label team=blue
	same '{"container_id":"second","snapshotter":"overlayfs","image":"'"$IMAGE"'","started":true,"origin":{"container_id":"first","version":1}}' \
		"$(jq -c '{container_id, snapshotter, image, started, origin}' <<<"$output")"
	same "$pid" "$(workspace_pid first)" "the origin's process"
	same two "$(workspace_read first /data/file)"
	same RUNNING "$(workspace_status second)"
	same one "$(workspace_read second /data/file)"
	tr '\0' '\n' <"/proc/$(workspace_pid second)/environ" | grep -qx COLOUR=green
	same "$(container_field first '.Spec.process.args | tojson')" "$(container_field second '.Spec.process.args | tojson')"
	same blue "$(container_field second '.Labels.team')"
	same null "$(container_field second '.Labels["memoh.bot_id"]')"
	same null "$(container_field second '.Labels["containerd.io/restart.status"]')"
	same null "$(container_field second '.Labels["nerdctl/name"]')"
	same first/1 "$(container_field second '.Labels["wsnap.origin.container"] + "/" + .Labels["wsnap.origin.version"]')"
	# What is in one cgroup is in the other's only by mistake.
	[ "$(cat "/proc/$(workspace_pid first)/cgroup")" != "$(cat "/proc/$(workspace_pid second)/cgroup")" ]
	container_field second '.Spec | del(.hostname) | tojson' >"$BATS_TEST_TMPDIR/spec"
	same "" "$(grep -o first "$BATS_TEST_TMPDIR/spec")" "the origin's name in the spec"
	same 'second|1|fork' "$(db "SELECT v.container_id, v.version, s.source FROM container_versions v JOIN snapshots s
		ON s.id = v.snapshot_id WHERE v.container_id = 'second'")"
	same 'first|1' "$(db "SELECT payload->>'origin_container_id', payload->>'origin_version' FROM lifecycle_events
		WHERE container_id = 'second' AND event_type = 'fork'")"
	workspace_write second /data/file three
	expect 0 -q version second
	same 2 "$output"
	expect 0 rollback second 1
	same one "$(workspace_read second /data/file)"
	same two "$(workspace_read first /data/file)"
	expect 0 --json fork first @ third --name-as-hostname
	same false "$(json .started)"
	same third "$(container_field third .Spec.hostname)"
	same "" "$(lease_names)" "leases"
}

@test "forks stay whole when their origin goes" {
	workspace parent
	workspace_write parent /data/kept parent
	expect 0 version parent
	workspace_write parent /data/kept later
	expect 0 version parent
	for number in 1 2 3 4 5; do
		expect 0 -q fork parent 1 "child$number" --start
		same "child$number" "$output"
	done
	expect 0 compact parent
	expect 0 delete parent 1
	collect_garbage
	ctr tasks delete --force parent >/dev/null
	ctr containers delete parent
	expect 0 delete parent --all --yes
	collect_garbage
	for number in 1 2 3 4 5; do
		same parent "$(workspace_read "child$number" /data/kept)"
		workspace_write "child$number" /data/kept changed
		expect 0 rollback "child$number" 1
		same parent "$(workspace_read "child$number" /data/kept)"
		expect 0 compact "child$number"
		collect_garbage
		same parent "$(workspace_read "child$number" /data/kept)"
		expect 0 rollback "child$number" 1
	done
}

@test "a container that was removed comes back under its own id, and its history goes on" {
	WORKSPACE_OPTIONS=(--env WORD=kept)
	workspace gone
	workspace_write gone /data/file saved
	expect 0 version gone
	args=$(container_field gone '.Spec.process.args | tojson')
	ctr tasks delete --force gone >/dev/null
	ctr containers delete gone
	collect_garbage
	expect 0 --json fork gone 1 gone --start
	same gone "$(json .origin.container_id)"
	same saved "$(workspace_read gone /data/file)"
	same "$args" "$(container_field gone '.Spec.process.args | tojson')"
	tr '\0' '\n' <"/proc/$(workspace_pid gone)/environ" | grep -qx WORD=kept
	same "1 2" "$(version_numbers gone)"
	expect 0 -q version gone
	same 3 "$output"
}

@test "the present of a running workspace is forked with --live, and it runs on" {
	workspace lively
	expect 0 version lively
	pid=$(workspace_pid lively)
	workspace_write lively /data/now present
	expect 0 --json fork lively @ lively-try --live --start
	same 2 "$(json .origin.version)"
	same "$pid" "$(workspace_pid lively)"
	same present "$(workspace_read lively-try /data/now)"
	same 'true' "$(db "SELECT payload->>'live' FROM lifecycle_events WHERE container_id = 'lively' AND event_type = 'version_create'
		AND payload->>'version' = '2'")"
	# Of a name or a number there is nothing to take.
	expect_error 2 "'--live' goes with '@' alone, not with '1'" fork lively 1 other --live
	same RUNNING "$(workspace_status lively)"
	expect 0 -q rollback lively 1
	same present "$(workspace_read lively-try /data/now)"
}

@test "what can be refused before --live takes a version takes none" {
	WORKSPACE_OPTIONS=(--label memoh.bot_id=eeeeeeee-1111-4222-8333-444444444444)
	workspace early
	workspace taken
	expect 0 version early
	expect 0 version taken
	world >"$BATS_TEST_TMPDIR/before"
	expect_error 8 "'taken' is a container already" fork early @ taken --live
	expect 2 fork early @ new --live --bot nobody
	expect 2 fork early @ new --live --label memoh.bot_id=nobody
	expect 3 fork nowhere @ new --live
	world | diff "$BATS_TEST_TMPDIR/before" -
	ctr tasks delete --force taken >/dev/null
	ctr containers delete taken
	expect_error 8 "'taken' has a history already" fork early @ taken --live
	same 1 "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'early'")"
	db "CREATE FUNCTION deny() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
			IF NEW.container_id = 'denied' THEN RAISE 'no such forks here'; END IF; RETURN NEW; END \$\$;
		CREATE TRIGGER deny BEFORE INSERT ON lifecycle_events FOR EACH ROW EXECUTE FUNCTION deny()"
	expect 6 fork early @ denied --live
	[[ $stderr == *'no such forks here'* ]] || complain "wrong words"
	db "DROP TRIGGER deny ON lifecycle_events; DROP FUNCTION deny()"
	same 1 "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'early'")"
	same "" "$(lease_names)"
	expect 0 --json fork early @ denied --live
	same 2 "$(json .origin.version)"
}

# bots_of ID: the label's and the row's.
bots_of() {
	printf '%s %s\n' "$(container_field "$1" '.Labels["memoh.bot_id"]')" \
		"$(db "SELECT bot_id FROM containers WHERE container_id = '$1'")"
}

@test "a fork's bot is found as any container's is" {
	local one=aaaaaaaa-1111-4222-8333-000000000001 two=aaaaaaaa-1111-4222-8333-000000000002
	workspace ruled
	expect 0 version ruled
	expect 0 fork ruled 1 ruled-label --label "memoh.bot_id=$one"
	same "$one $one" "$(bots_of ruled-label)"
	expect 0 fork ruled 1 "workspace-$two"
	same "null $two" "$(bots_of "workspace-$two")"
	expect 0 fork ruled 1 "mcp-$two" --label "memoh.bot_id=$one"
	same "$one $one" "$(bots_of "mcp-$two")"
	expect 0 fork ruled 1 ruled-both --bot "$one" --label "memoh.bot_id=${one^^}"
	same "${one^^} $one" "$(bots_of ruled-both)"
	# The one that an operation would have found, had the container come without a row.
	expect 0 fork ruled 1 ruled-none
	bot=$(db "SELECT bot_id FROM containers WHERE container_id = 'ruled-none'")
	expect 0 delete ruled-none --all --yes
	db "DELETE FROM lifecycle_events WHERE container_id = 'ruled-none'; DELETE FROM containers WHERE container_id = 'ruled-none'"
	expect 0 version ruled-none
	same "$bot" "$(db "SELECT bot_id FROM containers WHERE container_id = 'ruled-none'")"

	world >"$BATS_TEST_TMPDIR/before"
	expect_error 2 "'--bot $one' and '--label memoh.bot_id=$two' name two bots" \
		fork ruled 1 ruled-two --bot "$one" --label "memoh.bot_id=$two"
	expect_error 2 "'memoh.bot_id=nobody' names no bot: a UUID does" fork ruled 1 ruled-two --label memoh.bot_id=nobody
	world | diff "$BATS_TEST_TMPDIR/before" -
	ctr containers delete ruled-label
	expect_error 8 "'ruled-label' belongs to the bot $one, and its history goes on with it" \
		fork ruled-label 1 ruled-label --bot "$two"
	expect 0 fork ruled-label 1 ruled-label --bot "$one"
	same "$one $one" "$(bots_of ruled-label)"
}

@test "fork and name tell their course as every operation does" {
	workspace course
	expect 0 version course
	expect 0 --json name course 1 first
	same '0 []' "$(json '"\(.downtime_ms) \(.steps)"')"
	matches "$UUID" "$(json .operation_id)"
	expect 0 --json fork course 1 course-fork --start
	same 0 "$(json .downtime_ms)"
	same 'lease adapt create start record' "$(json '[.steps[].name] | join(" ")')"
	same true "$(json '[.steps[].ms] | add > 0')"
	same "$(json .operation_id)" "$(db "SELECT payload->>'operation_id' FROM lifecycle_events WHERE container_id = 'course-fork'")"
}

@test "a bot that is named owns the fork" {
	local bot=aaaaaaaa-1111-4222-8333-444444444444 old=bbbbbbbb-1111-4222-8333-444444444444
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$old")
	workspace owned
	expect 0 version owned
	expect 0 fork owned @ owned-other --bot "$bot"
	same "$bot" "$(container_field owned-other '.Labels["memoh.bot_id"]')"
	same "$bot" "$(db "SELECT bot_id FROM containers WHERE container_id = 'owned-other'")"
	expect 0 -q version "$bot"
	same 2 "$output"
	expect 0 fork owned @ owned-none
	same null "$(container_field owned-none '.Labels["memoh.bot_id"]')"
	[ "$(db "SELECT bot_id FROM containers WHERE container_id = 'owned-none'")" != "$old" ]
	expect 0 -q list "$old"
	same 1 "$output"
	expect 0 fork owned @ owned-same --label "memoh.bot_id=$old" --label containerd.io/restart.status=stopped
	same "$old stopped" "$(container_field owned-same '.Labels | .["memoh.bot_id"] + " " + .["containerd.io/restart.status"]')"
}

@test "one whose container is gone comes back under another id, with its history there as it was" {
	WORKSPACE_OPTIONS=(--env WORD=kept --label memoh.bot_id=cccccccc-1111-4222-8333-444444444444)
	workspace lost
	workspace_write lost /data/file one
	expect 0 version lost
	workspace_write lost /data/file two
	expect 0 version lost
	ctr tasks delete --force lost >/dev/null
	ctr containers delete lost
	collect_garbage
	expect 0 --json fork lost 1 found --start
	same 'lost 1' "$(json '.origin | "\(.container_id) \(.version)"')"
	same one "$(workspace_read found /data/file)"
	same '1 2' "$(version_numbers lost)"
	expect 0 --json fork cccccccc-1111-4222-8333-444444444444 2 lost --start
	same two "$(workspace_read lost /data/file)"
	tr '\0' '\n' <"/proc/$(workspace_pid lost)/environ" | grep -qx WORD=kept
	same '1 2 3' "$(version_numbers lost)"
	same cccccccc-1111-4222-8333-444444444444 "$(db "SELECT bot_id FROM containers WHERE container_id = 'lost'")"
	expect 0 rollback lost 1
	same one "$(workspace_read lost /data/file)"
	expect 0 -q log lost
}

@test "the files that are a container's own are the fork's own, and go with its history" {
	local own=$BATS_TEST_TMPDIR/ofhost
	mkdir "$own"
	printf '127.0.0.1 localhost\n10.0.0.7 ofhost\n' >"$own/hosts"
	WORKSPACE_OPTIONS=(--mount "type=bind,src=$own/hosts,dst=/etc/hosts,options=rbind:rw")
	workspace ofhost
	expect 0 version ofhost
	expect 0 fork ofhost 1 offork --start
	same '10.0.0.7 offork' "$(workspace_read offork /etc/hosts | tail -n 1)"
	workspace_write offork /etc/hosts '10.0.0.8 offork'
	same '10.0.0.7 ofhost' "$(workspace_read ofhost /etc/hosts | tail -n 1)"
	expect 0 delete offork --all --yes
	same '10.0.0.8 offork' "$(workspace_read offork /etc/hosts)"
	expect 0 version offork
	ctr tasks delete --force offork >/dev/null
	ctr containers delete offork
	[ -n "$(find "$WSNAP_STATE_DIR" -name '*~offork.hosts')" ]
	expect 0 delete offork --all --yes
	same "" "$(find "$WSNAP_STATE_DIR" -name '*~offork.hosts')"
}

@test "where nothing can be live, a hint names what there is" {
	WORKSPACE_OPTIONS=(--snapshotter native)
	ctr images unpack --snapshotter native "$IMAGE" >/dev/null 2>&1 || true
	workspace still
	expect 0 version still
	expect_error 8 "'still' cannot be saved while it runs: its snapshotter has no layers that can be read" \
		fork still @ try --live
	same "hint: 'wsnap version still --stop' takes one, which @ is then" "${stderr#*$'\n'}"
	expect_error 8 "'still' cannot have layers of live versions: its snapshotter has none that can be read" compact still --live
	expect 0 version still --stop
	expect 0 fork still @ try
}

@test "what cannot be forked is refused, and nothing is made" {
	workspace whole
	workspace other
	expect 0 version whole
	expect 0 version other
	world >"$BATS_TEST_TMPDIR/before"
	expect_error 8 "'other' is a container already" fork whole 1 other
	expect_error 3 "'7' is not a version of 'whole'" fork whole 7 new
	expect 2 fork whole 1 'no/id'
	expect 2 fork whole 1 new --bot nobody
	expect 2 fork whole 1 new --label novalue
	expect 2 fork whole 1 new --live
	ctr tasks delete --force other >/dev/null
	ctr containers delete other
	expect_error 8 "'other' has a history already" fork whole 1 other
	same "" "$(lease_names)"
	name=$(db "SELECT runtime_snapshot_name FROM snapshots WHERE container_id = 'other'")
	ctr snapshots label "$name" containerd.io/gc.ref.content.wsnap= >/dev/null
	expect_error 8 "nothing is kept of what made the container of version 1 of 'other', which is gone" fork other 1 new
	same "" "$(ctr containers ls -q | grep -x new)"
}

@test "a fork that does not start leaves nothing" {
	workspace mortal
	workspace_exec mortal rm /bin/sh
	ctr tasks delete --force mortal >/dev/null
	expect 0 create mortal
	collect_garbage
	before=$(snapshot_names | wc -l)
	number=$(db "SELECT max(version) FROM container_versions WHERE container_id = 'mortal'")
	expect 1 fork mortal "$number" dead --start
	collect_garbage
	same "" "$(ctr containers ls -q | grep -x dead)"
	same "$before" "$(snapshot_names | wc -l)" "snapshots"
	same "" "$(db "SELECT container_id FROM containers WHERE container_id = 'dead'")"
	expect 0 fork mortal "$number" dead
	container_exists dead
}

# killed_anywhere ORIGIN PREFIX OPTION…: forks, each killed at another call; $started is the status of their tasks then.
killed_anywhere() {
	local call base=$1 prefix=$2
	shift 2
	for call in 1 3 5 7 9 11 13 15 17 19 21 23 25 28 31 34 37 40 45 50 60 70 80 500; do
		strace -f -qq -o /dev/null -e trace=sendto,sendmsg -e inject=sendto,sendmsg:signal=KILL:when="$call" \
			"$WSNAP" fork "$@" "$base" 1 "$prefix$call" >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
		expect 0 recover
		collect_garbage
		if container_exists "$prefix$call"; then
			same 1 "$(db "SELECT version FROM container_versions WHERE container_id = '$prefix$call'")" "version after call $call"
			same "${started:-}" "$(workspace_status "$prefix$call")" "status after call $call"
			expect 0 -q version "$prefix$call"
			same 2 "$output"
		else
			same "" "$(snapshot_names | grep "^$prefix$call-")" "snapshots after call $call"
			same 0 "$(db "SELECT count(*) FROM containers WHERE container_id = '$prefix$call'")"
		fi
		same "" "$(lease_names)" "leases after call $call"
	done
	container_exists "${prefix}500"
	same "" "$(ctr containers ls -q | grep -x "${prefix}1")"
}

@test "killed at any call, a fork is whole or there is none" {
	workspace base
	expect 0 version base
	killed_anywhere base k
}

@test "killed at any call, one that was to be started runs" {
	workspace base2
	expect 0 version base2
	started=RUNNING killed_anywhere base2 s --start
}

# whole_or_nothing ID: the fork is there with its version, or nothing of it is.
whole_or_nothing() {
	collect_garbage
	if container_exists "$1"; then
		same 1 "$(db "SELECT version FROM container_versions WHERE container_id = '$1'")" "the version of '$1'"
		snapshot_exists "$(container_snapshot "$1")" || complain "'$1' stands on a snapshot that is gone"
		expect 0 -q version "$1"
		same 2 "$output"
	else
		same "" "$(snapshot_names | grep "^$1-")" "snapshots of '$1'"
		same 0 "$(db "SELECT count(*) FROM containers WHERE container_id = '$1'")" "rows of '$1'"
	fi
	same "" "$(lease_names)" "leases"
}

# How many answers are read until the line of that step is told, of a whole fork.
answers_until() {
	strace -f -qq -s 16 -o "$BATS_TEST_TMPDIR/calls" -e trace=recvfrom,write "$WSNAP" -v fork "${@:2}" \
		>/dev/null 2>&1 </dev/null 3>&- 4>&-
	sed "/\"wsnap: $1 /q" "$BATS_TEST_TMPDIR/calls" | grep -c recvfrom
}

# answers_lost STEP LAST ORIGIN PREFIX OPTION…: forks, each of which loses one of the last answers before that step is done.
answers_lost() {
	local until call status step=$1 last=$2 base=$3 prefix=$4
	shift 4
	until=$(answers_until "$step" "$@" "$base" 1 "${prefix}whole")
	for call in $(seq $((until - last)) $((until + 1))); do
		status=0
		timeout 100 strace -f -qq -o /dev/null -e trace=recvfrom -e inject=recvfrom:error=ECONNRESET:when="$call" \
			"$WSNAP" fork "$@" "$base" 1 "$prefix$call" >/dev/null 2>&1 </dev/null 3>&- 4>&- || status=$?
		# Only what is to be ended by recover may be left.
		if [ $status -ne 7 ] && [ $status -ne 0 ] && container_exists "$prefix$call"; then
			complain "answer $call: status $status, and '$prefix$call' is there"
		fi
		[ $status -ne 7 ] || [ -n "$(lease_names)" ] || complain "answer $call: nothing is left that recover could end"
		expect 0 recover
		whole_or_nothing "$prefix$call"
	done
}

@test "whichever answer is lost while the container is made, a fork is whole or there is none" {
	workspace deaf
	expect 0 version deaf
	answers_lost create 7 deaf d
}

@test "whichever answer is lost while it is started, a fork is whole or there is none" {
	workspace deaf2
	expect 0 version deaf2
	answers_lost start 7 deaf2 e --start
}

@test "doctor leaves a fork in the making alone, and ends one that was cut off" {
	local making
	workspace seen
	expect 0 version seen
	told_by fork seen 1 seen-like
	delayed_at adapt 6 fork seen 1 seen-new &
	making=$!
	servers_wait_for 20 grep -q '^wsnap: lease ' "$BATS_TEST_TMPDIR/told"
	expect 0 --wait 0 doctor --fix
	same 'all is well' "$output"
	expect 0 --wait 0 --state-dir "$BATS_TEST_TMPDIR/other" doctor --fix
	collect_garbage
	wait $making
	whole_or_nothing seen-new
	container_exists seen-new
	for step in lease create; do
		line=$(grep -n "^wsnap: $step " "$LIKE" | cut -d: -f1)
		strace -f -qq -o /dev/null -e trace=write -P "$BATS_TEST_TMPDIR/told" \
			-e inject=write:signal=KILL:when="$line" "$WSNAP" -v fork seen 1 "cut-$step" \
			>/dev/null 2>"$BATS_TEST_TMPDIR/told" </dev/null 3>&- 4>&- || true
		expect 1 --json doctor
		same "operation_open cut-$step" "$(json '[.findings[] | .kind + " " + .container_id] | join(",")')"
		expect 1 --json doctor "cut-$step"
		expect 0 doctor --fix
		whole_or_nothing "cut-$step"
		expect 0 doctor
	done
	container_exists cut-create
	same "" "$(ctr containers ls -q | grep -x cut-lease)"
}

@test "a fork of which there is nothing yet but its lease is ended by its name" {
	workspace named
	expect 0 version named
	told_by fork named 1 named-like
	line=$(grep -n "^wsnap: lease " "$LIKE" | cut -d: -f1)
	strace -f -qq -o /dev/null -e trace=write -P "$BATS_TEST_TMPDIR/told" \
		-e inject=write:signal=KILL:when="$line" "$WSNAP" -v fork named 1 unmade \
		>/dev/null 2>"$BATS_TEST_TMPDIR/told" </dev/null 3>&- 4>&- || true
	lease_names | grep -q '^wsnap-'
	expect 0 recover unmade
	[[ $output == *"taken back"* ]] || complain "it was not taken back"
	same "" "$(lease_names)"
	expect 3 recover unmade
}

@test "a label that containerd could not keep or read is refused before anything is done" {
	workspace labelled
	expect 0 -q version labelled
	before=$(world)
	expect_error 2 "'--label' cannot be 'a=?': 'a=?' is no label: it is not UTF-8" fork labelled 1 labelled-not --label $'a=\xff'
	long=$(printf 'x%.0s' {1..4096})
	expect 2 fork labelled 1 labelled-not --label "a=$long"
	[[ $stderr == *'key and value have more than 4096 bytes' ]] || complain "it does not say what is wrong"
	same "$before" "$(world)"
	expect 0 fork labelled 1 labelled-long --label "a=${long:1}"
	same "${long:1}" "$(container_field labelled-long .Labels.a)"
}

@test "a version that a fork alone stands on is not said to be free with the next compaction" {
	workspace grown
	for n in 1 2; do
		workspace_write grown /data/$n $n
		expect 0 -q version grown
	done
	expect 0 fork grown 2 grown-fork
	expect 0 -q rollback grown 1
	workspace_write grown /data/3 3
	expect 0 -q version grown
	expect 0 delete grown 2
	same "'grown' version 2 (Version 2) is gone: its layer stays as long as another container stands on it" "${output%%$'\n'*}"
}

@test "a version keeps what makes its container also where others take its lease away" {
	workspace unleased sh -c 'trap "sleep 2; exit 0" TERM; while :; do sleep 60 & wait $!; done'
	workspace_write unleased /data/file text
	leases_gone_during expect 0 version unleased
	same '' "$stderr"
	expect 0 show unleased 1 --spec
	ctr tasks delete --force unleased >/dev/null
	ctr containers delete unleased
	collect_garbage
	expect 0 fork unleased 1 unleased --start
	same text "$(workspace_read unleased /data/file)"
}
