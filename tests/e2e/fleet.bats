#!/usr/bin/env bats
# Many containers at once: what is kept of them in memory is bounded, what passes by is not.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# Each spec nearly as large as containerd's messages may be; together more than any list may keep.
@test "containers with very large specs are listed, and what goes over all of them works" {
	local n
	workspace_created plain
	expect 0 -q version plain
	ctr containers info --spec plain |
		jq -c --arg much "$(head -c 100000 /dev/zero | tr '\0' x)" '.annotations = ([range(39) | {("much\(.)"): $much}] | add)' \
			>"$BATS_TEST_TMPDIR/spec"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/spec")" -gt 3800000 ] || complain "the spec is small"
	for ((n = 1; n <= 70; n++)); do
		ctr containers create --config "$BATS_TEST_TMPDIR/spec" "large-$n" >/dev/null
	done
	expect 0 list
	[[ $output == *plain* ]] || complain "it is not told"
	expect 0 doctor
	expect 0 prune --all --keep-last 1
	expect 0 recover
	expect 0 -q version plain
}

@test "runs over all workspaces find what runs over one do" {
	local n gone
	for n in 1 2 3; do
		workspace_created "w$n"
		expect 0 -q version "w$n"
		expect 0 -q version "w$n"
		expect 0 -q version "w$n"
	done
	gone=$(version_snapshot w2 2)
	ctr snapshots label "$gone" containerd.io/gc.root= >/dev/null
	db "DELETE FROM container_versions WHERE container_id = 'w3' AND version = 1"
	expect 1 --json doctor
	same 'version_unprotected w2 version_unrecorded w3' "$(json '[.findings[] | "\(.kind) \(.container_id)"] | sort | join(" ")')"
	ctr containers delete w1
	expect 0 doctor --fix
	expect 0 doctor
	expect 0 --json prune --all --keep-last 1 --dry-run
	cp "$BATS_TEST_TMPDIR/output" "$BATS_TEST_TMPDIR/all"
	# --all is what has a container here; the history of one that is gone goes where it is named.
	same '' "$(jq -r '.workspaces[] | select(.container_id == "w1") | .container_id' "$BATS_TEST_TMPDIR/all")"
	for n in 2 3; do
		expect 0 --json prune "w$n" --keep-last 1 --dry-run
		same "$(jq -cS . <<<"$output")" "$(jq -cS --arg id "w$n" '.workspaces[] | select(.container_id == $id)' "$BATS_TEST_TMPDIR/all")"
	done
	expect 0 prune --all --keep-last 1
	same '3 1 1' "$(db "SELECT string_agg(n::text, ' ') FROM (SELECT count(*) n FROM container_versions
		WHERE container_id LIKE 'w_' GROUP BY container_id ORDER BY container_id) counts")"
	expect 0 prune w1 --keep-last 1
	same 1 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'w1'")"
	expect 0 doctor
}
