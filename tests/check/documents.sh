#!/bin/bash
# Help, manual and completion must tell the same. Speaks TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
wsnap=build/wsnap
. tests/lib/verdict.bash

# . of the completion: it reads help texts, and so do the tests.
. completions/wsnap.bash
commands=$($wsnap --help | _wsnap_commands)
manual=$(LC_ALL=C.UTF-8 MANWIDTH=200 man -l man/wsnap.1 2>/dev/null | sed 's/‐/-/g')

# The manual's lines between the heading $1 and the next one.
section() {
	awk -v name="$1" '/^[A-Z]/ { inside = $0 == name; next } inside' <<<"$manual"
}

# The commands that the manual has an entry for.
manual_commands() {
	section COMMANDS | sed -nE 's/^ {7}([a-z-]+).*/\1/p'
}

# The manual's entry of the command $1.
manual_command() {
	section COMMANDS | awk -v name="$1" '/^       [a-z]/ { inside = $1 == name } inside'
}

# The long options that a help text has under the heading $1.
long_options() {
	awk -v name="$1:" '/^[A-Z].*:$/ { inside = $0 == name } inside' | _wsnap_options | awk '/^--/ { print $1 }'
}

# What the text on standard input does not have of the words in $1.
missing_words() {
	local text word
	text=$(cat)
	for word in $1; do
		grep -qE -- "(^|[^a-zA-Z_-])$word([^a-zA-Z_-]|$)" <<<"$text" || echo "$word"
	done
}

missing_options() {
	local command
	for command in $commands; do
		manual_command "$command" | missing_words "$($wsnap "$command" --help | long_options Options)" |
			sed "s/^/$command /"
	done
}

surplus_options() {
	local command option
	for command in $commands; do
		for option in $(manual_command "$command" | grep -oE '^ {14}(-., )?--[a-z-]+(, --[a-z-]+)*' | grep -oE -- '--[a-z-]+'); do
			$wsnap "$command" --help | grep -qE -- "$option( |$)" || echo "$command $option"
		done
	done
}

# The keys of the configuration file that the source knows.
keys() {
	sed -nE 's/.*\.key = "([a-z_]+)".*/\1/p; s/.*CONFIGURATION_NUMBER\("([a-z_]+)".*/\1/p' src/base/settings.c
}

environment() {
	$wsnap --help | grep -oE '\[\$[A-Z_]+\]' | tr -d '[]$'
}

# complete WORD…: what the completion offers for the last word, sorted, in one line.
complete_words() {
	COMP_WORDS=("$wsnap" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_wsnap
	printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
}

# offers EXPECTED WORD…
offers() {
	local expected=$1 found
	shift
	found=$(complete_words "$@")
	[ "$found" = "$expected " ] || echo "'$*' completes to '$found', not to '$expected'"
}

# What `make install` puts below DESTDIR, and what is wrong with it.
installed() {
	local folder expected
	folder=$(mktemp -d)
	expected='./opt/w/bin/wsnap
./opt/w/lib/systemd/system/wsnap-policies.service
./opt/w/lib/systemd/system/wsnap-policies.timer
./opt/w/lib/systemd/system/wsnap-recover.service
./opt/w/share/bash-completion/completions/wsnap
./opt/w/share/man/man1/wsnap.1'
	make --no-print-directory -s install DESTDIR="$folder" PREFIX=/opt/w >/dev/null || echo 'make install fails'
	diff <(echo "$expected") <(cd "$folder" && find . -type f | sort)
	grep -qx 'ExecStart=/opt/w/bin/wsnap recover --all-namespaces' "$folder/opt/w/lib/systemd/system/wsnap-recover.service" ||
		echo 'the unit starts another program'
	grep -qx 'ExecStart=/opt/w/bin/wsnap run-policies' "$folder/opt/w/lib/systemd/system/wsnap-policies.service" ||
		echo 'the unit of policies starts another program'
	grep -q '@' "$folder"/opt/w/lib/systemd/system/* && echo 'the unit has a placeholder left'
	rm -rf "$folder"
}

verdict 'the manual has no formatting warnings' "$(LC_ALL=C.UTF-8 groff -ww -man -Tutf8 man/wsnap.1 2>&1 >/dev/null)"
verdict 'help lists commands' "$([ "$(wc -w <<<"$commands")" -ge 9 ] || echo "only: $commands")"
verdict 'every command is in the manual' "$(missing_words "$commands" < <(manual_commands))"
verdict 'every command of the manual exists' "$(missing_words "$(manual_commands)" <<<"$commands")"
verdict "every option of a command is in its entry of the manual" "$(missing_options)"
verdict "every option in an entry of the manual exists" "$(surplus_options)"
verdict 'every global option is in the manual' \
	"$(section 'GLOBAL OPTIONS' | missing_words "$($wsnap --help | long_options Options)")"
verdict 'every environment variable is in the manual' "$(section ENVIRONMENT | missing_words "$(environment)")"
verdict 'every key of the configuration file is in the manual' \
	"$(section 'CONFIGURATION FILE' | missing_words "$(keys)")"
verdict 'every exit status is in the manual' "$(section 'EXIT STATUS' |
	missing_words 'failed usage not_found busy containerd_unavailable database_unavailable incomplete refused')"
verdict 'installation puts every file in its place' "$(installed)"
verdict 'completion offers the commands' "$(offers "$(sort <<<"$commands" | tr '\n' ' ' | sed 's/ $//')" '')"
verdict 'completion knows where it is' "$(
	offers 'create' -q -n other cre
	offers '--snapshots' list --sn
	offers '--no-save' rollback --no-s
	offers 'json table' --format ''
	offers 'json' list --format = j
	offers 'none' create --network n
	offers '--verbose --version' create --ver
	offers '' create --wait ''
	offers '' nothing ''
)"

echo "1..$number"
exit $failures
