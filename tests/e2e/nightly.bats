# A script as an administrator would write it, run as cron would run it.
load ../lib/workspace

setup_file() {
	workspaces_begin
	workspace nightly-a
	workspace nightly-b
	"$WSNAP" -q version nightly-a >/dev/null
	"$WSNAP" -q version nightly-b >/dev/null
	mkdir -p "$BATS_FILE_TMPDIR/bin"
	ln -s "$WSNAP" "$BATS_FILE_TMPDIR/bin/wsnap"
	printf '#!/bin/sh\n{ echo "$*"; cat; } >"%s"\n' "$BATS_FILE_TMPDIR/mail" >"$BATS_FILE_TMPDIR/bin/mail"
	chmod +x "$BATS_FILE_TMPDIR/bin/mail"
}

teardown_file() {
	workspaces_end
}

# nightly STATUS
nightly() {
	local status=0
	rm -f "$BATS_FILE_TMPDIR/mail"
	PATH=$BATS_FILE_TMPDIR/bin:$PATH "$WORKSPACE_ROOT/tests/scripts/nightly.sh" ops@example.org >/dev/null 2>&1 ||
		status=$?
	same "$1" "$status" status
}

@test "a night in which all goes well sends no mail" {
	local i
	workspace_write nightly-a /etc/changed yes
	nightly 0
	[ ! -e "$BATS_FILE_TMPDIR/mail" ]
	same 2 "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'nightly-a'")"
	same nightly "$(db "SELECT source FROM snapshots WHERE container_id = 'nightly-a' ORDER BY created_at DESC LIMIT 1")"
	same 1 "$(db "SELECT max(version) FROM container_versions WHERE container_id = 'nightly-b'")"
	for i in 1 2 3 4; do
		workspace_write nightly-a /etc/changed "$i"
		nightly 0
	done
	[ "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'nightly-a'")" -le 4 ]
}

@test "a night in which one fails tells of it, and saves the others" {
	workspace_write nightly-b /etc/changed yes
	exec 8>>"$WSNAP_STATE_DIR/$CONTAINERD_NAMESPACE~nightly-a.lock"
	flock 8
	echo 'wait = 1' >>"$WSNAP_CONFIG"
	nightly 4
	exec 8>&-
	same "-s wsnap on $(hostname): status 4 ops@example.org" "$(head -n 1 "$BATS_FILE_TMPDIR/mail")"
	grep -q "^FAILED  nightly-a: 'nightly-a' is busy" "$BATS_FILE_TMPDIR/mail"
	grep -q '^saved   nightly-b version 2, down for ' "$BATS_FILE_TMPDIR/mail"
	grep -q '^WSNAP OK: 2 workspaces' "$BATS_FILE_TMPDIR/mail"
}
