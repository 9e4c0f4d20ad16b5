#!/bin/bash
# The rules of the source that a compiler does not know. Speaks TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/verdict.bash

# The folders that a folder may include from. main.c is `main`.
libraries='ctr store network device layer base'
may_include() {
	case $1 in
	main) echo "command workspace output base" ;;
	command) echo "command fork view guard restore compare policy status doctor recover naming prune operation workspace output base" ;;
	doctor) echo "doctor fork prune operation task workspace $libraries" ;;
	compare) echo "compare view workspace $libraries" ;;
	guard) echo "guard restore operation workspace $libraries" ;;
	restore) echo "restore recover compare replace operation workspace $libraries" ;;
	view) echo "view operation task workspace $libraries" ;;
	naming) echo "naming prune operation task workspace $libraries" ;;
	policy) echo "policy status prune operation task workspace $libraries" ;;
	status) echo "status prune operation task workspace $libraries" ;;
	recover) echo "recover fork view prune operation task workspace $libraries" ;;
	prune) echo "prune view operation task workspace $libraries" ;;
	fork) echo "fork operation task workspace $libraries" ;;
	operation) echo "operation hook task workspace live replace $libraries" ;;
	live) echo 'live layer base' ;;
	replace) echo 'replace layer base' ;;
	hook) echo "hook base" ;;
	workspace) echo "workspace $libraries" ;;
	task) echo 'task ctr network base' ;;
	output) echo 'output base' ;;
	ctr | store | network | device | layer) echo "$1 base" ;;
	base) echo 'base' ;;
	*) echo '' ;;
	esac
}

# FILE:LINE:FOLDER of every #include "FOLDER/…"; generated headers live in the folder they are named after.
includes() {
	grep -Hno '^#include "[^"/]*/' src/*.[ch] src/*/*.[ch] | sed 's/#include "//; s/\/$//'
}

