# shellcheck shell=bash
#
# All of the torture: cases that are runs of torture.sh by themselves, each on servers of its own, $JOBS (2) of them
# at a time.

OPERATIONS='create version rollback restore compact prune version-live fork fork-start'

# The words of every case, the longest first, so that none is left to run alone at the end.
all_cases() {
	local operation state errno
	echo "random ${SEED:-1} 1000"
	for operation in $OPERATIONS; do
		for state in running stopped; do
			for errno in ENOSPC EIO ECONNRESET ENOMEM; do
				echo "error $operation $state 1 1 $errno"
			done
		done
	done
	for operation in $OPERATIONS; do
		for state in running stopped; do
			echo "kill $operation $state"
		done
	done
	echo 'killall version-live running'
	echo 'killall restore running'
	echo 'kill restore-path running'
	for operation in $OPERATIONS; do
		for state in running stopped; do
			echo "outage containerd $operation $state"
			echo "outage postgres $operation $state"
			[[ $operation =~ ^(prune|fork.*)$ ]] || echo "reboot $operation $state"
		done
		[ "$operation" = prune ] || echo "signals $operation"
	done
	echo 'disk state'
	echo 'disk containerd'
	echo 'disk both'
}

# all_run NUMBER WORDS: its output in a file, which gets its name when the case has ended.
all_run() {
	# shellcheck disable=SC2086 # one word an argument
	"$here/torture.sh" $2 >"$ALL/$1.running" 2>&1 </dev/null || echo "# FAULT: '$2' did not end well" >>"$ALL/$1.running"
	mv "$ALL/$1.running" "$ALL/$1.done"
}

# all_figure WORD SUMMARY: the number before the word, 0 where there is none.
all_figure() {
	[[ $2 =~ \ ([0-9]+)\ $1 ]] && echo "${BASH_REMATCH[1]}" || echo 0
}

# Prints the cases that have ended, as one TAP.
all_print() {
	local file line summary
	for file in "$ALL"/*.done; do
		[ -e "$file" ] || continue
		grep -vE '^(ok|not ok) |^1\.\.|points, [0-9]+ faults, [0-9]+ losses' "$file"
		if grep -q '^ok ' "$file" && ! grep -qE '^not ok |^# FAULT' "$file"; then
			line='ok'
		else
			line='not ok' FAULTS=$((FAULTS + 1))
		fi
		VERDICTS=$((VERDICTS + 1))
		summary=$(sed -n 's/^# \(.*points, .* losses in .* s\)$/\1/p' "$file" | tail -n 1)
		echo "$line $VERDICTS ${summary:-a case that came to no end}"
		POINTS=$((POINTS + $(all_figure points "$summary"))) LOST=$((LOST + $(all_figure losses "$summary")))
		mv "$file" "$file.printed"
	done
}

all_end() {
	local job
	for job in $(jobs -rp); do
		kill -- -"$job" 2>/dev/null
	done
	wait
	rm -rf "$ALL"
}

torture_all() {
	local words number=0
	ALL=$(mktemp -d) || exit 1
	# A job is a process group of its own, so that a case can be ended with all that it runs.
	set -m
	trap all_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	# A copy for all of them: a build meanwhile must not change what is under torture.
	cp "$BUILT" "$ALL/wsnap" || exit 1
	export WSNAP=$ALL/wsnap
	while read -r words; do
		while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-2}" ]; do
			wait -n
			all_print
		done
		number=$((number + 1))
		all_run "$number" "$words" &
	done < <(all_cases | grep -E "${CASES:-.}")
	while [ -n "$(jobs -rp)" ]; do
		wait -n
		all_print
	done
	all_print
}
