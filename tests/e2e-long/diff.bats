#!/usr/bin/env bats
# What `diff` tells of two versions, beside a plain recursive comparison of both mounted trees, all metadata: of every two
# that a random history has left, with merges, rollbacks, live versions and versions that were given up in between.

load ../lib/workspace

TURNS=${TURNS:-60}
SEED=${SEED:-1}

setup_file() {
	workspaces_begin
	echo "# SEED=$SEED" >&3
}

teardown_file() {
	workspaces_end
}

# chance N: true once in N times.
chance() {
	[ $((RANDOM % $1)) -eq 0 ]
}

# One of the entries of the folder it stands in, "" if there is none.
any() {
	local all
	mapfile -t all < <(find . -mindepth 1 "$@" -printf '%P\n' | sort)
	[ ${#all[@]} -eq 0 ] || printf '%s\n' "${all[RANDOM % ${#all[@]}]}"
}

# Something happens to the tree in the current folder, or cannot.
change_once() {
	local at folder
	folder=$(any -type d)
	at=$(any)
	case $((RANDOM % 18)) in
	0 | 1 | 2 | 14 | 15) echo "$RANDOM" >"${folder:-.}/f$((RANDOM % 20))" 2>/dev/null ;;
	3 | 16) mkdir -p "${folder:-.}/d$((RANDOM % 8))" 2>/dev/null ;;
	4) chance 4 || at=$(any -not -type d) && [ -z "$at" ] || rm -rf "$at" ;;
	5) ln -sfn "to $RANDOM" "${folder:-.}/l$((RANDOM % 5))" 2>/dev/null ;;
	6) [ -z "$at" ] || chmod "$((RANDOM % 2 + 6))5$((RANDOM % 5))" "$at" 2>/dev/null ;;
	7) [ -z "$at" ] || chown -h "$((RANDOM % 3)):$((RANDOM % 3))" "$at" ;;
	8) [ -z "$at" ] || touch -h -d "@$((RANDOM % 5))" "$at" ;;
	9) chance 4 || at=$(any -not -type d) && [ -z "$at" ] || mv -T "$at" "${folder:-.}/m$((RANDOM % 8))" 2>/dev/null ;;
	10) [ -z "$at" ] || [ -h "$at" ] || setfattr -n user.note -v "$((RANDOM % 3))" "$at" 2>/dev/null ;;
	11) mkfifo "${folder:-.}/p$((RANDOM % 4))" 2>/dev/null ;;
	12) at=$(any -type f) && [ -z "$at" ] || ln -f "$at" "${folder:-.}/h$((RANDOM % 6))" 2>/dev/null ;;
	13) [ -z "$folder" ] || ! chance 3 || { rm -rf "$folder" && mkdir "$folder" && echo again >"$folder/f1"; } ;;
	esac
}

change() {
	local count=$((RANDOM % 12 + 1))
	(cd "$(workspace_root w)/data" && while [ $((count--)) -gt 0 ]; do change_once || true; done)
}

# Any version that is there.
any_version() {
	db "SELECT version FROM container_versions WHERE container_id = 'w' ORDER BY md5(version::text || '$RANDOM') LIMIT 1"
}

operate() {
	case $((RANDOM % 10)) in
	0 | 1 | 2 | 3) expect 0 -q version w ;;
	4 | 5 | 6) expect 0 -q version w --live ;;
	7) expect 0 -q rollback w "$(any_version)" ;;
	8) expect 0 -q compact w ;;
	9) "$WSNAP" -q delete w "$(any_version)" >/dev/null 2>&1 || true ;;
	esac
}

# listing FOLDER: every entry with all that counts, "PATH<TAB>what it is", sorted by bytes.
listing() {
	(cd "$1" && find . -mindepth 1 \( -type d -printf '/%P\t%y %m %U %G\n' -o -printf '/%P\t%y %m %U %G %s %T@ %l\n' \)) |
		LC_ALL=C sort >"$2.plain"
	(cd "$1" && find . -mindepth 1 -type f -exec sha256sum {} + | sed -E 's/^([0-9a-f]+)  \.(.*)/\2\t\1/') | LC_ALL=C sort >"$2.sums"
	(cd "$1" && getfattr -R -h -m . --absolute-names -d . 2>/dev/null |
		awk '/^# file: / { file = substr($0, 9); sub(/^\./, "", file); next } /=/ { seen[file] = seen[file] " " $0 }
			END { for (file in seen) print file "\t" seen[file] }') | LC_ALL=C sort >"$2.attrs"
	LC_ALL=C awk -F '\t' -v OFS='\t' 'FILENAME ~ /plain$/ { print; next } { more[$1] = more[$1] " " $2 }
		END { for (path in more) print path, "+" more[path] }' "$2.plain" "$2.sums" "$2.attrs" | LC_ALL=C sort >"$2"
}

# plainly BEFORE NOW: what the plain comparison of two listings says.
plainly() {
	LC_ALL=C awk -F '\t' 'NR == FNR { before[$1] = before[$1] "\n" $2; next } { now[$1] = now[$1] "\n" $2 }
		END {
			for (path in now) {
				if (!(path in before)) print "A " path
				else if (now[path] != before[path]) print "M " path
			}
			for (path in before) if (!(path in now)) print "D " path
		}' "$1" "$2" | LC_ALL=C sort -k 2
}

@test "every two versions of a random history differ as a plain comparison says" {
	local turn version other pairs=0 told=0 versions
	RANDOM=$SEED
	workspace w
	(cd "$(workspace_root w)/data" && for ((turn = 0; turn < 100; turn++)); do change_once || true; done)
	expect 0 -q version w
	for ((turn = 0; turn < TURNS; turn++)); do
		change
		operate
	done
	mapfile -t versions < <(db "SELECT version FROM container_versions WHERE container_id = 'w' ORDER BY 1")
	for version in "${versions[@]}"; do
		mkdir -p "$BATS_TEST_TMPDIR/view"
		expect 0 mount w "$version" "$BATS_TEST_TMPDIR/view"
		listing "$BATS_TEST_TMPDIR/view" "$BATS_TEST_TMPDIR/$version"
		expect 0 umount "$BATS_TEST_TMPDIR/view"
	done
	for version in "${versions[@]}"; do
		for other in "${versions[@]}"; do
			chance "${ONE_OF:-2}" || continue
			expect 0 diff w "$version" "$other"
			plainly "$BATS_TEST_TMPDIR/$version" "$BATS_TEST_TMPDIR/$other" >"$BATS_TEST_TMPDIR/wanted"
			diff "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/output" || complain "versions $version and $other, SEED=$SEED"
			pairs=$((pairs + 1)) told=$((told + $(wc -l <"$BATS_TEST_TMPDIR/wanted")))
		done
	done
	echo "# $pairs pairs of ${#versions[@]} versions, $told changes" >&3
	[ "$pairs" -ge 500 ] || complain "$pairs pairs only"
	[ "$told" -gt 5000 ] || complain "$told changes only"
}
