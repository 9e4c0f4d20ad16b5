#!/usr/bin/env bats
# Every way to be refused: the exact status, the exact words, and nothing touched.
load ../lib/workspace

setup_file() {
	workspaces_begin
	workspace w
	"$WSNAP" -q create w first >/dev/null
	mkdir -p "$WSNAP_STATE_DIR"
}
teardown_file() { workspaces_end; }

setup() { world >"$BATS_TEST_TMPDIR/before"; }
teardown() {
	world >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

IDENTIFIER='1 to 76 letters and digits, single '"'.', '_' or '-'"' between'

@test "status 2: no command, an unknown one, too few and too many words" {
	expect_error 2 "a command is missing"
	expect_error 2 "'nosuch' is not a command" nosuch w
	expect_error 2 "'create' needs a TARGET" create
	expect_error 2 "'rollback' needs a VERSION" rollback w
	expect_error 2 "'extra' is one argument too many for 'create'" create w name extra
	expect_error 2 "'w' is one argument too many for 'init'" init w
}

@test "status 2: options that are none, or lack or cannot take their argument" {
	expect_error 2 "'--nosuch' is not an option" create --nosuch w
	expect_error 2 "'-X' is not an option" -X create w
	expect_error 2 "'-1' is not an option" rollback w -1
	expect_error 2 "'-w' needs an argument: SECONDS" -w
	expect_error 2 "'--json' takes no argument" --json=yes list
	expect_error 2 "'--wait' cannot be 'abc': not a whole number from 0 to 86400" --wait abc create w
	expect_error 2 "'--wait' cannot be '-1': not a whole number from 0 to 86400" -w -1 create w
	expect_error 2 "'--stop-timeout' cannot be '3601': not a whole number from 0 to 3600" -t 3601 create w
	expect_error 2 "'--stop-timeout' cannot be '99999999999999999999': not a whole number from 0 to 3600" \
		-t 99999999999999999999 create w
	expect_error 2 "'--format' cannot be 'xml': neither table nor json" --format xml list
	expect_error 2 "'--network' cannot be 'maybe': neither auto nor attach nor none" --network maybe create w
	expect_error 2 "'--namespace' cannot be 'a b': not a name that containerd takes ($IDENTIFIER)" -n 'a b' list w
	expect_error 2 "'--address' cannot be 'here.sock': not the absolute path of a socket" -a here.sock create w
	expect_error 2 "'--state-dir' cannot be 'here': not an absolute path" --state-dir here create w
}

# Words that are enough for the command to begin.
enough_for() {
	case $1 in
	rollback | show | restore | delete | mount) printf 'w 1 %s' "$([ "$1" != mount ] || printf /nowhere)" ;;
	umount) printf /nowhere ;;
	fork) printf 'w 1 new' ;;
	name) printf 'w 1 name' ;;
	guard) printf 'w' ;;
	init | run-policies | status | list | recover | doctor) ;;
	*) printf w ;;
	esac
}

@test "status 2: a value that is empty, as a script makes it of a variable that is not set" {
	local command option tried=0 words behind wanted
	for command in $("$WSNAP" --help | sed -n '/^Commands:/,/^Options:/s/^  \([a-z][a-z-]*\).*/\1/p'); do
		read -ra words <<<"$(enough_for "$command")"
		behind=()
		[ "$command" != guard ] || behind=(-- true)
		# Of the database '' is libpq's own default.
		for option in $("$WSNAP" "$command" --help | sed -nE 's/^ +(-., )?--([a-z-]+) [^ ].*/\2/p' | grep -vx database); do
			wanted=2
			[ "$command $option" != 'status max-age' ] || wanted=3 # a check that is hindered
			expect "$wanted" "$command" "${words[@]}" "--$option" '' "${behind[@]}"
			[ -z "$output" ] || complain "an error printed a result"
			tried=$((tried + 1))
		done
	done
	[ "$tried" -gt 200 ] || complain "tried $tried options only"
	expect_error 2 "'--target' cannot be '': it is empty" restore w 1 --target ''
	expect_error 2 "'--output' cannot be '': it is empty" status -o ''
}

@test "status 2: a PATH that is empty is not all there is" {
	expect_error 2 "'' cannot be a path: it is empty" restore w 1 ''
	expect_error 2 "'' cannot be a path: it is empty" restore w 1 /data '' --no-save
	expect_error 2 "'' cannot be a path: it is empty" diff w -- ''
	expect_error 2 "'' cannot be a path: it is empty" log w ''
}

