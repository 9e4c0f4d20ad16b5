#!/usr/bin/env bats
# A flag beats the environment, which beats the file, which beats the default.
load ../lib/workspace

setup_file() {
	workspaces_begin
	workspace w
	"$WSNAP" -q create w >/dev/null
	createdb "${PGDATABASE}_other"
	"$WSNAP" -d "dbname=${PGDATABASE}_other" init >/dev/null
}
teardown_file() {
	dropdb --force "${PGDATABASE}_other"
	workspaces_end
}

# How many versions w has, as the program sees it with these words.
versions_seen() {
	expect 0 "$@" --json list w
	json '.versions | length'
}

@test "the address: flag, environment, file" {
	file=$BATS_TEST_TMPDIR/conf
	echo "address = $CONTAINERD_ADDRESS" >"$file"
	address=$CONTAINERD_ADDRESS
	unset CONTAINERD_ADDRESS
	expect 0 -c "$file" create w
	CONTAINERD_ADDRESS=/environment/x expect_error 5 \
		"containerd at '/environment/x' cannot be reached: no such file or directory" -c "$file" create w
	CONTAINERD_ADDRESS=/environment/x expect_error 5 \
		"containerd at '/flag/x' cannot be reached: no such file or directory" -c "$file" -a /flag/x create w
	CONTAINERD_ADDRESS=/environment/x expect 0 -a "$address" create w
	expect 0 --address "unix://$address" create w
	expect 0 --address="unix://$address" create w
	CONTAINERD_ADDRESS=unix://$address expect 0 list w
	echo "address = unix://$address" >"$file"
	expect 0 -c "$file" list w
}

@test "what is overruled is not judged" {
	namespace=$CONTAINERD_NAMESPACE
	CONTAINERD_NAMESPACE='bad name' expect 2 -q list w
	CONTAINERD_NAMESPACE='bad name' expect 0 -n "$namespace" -q list w
	WSNAP_STATE_DIR=here expect 0 --state-dir "$WSNAP_STATE_DIR" -q list w
	CONTAINERD_ADDRESS=tcp://x:1 expect 0 -a "$CONTAINERD_ADDRESS" -q list w
	printf 'namespace = bad name\nwait = soon\nformat = xml\n' >"$BATS_TEST_TMPDIR/conf"
	expect 0 -c "$BATS_TEST_TMPDIR/conf" -w 1 --json list w
	expect 2 -c "$BATS_TEST_TMPDIR/conf" --json list w
	same usage "$(jq -r .error.code <<<"$stderr")"
}

@test "an empty variable is none" {
	echo "namespace = $CONTAINERD_NAMESPACE" >"$BATS_TEST_TMPDIR/conf"
	CONTAINERD_NAMESPACE='' WSNAP_DATABASE='' CNI_PATH='' expect 0 -c "$BATS_TEST_TMPDIR/conf" -q list w
	matches $'1(\n[0-9]+)*' "$output"
}

@test "times are in UTC wherever the user is" {
	TZ=Asia/Tokyo PGTZ=Asia/Tokyo expect 0 --json create w
	made=$(json .created_at)
	matches "$TIME" "$made"
	same true "$(jq -n --arg t "${made%%.*}Z" '(now - ($t | fromdate)) | fabs < 600')"
	TZ=Asia/Tokyo PGTZ=Asia/Tokyo expect 0 --json list w
	same "$made" "$(json '.versions[-1].created_at')"
}

@test "the namespace: flag, environment, file, default" {
	file=$BATS_TEST_TMPDIR/conf
	echo "namespace = from-file" >"$file"
	missing="'nosuch' is not a container that containerd has in the namespace"
	CONTAINERD_NAMESPACE=from-environment expect_error 3 "$missing 'from-flag'" -c "$file" -n from-flag create nosuch
	CONTAINERD_NAMESPACE=from-environment expect_error 3 "$missing 'from-environment'" -c "$file" create nosuch
	unset CONTAINERD_NAMESPACE
	expect_error 3 "$missing 'from-file'" -c "$file" create nosuch
	expect_error 3 "$missing 'default'" create nosuch
}

