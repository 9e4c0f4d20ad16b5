# The operator's programs before and after each operation.
load ../lib/workspace

setup_file() {
	workspaces_begin
	export HOOKS=$BATS_FILE_TMPDIR/hooks.d TOLD=$BATS_FILE_TMPDIR/told
	mkdir "$HOOKS"
	{
		echo "hooks_dir = $HOOKS"
		echo 'hook_timeout = 2'
	} >>"$WSNAP_CONFIG"
	workspace hooked
	"$WSNAP" --no-hooks -q version hooked >/dev/null
}

teardown_file() {
	workspaces_end
}

setup() {
	rm -f "$HOOKS"/* "$TOLD"
}

# hook NAME SHELL_WORDS
hook() {
	printf '#!/bin/sh\n%s\n' "$2" >"$HOOKS/$1"
	chmod 755 "$HOOKS/$1"
}

# A hook that writes down what it was told.
listen() {
	hook "${1:-50-listen}" "env | grep '^WSNAP_' | sort >>$TOLD.env; cat >>$TOLD; echo >>$TOLD"
	rm -f "$TOLD.env"
}

@test "hooks run before and after an operation, and are told of it" {
	listen
	expect 0 create hooked 'a name'
	same 2 "$(wc -l <"$TOLD")"
	same '["pre","create","hooked","manual",false,null,null]' "$(head -n 1 "$TOLD" | jq -c \
		'[.phase, .operation, .container_id, .source, .live, .version, .exit_status]')"
	same '["post","create","hooked","manual",false,2,0]' "$(tail -n 1 "$TOLD" | jq -c \
		'[.phase, .operation, .container_id, .source, .live, .version, .exit_status]')"
	same "$(db "SELECT bot_id FROM containers WHERE container_id = 'hooked'")" "$(head -n 1 "$TOLD" | jq -r .bot_id)"
	same "$CONTAINERD_NAMESPACE" "$(head -n 1 "$TOLD" | jq -r .namespace)"
	same "WSNAP_PHASE=pre
WSNAP_PHASE=post" "$(grep PHASE "$TOLD.env")"
	same "WSNAP_VERSION=2" "$(grep VERSION "$TOLD.env")"
	same "WSNAP_EXIT_STATUS=0" "$(grep EXIT "$TOLD.env")"
}

@test "they run in the order of names, and only what is executable" {
	hook 20-second "echo second \$WSNAP_PHASE >>$TOLD"
	hook 10-first "echo first \$WSNAP_PHASE >>$TOLD"
	hook 30-not-one "echo wrong >>$TOLD"
	chmod 644 "$HOOKS/30-not-one"
	hook .hidden "echo wrong >>$TOLD"
	expect 0 version hooked
	same 'first pre
second pre
first post
second post' "$(cat "$TOLD")"
}

@test "a hook that fails before the operation stops it, with its last line" {
	local before pid
	hook 10-no 'test "$WSNAP_PHASE" = post && exit; echo something; echo "the disk of backups is not there" >&2; exit 3'
	before=$(world)
	pid=$(workspace_pid hooked)
	expect_error 8 "'hooked' was not touched: the hook '$HOOKS/10-no' failed with status 3: the disk of backups is not there" \
		create hooked
	same "hint: --no-hooks insists" "$(tail -n 1 <<<"$stderr")"
	same "$before" "$(world)"
	same "$pid" "$(workspace_pid hooked)"
	expect 0 --no-hooks create hooked
}

@test "those behind it run also where one before it has said no" {
	hook 10-no 'test "$WSNAP_PHASE" = post || exit 3'
	listen
	expect 8 version hooked
	same '["post",null,8]' "$(jq -c '[.phase, .version, .exit_status]' "$TOLD")"
}

@test "a hook has its time" {
	hook 10-slow 'test "$WSNAP_PHASE" = post && exit; echo waiting; sleep 60'
	expect_error 8 "'hooked' was not touched: the hook '$HOOKS/10-slow' did not end within 2 s: waiting" version hooked
}

@test "a hook that fails behind the operation is a warning" {
	hook 10-late 'test "$WSNAP_PHASE" = pre || { echo too late >&2; exit 1; }'
	expect 0 -q version hooked
	same "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'hooked'")" "$output"
	expect 0 version hooked
	same "wsnap: warning: the hook '$HOOKS/10-late' failed with status 1: too late" "$stderr"
}

@test "a hook that others may write is not run" {
	hook 10-open "echo wrong >>$TOLD"
	chmod 777 "$HOOKS/10-open"
	expect 8 version hooked
	grep -q "'hooked' was not touched: the hook '$HOOKS/10-open' is not run: others may write it" <<<"$stderr"
	[ ! -e "$TOLD" ]
	hook 10-open 'exit 0'
	chmod 777 "$HOOKS"
	expect 8 version hooked
	chmod 755 "$HOOKS"
	expect 0 version hooked
}

@test "no password of the database is passed on" {
	hook 10-env "env >>$TOLD; cat >>$TOLD"
	PGPASSWORD=sesame WSNAP_DATABASE="host=$PGHOST user=$PGUSER dbname=$PGDATABASE password=sesame" \
		expect 0 version hooked
	grep -q WSNAP_PHASE=post "$TOLD"
	! grep -i -e sesame -e '^PG' -e WSNAP_DATABASE "$TOLD"
}

@test "a killed operation's hooks behind it run when it is recovered" {
	listen
	hook 90-die '[ "$WSNAP_PHASE" = post ] || kill -KILL "$PPID"'
	expect 137 version hooked
	rm "$HOOKS/90-die"
	same 1 "$(wc -l <"$TOLD")"
	expect 0 recover hooked
	same '["post",null,1]' "$(tail -n 1 "$TOLD" | jq -c '[.phase, .version, .exit_status]')"
	same RUNNING "$(workspace_status hooked)"
	expect 0 recover hooked
	same 2 "$(wc -l <"$TOLD")"
}

@test "rollback and compact have hooks as well" {
	listen
	expect 0 rollback hooked 3
	"$WSNAP" --no-hooks -q version hooked >/dev/null
	"$WSNAP" --no-hooks -q version hooked >/dev/null
	expect 0 compact hooked
	same '["rollback","rollback","compact","compact"]' "$(jq -sc '[.[].operation]' "$TOLD")"
}

@test "a container that somebody is just starting when it is looked at runs afterwards" {
	workspace_created starting
	hook 10-slow '[ "$WSNAP_PHASE" = post ] || sleep 1.7'
	# Between making the task and starting it ctr writes this file.
	strace -f -qq -o /dev/null -e trace=renameat,renameat2 -e inject=renameat,renameat2:delay_enter=1000000 \
		ctr tasks start --detach --null-io --pid-file "$BATS_TEST_TMPDIR/pid" starting 3>&- 4>&- &
	servers_wait_for 60 eval '[ "$(workspace_status starting)" = CREATED ]'
	expect 0 version starting
	wait $!
	same RUNNING "$(workspace_status starting)"
}

# phase operation version exit_status of all that was told, one a line.
told() {
	jq -r '"\(.phase) \(.operation) \(.version) \(.exit_status)"' "$TOLD"
}

@test "so have prune, delete, name and fork, where they do something" {
	local newest
	for newest in 1 2 3 4; do "$WSNAP" --no-hooks -q version hooked >/dev/null; done
	newest=$(db "SELECT max(version) FROM container_versions WHERE container_id = 'hooked'")
	listen
	expect 0 name hooked @ 'its name'
	expect 0 delete hooked $((newest - 1))
	expect 0 prune hooked --keep-last 1 --dry-run
	expect 0 fork hooked @ hooked-child
	expect 0 prune hooked --keep-last 1
	expect 0 prune hooked --keep-last 1
	expect 3 delete hooked 999
	same "pre name null null
post name $newest 0
pre delete null null
post delete null 0
pre fork null null
post fork 1 0
pre prune null null
post prune null 0" "$(told)"
	same 'hooked hooked hooked hooked hooked-child hooked-child hooked hooked' "$(jq -r .container_id "$TOLD" | paste -sd ' ')"
	same "$(jq -r 'select(.operation == "prune" and .phase == "post").operation_id' "$TOLD")" \
		"$(db "SELECT payload->>'operation_id' FROM lifecycle_events WHERE container_id = 'hooked' AND event_type = 'version_prune' ORDER BY created_at DESC LIMIT 1")"
	# A history of which the container is gone.
	ctr containers delete hooked-child
	rm "$TOLD"
	expect 0 delete hooked-child --all --yes
	same "pre delete null null
post delete null 0" "$(told)"
}

@test "the restore of a workspace that does not run has them once, though it saves and then changes it" {
	local newest id
	workspace down
	workspace_write down /f 1
	"$WSNAP" --no-hooks -q version down >/dev/null
	workspace_write down /f 2
	ctr tasks delete --force down >/dev/null
	listen
	expect 0 --json restore down 1
	same '["pre","restore","restore",false,null,null]
["post","restore","restore",false,2,0]' "$(jq -c '[.phase, .operation, .source, .live, .version, .exit_status]' "$TOLD")"
	id=$(db "SELECT payload->>'operation_id' FROM lifecycle_events WHERE container_id = 'down' AND event_type = 'restore'")
	[ -z "$id" ] || same "$id" "$(head -n 1 "$TOLD" | jq -r .operation_id)"
	same 1 "$(jq -r .operation_id "$TOLD" | sort -u | wc -l)"
	# Without a save, and with nothing to do.
	rm "$TOLD"
	expect 0 restore down 2 --no-save
	same 'pre restore null null
post restore null 0' "$(told)"
	# What is against it is against all of it.
	rm "$TOLD"
	hook 10-no '[ "$WSNAP_PHASE" = post ] || { echo "not now" >&2; exit 3; }'
	expect_error 8 "'down' was not touched: the hook '$HOOKS/10-no' failed with status 3: not now" restore down 1
	same 'post restore null 8' "$(told)"
	same 2 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'down'")"
	# Killed on the way, at many calls.
	rm "$HOOKS/10-no"
	for call in 3 9 17 29 41 53 65 77 89; do
		rm -f "$TOLD"
		strace -f -qq -o /dev/null -e trace=sendto,sendmsg,renameat,unlinkat \
			-e inject=sendto,sendmsg,renameat,unlinkat:signal=KILL:when="$call" \
			"$WSNAP" restore down 1 >/dev/null 2>&1 </dev/null 3>&- 4>&- || true
		expect 0 recover
		[ -z "$(find "$WSNAP_STATE_DIR" -name '*.hooks*')" ] || complain "a note is left after call $call"
		[ ! -e "$TOLD" ] || matches '(pre( post)+)?' "$(told | cut -d ' ' -f 1 | paste -sd ' ')"
		[ ! -e "$TOLD" ] || same restore "$(jq -r .operation "$TOLD" | sort -u)"
		"$WSNAP" --no-hooks restore down 2 --no-save >/dev/null
	done
	expect 0 recover
	same "nothing to recover" "$output"
}

@test "what a hook is against is not done" {
	local before
	"$WSNAP" --no-hooks -q version hooked >/dev/null
	"$WSNAP" --no-hooks -q version hooked >/dev/null
	hook 10-no '[ "$WSNAP_PHASE" = post ] || { echo "not now" >&2; exit 3; }'
	listen
	before=$(world)
	for words in 'prune hooked --keep-last 1' 'delete hooked @-1' 'name hooked @ other' 'fork hooked @ hooked-new --start'; do
		# shellcheck disable=SC2086 # several words
		expect 8 $words
		matches "wsnap: 'hooked(-new)?' was not touched: the hook '$HOOKS/10-no' failed with status 3: not now
hint: --no-hooks insists" "$stderr"
	done
	same "$before" "$(world)"
	same 'post prune null 8
post delete null 8
post name null 8
post fork null 8' "$(told)"
	expect 0 --no-hooks name hooked @ other
	[ -z "$(find "$WSNAP_STATE_DIR" -name '*.hooks*')" ] || complain "a note is left"
}

@test "killed at any call, what runs before a prune or a fork is followed by what runs after it" {
	local call words outcome killed behind
	listen
	for words in 'prune killed --keep-last 1' 'fork killed @ killed-child'; do
		workspace_created killed
		behind=0
		for call in 1 2 3 4 5 6 7 8 10 12 14 17 20 24 28 32 36 40 50 60 90; do
			"$WSNAP" --no-hooks -q version killed >/dev/null
			"$WSNAP" --no-hooks -q version killed >/dev/null
			rm -f "$TOLD"
			# shellcheck disable=SC2086 # several words
			strace -f -qq -o /dev/null -e trace=sendto,sendmsg,openat,renameat,unlinkat \
				-e inject=sendto,sendmsg,openat,renameat,unlinkat:signal=KILL:when="$((call * 4))" \
				"$WSNAP" $words >/dev/null 2>&1 </dev/null 3>&- 4>&- && killed=0 || killed=1
			[ "$killed:$(told 2>/dev/null | cut -d ' ' -f 1 | paste -sd ' ')" != 1:pre ] || behind=$((behind + 1))
			expect 0 recover
			[ -z "$(find "$WSNAP_STATE_DIR" -name '*.hooks*')" ] || complain "a note is left after call $call"
			outcome=
			[ ! -e "$TOLD" ] || outcome=$(told | cut -d ' ' -f 1 | paste -sd ' ')
			matches '(pre( post)+)?' "$outcome"
			[ -z "$outcome" ] || outcome=$(tail -n 1 "$TOLD" | jq .exit_status)
			case ${words%% *}:$(container_exists killed-child && echo there) in
			fork:there)
				same 0 "${outcome:-0}" "exit status after call $call"
				ctr containers delete killed-child
				"$WSNAP" --no-hooks delete killed-child --all --yes >/dev/null
				;;
			fork:) same 1 "${outcome:-1}" "exit status after call $call" ;;
			esac
		done
		[ "$behind" -ge 2 ] || complain "killed behind the first hooks of '$words' only $behind times"
		expect 0 recover
		same "nothing to recover" "$output"
		ctr containers delete killed
		"$WSNAP" --no-hooks delete killed --all --yes >/dev/null
	done
}
