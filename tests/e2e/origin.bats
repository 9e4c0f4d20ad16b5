#!/usr/bin/env bats
# Who did something, on which host and what for.
load ../lib/workspace
load ../lib/killed

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# As sudo has set it for somebody.
as_alice() {
	SUDO_USER=alice SUDO_UID=1234 "$@"
}

ALICE='alice \(uid 1234, [^)]+\)'

@test "every event says who, where and what for" {
	workspace w
	as_alice expect 0 create w first --note 'ticket 42: Umlaute ä, "quotes"'
	as_alice expect 0 --note why version w
	as_alice expect 0 rollback w 1 --note back
	as_alice expect 0 name w 2 second --note named
	as_alice expect 0 --note again version w
	as_alice expect 0 delete w 2 --note gone
	as_alice expect 0 prune w --keep-last 1 --note swept
	as_alice expect 0 version w --live --note running
	as_alice expect 0 prune w --keep-last 1 --note thinned
	as_alice expect 0 guard w --note guarded -- true
	as_alice expect 0 fork w @ w2 --note tried
	db "SELECT event_type || '|' || (payload->>'note') FROM lifecycle_events ORDER BY created_at" >"$BATS_TEST_TMPDIR/found"
	diff - "$BATS_TEST_TMPDIR/found" <<-'END'
		snapshot_create|ticket 42: Umlaute ä, "quotes"
		version_create|why
		version_rollback|back
		name|named
		version_create|again
		version_prune|gone
		version_create|running
		version_prune|thinned
		version_create|guarded
		fork|tried
	END
	matches "$ALICE" "$(db "SELECT DISTINCT payload->>'by' FROM lifecycle_events")"
	same "$(uname -n)" "$(db "SELECT DISTINCT payload->>'host' FROM lifecycle_events")"
}

@test "without sudo it is the user who runs it, and without --note there is none" {
	workspace plain
	expect 0 create plain
	matches "$(id -un) \(uid $(id -u), [^)]+\)" "$(db "SELECT payload->>'by' FROM lifecycle_events WHERE container_id = 'plain'")"
	same f "$(db "SELECT payload ? 'note' FROM lifecycle_events WHERE container_id = 'plain'")"
}

@test "show, log and events tell it" {
	workspace told
	as_alice expect 0 create told --note 'before the upgrade'
	expect 0 --json show told 1
	matches "$ALICE" "$(json .by)"
	same "$(uname -n) before the upgrade" "$(json '"\(.host) \(.note)"')"
	expect 0 show told 1
	[[ $output == *$'\nby:          alice (uid 1234, '*$'\nhost:        '"$(uname -n)"$'\nnote:        before the upgrade'* ]] ||
		complain "show does not tell it"
	expect 0 events told
	[[ $output == *'alice (uid 1234, '*' before the upgrade' ]] || complain "events does not tell it"
	expect 0 log told
	[[ $output == *' alice (uid 1234, '*' before the upgrade'* ]] || complain "log does not tell it"
	expect 0 --json log told
	same "$(uname -n) before the upgrade" "$(json '.versions[0] | "\(.host) \(.note)"')"
	matches "$ALICE" "$(json '.versions[0].by')"
	expect 0 --json events told
	same 'before the upgrade' "$(json '.events[0].payload.note')"
}

@test "a version that is not here says on which host it was taken" {
	workspace away
	expect 0 create away
	expect 0 create away
	db "UPDATE lifecycle_events SET payload = payload || '{\"host\": \"elsewhere\"}' WHERE payload->>'version' = '1'"
	db "UPDATE snapshots SET runtime_snapshot_name = 'theirs' WHERE id =
		(SELECT snapshot_id FROM container_versions WHERE container_id = 'away' AND version = 1)"
	expect 0 show away 1
	[[ $output == *"snapshot:    theirs (missing in containerd; it was taken on the host elsewhere)"* ]] ||
		complain "the host is not told"
	expect_error 3 "version 1 of 'away' is not in this containerd: its snapshot 'theirs' is gone" rollback away 1
	[[ $stderr == *"hint: it was taken on the host 'elsewhere'; 'wsnap list away' shows what is present here"* ]] ||
		complain "the hint does not tell the host"
}

@test "what another run finishes is still of who asked for it" {
	workspace other
	workspace cut
	told_by version other
	killed_after commit version cut --note asked
	as_alice expect 0 recover --note finished
	same 'asked' "$(db "SELECT payload->>'note' FROM lifecycle_events WHERE container_id = 'cut'")"
	matches "$(id -un) .*" "$(db "SELECT payload->>'by' FROM lifecycle_events WHERE container_id = 'cut'")"
}

@test "a database that was lost gets it back from the labels" {
	workspace lost
	as_alice expect 0 create lost --note kept
	before=$(db "SELECT payload - 'version_id' FROM lifecycle_events WHERE container_id = 'lost'")
	db "DELETE FROM container_versions WHERE container_id = 'lost'; DELETE FROM snapshots WHERE container_id = 'lost';
		DELETE FROM lifecycle_events WHERE container_id = 'lost'"
	expect 0 doctor --fix lost
	same "$before" "$(db "SELECT payload - 'version_id' FROM lifecycle_events WHERE container_id = 'lost'")"
}

@test "a note that could harm a terminal, or is too long, is a usage error" {
	expect_error 2 "'--note' cannot be 'a?b': it has control characters" create x --note $'a\eb'
	expect_error 2 "'--note' cannot be '?': it is not UTF-8" create x --note $'\xff'
	expect_error 2 "'--note' cannot be '': it is empty" create x --note ''
	expect 2 create x --note "$(printf '%1025s' '' | tr ' ' x)"
}