@test "the database: flag, WSNAP_DATABASE, file, libpq's own variables" {
	file=$BATS_TEST_TMPDIR/conf
	echo "database = dbname=${PGDATABASE}_other" >"$file"
	here=$(db "SELECT count(*) FROM container_versions")
	same "$here" "$(versions_seen)"
	same 0 "$(versions_seen -c "$file")"
	same "$here" "$(WSNAP_DATABASE="dbname=$PGDATABASE" versions_seen -c "$file")"
	same 0 "$(WSNAP_DATABASE="dbname=$PGDATABASE" versions_seen -d "dbname=${PGDATABASE}_other")"
	same "$here" "$(versions_seen -d "postgresql:///$PGDATABASE?host=$PGHOST")"
}

@test "WSNAP_CONFIG names the file, --config another" {
	echo "namespace = one" >"$BATS_TEST_TMPDIR/one"
	echo "namespace = two" >"$BATS_TEST_TMPDIR/two"
	unset CONTAINERD_NAMESPACE
	WSNAP_CONFIG=$BATS_TEST_TMPDIR/one expect_error 3 \
		"'nosuch' is not a container that containerd has in the namespace 'one'" create nosuch
	WSNAP_CONFIG=$BATS_TEST_TMPDIR/one expect_error 3 \
		"'nosuch' is not a container that containerd has in the namespace 'two'" -c "$BATS_TEST_TMPDIR/two" create nosuch
}

@test "the format: file, --format, --json" {
	echo "format = json" >"$BATS_TEST_TMPDIR/conf"
	expect 0 -c "$BATS_TEST_TMPDIR/conf" list w
	json .container_id
	expect 0 -c "$BATS_TEST_TMPDIR/conf" --format table list w
	[[ $output == *VERSION* ]]
	expect 0 --format=json list w
	json .container_id
	expect 0 list w --json
	json .container_id
}

@test "a flag that asks for another form beats the format of the file" {
	echo "format = json" >"$BATS_TEST_TMPDIR/conf"
	expect 0 -c "$BATS_TEST_TMPDIR/conf" -q version w
	matches '[0-9]+' "$output"
	number=$output
	expect 0 -c "$BATS_TEST_TMPDIR/conf" -q list w
	same "$number" "$(tail -n 1 <<<"$output")"
	expect 0 -c "$BATS_TEST_TMPDIR/conf" -q version w w
	same "w $((number + 1))" "$output"
	expect 0 -q --json version w
	same "$((number + 2))" "$(json .version)"
	workspace_write w /form text
	expect 0 -c "$BATS_TEST_TMPDIR/conf" diff -z w
	same 'A /form' "$(tr '\0' '\n' <"$BATS_TEST_TMPDIR/output" | grep form)"
	expect 0 -c "$BATS_TEST_TMPDIR/conf" diff -p w
	grep -qx '+text' "$BATS_TEST_TMPDIR/output"
	expect 0 -c "$BATS_TEST_TMPDIR/conf" status --prometheus
	[[ $output == '# HELP '* ]] || complain "not the text format"
	expect 2 --json status --prometheus
	expect 2 --json diff -z w
	# Errors are in the format of the file all the same.
	expect 3 -c "$BATS_TEST_TMPDIR/conf" -q version nosuch
	same not_found "$(jq -r .error.code <<<"$stderr")"
}

@test "/dev/null is a configuration without a line" {
	echo "namespace = nowhere" >"$BATS_TEST_TMPDIR/conf"
	WSNAP_CONFIG=$BATS_TEST_TMPDIR/conf expect 0 -c /dev/null -q list w
	WSNAP_CONFIG=/dev/null expect 0 -q list w
}