@test "status 2: a VERSION that no version can have" {
	for version in 0 00 2147483648 99999999999999999999; do
		expect_error 2 "'$version' cannot be a version: numbers go from 1 to 2147483647" rollback w "$version"
		expect_error 2 "'$version' cannot be a version: numbers go from 1 to 2147483647" show w "$version"
	done
	expect_error 2 "'' cannot be a name: it is empty" rollback w ''
	expect_error 2 "'a?b' cannot be a name: it has control characters" rollback w $'a\nb'
}

@test "status 2: a TARGET that can be no identifier" {
	long=$(printf 'x%.0s' {1..77})
	for target in ../x a/b '' '-x' 'a b' 'a..b' "$long" $'a\nb' '*' "a'b" 'a;b' '%s%n' 'ä'; do
		for command in create version list show rollback events recover; do
			words=("$command" -- "$target")
			case $command in show | rollback) words+=(1) ;; esac
			expect 2 "${words[@]}"
			[[ $stderr == "wsnap: '"*"' can be neither a container id nor a bot id" ]] ||
				complain "wrong words"
			[ "$(wc -l <"$BATS_TEST_TMPDIR/stderr")" -eq 1 ] || complain "more than one line"
		done
	done
	expect_error 2 "'../../etc/passwd' can be neither a container id nor a bot id" create ../../etc/passwd
}

@test "status 2: a source that is none" {
	for source in '' 'A' 'a b' "a'b" "$(printf 'x%.0s' {1..33})"; do
		expect_error 2 "'$source' cannot be a source: 1 to 32 of a-z, 0-9, '_' and '-' can" \
			create --source "$source" w
	done
}

@test "status 2: a configuration file that cannot be used" {
	file=$BATS_TEST_TMPDIR/conf
	expect_error 2 "'/nowhere/conf' is not there: the configuration cannot be read" -c /nowhere/conf create w
	expect_error 2 "the configuration cannot be used: '$BATS_TEST_TMPDIR' is not a regular file" \
		-c "$BATS_TEST_TMPDIR" create w
	printf '# fine\n\nnosuch = 1\n' >"$file"
	expect_error 2 "'$file', line 3: 'nosuch' is not a key" -c "$file" create w
	printf 'wait = 1\nwait = 2\n' >"$file"
	expect_error 2 "'$file', line 2: 'wait' is set a second time" -c "$file" create w
	printf 'database host=x password=geheim\n[section]\n' >"$file"
	expect 2 -c "$file" create w
	[[ $stderr != *geheim* ]] || complain "the password is shown"
	printf 'wait = soon\n' >"$file"
	expect_error 2 "'$file', line 1: 'wait' cannot be 'soon': not a whole number from 0 to 86400" -c "$file" create w
	printf 'wait\0= 1\n' >"$file"
	expect_error 2 "'$file', line 1: it has a NUL byte" -c "$file" create w
	printf 'namespace = \xff\n' >"$file"
	expect_error 2 "'$file', line 1: not UTF-8" -c "$file" create w
}

@test "status 3: no such container, bot or version" {
	expect_error 3 "'nosuch' is not a container that containerd has in the namespace '$CONTAINERD_NAMESPACE'" \
		create nosuch
	same "hint: 'wsnap list' shows the workspaces; -n chooses another namespace" "${stderr#*$'\n'}"
	expect_error 3 "'w' is not a container that containerd has in the namespace 'elsewhere'" -n elsewhere create w
	bot=$(cat /proc/sys/kernel/random/uuid)
	expect_error 3 "'$bot' is not a bot with a container in the namespace '$CONTAINERD_NAMESPACE'" create "$bot"
	expect_error 3 "'2' is not a version of 'w'" rollback w 2
	same "hint: 'wsnap list w' shows its versions" "${stderr#*$'\n'}"
	expect_error 3 "'2147483647' is not a version of 'w'" rollback w 2147483647
	expect_error 3 "'nosuch' is not a version of 'w'" rollback w nosuch
	expect_error 3 "'-1' is not a version of 'w'" rollback w -- -1
	expect_error 3 "'9' is not a version of 'w'" show w 9
	for command in list events; do
		expect_error 3 "'nosuch' is not a container that containerd has in the namespace '$CONTAINERD_NAMESPACE'" \
			"$command" nosuch
	done
}

