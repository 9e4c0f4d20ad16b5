# bash completion for wsnap(1). What there is to complete is read from wsnap's own help, so that
# it is always what this wsnap knows.

# The options in a help text with their argument (none: empty), one "option argument" a line.
_wsnap_options()
{
	awk '/^ +-/ {
		sub(/^ +/, "")
		sub(/  .*/, "")
		count = split($0, words, /,? +/)
		argument = words[count] ~ /^-/ ? "" : words[count]
		for (i = 1; i <= count; i++)
			if (words[i] ~ /^-/)
				print words[i], argument
	}'
}

# The commands in the help of wsnap, one a line.
_wsnap_commands()
{
	awk '/^Commands:/ { inside = 1; next } /^$/ { inside = 0 } inside && /^  [a-z]/ { print $1 }'
}

# Completes to those lines of standard input that begin with what is typed. (compgen -W would expand
# the lines, and names of things come from outside.)
_wsnap_lines()
{
	local line

	while IFS= read -r line; do
		[[ $line == "$current"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
	done
}

# The argument that an option takes, from the options known so far.
_wsnap_argument_of()
{
	awk -v option="$1" '$1 == option { print $2; exit }' <<<"$options"
}

# What may follow an option: the words of "auto|none", files or folders.
_wsnap_value()
{
	case $(_wsnap_argument_of "$1") in
	*'|'*) _wsnap_lines < <(_wsnap_argument_of "$1" | tr '|' '\n') ;;
	DIR | DIRS) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
	FILE | SOCKET) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
	esac
}

# Reads the words before the cursor. Sets `command`, how many `arguments` follow it and the first of
# them as `target`, `globals` (the options in front of the command), and `pending`: the option
# whose argument is being typed.
_wsnap_read_words()
{
	local word i

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ $command ]] || globals+=("$word")
		if [[ $pending && $word == = ]]; then
			[[ $command ]] || unset 'globals[-1]'
		elif [[ $pending ]]; then
			pending=''
		elif [[ $word == -?* ]]; then
			[[ ! $(_wsnap_argument_of "$word") ]] || pending=$word
		elif [[ ! $command ]]; then
			command=$word
			unset 'globals[-1]'
			help=$("$wsnap" "$command" --help 2>/dev/null) || return
			options=$(_wsnap_options <<<"$help")
		else
			arguments=$((arguments + 1))
			target=${target:-$word}
		fi
	done
}

# Asks wsnap itself, with the options that are on the line, for no longer than a person waits.
_wsnap_list()
{
	timeout 2 "$wsnap" "${globals[@]}" --format table --quiet list "$@" </dev/null 2>/dev/null
}

# Workspaces or versions, where the usage of the command has them.
_wsnap_argument()
{
	local usage=${help%%$'\n'*}

	if ((arguments == 0)) && [[ $usage == *TARGET* ]]; then
		_wsnap_lines < <(_wsnap_list)
	elif ((arguments > 0)) && [[ $usage == *VERSION* ]]; then
		_wsnap_lines < <(_wsnap_list -- "$target")
	fi
}

_wsnap()
{
	local current=${COMP_WORDS[COMP_CWORD]} wsnap=${COMP_WORDS[0]}
	local command='' target='' pending='' arguments=0 globals=() help options

	COMPREPLY=()
	help=$("$wsnap" --help 2>/dev/null) || return
	options=$(_wsnap_options <<<"$help")
	_wsnap_read_words || return
	if [[ $pending ]]; then
		[[ $current != = ]] || current=''
		_wsnap_value "$pending"
	elif [[ $current == -* ]]; then
		_wsnap_lines < <(awk '{ print $1 }' <<<"$options")
	elif [[ ! $command ]]; then
		_wsnap_lines < <(_wsnap_commands <<<"$help")
	else
		_wsnap_argument
	fi
}

complete -F _wsnap wsnap
