# Policies: who has which, what is due, what is kept, and room that is made.
load ../lib/workspace

setup_file() {
	workspaces_begin
	export POLICIES=$BATS_FILE_TMPDIR/policy.d
	mkdir "$POLICIES"
	local id
	for id in policed-a policed-b policed-c; do
		workspace "$id"
	done
	ctr containers label policed-a team=red >/dev/null
	ctr containers label policed-b team=red wsnap.policy=slow >/dev/null
	ctr containers label policed-c team=red wsnap.policy=none >/dev/null
}

teardown_file() {
	workspaces_end
}

setup() {
	rm -f "$POLICIES"/*
	policy 10-red 'filter = team=red' 'every = 1h'
	policy slow 'every = 1d'
}

# policy NAME LINE…
policy() {
	printf '%s\n' "${@:2}" >"$POLICIES/$1.conf"
}

run_policies() {
	expect "$1" "${@:2}" run-policies --policy-dir "$POLICIES"
}

# As if it had not been looked at since its versions were made.
forget_look() {
	ctr snapshots label "$(container_snapshot "$1")" wsnap.unchanged_at= >/dev/null
}

@test "what was never saved is due, by the policy that its label or the first matching filter says" {
	expect 0 --json run-policies --policy-dir "$POLICIES" --dry-run
	same '[["policed-a","10-red",true],["policed-b","slow",true]]' \
		"$(jq -c '[.workspaces[] | [.container_id, .policy, .due]]' <<<"$output")"
	same '0 0' "$(version_newest policed-a) $(version_newest policed-b)"
	run_policies 0 -q
	same $'policed-a 1\npoliced-b 1' "$output"
	same '0' "$(version_newest policed-c)"
	same policy "$(db "SELECT source FROM snapshots WHERE container_id = 'policed-a'")"
}

@test "the first whose filter matches is that in the order of names, not of files" {
	policy 10-red-2 'filter = team=red' 'every = 1d'
	policy 10 'filter = team=blue' 'every = 1d'
	expect 0 --json run-policies --policy-dir "$POLICIES" --dry-run
	same 10-red "$(jq -r '.workspaces[] | select(.container_id == "policed-a") | .policy' <<<"$output")"
}

# chosen_by FILTER: what a policy with this filter and no other would save.
chosen_by() {
	rm "$POLICIES"/*
	policy only "filter = $1" 'every = 1h'
	expect 0 --json run-policies --policy-dir "$POLICIES" --dry-run
	jq -r '[.workspaces[].container_id] | join(" ")' <<<"$output"
}

@test "a value may have blanks; what follows it with a = is the next filter" {
	ctr containers label policed-b wsnap.policy= >/dev/null
	ctr containers label policed-a 'app=my  own app' backup=x >/dev/null
	ctr containers label policed-b 'app=my' >/dev/null
	same policed-a "$(chosen_by 'app=my  own app')"
	same policed-b "$(chosen_by 'app=my')"
	same '' "$(chosen_by 'app=my own app')"
	same policed-a "$(chosen_by 'team=red app=my  own app')"
	same policed-a "$(chosen_by 'app=my  own app team=red')"
	same policed-a "$(chosen_by 'backup app team=red')"
	same '' "$(chosen_by 'backup none team=red')"
	same policed-b "$(chosen_by 'app team=red app=my')"
	same '' "$(chosen_by 'team=red backup')"
	ctr containers label policed-a app= backup= >/dev/null
	ctr containers label policed-b app= wsnap.policy=slow >/dev/null
}

@test "what is young enough is left alone, what is too old is saved once" {
	run_policies 0
	same '' "$output"
	versions_made_ago policed-a '90 minutes'
	versions_made_ago policed-b '90 minutes'
	workspace_write policed-a /data/x something || workspace_write policed-a /x something
	run_policies 0 -q
	same 'policed-a 2' "$output"
	run_policies 0 -q
	same '' "$output"
}

@test "where nothing was written nothing is saved, and it is not due again" {
	versions_made_ago policed-a '90 minutes'
	forget_look policed-a
	run_policies 0
	same "'policed-a': nothing has changed (policy '10-red')" "$output"
	run_policies 0
	same '' "$output"
	policy 10-red 'filter = team=red' 'every = 1h' 'if_changed = no'
	forget_look policed-a
	run_policies 0 -q
	same "policed-a $(version_newest policed-a)" "$output"
}

@test "a version from a clock that was ahead keeps nothing from being saved" {
	policy 10-red 'filter = team=red' 'every = 1h'
	expect 0 -q create policed-a
	versions_made_ago policed-a '-5 years'
	forget_look policed-a
	workspace_write policed-a /data/ahead yes
	run_policies 0 -q
	[[ $output == *"policed-a $(version_newest policed-a)"* ]] || complain "it was not saved"
	run_policies 0 -q
	[[ $output != *policed-a* ]] || complain "it is due again"
	versions_made_ago policed-a '0 hours'
}

@test "what the policy does not keep goes" {
	local i
	for i in 1 2 3; do
		"$WSNAP" -q version policed-a >/dev/null
	done
	policy 10-red 'filter = team=red' 'every = 1s' 'if_changed = no' 'keep_last = 2'
	sleep 1
	expect 0 --json run-policies --policy-dir "$POLICIES"
	same 2 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'policed-a'")"
	[ "$(json '.workspaces[0].pruned')" -ge 2 ]
}

@test "room is made by the policy's own rules, the coarsest first, and said" {
	local i
	for i in 1 2 3 4; do
		"$WSNAP" -q version policed-a >/dev/null
	done
	"$WSNAP" -q create policed-a 'stays' >/dev/null
	# No disk is as empty as this.
	policy 10-red 'filter = team=red' 'every = 1s' 'if_changed = no' 'keep_last = 4' 'keep_daily = 7' 'keep_free = 99%'
	sleep 1
	run_policies 0
	grep -q "warning: version [0-9]* of 'policed-a' was given up, since too little was free" <<<"$stderr"
	# The newest one, the named one, and the one that was saved now.
	[ "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'policed-a'")" -le 3 ]
	same 1 "$(db "SELECT count(*) FROM snapshots WHERE container_id = 'policed-a' AND display_name = 'stays'")"
}

@test "a policy may save workspaces while they run" {
	local pid
	pid=$(workspace_pid policed-a)
	policy 10-red 'filter = team=red' 'every = 1s' 'if_changed = no' 'mode = live'
	sleep 1
	run_policies 0 -q
	same "policed-a $(version_newest policed-a)" "$output"
	same "$pid" "$(workspace_pid policed-a)"
	policy 10-red 'filter = team=red' 'every = 1s' 'mode = sometimes'
	run_policies 2
}

@test "one that fails does not stop the others" {
	policy 10-red 'filter = team=red' 'every = 1s' 'if_changed = no'
	policy slow 'every = 1s' 'if_changed = no'
	sleep 1
	local before
	before=$(version_newest policed-b)
	exec 8>>"$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~policed-a.lock"
	flock 8
	expect 4 --json --wait 0 run-policies --policy-dir "$POLICIES"
	exec 8>&-
	same busy "$(json '.workspaces[0].error.code')"
	same "$((before + 1))" "$(version_newest policed-b)"
}

@test "a policy that cannot be understood is refused before anything is done" {
	policy 20-bad 'every = soon'
	expect_error 2 "'$POLICIES/20-bad.conf', line 1: 'every' cannot be 'soon': not a length of time, such as 30min, 6h or 1d12h" \
		run-policies --policy-dir "$POLICIES"
	policy 20-bad 'filter = a'
	expect_error 2 "'$POLICIES/20-bad.conf' does not say how often: it needs 'every = 6h' or the like" \
		run-policies --policy-dir "$POLICIES"
	policy 20-bad 'every = 1h' 'keep_free = 100'
	expect 2 run-policies --policy-dir "$POLICIES"
	policy 20-bad 'every = 1h' 'filter = =x'
	expect 2 run-policies --policy-dir "$POLICIES"
	policy 20-bad 'every = 1h' 'no_such_key = 1'
	expect 2 run-policies --policy-dir "$POLICIES"
}

@test "a label that names no policy is told, and the others go on" {
	ctr containers label policed-c wsnap.policy=nowhere >/dev/null
	expect 2 --json run-policies --policy-dir "$POLICIES"
	same '["policed-c",null,"usage"]' \
		"$(jq -c '[.workspaces[] | select(.error) | .container_id, .policy, .error.code]' <<<"$output")"
	ctr containers label policed-c wsnap.policy=none >/dev/null
}

@test "two runs at once do what is due once" {
	workspace policed-twice
	ctr containers label policed-twice wsnap.policy=twice >/dev/null
	policy twice 'every = 1h' 'if_changed = no'
	rm "$POLICIES"/10-red.conf
	for run in 1 2 3; do
		"$WSNAP" -q run-policies --policy-dir "$POLICIES" >>"$BATS_TEST_TMPDIR/saved" 3>&- 4>&- &
	done
	wait
	same 'policed-twice 1' "$(grep twice "$BATS_TEST_TMPDIR/saved")"
	exec 6>>"$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE.policies"
	flock 6
	expect_error 4 'another run does what the policies say is due' -w 0 run-policies --policy-dir "$POLICIES"
	expect 0 -w 0 run-policies --policy-dir "$POLICIES" --dry-run
	exec 6>&-
	ctr containers label policed-twice wsnap.policy=none >/dev/null
}

@test "without policies there is nothing to do" {
	ctr containers label policed-b wsnap.policy= >/dev/null
	expect 0 run-policies --policy-dir "$BATS_TEST_TMPDIR/none"
	same '' "$output$stderr"
	expect 0 --json run-policies --policy-dir "$BATS_TEST_TMPDIR/none"
	same '{"workspaces":[]}' "$output"
}

@test "the units are ones that systemd takes" {
	command -v systemd-analyze >/dev/null || skip "there is no systemd-analyze"
	local folder=$BATS_TEST_TMPDIR/root
	make -C "$WORKSPACE_ROOT" --no-print-directory -s install DESTDIR="$folder" PREFIX=/usr/local >/dev/null
	mkdir -p "$folder/usr/local/bin"
	# The programs that the units start have to be there.
	sed -i "s|ExecStart=/usr/local|ExecStart=$folder/usr/local|" "$folder"/usr/local/lib/systemd/system/*.service
	systemd-analyze verify --man=no "$folder"/usr/local/lib/systemd/system/wsnap-* 2>&1 |
		grep -F wsnap >"$BATS_TEST_TMPDIR/complaints" || true
	same '' "$(cat "$BATS_TEST_TMPDIR/complaints")"
}

@test "a policy says whether the workspace goes on running" {
	local pid
	policy 10-red 'filter = team=red' 'every = 1s' 'if_changed = no' 'mode = live'
	pid=$(workspace_pid policed-a)
	sleep 1
	run_policies 0
	same "$pid" "$(workspace_pid policed-a)"
	policy 10-red 'filter = team=red' 'every = 1s' 'if_changed = no' 'mode = stop'
	sleep 1
	run_policies 0
	! same "$pid" "$(workspace_pid policed-a)" 2>/dev/null
	policy 10-red 'mode = sometimes'
	run_policies 2
	[[ $stderr == *"neither stop nor live"* ]]
}
