#!/usr/bin/env bats
# What a version may be called, and how it is found by that.
load ../lib/workspace

setup_file() {
	workspaces_begin
	workspace w
}
teardown_file() { workspaces_end; }

# saved_as GIVEN STORED
saved_as() {
	expect 0 --json create w "$1"
	same "$2" "$(json .display_name)"
	same "$2" "$(db "SELECT display_name FROM snapshots ORDER BY created_at DESC LIMIT 1")"
	same "$(json .runtime_snapshot_name)" "$(db "SELECT runtime_snapshot_name FROM snapshots ORDER BY created_at DESC LIMIT 1")"
	number=$(json .version)
	expect 0 --json show w "$1"
	same "$number" "$(json .version)"
}

@test "white space around a name is dropped" {
	saved_as '  spaced out  ' 'spaced out'
	saved_as $'\ttabbed\t' tabbed
}

@test "128 bytes are a name, 129 are none" {
	long=$(printf 'x%.0s' {1..128})
	saved_as "$long" "$long"
	expect_error 2 "'$long…' cannot be a name: it has 129 bytes, more than 128" create w "${long}x"
	umlauts=$(printf 'ä%.0s' {1..64})
	saved_as "$umlauts" "$umlauts"
	expect 2 create w "${umlauts}ä"
	saved_as "  $long  " "$long"
}

@test "whatever is text can be a name" {
	for name in 'a b' 'é 日本語 🐳' "it's" '"quoted"' 'back\slash' '%s%n' '$(id)' "'; DROP TABLE bots; --" '{"a":1}' \
		'👩‍💻' $'\u200fשלום' '-x' '1a' '0x10' '1.5' 'Version 1' '--' '*' 'NULL' '../../etc'; do
		expect 0 --json create w -- "$name"
		same "$name" "$(json .display_name)"
		number=$(json .version)
		expect 0 --json show w -- "$name"
		same "$number" "$(json .version)"
	done
}

@test "what is no name is refused before anything happens" {
	count=$(db "SELECT count(*) FROM container_versions")
	pid=$(workspace_pid w)
	for name in '' ' ' $'\t'; do
		expect_error 2 "'' cannot be a name: it is empty" create w "$name"
	done
	for name in 1 12 00 ' 12 ' 99999999999999999999; do
		trimmed=${name// /}
		expect_error 2 "'$trimmed' cannot be a name: digits alone are a version's number" create w "$name"
	done
	expect_error 2 "'a?b' cannot be a name: it has control characters" create w $'a\nb'
	expect_error 2 "'a?b' cannot be a name: it has control characters" create w $'a\x01b'
	expect_error 2 "'a?b' cannot be a name: it has control characters" create w $'a\x7fb'
	expect_error 2 "'?' cannot be a name: it is not UTF-8" create w $'\xff'
	expect 2 create w $'\xc0\xaf'
	expect 2 create w $'\xed\xa0\x80'
	expect_error 2 $'\'\u200b\u2060\' cannot be a name: nothing of it can be seen' create w $'\u200b\u2060'
	expect_error 2 $'\'\u3000\' cannot be a name: nothing of it can be seen' create w $'\u3000'
	expect_error 2 "a name cannot begin with a bidirectional override" create w $'\u202emoc.elpmaxe'
	expect_error 2 "a name cannot begin with a bidirectional override" create w $'\u200e\u202dname'
	same "$count" "$(db "SELECT count(*) FROM container_versions")"
	same "$pid" "$(workspace_pid w)"
}

@test "of several versions with one name the newest is meant" {
	workspace_write w /data/f old
	expect 0 create w twice
	workspace_write w /data/f new
	expect 0 -q create w twice
	newest=$output
	workspace_write w /data/f other
	expect 0 --json rollback w twice
	same "$newest" "$(json .rolled_back_to)"
	same new "$(workspace_read w /data/f)"
}

@test "Version N shows a version without a name, and is no name of it" {
	workspace v
	expect 0 create v
	expect 0 --json list v
	same 'Version 1' "$(json '.versions[0].snapshot_name')"
	same null "$(jq -r '.versions[0].display_name' <<<"$output")"
	expect_error 3 "'Version 1' is not a version of 'v'" show v 'Version 1'
}

@test "a name with terminal sequences from another program's row harms no terminal" {
	workspace x
	expect 0 create x plain
	db "UPDATE snapshots SET display_name = E'a\\x1b[31mb\\nc' WHERE container_id = 'x'"
	expect 0 list x
	! grep -q $'\x1b' "$BATS_TEST_TMPDIR/output" || complain "an escape came through"
	same 2 "$(wc -l <"$BATS_TEST_TMPDIR/output")"
	expect 0 --json list x
	same 'a?[31mb?c' "$(json '.versions[0].display_name')"
}