@test "status 5: no socket, no listener, and a listener that is no containerd" {
	expect_error 5 "containerd at '/nowhere/x.sock' cannot be reached: no such file or directory" \
		-a /nowhere/x.sock create w
	same "hint: check --address, and whether containerd runs" "${stderr#*$'\n'}"
	touch "$BATS_TEST_TMPDIR/file"
	expect_error 5 "containerd at '$BATS_TEST_TMPDIR/file' cannot be reached: connection refused" \
		-a "$BATS_TEST_TMPDIR/file" create w
	wrong=$PGHOST/.s.PGSQL.$PGPORT
	expect 5 -a "$wrong" create w
	[[ $stderr == "wsnap: containerd at '$wrong' broke off Version.Version, or is no containerd: "*$'\nhint: '* ]] ||
		complain "wrong words"
	expect 2 -a "/$(printf 'x%.0s' {1..120})" create w
}

@test "status 2: a connection string that cannot be read" {
	for database in 'host=/nowhere password=geheim x' 'password=geheim bogus=1' "password='geheim" \
		'postgresql://u:geheim@[::1/x' 'postgresql://u:geheim@@:x:/x' 'postgresql://u:geheim' \
		'postgresql://u:geheim@h:port/x' 'postgress://u:geheim@h/x'; do
		for command in 'create w' 'compact w' 'list' 'init' 'recover' 'doctor'; do
			# shellcheck disable=SC2086 # words
			expect 2 -d "$database" $command
			[[ $output$stderr != *geheim* ]] || complain "it is shown"
			[[ $stderr == "wsnap: the database's connection string "*$'\nhint: '* ]] || complain "wrong words"
		done
		WSNAP_DATABASE=$database expect 2 -a /nowhere/x create w
		WSNAP_DATABASE=$database expect 0 -d '' list w
	done
	echo 'database = password=geheim bogus=1' >"$BATS_TEST_TMPDIR/conf"
	expect 2 -c "$BATS_TEST_TMPDIR/conf" list
	[[ $stderr != *geheim* ]] || complain "it is shown"
	expect 125 -d 'bogus=1' guard w -- true
	expect 3 -d 'bogus=1' status --max-age 1h
}

@test "status 6: no server, no database, no role, no schema" {
	expect 6 -d 'host=/nowhere' create w
	[[ $stderr == 'wsnap: the database cannot be reached: connection to server on socket "/nowhere/.s.PGSQL.5432" failed: No such file or directory'* ]] ||
		complain "wrong words"
	expect 6 -d 'dbname=nosuch' create w
	[[ $stderr == *'FATAL:  database "nosuch" does not exist'$'\nhint: '* ]] || complain "wrong words"
	expect 6 -d 'user=nosuch' create w
	[[ $stderr == *'FATAL:  role "nosuch" does not exist'$'\nhint: '* ]] || complain "wrong words"
	expect_error 6 "the database has no table 'bots'" -d 'dbname=postgres' create w
	same "hint: run 'wsnap init'" "${stderr#*$'\n'}"
	for command in version list events; do
		expect 6 -d 'dbname=postgres' "$command" w
	done
	expect_error 6 "the database has no table 'bots'" -d 'dbname=postgres' rollback w 1
}

@test "status 6: a read-only database, and a user who may not write" {
	PGOPTIONS='-c default_transaction_read_only=on' expect_error 6 "the database is read-only" create w
	db "CREATE ROLE e2e_reader_$$ LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO e2e_reader_$$"
	PGUSER=e2e_reader_$$ expect 6 create w
	matches "wsnap: the database user may not [a-z]+ rows of table '[a-z_]+'.*" "${stderr%%$'\n'*}"
	PGUSER=e2e_reader_$$ expect 0 list w
	db "DROP OWNED BY e2e_reader_$$; DROP ROLE e2e_reader_$$"
}

@test "status 8: containers that Kubernetes or Docker keep" {
	ours=$CONTAINERD_NAMESPACE
	for namespace in k8s.io moby; do
		CONTAINERD_NAMESPACE=$namespace
		ctr images import "$SERVERS/images/busybox.tar" >/dev/null
		ctr containers create "$IMAGE" "kept-$$" sleep infinity
		keeper=Kubernetes
		[ "$namespace" = k8s.io ] || keeper=Docker
		expect_error 8 "'kept-$$' is kept by $keeper (namespace '$namespace'), which would fight an operation on it" \
			create "kept-$$"
		same "hint: --force insists" "${stderr#*$'\n'}"
		ctr containers delete "kept-$$"
		ctr images rm "$IMAGE" >/dev/null
	done
	CONTAINERD_NAMESPACE=$ours
}

