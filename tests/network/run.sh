#!/bin/bash
# run.sh: the tests of networks, devices and restarts at length. They are those of tests/e2e, with 50 operations (30 with
# the restart monitor, 20 with devices) where `make check` does a few. ROUNDS takes another number for all of them.
# It speaks TAP, and runs beside servers that are there, or starts its own.
set -u
root=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
if [ -z "${SERVERS:-}" ]; then
	exec "$root/tests/lib/with-servers.sh" "$0"
fi

# FILE and how many operations.
suite() {
	cat <<-END
		network 50
		network_failures 1
		keepers 50
		devices 20
		restart_monitor 30
	END
}

count=0 failed=0
while read -r file rounds; do
	while IFS= read -r line; do
		case $line in
		1..*) continue ;;
		'ok '* | 'not ok '*)
			count=$((count + 1))
			verdict=${line%%ok *}ok
			[ "$verdict" = ok ] || failed=$((failed + 1))
			line="$verdict $count $file: $(sed -E 's/^(not )?ok [0-9]+ //' <<<"$line")"
			;;
		esac
		printf '%s\n' "$line"
	done < <(ROUNDS=${ROUNDS:-$rounds} bats --tap "$root/tests/e2e/$file.bats" </dev/null 2>&1)
done < <(suite)
echo "1..$count"
[ "$failed" -eq 0 ] && [ "$count" -gt 0 ]
