#!/usr/bin/env bats
# What differs between versions, and between a version and the present.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# Nothing that a comparison has made stays.
nothing_stays() {
	same "" "$(lease_names | grep look || true)" leases
	same "" "$(snapshot_names | grep -- -look- || true)" views
}

# inside ID SCRIPT: done to the files of a running workspace, from outside.
inside() {
	(cd "$(workspace_root "$1")" && eval "$2")
}

@test "the present beside the version it stands on, then two versions" {
	workspace a
	inside a 'mkdir data/d data/gone; echo 1 >data/d/kept; echo 1 >data/changed; echo x >data/gone/x; ln -s one data/link'
	expect 0 create a
	expect 0 diff a
	same "" "$output"
	inside a 'echo 22 >data/changed; rm -r data/gone; mkdir data/new; echo 333 >data/new/n; ln -sfn two data/link; chmod 700 data/d'
	expect 0 diff a
	same 'M /data/changed
M /data/d
D /data/gone
D /data/gone/x
M /data/link
A /data/new
A /data/new/n' "$output"
	expect 0 --json diff a
	same 'a 1 null' "$(json '"\(.container_id) \(.from) \(.to)"')"
	jq -c '.changes[]' <<<"$output" >"$BATS_TEST_TMPDIR/found"
	diff - "$BATS_TEST_TMPDIR/found" <<-'END'
		{"path":"/data/changed","change":"modified","kind":"file","size":3,"size_before":2}
		{"path":"/data/d","change":"modified","kind":"directory","size":0,"size_before":0}
		{"path":"/data/gone","change":"deleted","kind":"directory","size":null,"size_before":0}
		{"path":"/data/gone/x","change":"deleted","kind":"file","size":null,"size_before":2}
		{"path":"/data/link","change":"modified","kind":"symlink","size":3,"size_before":3}
		{"path":"/data/new","change":"added","kind":"directory","size":0,"size_before":null}
		{"path":"/data/new/n","change":"added","kind":"file","size":4,"size_before":null}
	END
	expect 0 create a
	expect 0 diff a
	same "" "$output"
	expect 0 --json diff a 1 2
	same '1 2 7' "$(json '"\(.from) \(.to) \(.changes | length)"')"
	expect 0 -q diff a @ @-1
	same '/data/changed
/data/d
/data/gone
/data/gone/x
/data/link
/data/new
/data/new/n' "$output"
	nothing_stays
}

@test "what is written again the same is no change, and an entry of another kind is one" {
	workspace b
	inside b 'echo same >data/f; touch -d @1000 data/f; mkdir data/d; touch data/d/in; echo x >data/k; touch data/m'
	expect 0 create b
	inside b 'rm data/f; echo same >data/f; touch -d @1000 data/f; rm data/k; mkdir data/k; touch data/k/new
		rm -r data/d; touch data/d; rm data/m; mkfifo data/m; touch -d @1 data'
	expect 0 diff b
	same 'M /data/d
D /data/d/in
M /data/k
A /data/k/new
M /data/m' "$output"
	expect 0 --json diff b
	same 'file directory fifo' "$(json '[.changes[] | select(.change == "modified").kind] | join(" ")')"
}