@test "status 1: a state directory that cannot be used" {
	mkdir "$BATS_TEST_TMPDIR/open"
	chmod 777 "$BATS_TEST_TMPDIR/open"
	expect_error 1 "the folder '$BATS_TEST_TMPDIR/open' cannot hold the state: others may write it" \
		--state-dir "$BATS_TEST_TMPDIR/open" create w
	chmod 700 "$BATS_TEST_TMPDIR/open"
	chown nobody "$BATS_TEST_TMPDIR/open"
	expect_error 1 "the folder '$BATS_TEST_TMPDIR/open' cannot hold the state: it belongs to another user" \
		--state-dir "$BATS_TEST_TMPDIR/open" create w
	[[ $stderr == *"hint: 'chown root $BATS_TEST_TMPDIR/open', or choose another with --state-dir"* ]] ||
		complain "the hint does not help"
	expect_error 1 "the folder '/proc/nowhere' cannot be opened: No such file or directory" \
		--state-dir /proc/nowhere create w
}

@test "a failure with --json is one document on standard error" {
	statuses=(2 3 5 6)
	codes=(usage not_found containerd_unavailable database_unavailable)
	first=(--json --json "--json -a /nowhere/x" "--json -d host=/nowhere")
	last=("rollback w 0" "rollback w 9" "create w" "create w")
	for which in 0 1 2 3; do
		# shellcheck disable=SC2086 # words
		expect "${statuses[which]}" ${first[which]} ${last[which]}
		same '' "$output"
		same "${codes[which]} ${statuses[which]}" \
			"$(jq -r '.error | [.code, .exit_status] | join(" ")' <<<"$stderr")"
		same true "$(jq '.error | (.message | type == "string") and has("hint")' <<<"$stderr")"
		same 1 "$(wc -l <"$BATS_TEST_TMPDIR/stderr")"
	done
}

@test "errors in words or the file come in the format that was asked for, wherever that stands" {
	printf 'format = json\n' >"$BATS_TEST_TMPDIR/conf"
	printf 'nosuch = 1\nformat = json\n' >"$BATS_TEST_TMPDIR/bad"
	for words in "--wait soon create w --json" "--format=json create w -t x" "create w --nosuch --json" "nosuch --json" \
		"-c $BATS_TEST_TMPDIR/conf create" "-c $BATS_TEST_TMPDIR/conf --wait soon create w" \
		"-c $BATS_TEST_TMPDIR/conf --nosuch create w" "-c $BATS_TEST_TMPDIR/bad create w"; do
		# shellcheck disable=SC2086 # words
		expect 2 $words
		same '' "$output"
		same 'usage 2' "$(jq -r '.error | [.code, .exit_status] | join(" ")' <<<"$stderr")"
	done
	expect_error 2 "'--wait' cannot be 'soon': not a whole number from 0 to 86400" \
		-c "$BATS_TEST_TMPDIR/conf" --wait soon --format table create w
}

@test "a password is not repeated from where none belongs" {
	expect_error 2 "'password=***' is not a command" -d host=/nowhere password=geheim create w
	expect_error 2 "'password=***' can be neither a container id nor a bot id" create password=geheim
	expect_error 2 "'postgresql://u:***@h/x' is not there: the configuration cannot be read" \
		-c postgresql://u:geheim@h/x create w
	printf 'postgresql://u:geheim@h/x?a=b\n' >"$BATS_TEST_TMPDIR/conf"
	expect_error 2 "'$BATS_TEST_TMPDIR/conf', line 1: 'postgresql://u:***@h/x?a' is not a key" \
		-c "$BATS_TEST_TMPDIR/conf" create w
}

@test "a password is never shown" {
	for database in 'host=/nowhere password=geheim' 'postgresql://u:geheim@localhost:1/x'; do
		for verbosity in -q -v --json; do
			status=0
			"$WSNAP" "$verbosity" -d "$database" create w >"$BATS_TEST_TMPDIR/all" 2>&1 || status=$?
			same 6 "$status"
			! grep -q geheim "$BATS_TEST_TMPDIR/all" || complain "$(cat "$BATS_TEST_TMPDIR/all")"
		done
	done
	printf 'database = host=/nowhere password=geheim\n' >"$BATS_TEST_TMPDIR/conf"
	expect 6 -v -c "$BATS_TEST_TMPDIR/conf" create w
	[[ $stderr != *geheim* ]] || complain "shown"
	printf 'database = host=/nowhere password=geheim\nnosuch\n' >"$BATS_TEST_TMPDIR/conf"
	expect 2 -v -c "$BATS_TEST_TMPDIR/conf" create w
	[[ $stderr != *geheim* ]] || complain "shown"
}

@test "a result that cannot be written is a failure, not silence" {
	status=0
	"$WSNAP" list w >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	same 1 "$status"
	grep -q "^wsnap: standard output cannot be written" "$BATS_TEST_TMPDIR/stderr"
}
