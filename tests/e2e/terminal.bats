#!/usr/bin/env bats
# What people see: on a terminal of 40 columns, on one of 80, and where it is none. The files in terminal/ were read and
# found good; WRITE_ANEW=1 writes them anew, to be read again.
load ../lib/workspace

# looks_like NAME WIDTH ARGUMENT…: WIDTH "none": standard output is a file.
looks_like() {
	local file=$BATS_TEST_DIRNAME/terminal/$1.$2.txt found=$BATS_TEST_TMPDIR/$1.$2 width=$2
	shift 2
	if [ "$width" = none ]; then
		"$WSNAP" "$@" >"$found.raw" 2>&1 3>&- 4>&- || true
	else
		script -qfc "stty cols $width; exec $(printf '%q ' "$WSNAP" "$@")" /dev/null </dev/null 3>&- 4>&- |
			tr -d '\r' >"$found.raw"
	fi
	# What differs from run to run, in as many columns.
	perl -CSD -pe '
		s/(web-(?:active-|v|snapshot-))(\d+)/$1 . "1" x length($2)/ge;
		s/(sha256:)([0-9a-f]+)/$1 . "1" x length($2)/ge;
		s/20\d\d-\d\d-\d\dT[\d:]{8}Z/2026-11-28T10:00:00Z/g;
		s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/11111111-2222-3333-4444-555555555555/g;
		s/wsnap-terminal-\d+-\d+/wsnap-terminal/g;
		s/downtime \d+ ms/downtime 99 ms/g;
		s#(/tmp/wsnap-view-)(\d+)#$1 . "1" x length($2)#ge;
		s/\b(\d{1,3})s( +)/"0s" . " " x (length($1 . $2) - 1)/ge' "$found.raw" >"$found"
	[ -z "${WRITE_ANEW:-}" ] || cp "$found" "$file"
	diff "$file" "$found" || complain "it looks otherwise on $width columns"
	# What many runs have to tell is never cut.
	[ "$width" = none ] || [[ $file == */several.* ]] || fits "$width" "$found"
}

# No line is wider than the terminal, colours aside. (wc -L counts the columns that a terminal shows.)
fits() {
	local widest
	widest=$(sed -E 's/\x1b\[[0-9;]*m//g' "$2" | LC_ALL=C.UTF-8 wc -L)
	[ "$widest" -le "$1" ] || complain "a line has $widest columns"
}

setup_file() {
	workspaces_begin
	export SUDO_USER=alice SUDO_UID=1000 TERM=xterm-256color
	unset NO_COLOR
	workspace web
	for name in 'before the upgrade' '漢字の名前はとても長いので切られるはず' '' 'e'$'\u0301''tat combining' \
		'a rather long name that does not fit on any of the small terminals'; do
		workspace_write web /data/f "$name"
		mkdir -p "$(workspace_root web)/data/a folder with a long name"
		echo "$name" >"$(workspace_root web)/data/a folder with a long name/file $RANDOM"
		"$WSNAP" -q create web ${name:+"$name"} --note 'why it was done' >/dev/null 3>&- 4>&-
	done
	"$WSNAP" -q rollback web 2 >/dev/null 3>&- 4>&-
	workspace_write web /data/f branch
	"$WSNAP" -q version web >/dev/null 3>&- 4>&-
	"$WSNAP" -q rollback web 1 >/dev/null 3>&- 4>&-
	workspace_write web /data/f other
	"$WSNAP" -q version web >/dev/null 3>&- 4>&-
	"$WSNAP" -q delete web 3 >/dev/null 3>&- 4>&-
	db "UPDATE container_versions SET created_at = now() - (10 - version) * interval '1 day'"
	db "UPDATE lifecycle_events SET payload = payload || '{\"host\": \"host\"}'"
	db "UPDATE snapshots SET display_name = E'red \\x1b[31m and\\nnewline' WHERE display_name = 'before the upgrade'"
}
teardown_file() { workspaces_end; }

@test "list" {
	for width in 40 80 none; do
		looks_like list $width list web
	done
	looks_like list-columns 40 list web -C version,name,runtime_name --no-header
	looks_like list-columns none list web -C version,name,age --no-header
}