@test "the state directory: made when missing, for root alone" {
	expect 0 --state-dir "$BATS_TEST_TMPDIR/state" create w
	same 'directory 700' "$(stat -c '%F %a' "$BATS_TEST_TMPDIR/state")"
	WSNAP_STATE_DIR=$BATS_TEST_TMPDIR/state2 expect 0 create w
	[ -d "$BATS_TEST_TMPDIR/state2" ]
	echo "state_dir = $BATS_TEST_TMPDIR/state3" >"$BATS_TEST_TMPDIR/conf"
	unset WSNAP_STATE_DIR
	expect 0 -c "$BATS_TEST_TMPDIR/conf" create w
	[ -d "$BATS_TEST_TMPDIR/state3" ]
}

@test "comments, blank lines, white space and a missing last newline are fine" {
	printf '# a comment\n\n   wait   =   5   \n\t# another\nstop_timeout=1\nformat = table' >"$BATS_TEST_TMPDIR/conf"
	expect 0 -c "$BATS_TEST_TMPDIR/conf" create w
}

@test "every key of the interface can stand in the file" {
	cat >"$BATS_TEST_TMPDIR/conf" <<-END
		address = $CONTAINERD_ADDRESS
		namespace = $CONTAINERD_NAMESPACE
		database = dbname=$PGDATABASE
		state_dir = $WSNAP_STATE_DIR
		wait = 60
		stop_timeout = 10
		network = none
		cni_path = /opt/cni/bin:/usr/lib/cni
		cni_conf_dir = $NETCONFPATH
		format = table
	END
	expect 0 -c "$BATS_TEST_TMPDIR/conf" create w
}

@test "a file that others than root may write is refused" {
	file=$BATS_TEST_TMPDIR/conf
	echo "wait = 60" >"$file"
	chmod 660 "$file"
	expect 0 -c "$file" create w
	for owner in 0:1000 1000:0 1000:1000; do
		chown "$owner" "$file"
		expect_error 2 "the configuration cannot be used: '$file' may be written by others than root" -c "$file" create w
	done
	chown 0:1000 "$file"
	chmod 640 "$file"
	expect 0 -c "$file" create w
}

@test "a schema of its own: made by init, and the only one that is looked at" {
	createdb "${PGDATABASE}_schema"
	export PGDATABASE=${PGDATABASE}_schema
	echo "schema = snap shots" >"$BATS_TEST_TMPDIR/conf"
	expect 6 -c "$BATS_TEST_TMPDIR/conf" create w
	PGOPTIONS="$PGOPTIONS -c work_mem=5MB" expect 0 -c "$BATS_TEST_TMPDIR/conf" init
	[[ $output == "the schema is at step 1 (was 0)"$'\n'"the tables in the schema 'snap shots' of the database '$PGDATABASE' are wsnap's own"* ]] ||
		complain "it does not say whose tables they are"
	expect 0 -c "$BATS_TEST_TMPDIR/conf" --json init
	same "snap shots true" "$(json '"\(.schema) \(.ours)"')"
	same 0 "$(db "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")"
	expect 0 -c "$BATS_TEST_TMPDIR/conf" create w
	same 1 "$(db 'SELECT count(*) FROM "snap shots".container_versions')"
	# Another server's tables may come afterwards.
	db "CREATE TABLE bots (id text); CREATE TABLE containers (name text)" >/dev/null
	expect 0 -c "$BATS_TEST_TMPDIR/conf" create w
	for bad in '' 'a"b' "$(printf 'x%.0s' {1..64})"; do
		echo "schema = $bad" >"$BATS_TEST_TMPDIR/conf"
		expect 2 -c "$BATS_TEST_TMPDIR/conf" list
	done
	dropdb --force "$PGDATABASE"
}

@test "options may stand before and behind the command and its arguments" {
	expect 0 create -q w behind
	matches '[0-9]+' "$output"
	expect 0 create w behind -q
	matches '[0-9]+' "$output"
	expect 0 -qw5 create w
	matches '[0-9]+' "$output"
	expect 0 create -q -- w --name
	matches '[0-9]+' "$output"
}