arrows() {
	local file line to from
	includes | while IFS=: read -r file line to; do
		from=${file#src/}
		case $from in
		*/*) from=${from%%/*} ;;
		*) from=main ;;
		esac
		case " $(may_include "$from") " in
		*" $to "*) ;;
		*) echo "$file:$line: $from must not include $to" ;;
		esac
	done
}

# FROM TO of every file that includes a header of ours, without the endings: foo.c and foo.h are one.
inclusions() {
	grep -Ho '^#include "[^"]*\.h"' src/*.[ch] src/*/*.[ch] |
		sed -nE 's/^src\/(.*)\.[ch]:#include "(.*)\.h"$/\1 \2/p' | awk '$1 != $2'
}

# Files that come back to themselves along their includes.
circles() {
	inclusions | tsort 2>&1 >/dev/null | sed 's/^tsort: //; s/^-: //'
}

# The object files of the sources, as far as they are built.
objects() {
	local source object
	for source in src/*.c src/*/*.c; do
		object=${source#src/}
		object=${BUILD:-build}/objects/${object%.c}.o
		[ ! -f "$object" ] || echo "$object"
	done
}

# FILE:[ADDRESS] KIND SYMBOL of all that they define (`T`, …) or need (`U`).
symbols() {
	objects | xargs -r nm -A
}

# Files that come back to themselves along their calls, whatever headers these are declared in.
call_circles() {
	symbols | awk '
		{ sub(/:.*/, "", $1); sub(/.*objects\//, "", $1) }
		$(NF - 1) ~ /^[TDRB]$/ { defines[$NF] = $1 }
		$(NF - 1) == "U" { needs[$1 " " $NF] = 1 }
		END {
			for (need in needs) {
				split(need, part, " ")
				if (part[2] in defines && defines[part[2]] != part[1]) print part[1], defines[part[2]]
			}
		}' | tsort 2>&1 >/dev/null | sed 's/^tsort: //; s/^-: //'
}

# "LINES ALL ROOM" of every room, the largest first.
rooms() {
	wc -l src/*/*.[ch] | awk '
		$2 == "total" { next }
		{ split($2, part, "/"); lines[part[2]] += $1; all += $1 }
		END { for (room in lines) print lines[room], all, room }' | sort -rn
}

# Rooms that hold more than a fifth of all lines.
large_rooms() {
	rooms | awk '$1 * 5 > $2 { print "src/" $3 ": " $1 " of " $2 " lines" }'
}

# The sources under the commands.
below_command() {
	ls src/*/*.[ch] | grep -vE '^src/(command|output)/'
}

# foreign HEADER FOLDER: only there, and only in .c files.
foreign() {
	grep -Hn "^#include [<\"]$1" src/*.[ch] src/*/*.[ch] | grep -v "^src/$2/[^/]*\.c:"
}

code() {
	grep -HnE "$1" "${@:2}" | grep -vE ':[0-9]+:[[:space:]]*(/?\*|//)'
}

# Lines of a function, from the brace in the first column to the one that closes it.
long_functions() {
	awk -v most="$1" '
		FNR == 1 { start = 0 }
		/^\{/ { start = FNR; next }
		/^\}/ { if (start && FNR - start - 1 > most) print FILENAME ":" start ": " FNR - start - 1 " lines"; start = 0 }
	' src/*.c src/*/*.c
}

# Folders may be missing while they are not written yet.
shopt -s nullglob

verdict 'includes only point down' "$(arrows)"
verdict 'no files include each other in a circle' "$(circles)"
verdict 'no files call each other in a circle' "$(call_circles)"
verdict 'no room holds over a fifth of the lines' "$(large_rooms)"
rooms | awk 'NR == 1 { printf "# the largest is src/%s: %d of %d lines, %.0f %%\n", $3, $1, $2, 100 * $1 / $2 }'
verdict 'libcurl stays in ctr/' "$(foreign curl/ ctr)"
verdict 'protobuf-c stays in ctr/' "$(foreign protobuf-c ctr; foreign '[^"]*\.pb-c\.h' ctr)"
verdict 'libpq stays in store/' "$(foreign libpq store)"
verdict 'libuuid stays in base/' "$(foreign 'uuid' base)"
verdict 'libyaml stays in device/' "$(foreign yaml device)"
verdict 'cJSON stays in base/' "$(grep -Hn '^#include [<"]cjson' src/*.[ch] src/*/*.[ch] | grep -v '^src/base/')"
verdict 'no banned call' "$(code '\b(strcpy|strcat|sprintf|vsprintf|strtok|gets|system|popen|tmpnam|mktemp|alloca)[[:space:]]*\(' src/*.[ch] src/*/*.[ch])"
verdict 'events and sources are named in store/words alone' "$(code "[\"'](snapshot_create|version_create|version_rollback|version_prune|pre_exec)[\"']" \
	src/*.[ch] src/*/*.[ch] | grep -v '^src/store/words\.[ch]:')"
verdict 'what snapshotters can do is known in one file' "$(code 'strcmp\([^"]*"(overlay|overlayfs|erofs|native|btrfs)"' src/*/*.[ch] |
	grep -v '^src/workspace/snapshotter_traits\.c:')"
verdict 'only main exits' "$(code '(^|[^_a-z])exit[[:space:]]*\(' src/*/*.[ch])"
verdict 'nothing below command prints' "$(code '(^|[^a-z_])(printf|puts|putchar|perror)[[:space:]]*\(|f(printf|puts|putc|write)[[:space:]]*\(.*std(out|err)' \
	$(below_command) | grep -v '^src/base/log\.c:')"
verdict 'nothing is left to do' "$(grep -HnwE 'TODO|FIXME|XXX|HACK' src/*.[ch] src/*/*.[ch] sql/* man/* completions/*)"
verdict 'no file over 500 lines' "$(wc -l src/*.[ch] src/*/*.[ch] | awk '$2 != "total" && $1 > 500')"
verdict 'no function over 40 lines' "$(long_functions 40)"
verdict 'the top level holds what it should' "$(git ls-files 2>/dev/null | grep -v / |
	grep -vxE 'Makefile|LICENSE|README\.md|\..*'; git ls-files 2>/dev/null | grep / | cut -d / -f 1 | sort -u |
	grep -vxE 'src|man|sql|tests|completions|\..*')"
echo "1..$number"
exit "$failures"