@test "the workspaces" {
	for width in 40 80 none; do
		looks_like workspaces $width list
	done
}

@test "log" {
	for width in 40 80 none; do
		looks_like log $width log web
	done
	NO_COLOR=1 looks_like log-no-color 80 log web
	! grep -q $'\x1b' "$BATS_TEST_TMPDIR/log-no-color.80.raw" || complain "there are colours"
}

@test "the snapshots as a tree" {
	for width in 40 80 none; do
		looks_like snapshots $width list --snapshots web
	done
}

# An id as long as an id may be.
LONG=a-container-whose-id-is-as-long-as-containerd-lets-the-id-of-a-container-be1

@test "what is mounted where" {
	local view
	view=/tmp/wsnap-view-$(printf '%07d' $$)
	mkdir -p "$view/漢字 and"$'\n'"newline" "$view/second"
	"$WSNAP" mount web 2 "$view/漢字 and"$'\n'"newline" >/dev/null 3>&- 4>&-
	"$WSNAP" mount web 5 "$view/second" >/dev/null 3>&- 4>&-
	for width in 40 80 none; do
		looks_like mounted $width list web
	done
	looks_like mounted-columns 80 list web -C version,mounted
	"$WSNAP" umount "$view/漢字 and"$'\n'"newline" >/dev/null 3>&- 4>&-
	"$WSNAP" umount "$view/second" >/dev/null 3>&- 4>&-
	rm -r "$view"
}

@test "the health of all" {
	workspace "$LONG"
	"$WSNAP" -q version "$LONG" >/dev/null 3>&- 4>&-
	db "UPDATE container_versions SET created_at = now() - interval '5 days' WHERE container_id = '$LONG'"
	for width in 40 80 none; do
		looks_like status $width status
	done
}

@test "events" {
	for width in 40 80 none; do
		looks_like events $width events web
	done
}

@test "several in one run" {
	workspace others
	for width in 40 80 none; do
		looks_like several $width version web others nobody
	done
}

@test "how much differs" {
	workspace files
	"$WSNAP" -q create files >/dev/null 3>&- 4>&-
	root=$(workspace_root files)/data
	head -c 100000 /dev/zero >"$root/large"
	head -c 3000 /dev/zero >"$root/small"
	echo x >"$root/漢字 wide"
	echo x >"$root/e"$'\u0301'" combining and a name that is far too long for a terminal of forty columns"
	echo x >"$root/"$'escape \033[31m newline\n invalid \xff'
	for width in 40 80 none; do
		looks_like diff-stat $width diff --stat files
	done
	# A path is never cut.
	looks_like diff none diff files
}

# slowly COMMAND…: each copy of a piece takes almost a second longer.
slowly() {
	strace -f -qq -o /dev/null -e trace=copy_file_range -e inject=copy_file_range:delay_enter=700000 "$@"
}

@test "what takes long says how far it is, on a terminal alone" {
	dd if=/dev/urandom of="$(workspace_root web)/data/big" bs=1M count=100 status=none
	export -f slowly
	SHELL=$BASH script -qefc "slowly $WSNAP version --live web" /dev/null </dev/null >"$BATS_TEST_TMPDIR/seen" 3>&- 4>&-
	grep -qE '[0-9]+ entries, (32|64|96) MiB, [0-9]+ MiB/s' "$BATS_TEST_TMPDIR/seen" || complain "nothing is shown"
	# The line is erased before the result.
	tail -n 1 "$BATS_TEST_TMPDIR/seen" | grep -qE $'\033\\[Kversion [0-9]+ of .web. saved' || complain "it stays"
	dd if=/dev/urandom of="$(workspace_root web)/data/big" bs=1M count=100 status=none
	slowly "$WSNAP" version --live web >"$BATS_TEST_TMPDIR/seen" 2>&1 3>&- 4>&-
	same 0 "$(grep -c entries "$BATS_TEST_TMPDIR/seen")"
	rm "$(workspace_root web)/data/big"
}
