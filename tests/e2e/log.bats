#!/usr/bin/env bats
# The history: what came from what, and where a path changed.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# saved ID TEXT [ARGUMENT…]: a change, and a version of it.
saved() {
	workspace_write "$1" /data/f "$2"
	expect 0 -q create "$@"
}

# Numbers with what they came from, newest first.
lineage() {
	expect 0 --json log "$@"
	json '[.versions[] | "\(.version)<\(.parent_version // "-")"] | join(" ")'
}

@test "newest first, with what each came from" {
	workspace a
	for n in 1 2 3; do
		workspace_write a /data/f $n
		expect 0 create a "v$n" --note "note $n"
	done
	expect 0 rollback a 1
	workspace_write a /data/f 4
	expect 0 create a
	same '4<1 3<2 2<1 1<-' "$(lineage a)"
	expect 0 --json log a
	json_has '.versions[0]' id version snapshot_name runtime_snapshot_name display_name source created_at current \
		present parent_version by host note
	same '4 true null' "$(json '.versions[0] | "\(.version) \(.current) \(.note)"')"
	same 'v3 note 3' "$(json '.versions[1] | "\(.display_name) \(.note)"')"
	expect 0 -q log a
	same $'4\n3\n2\n1' "$output"
	expect 0 log a
	matches ' *VERSION +PARENT +NAME +SOURCE +CREATED +AGE +SNAPSHOT +BY +HOST +NOTE' "${output%%$'\n'*}"
	matches "\* +4 +1 +Version 4 +manual +$TIME +[0-9]+s +present .*" "$(sed -n 2p <<<"$output")"
	matches ".* 1 +- +v1 .* note 1" "$(sed -n 5p <<<"$output")"
}

@test "a version that was given up leaves no hole" {
	workspace b
	for n in 1 2 3 4 5 6; do
		workspace_write b /data/f $n
		expect 0 create b
	done
	expect 0 rollback b 3
	workspace_write b /data/f 7
	expect 0 create b
	expect 0 delete b 2 3
	expect 0 delete b 5
	same '7<1 6<4 4<1 1<-' "$(lineage b)"
	expect 0 delete b 1
	same '7<- 6<4 4<-' "$(lineage b)"
}

@test "the oldest that is still there shows what was changed before it as well" {
	workspace roots
	for n in 1 2 3; do
		workspace_write roots /data/$n $n
		expect 0 -q version roots
	done
	expect 0 delete roots 1 2
	expect 0 --json log roots --stat
	same '[3,3]' "$(json '[.versions[0].version, .versions[0].stat.added] | tojson')"
	expect 0 -q log roots /data/1
	same 3 "$output"
	# A fork begins with what its origin was: that is no change of its own.
	expect 0 fork roots 3 roots-fork --start
	workspace_write roots-fork /data/4 4
	expect 0 -q version roots-fork
	expect 0 -q log roots-fork /data/1
	same '' "$output"
	expect 0 delete roots-fork 1
	expect 0 --json log roots-fork --stat
	same '[2,1]' "$(json '[.versions[0].version, .versions[0].stat.added] | tojson')"
}

@test "only the versions in which a path changed" {
	workspace c
	workspace_write c /data/f 1
	expect 0 create c
	workspace_write c /data/other 1
	expect 0 create c
	mkdir "$(workspace_root c)/data/d"
	workspace_write c /data/d/in 1
	expect 0 create c
	workspace_write c /data/f 2
	expect 0 create c
	rm "$(workspace_root c)/data/d/in"
	expect 0 create c
	expect 0 -q log c /data/f
	same $'4\n1' "$output"
	expect 0 -q log c /data/d
	same $'5\n3' "$output"
	expect 0 -q log c data/d/in
	same $'5\n3' "$output"
	expect 0 -q log c /
	same $'5\n4\n3\n2\n1' "$output"
	expect 0 --json log c /nowhere
	same 0 "$(json '.versions | length')"
	same '4<3 1<-' "$(lineage c /data/f)"
	expect_error 2 "'../x' cannot be a path: it has '.' or '..' in it" log c ../x
}

@test "how much each version changed" {
	workspace d
	workspace_write d /data/f 1
	expect 0 create d
	printf 123456789 >"$(workspace_root d)/data/f"
	: >"$(workspace_root d)/data/new"
	expect 0 create d
	expect 0 --json log --stat d
	same '{"added":1,"modified":1,"deleted":0,"bytes_added":7,"bytes_deleted":0}' "$(json '.versions[0].stat | tojson')"
	expect 0 log --stat d
	[[ $output == *'1 added, 1 modified; 7 B more, 0 B less'* ]] || complain "the table does not say it"
}

@test "a version of another host says where it is" {
	workspace e
	expect 0 create e
	expect 0 create e
	db "UPDATE lifecycle_events SET payload = payload || '{\"host\": \"elsewhere\"}' WHERE container_id = 'e' AND payload->>'version' = '1'"
	db "UPDATE snapshots SET runtime_snapshot_name = 'theirs' WHERE id =
		(SELECT snapshot_id FROM container_versions WHERE container_id = 'e' AND version = 1)"
	expect 0 --json log e
	same 'false elsewhere' "$(json '.versions[1] | "\(.present) \(.host)"')"
	expect 0 log e
	[[ $output == *' missing '*' elsewhere '* ]] || complain "the host is not told"
	expect 0 --json log --stat e
	same null "$(json '.versions[1].stat' || true)"
}
