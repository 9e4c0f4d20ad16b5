#!/usr/bin/env bats
# Many live versions of workspaces that must not notice them.
load ../lib/workspace

VERSIONS=${VERSIONS:-200}

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

# put_program ID PROGRAM: with the libraries it wants.
put_program() {
	local root file
	root=$(workspace_root "$1")
	for file in "$2" $(ldd "$2" | grep -o '/[^ ]*'); do
		mkdir -p "$root$(dirname "$file")"
		cp -L "$file" "$root$file"
	done
}

# Rows 1, 2, 3 …, each a transaction of its own. What was begun and what is done stands in two files beside.
INSERT='PRAGMA journal_mode = wal; PRAGMA synchronous = full; CREATE TABLE rows (n INTEGER PRIMARY KEY, filler TEXT);'
WRITER='n=0
	while :; do
		n=$((n + 1))
		echo "SELECT writefile('"'/data/begun', '\$n'"');"
		echo "INSERT INTO rows VALUES ($n, hex(randomblob(300)));"
		echo "SELECT writefile('"'/data/done', '\$n'"');"
		[ $((n % 500)) -ne 0 ] || echo "DELETE FROM rows WHERE n < $n - 400;"
	done'

@test "$VERSIONS versions of a database that is written to: each is whole, with what was acknowledged and no more" {
	workspace sql
	put_program sql "$(command -v sqlite3)"
	workspace_exec sql mkdir -p /data
	workspace_exec sql sh -c "(echo '$INSERT'; $WRITER) | $(command -v sqlite3) /data/db >/dev/null" 3>&- 4>&- &
	servers_wait_for 20 test -s "$(workspace_root sql)/data/done"
	for n in $(seq "$VERSIONS"); do expect 0 -q version --live sql; done
	ctr tasks kill --signal KILL sql
	for n in $(seq "$VERSIONS"); do
		copy=$BATS_TEST_TMPDIR/copy-$n
		mkdir "$copy" "$BATS_TEST_TMPDIR/seen"
		expect 0 mount sql "$n" "$BATS_TEST_TMPDIR/seen"
		cp "$BATS_TEST_TMPDIR/seen/data/"* "$copy"
		expect 0 umount "$BATS_TEST_TMPDIR/seen"
		rmdir "$BATS_TEST_TMPDIR/seen"
		begun=$(cat "$copy/begun") acknowledged=$(cat "$copy/done")
		same ok "$(sqlite3 "$copy/db" 'PRAGMA integrity_check')"
		newest=$(sqlite3 "$copy/db" 'SELECT max(n) FROM rows')
		# Either file may just be written anew.
		[ -z "$begun" ] || [ "$newest" -le "$begun" ] || complain "version $n: row $newest, and $begun was begun last"
		[ -z "$acknowledged" ] || [ "$newest" -ge "$acknowledged" ] ||
			complain "version $n: row $newest, and $acknowledged was acknowledged"
		same 0 "$(sqlite3 "$copy/db" "SELECT max(n) - min(n) + 1 - count(*) FROM rows")"
		rm -r "$copy"
	done
}

# answer: the next line that the program behind the descriptors 5 and 6 says.
answer() {
	local line
	read -r -t 20 line <&6 || complain "no answer"
	printf '%s\n' "${line//$'\r'/}"
}

# The two that stay; the third one comes and goes.
lasting_children() {
	cut -d ' ' -f 1,2 "/proc/$1/task/$1/children"
}

@test "processes, a terminal and a connection go on across $((VERSIONS / 2)) versions and $((VERSIONS / 10)) restores" {
	port=$((20000 + RANDOM % 10000))
	WORKSPACE_OPTIONS=(--net-host)
	workspace on sh -c "sleep 100000 & nc -ll -p $port -e /bin/cat & n=0; while :; do n=\$((n + 1)); echo \$n >/run/count; usleep 2000; done"
	pid=$(workspace_pid on)
	children=$(lasting_children "$pid")
	servers_wait_for 20 eval 'exec 7<>/dev/tcp/127.0.0.1/'"$port"
	exec 7<>/dev/tcp/127.0.0.1/"$port"
	# A shell on a terminal, which keeps what it was told.
	mkfifo "$BATS_TEST_TMPDIR/to" "$BATS_TEST_TMPDIR/from"
	script -qefc 'ctr tasks exec --tty --exec-id shell on sh' /dev/null \
		<"$BATS_TEST_TMPDIR/to" >"$BATS_TEST_TMPDIR/from" 2>/dev/null 3>&- 4>&- 7>&- &
	exec 5>"$BATS_TEST_TMPDIR/to" 6<"$BATS_TEST_TMPDIR/from"
	# What the terminal shows of the command itself, in pieces or whole, is not to be taken for its answer.
	echo "stty -echo; PS1=; kept=\$\$; echo rea''dy" >&5
	for line in $(seq 20); do
		[ "$(answer)" != ready ] || break
	done
	before=$(workspace_read on /run/count) version_of=()
	for n in $(seq $((VERSIONS / 2))); do
		echo "$n" >"$(workspace_root on)/changed"
		expect 0 -q version --live on
		version_of[n]=$output
		if [ $((n % 5)) -eq 0 ]; then
			expect 0 -q restore on "${version_of[n - 2]}"
			same $((n - 2)) "$(workspace_read on /changed)"
		fi
		echo "line $n" >&7
		read -r -t 20 line <&7 || complain "the connection is gone"
		same "line $n" "$line"
		echo "echo \$((kept + $n - \$\$))" >&5
		same "$n" "$(answer)"
		same "$pid $children" "$(workspace_pid on) $(lasting_children "$pid")"
	done
	[ "$(workspace_read on /run/count)" -gt "$before" ] || complain "it counts no more"
	echo exit >&5
	exec 5>&- 6<&- 7>&-
}
