# shellcheck shell=bash
#
# Operations and blows at random, against a model that knows what every workspace must hold. The seed decides
# everything: the same seed is the same run, as far as the model's side goes.

declare -A MODEL_TOKEN MODEL_STATE MODEL_LAST MODEL_VERSION

# dice N: sets DICE to 0 … N-1.
dice() {
	RANDOM_STATE=$(((RANDOM_STATE * 1103515245 + 12345) % 2147483648))
	DICE=$(((RANDOM_STATE >> 8) % $1))
}

random_begin() {
	local id
	for id in a b c; do
		MODEL_STATE[$id]=RUNNING
		make_workspace "$id" running || exit 1
		MODEL_TOKEN[$id]=first MODEL_LAST[$id]=1 MODEL_VERSION[$id.1]=first
	done
	stop_workspace c
	MODEL_STATE[c]=
}

random_write() {
	WRITES=$((WRITES + 1))
	MODEL_TOKEN[$1]="write $WRITES"
	write_token "$1" "write $WRITES"
}

# After an operation whose end is known, or not (a kill): what the world says must be something that may be.
# random_settle ID TARGET-TOKEN: TARGET-TOKEN is what a rollback leads to, empty for others.
random_settle() {
	local id=$1 target=$2 before=${MODEL_TOKEN[$1]} last token status
	last=$(db "SELECT max(version) FROM container_versions WHERE container_id = '$id'")
	RANDOM_NEW=$((last - MODEL_LAST[$id]))
	[ "$RANDOM_NEW" -ge 0 ] && [ "$RANDOM_NEW" -le 1 ] || lose "$id: $RANDOM_NEW new versions"
	[ "$RANDOM_NEW" -ne 1 ] || MODEL_VERSION[$id.$last]=$before
	MODEL_LAST[$id]=$last
	token=$(read_token "$id")
	if [ "$token" != "$before" ] && [ -n "$target" ] && [ "$token" = "$target" ]; then
		MODEL_TOKEN[$id]=$target
	elif [ "$token" != "$before" ]; then
		lose "$id: its file says '$token', not '$before'${target:+ or '$target'}"
		MODEL_TOKEN[$id]=$token
	fi
	status=$(task_line "$id")
	[ "${status#* }" = "${MODEL_STATE[$id]}" ] || complain "$id: its task is '$status'"
	RANDOM_TOKEN=$token
}

random_operation() {
	local id=$1 operation=$2 blow=$3 words=() status=0 target='' version
	case $operation in
	create) words=("a name") ;;
	rollback)
		dice "${MODEL_LAST[$id]}"
		version=$((DICE + 1))
		words=("$version")
		target=${MODEL_VERSION[$id.$version]}
		;;
	esac
	CASE+=" $operation $id ${words[*]} ${blow}"
	if [ -n "$blow" ]; then
		timeout 150 "$STRIKE" noticed "$blow" kill "$SCRATCH/report" \
			"$WSNAP" "$operation" "$id" "${words[@]}" >"$SCRATCH/run.out" 2>&1 || status=$?
		recover
	else
		timeout 150 "$WSNAP" "$operation" "$id" "${words[@]}" >"$SCRATCH/run.out" 2>&1 || status=$?
		[ "$status" -eq 0 ] || complain "status $status"
	fi
	random_settle "$id" "$target"
	if [ "$status" -eq 0 ]; then
		case $operation in
		create | version) [ "$RANDOM_NEW" -eq 1 ] || lose "$id: status 0, but no version" ;;
		rollback) [ "$RANDOM_TOKEN" = "$target" ] || lose "$id: status 0, but not on version $version" ;;
		esac
	fi
}

random_step() {
	local ids=(a b c) id operations=(create version rollback version rollback compact) operation
	dice 3
	id=${ids[DICE]}
	dice 100
	case $DICE in
	[0-9] | 1[0-9]) random_write "$id" ;;
	[2-5][0-9])
		dice 6
		operation=${operations[DICE]}
		random_operation "$id" "$operation" ''
		;;
	[67][0-9] | 8[0-4])
		dice 6
		operation=${operations[DICE]}
		dice 160
		random_operation "$id" "$operation" $((DICE + 1))
		;;
	8[5-9]) CASE+=' recover'; recover ;;
	9[0-3]) CASE+=' collection'; collect ;;
	9[4-6]) CASE+=' containerd'; containerd_kill; containerd_start || complain "containerd does not start" ;;
	*) CASE+=' postgres'; postgres_stop; postgres_start || complain "Postgres does not start" ;;
	esac
}

# Every version that the model knows is there, with the files it was made of.
random_check_versions() {
	local id version name
	for id in a b c; do
		ID=$id VERSIONS_BEFORE=$(versions_of "$id") OPERATION=version
		[ "$(wc -l <<<"$VERSIONS_BEFORE")" -eq "${MODEL_LAST[$id]}" ] ||
			lose "$id: $(wc -l <<<"$VERSIONS_BEFORE") of ${MODEL_LAST[$id]} versions are there"
		check_versions
		check_orphans
		while IFS='|' read -r version name; do
			random_check_files "$id" "$version" "$name"
		done <<<"$VERSIONS_BEFORE"
	done
	check_tidy
}

# view_token NAME: a view is nobody's, so that a collection may take it at any time.
view_token() {
	ctr snapshots view view "$1" >/dev/null && ctr snapshots label view containerd.io/gc.root=now >/dev/null &&
		eval "$(ctr snapshots mounts "$SCRATCH/mount" view)" || return 1
	cat "$SCRATCH/mount/token"
	umount "$SCRATCH/mount"
	ctr snapshots rm view
}

random_check_files() {
	local token try
	mkdir -p "$SCRATCH/mount"
	for try in 1 2 3 4 5; do
		token=$(view_token "$3" 2>/dev/null) && break
		ctr snapshots rm view 2>/dev/null
	done
	[ "$token" = "${MODEL_VERSION[$1.$2]}" ] ||
		lose "$1: version $2 holds '$token', not '${MODEL_VERSION[$1.$2]}' (try $try)"
}

torture_random() {
	local seed=${1:-1} count=${2:-1000} i id
	CASE="random $seed" CASE_POINTS=$POINTS CASE_FAULTS=$FAULTS WRITES=0 RANDOM_STATE=$seed
	echo "# random: seed $seed, $count operations"
	random_begin
	for ((i = 1; i <= count; i++)); do
		CASE="random $seed step $i:"
		: >"$SCRATCH/run.out"
		: >"$SCRATCH/recover.out"
		random_step
		POINTS=$((POINTS + 1))
		[ $((i % 250)) -ne 0 ] || { CASE="random $seed after step $i"; random_check_versions; }
	done
	CASE="random $seed at the end"
	random_check_versions
	for id in a b c; do
		remove_workspace "$id"
		forget "$id"
	done
	verdict "random with seed $seed"
}
