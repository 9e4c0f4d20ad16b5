#!/usr/bin/env bats
# What lists show: which columns, with headings or without.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

@test "ages stand beside times, and nothing is cut where there is no terminal" {
	workspace a
	long=$(printf 'x%.0s' {1..120})
	expect 0 create a "$long"
	db "UPDATE container_versions SET created_at = now() - interval '3 hours' WHERE container_id = 'a'"
	expect 0 list a
	matches ' +VERSION +NAME +SOURCE +CREATED +AGE +SNAPSHOT' "${output%%$'\n'*}"
	matches "\* +1 +$long +manual +$TIME +3h +present" "${output##*$'\n'}"
	expect 0 list
	matches 'CONTAINER +BOT +VERSIONS +NEWEST +CREATED +AGE +STATUS' "${output%%$'\n'*}"
}

@test "columns are chosen, and headings left out" {
	workspace b
	expect 0 create b one
	expect 0 create b two
	expect 0 list b -C version,name --no-header
	same $'1  one\n2  two' "$output"
	expect 0 list b --columns=name,size
	matches 'NAME +SIZE' "${output%%$'\n'*}"
	expect 0 list -C container,versions --no-header
	[[ $'\n'$output$'\n' == *$'\nb          2\n'* || $'\n'$output$'\n' == *$'\nb  2\n'* ]] || complain "another line"
	expect 0 list --snapshots b -C version,kind,snapshot --no-header
	matches '- +active +b-active-[0-9]+' "${output%%$'\n'*}"
	expect_error 2 "'nothing' is not a column of this list" list b -C version,nothing
	[[ $stderr == *'hint: its columns are: current, version, name, source, created, age, size, inodes, mounted, snapshot, runtime_name, id'* ]] ||
		complain "the hint does not name them"
	expect_error 2 "'version' is not a column of this list" list -C version
}