@test "names that are bytes: escaped in lines, exact with -z, valid in JSON" {
	workspace c
	expect 0 create c
	inside c 'touch data/$'"'"'new\nline'"'"' data/$'"'"'es\033[31mc'"'"' data/$'"'"'not\xff\xfeutf'"'"' "data/back\\slash" "data/wide 漢字 é" data/$'"'"'c1\xc2\x9b'"'"
	expect 0 diff c
	same 'A /data/back\134slash
A /data/c1\302\233
A /data/es\033[31mc
A /data/new\012line
A /data/not\377\376utf
A /data/wide 漢字 é' "$output"
	expect 0 diff -z c
	printf 'A /data/back\\slash\0A /data/c1\xc2\x9b\0A /data/es\033[31mc\0A /data/new\nline\0A /data/not\xff\xfeutf\0A /data/wide 漢字 é\0' |
		cmp - "$BATS_TEST_TMPDIR/output"
	expect 0 --json diff c
	same "$(printf '/data/not\xff\xfeutf' | base64)" "$(json '.changes[] | select(.path == null).path_base64')"
	same $'/data/new\nline' "$(json '.changes[] | select(.path and (.path | startswith("/data/new"))).path')"
	LC_ALL=C grep -q $'\xc2\x9b\|\033' "$BATS_TEST_TMPDIR/output" && complain "JSON can steer a terminal"
	true
}

@test "paths that are asked for, and the status that says whether anything differs" {
	workspace d
	inside d 'mkdir -p data/a/b; echo 1 >data/a/b/c; echo 1 >data/ab'
	expect 0 create d
	expect 0 diff --exit-code d
	inside d 'echo 2 >data/a/b/c; echo 2 >data/ab'
	expect 1 diff --exit-code d
	same 'M /data/a/b/c
M /data/ab' "$output"
	expect 0 diff d -- /data/a
	same 'M /data/a/b/c' "$output"
	expect 0 diff d 1 -- data//ab/ /nowhere
	same 'M /data/ab' "$output"
	expect 0 diff --exit-code d -- /data/b
	expect_error 2 "'../etc' cannot be a path: it has '.' or '..' in it" diff d -- ../etc
	expect_error 2 "'3' is one argument too many for 'diff'" diff d 1 2 3
	expect_error 2 "'--patch' cannot be given with --json" --json diff -p d || true
}

@test "numbers and text differences" {
	workspace e
	inside e 'printf "one\ntwo\n" >data/text; echo gone >data/old; head -c 1000 /dev/zero >data/big'
	expect 0 create e
	inside e 'printf "one\n2\n" >data/text; rm data/old; echo new >data/fresh; : >data/big'
	expect 0 diff --stat e
	same 'M /data/big   | 1000 B -> 0 B
A /data/fresh | +4 B
D /data/old   | -5 B
M /data/text  | 8 B -> 6 B
1 added, 2 modified, 1 deleted; 4 B more, 1007 B less' "$output"
	expect 0 --json diff --stat e
	same '{"added":1,"modified":2,"deleted":1,"bytes_added":4,"bytes_deleted":1007}' "$(json '.stat | tojson')"
	expect 0 diff -p e -- /data/text /data/fresh /data/old
	same 'A /data/fresh
--- /dev/null
+++ b/data/fresh
@@ -0,0 +1 @@
+new
D /data/old
--- a/data/old
+++ /dev/null
@@ -1 +0,0 @@
-gone
M /data/text
--- a/data/text
+++ b/data/text
@@ -1,2 +1,2 @@
 one
-two
+2' "$output"
	printf '#!/bin/sh\nPATH=/nowhere exec %s "$@"\n' "$WSNAP" >"$BATS_TEST_TMPDIR/without"
	chmod +x "$BATS_TEST_TMPDIR/without"
	WSNAP=$BATS_TEST_TMPDIR/without expect 1 diff -p e
	[[ $stderr == "wsnap: diff(1), which tells text differences, cannot be run: No such file or directory" ]] ||
		complain "another message"
}

@test "across merges, rollbacks and versions that were given up" {
	workspace f
	for n in 1 2 3 4 5; do
		inside f "echo $n >data/n; echo $n >data/only$n; rm -f data/only$((n - 1))"
		expect 0 create f
	done
	expect 0 compact f
	expect 0 diff f
	same "" "$output"
	expect 0 diff f 1 5
	same 'M /data/n
D /data/only1
A /data/only5' "$output"
	inside f 'echo after >data/after'
	expect 0 diff f 3
	same 'A /data/after
M /data/n
D /data/only3
A /data/only5' "$output"
	expect 0 delete f 2 4
	expect 0 rollback f 3
	inside f 'echo branch >data/branch'
	expect 0 create f
	expect 0 diff f 1 @
	same 'A /data/branch
M /data/n
D /data/only1
A /data/only3' "$output"
	expect 0 diff f @ 5
	same 'D /data/branch
M /data/n
D /data/only3
A /data/only5' "$output"
	nothing_stays
}

@test "a layer that holds very much is not read where both have it, across a merge too" {
	workspace g
	inside g 'mkdir data/many && cd data/many && seq 1 20000 | xargs touch'
	expect 0 create g
	expect 0 create g
	inside g 'echo 1 >data/one'
	expect 0 create g
	expect 0 compact g
	inside g 'echo 2 >data/two'
	calls=$(strace -f -qq -c -e trace=newfstatat "$WSNAP" diff g 1 2>&1 >"$BATS_TEST_TMPDIR/lines" | awk '$NF == "total" { print $(NF - 1) }')
	same $'A /data/one\nA /data/two' "$(cat "$BATS_TEST_TMPDIR/lines")"
	[ "${calls:-0}" -lt 2000 ] || complain "it looked at $calls entries"
}

@test "what cannot be compared says so" {
	workspace hh
	expect_error 3 "'hh' stands on no version" diff hh
	expect 0 create hh
	expect_error 3 "'7' is not a version of 'hh'" diff hh 7
	expect_error 3 "'7' is not a version of 'hh'" diff hh 1 7
	db "UPDATE snapshots SET runtime_snapshot_name = 'theirs' WHERE container_id = 'hh'"
	expect_error 3 "version 1 of 'hh' is not in this containerd: its snapshot 'theirs' is gone" diff hh 1
	nothing_stays
	workspace i
	expect 0 create i
	expect 0 create i
	ctr tasks delete --force i >/dev/null
	ctr containers delete --keep-snapshot i
	expect 0 diff i 1 2
	expect_error 3 "'i' has no container here: it has no present" diff i 1
}

@test "a snapshotter whose layers are whole trees" {
	ctr images unpack --snapshotter native "$IMAGE" >/dev/null 2>&1 || true
	WORKSPACE_OPTIONS=(--snapshotter native)
	workspace n
	inside n 'echo 1 >data/f; mkdir data/d; touch data/d/x'
	expect 0 create n
	expect 0 diff n
	same "" "$output"
	inside n 'echo 22 >data/f; rm -r data/d; mknod data/null c 0 0'
	expect 0 diff n
	same 'D /data/d
D /data/d/x
M /data/f
A /data/null' "$output"
	expect 0 create n
	expect 0 diff n 1 2
	same 'D /data/d
D /data/d/x
M /data/f
A /data/null' "$output"
	nothing_stays
}

@test "across versions that were taken while the workspace ran" {
	workspace l
	inside l 'echo 1 >data/f; mkdir data/d; touch data/d/x'
	expect 0 create --live l
	expect 0 diff l
	same "" "$output"
	inside l 'echo 22 >data/f; rm -r data/d'
	expect 0 create --live l
	expect 0 diff l
	same "" "$output"
	expect 0 diff l 1 2
	same 'D /data/d
D /data/d/x
M /data/f' "$output"
	inside l 'touch data/new'
	expect 0 create --stop l
	expect 0 diff l 2 3
	same 'A /data/new' "$output"
	expect 0 --json log l
	same '3<2 2<1 1<-' "$(json '[.versions[] | "\(.version)<\(.parent_version // "-")"] | join(" ")')"
	nothing_stays
}

@test "what makes the container: between versions, and as it is now" {
	WORKSPACE_OPTIONS=(--env MODE=a --label team=red)
	workspace spec
	expect 0 version spec
	expect 0 diff --spec spec
	same "" "$output"
	expect 0 diff --spec --exit-code spec
	ctr containers label spec team=blue 'ex/am~ple=1' >/dev/null
	expect 0 version spec
	expect 0 diff --spec spec 1 2
	same 'M /labels/team "red" -> "blue"
A /labels/ex~1am~0ple "1"' "$output"
	expect 1 --json diff --spec --exit-code spec 1 2
	same '{"container_id":"spec","from":1,"to":2,"changes":[{"path":"/labels/team","change":"modified","before":"red","after":"blue"},{"path":"/labels/ex~1am~0ple","change":"added","before":null,"after":"1"}]}' \
		"$(jq -c . <<<"$output")"
	expect 0 -q diff --spec spec @-1 @
	same '/labels/team
/labels/ex~1am~0ple' "$output"
	ctr containers label spec 'ex/am~ple=' >/dev/null
	expect 0 diff --spec spec
	same 'D /labels/ex~1am~0ple "1"' "$output"
	expect 0 --json diff --spec spec 1
	same 'null 1' "$(json '"\(.to) \(.changes | length)"')"

	# The same id with another environment, on what version 1 holds.
	ctr tasks delete --force spec >/dev/null
	ctr containers delete spec
	expect_error 3 "'spec' has no container here: it has no present" diff --spec spec 1
	expect 0 diff --spec spec 2 1
	WORKSPACE_OPTIONS=(--env MODE=b --label team=red)
	workspace spec
	expect 0 diff --spec spec 1
	same 'M /spec/process/env/'"$(container_field spec '.Spec.process.env | index("MODE=b")')"' "MODE=a" -> "MODE=b"' "$output"

	name=$(version_snapshot spec 1)
	ctr snapshots label "$name" containerd.io/gc.ref.content.wsnap= >/dev/null
	expect_error 3 "nothing is kept of what made the container of version 1 of 'spec'" diff --spec spec 1
	for option in --stat --patch --null; do
		expect_error 2 "'--spec' cannot be given with $option" diff --spec "$option" spec
	done
	expect_error 2 "'--spec' cannot be given with a PATH, '/etc'" diff --spec spec -- /etc
	nothing_stays
}

@test "whoever stops reading ends it silently, and nothing is left held" {
	workspace reader
	expect 0 -q version reader
	root=$(workspace_root reader)
	mkdir "$root/data/many"
	(cd "$root/data/many" && for ((n = 0; n < 2000; n++)); do echo "$n" >"a rather long name so that the pipe is full $n"; done)
	for options in '' --json --stat -z -p; do
		statuses=$("$WSNAP" diff $options reader 2>"$BATS_TEST_TMPDIR/stderr" 3>&- 4>&- | head -c 1 >/dev/null
			printf '%s' "${PIPESTATUS[0]}")
		same 141 "$statuses" "status of diff $options"
		same '' "$(cat "$BATS_TEST_TMPDIR/stderr")" "standard error of diff $options"
		same '' "$(lease_names)" "leases of diff $options"
	done
	same '' "$(snapshot_names | grep look || true)"
}
