# shellcheck shell=bash
#
# Operations and blows at random, against a model that knows what every workspace must hold: the tree it shows, the
# version it stands on, the tree of every version. The seed decides everything: the same seed is the same run, as far
# as the model's side goes.
#
# Beside wsnap works a client that stops, starts, removes and makes containers anew, and one that writes rows of its own
# into the tables. The runs use two state directories in turn, as a shell with other settings than cron would.

declare -A MODEL_TREE MODEL_STATE MODEL_LAST MODEL_STANDS MODEL_VERSION
IDS=(a b c)
# In place of the tree of a version that is another host's.
ELSEWHERE='(elsewhere)'

# dice N: sets DICE to 0 … N-1.
dice() {
	RANDOM_STATE=$(((RANDOM_STATE * 1103515245 + 12345) % 2147483648))
	DICE=$(((RANDOM_STATE >> 8) % $1))
}

# pick WORD…: sets PICKED to one of them, or to nothing where there is none.
pick() {
	PICKED=
	[ $# -gt 0 ] || return 0
	dice $#
	PICKED=${*:DICE+1:1}
}

# --- trees ------------------------------------------------------------------------------------------

# All that the model looks at below ROOT, in one line.
show_tree() {
	{
		cat "$ROOT/token" 2>/dev/null || echo 'no token'
		[ ! -d "$ROOT/tree" ] || echo tree
		(cd "$ROOT/tree" 2>/dev/null && find . -mindepth 1 \( -type d -printf '%P/ %m\n' -o -type l -printf '%P -> %l\n' \
			-o -type f -printf '%P %m = ' -exec cat {} \; \) | sort)
	} | tr '\n' ';'
}

read_tree() {
	with_root "$1" "$(task_line "$1")" show_tree
}

# change_tree KIND FOLDER FILE TEXT: below ROOT.
change_tree() {
	local folder=$ROOT/tree/$2
	mkdir -p "$ROOT/tree"
	case $1 in
	token) echo "$4" >"$ROOT/token" ;;
	write) mkdir -p "$folder" && { [ ! -d "$folder/$3" ] || rm -r "${folder:?}/$3"; } && rm -f "$folder/$3" && echo "$4" >"$folder/$3" ;;
	append) mkdir -p "$folder" && [ ! -L "$folder/$3" ] && [ ! -d "$folder/$3" ] && echo "$4" >>"$folder/$3" ;;
	remove) rm -rf "${folder:?}/$3" ;;
	empty) rm -rf "$folder" ;;
	opaque) rm -rf "$folder" && mkdir "$folder" && echo "$4" >"$folder/$3" ;;
	folder) mkdir -p "$folder" && rm -rf "${folder:?}/$3" && mkdir "$folder/$3" && echo "$4" >"$folder/$3/deep" ;;
	link) mkdir -p "$folder" && rm -rf "${folder:?}/$3" && ln -s "$4" "$folder/$3" ;;
	mode) [ ! -f "$folder/$3" ] || [ -L "$folder/$3" ] || chmod "$((4 + WRITES % 4))44" "$folder/$3" ;;
	esac
}

random_write() {
	local kind folder file
	WRITES=$((WRITES + 1))
	pick token write write append remove empty opaque folder link mode
	kind=$PICKED
	pick one two
	folder=$PICKED
	pick x y z
	file=$PICKED
	CASE+=" $kind $1 $folder/$file"
	with_root "$1" "$(task_line "$1")" change_tree "$kind" "$folder" "$file" "write $WRITES"
	MODEL_TREE[$1]=$(read_tree "$1")
}

# view_tree SNAPSHOT: a view is nobody's, so that a collection may take it at any time.
view_tree() {
	ctr snapshots view view "$1" >/dev/null && ctr snapshots label view containerd.io/gc.root=now >/dev/null &&
		eval "$(ctr snapshots mounts "$SCRATCH/view" view)" || return 1
	ROOT=$SCRATCH/view show_tree
	umount "$SCRATCH/view"
	ctr snapshots rm view
}

# tree_of SNAPSHOT: tried again where a collection came in between.
tree_of() {
	local tree try
	mkdir -p "$SCRATCH/view"
	for try in 1 2 3 4 5; do
		tree=$(view_tree "$1" 2>/dev/null) && break
		ctr snapshots rm view 2>/dev/null
		tree="cannot be read ($try)"
	done
	echo "$tree"
}

# --- what there is, and what there may be -------------------------------------------------------------

# The version that the workspace stands on, by the label of its active snapshot; 0 for none of ours.
stands_on() {
	local name
	name=$(ctr snapshots info "$(ctr containers info "$1" | jq -r .SnapshotKey)" |
		jq -r '.Labels["wsnap.stands_on"] // .Parent')
	db "SELECT coalesce(max(v.version), 0) FROM container_versions v JOIN snapshots s ON s.id = v.snapshot_id
	    WHERE v.container_id = '$1' AND s.runtime_snapshot_name = '$name'"
}

# Whether the workspace holds something that the version it stands on does not.
is_dirty() {
	[ "${MODEL_VERSION[$1.${MODEL_STANDS[$1]}]-none}" != "${MODEL_TREE[$1]}" ]
}

# is_one_of WORD WORD…
is_one_of() {
	local word
	for word in "${@:2}"; do
		[ "$word" != "$1" ] || return 0
	done
	return 1
}

# Whether the model knows any version of the workspace.
has_versions() {
	local key
	for key in "${!MODEL_VERSION[@]}"; do
		[ "${key%.*}" != "$1" ] || return 0
	done
	return 1
}

# Takes new versions into the model; their trees must be one of MAY_BE. Sets RANDOM_NEW to how many there are. Where the whole
# history has gone and the container was made anew, numbers begin anew.
learn_versions() {
	local id=$1 number name tree
	RANDOM_NEW=0
	has_versions "$id" || MODEL_LAST[$id]=0
	while IFS='|' read -r number name; do
		[ -n "$number" ] || continue
		RANDOM_NEW=$((RANDOM_NEW + 1))
		tree=$(tree_of "$name")
		is_one_of "$tree" "${MAY_BE[@]}" || lose "$id: version $number holds '$tree', not '${MAY_BE[*]}'"
		MODEL_VERSION[$id.$number]=$tree
		MODEL_LAST[$id]=$number
	done < <(db "SELECT v.version, s.runtime_snapshot_name FROM container_versions v JOIN snapshots s
		ON s.id = v.snapshot_id WHERE v.container_id = '$id' AND v.version > ${MODEL_LAST[$id]} ORDER BY 1")
}

# Whether the tree that the workspace had is the one that it has, or that of a version; or whether the other client has
# taken it away.
is_somewhere() {
	local key
	! is_one_of "$2" "${MODEL_TREE[$1]}" "$FRESH" || return 0
	for key in "${!MODEL_VERSION[@]}"; do
		[ "${key%.*}" != "$1" ] || [ "${MODEL_VERSION[$key]}" != "${MODEL_TREE[$1]}" ] || return 0
	done
	return 1
}

# A task that runs on another snapshot than its container's writes what no version will hold.
runs_where_it_stands() {
	local pid status upper
	read -r pid status <<<"$(task_line "$1")"
	[ -n "$pid" ] && [ "$status" != STOPPED ] || return 0
	upper=$(ctr snapshots mounts "$SCRATCH/mount" "$(ctr containers info "$1" | jq -r .SnapshotKey)" |
		grep -o 'upperdir=[^, ]*')
	awk '$5 == "/"' "/proc/$pid/mountinfo" | grep -qF "$upper,"
}

# After an operation whose end is known, or not (a kill): what the world says must be something that may be. MAY_BE are
# the trees that the workspace may have had, MAY_STAND the versions it may stand on, MOST how many versions may be new.
# TARGET is what a rollback leads to, empty for others. MAY_RUN: the states that its task may be in.
random_settle() {
	local id=$1 tree stands status dirty=0
	! is_dirty "$id" || dirty=1
	learn_versions "$id"
	[ "$RANDOM_NEW" -le "$MOST" ] || complain "$id: $RANDOM_NEW new versions"
	tree=$(read_tree "$id")
	stands=$(stands_on "$id")
	RANDOM_IS_TARGET=0
	if [ -n "$TARGET" ] && [ "$stands" = "$TARGET" ] && [ "$tree" = "${MODEL_VERSION[$id.$TARGET]}" ]; then
		RANDOM_IS_TARGET=1
	elif ! is_one_of "$tree" "${MAY_BE[@]}"; then
		lose "$id: it holds '$tree', not '${MAY_BE[*]}'"
	fi
	[ "$dirty" -eq 0 ] || [ -n "$NO_SAVE" ] || is_somewhere "$id" "$tree" ||
		lose "$id: it holds '$tree', and what was unsaved ('${MODEL_TREE[$id]}') is nowhere"
	is_one_of "$stands" "${MAY_STAND[@]}" ${TARGET:+"$TARGET"} "${MODEL_LAST[$id]}" ||
		complain "$id: it stands on version $stands, not ${MAY_STAND[*]}"
	status=$(task_line "$id")
	status=${status#* }
	is_one_of "$status" "${MAY_RUN[@]}" || complain "$id: its task is '$status', not '${MAY_RUN[*]}'"
	runs_where_it_stands "$id" || complain "$id: its task runs on another snapshot than its container's"
	MODEL_TREE[$id]=$tree MODEL_STANDS[$id]=$stands MODEL_STATE[$id]=$status
}

expect_nothing_else() {
	MAY_BE=("${MODEL_TREE[$1]}") MAY_STAND=("${MODEL_STANDS[$1]}") MAY_RUN=("${MODEL_STATE[$1]}") MOST=1
	WHOLE_UP_TO=${MODEL_LAST[$1]}
	[ -z "$WHOLE" ] || MAY_STAND+=(0)
}

# --- the other client ---------------------------------------------------------------------------------

client_stop() {
	ctr tasks kill --signal KILL "$1" 2>/dev/null
	ctr tasks delete "$1" >/dev/null 2>&1 || { sleep 0.1; ctr tasks delete --force "$1" >/dev/null 2>&1; }
}

client_start() {
	ctr tasks start --detach --null-io "$1" >/dev/null 2>&1
}

# Removed and made anew under the same id; 1 where wsnap is quicker, time and again. What a containerd that was killed has left
# of a task, only doctor gets past, once it is some seconds old.
client_remake() {
	local try
	for try in 1 2 3 4 5 6 7 8; do
		ctr tasks delete --force "$1" >/dev/null 2>&1
		ctr containers delete "$1" >/dev/null 2>&1 && break
		sleep 0.2
	done
	! ctr containers ls -q | grep -Fqx "$1" || return 1
	ctr snapshots rm "$1" >/dev/null 2>&1
	for try in 1 2 3 4 5 6 7 8; do
		ctr run --detach --null-io "$IMAGE" "$1" sleep 1000000 >"$SCRATCH/client.out" 2>&1 && return 0
		[ "$try" -ne 7 ] || ! grep -q 'task .*: already exists' "$SCRATCH/client.out" || client_clears "$1"
		ctr tasks delete --force "$1" >/dev/null 2>&1
		ctr containers delete "$1" >/dev/null 2>&1
		sleep 0.3
	done
	complain "the other client cannot make '$1' anew: $(cat "$SCRATCH/client.out")"
}

client_clears() {
	sleep 11
	"$WSNAP" doctor --fix "$1" >"$SCRATCH/doctor.out" 2>&1 ||
		complain "doctor does not clear away what keeps '$1' from starting: $(cat "$SCRATCH/doctor.out")"
}

# client ACT ID: what may be afterwards, where nobody else was at work.
client() {
	case $1 in
	stop) client_stop "$2"; MAY_RUN+=('') ;;
	start) client_start "$2"; MAY_RUN+=(RUNNING) ;;
	remake)
		MAY_RUN+=('')
		! client_remake "$2" || { MAY_BE+=("$FRESH") MAY_STAND+=(0) MAY_RUN=(RUNNING); }
		;;
	esac
}

# Rows that others write: of containers that are elsewhere, versions of another host, a snapshot without a version,
# events of other types.
random_foreign() {
	local id=$1 number
	FOREIGN=$((FOREIGN + 1))
	dice 4
	CASE+=" foreign row $DICE of $id"
	case $DICE in
	0) db "INSERT INTO lifecycle_events (id, container_id, event_type, payload)
	       VALUES ('foreign-$FOREIGN', '$id', 'something_else', '{\"version\": \"many\", \"snapshot_name\": [1]}')" ;;
	1) db "INSERT INTO snapshots (container_id, runtime_snapshot_name, snapshotter, source)
	       VALUES ('$id', 'unversioned-$FOREIGN', 'overlayfs', 'manual')" ;;
	2)
		number=$((MODEL_LAST[$id] + 1))
		db "WITH s AS (INSERT INTO snapshots (container_id, runtime_snapshot_name, snapshotter, source)
		    VALUES ('$id', 'elsewhere-$FOREIGN', 'overlayfs', 'manual') RETURNING id)
		    INSERT INTO container_versions (container_id, snapshot_id, version) SELECT '$id', id, $number FROM s"
		MODEL_VERSION[$id.$number]=$ELSEWHERE
		MODEL_LAST[$id]=$number
		;;
	3) db "WITH b AS (INSERT INTO bots DEFAULT VALUES RETURNING id)
	       INSERT INTO containers (bot_id, container_id, container_name, image)
	       SELECT id, 'foreign-$FOREIGN', 'foreign-$FOREIGN', 'x' FROM b" ;;
	esac || complain "a foreign row cannot be written"
}

# --- operations ---------------------------------------------------------------------------------------

use_state() {
	dice ${#STATES[@]}
	WSNAP_STATE_DIR=${STATES[DICE]}
}

# The versions of the workspace that can be gone back to, or given up.
own_versions() {
	local key
	for key in "${!MODEL_VERSION[@]}"; do
		[ "${key%.*}" != "$1" ] || [ "${MODEL_VERSION[$key]}" = "$ELSEWHERE" ] || echo "${key##*.}"
	done | sort -n
}

# choose_words ID OPERATION: sets WORDS, TARGET, NO_SAVE, IF_CHANGED, GIVEN_UP, and WHOLE where the whole history goes.
choose_words() {
	local id=$1
	WORDS=("$2" "$id") TARGET='' NO_SAVE='' IF_CHANGED='' GIVEN_UP='' WHOLE=''
	case $2 in
	create | version)
		[ "$2" = version ] || WORDS+=("a name")
		dice 3
		[ "$DICE" -ne 0 ] || WORDS+=(--live)
		dice 3
		[ "$DICE" -ne 0 ] || { WORDS+=(--if-changed) IF_CHANGED=1; }
		;;
	rollback | restore)
		# shellcheck disable=SC2046 # a number a word
		pick $(own_versions "$id")
		TARGET=$PICKED
		WORDS+=("$TARGET")
		dice 3
		[ "$DICE" -ne 0 ] || { WORDS+=(--no-save) NO_SAVE=1; }
		;;
	delete)
		# shellcheck disable=SC2046
		pick $(own_versions "$id" | grep -vxE "${MODEL_LAST[$id]}|${MODEL_STANDS[$id]}")
		GIVEN_UP=$PICKED
		WORDS+=("$GIVEN_UP")
		dice 4
		[ "$DICE" -ne 0 ] || ! has_versions "$id" || { WORDS=(delete "$id" --all --yes) GIVEN_UP='' WHOLE=1; }
		;;
	esac
	case $2 in
	delete) [ -n "$GIVEN_UP$WHOLE" ] ;;
	rollback | restore) [ -n "$TARGET" ] ;;
	esac
}

# What status 0 has promised. DIRTY is whether there was something to save, DIFFERS whether the version that is brought back
# is another than what there was.
check_words() {
	case ${WORDS[0]}:$IF_CHANGED:$DIRTY in
	create::* | version::*) [ "$RANDOM_NEW" -eq 1 ] || lose "status 0, but no version" ;;
	*:1:1) [ "$RANDOM_NEW" -eq 1 ] || lose "status 0 and a change, but no version" ;;
	*:1:0) [ "$RANDOM_NEW" -eq 0 ] || complain "a version without a change" ;;
	rollback:*:*)
		[ "$RANDOM_IS_TARGET" -eq 1 ] || lose "status 0, but not on version $TARGET"
		[ "$RANDOM_NEW" -eq $((DIRTY && !${NO_SAVE:-0})) ] || complain "$RANDOM_NEW versions of a rollback"
		;;
	restore:*:*)
		[ "$RANDOM_IS_TARGET" -eq 1 ] || lose "status 0, but not on version $TARGET"
		[ "$RANDOM_NEW" -eq $((DIFFERS && !${NO_SAVE:-0})) ] || complain "$RANDOM_NEW versions of a restore"
		;;
	compact:*:*) [ "$RANDOM_NEW" -eq 0 ] || complain "a version of a compaction" ;;
	esac
	[ -z "$GIVEN_UP" ] || [ -z "$(db "SELECT FROM container_versions WHERE container_id = '${WORDS[1]}' AND version = $GIVEN_UP")" ] ||
		complain "status 0, but version $GIVEN_UP is there"
	[ -z "$WHOLE" ] || [ -z "$(versions_of "${WORDS[1]}")" ] || complain "status 0, but there are versions"
}

# The whole history goes, or none of it. What bears no row any more is gone for good, before others come that may get its
# number.
forget_whole() {
	local key gone=0 left=0
	for key in "${!MODEL_VERSION[@]}"; do
		[ "${key%.*}" = "$1" ] && [ "${key##*.}" -le "$WHOLE_UP_TO" ] || continue
		if [ -n "$(db "SELECT 1 FROM container_versions WHERE container_id = '$1' AND version = ${key##*.}")" ]; then
			left=$((left + 1))
		else
			unset "MODEL_VERSION[$key]"
			gone=$((gone + 1))
		fi
	done
	[ "$gone" -eq 0 ] || [ "$left" -eq 0 ] || complain "$1: $gone versions have gone, $left have not"
}

# A version that was to go may be gone; its number is not given again.
forget_given_up() {
	[ -z "$WHOLE" ] || { forget_whole "$1"; return; }
	[ -n "$GIVEN_UP" ] || return 0
	[ -n "$(db "SELECT 1 FROM container_versions WHERE container_id = '$1' AND version = $GIVEN_UP")" ] ||
		unset "MODEL_VERSION[$1.$GIVEN_UP]"
}

# run_words [COMMAND…]: in front of the program; sets STATUS.
run_words() {
	STATUS=0
	timeout 150 "$@" "$WSNAP" "${WORDS[@]}" >"$SCRATCH/run.out" 2>&1 </dev/null || STATUS=$?
}

recover_all() {
	local WSNAP_STATE_DIR
	for WSNAP_STATE_DIR in "${STATES[@]}"; do
		recover
	done
}

random_operation() {
	local id=$1
	choose_words "$id" "$2" || return 0
	use_state
	CASE+=" ${WORDS[*]} (${WSNAP_STATE_DIR##*/})"
	expect_nothing_else "$id"
	DIRTY=0
	! is_dirty "$id" || DIRTY=1
	DIFFERS=0
	[ -z "$TARGET" ] || [ "${MODEL_VERSION[$id.$TARGET]}" = "${MODEL_TREE[$id]}" ] || DIFFERS=1
	run_words
	[ "$STATUS" -eq 0 ] || complain "status $STATUS"
	[ -z "$WHOLE" ] || forget_whole "$id"
	random_settle "$id"
	[ "$STATUS" -ne 0 ] || check_words
	forget_given_up "$id"
}

# dice_call OPERATION: one of its calls; behind the last one it is ended, and nothing is struck. Layers that are merged take
# a few calls for each of their files, and what comes behind that is what has to be met.
dice_call() {
	case $1 in
	compact) dice 560 ;;
	*) dice 160 ;;
	esac
}

# Killed in the middle. Then the other client acts, now and then; then recovery ends it, or the next operation.
random_blow() {
	local id=$1 over=''
	choose_words "$id" "$2" || return 0
	use_state
	dice_call "$2"
	CASE+=" ${WORDS[*]} (${WSNAP_STATE_DIR##*/}) struck at $((DICE + 1))"
	expect_nothing_else "$id"
	run_words "$STRIKE" noticed $((DICE + 1)) kill "$SCRATCH/report"
	[ -z "$WHOLE" ] || forget_whole "$id"
	dice 8
	case $DICE in
	0) CASE+=', stopped'; client stop "$id" ;;
	1) CASE+=', started'; client start "$id" ;;
	2) CASE+=', made anew'; client remake "$id" ;;
	esac
	dice 2
	if [ "$DICE" -eq 0 ]; then
		CASE+=', taken over'
		MOST=2
		[ -z "$TARGET" ] || MAY_BE+=("${MODEL_VERSION[$id.$TARGET]}")
		over=$(timeout 150 "$WSNAP" --quiet version "$id" 2>"$SCRATCH/over.out") ||
			complain "taking over: $(cat "$SCRATCH/over.out")"
	fi
	recover_all
	[ -z "$over" ] || versions_of "$id" | grep -q "^$over|" || lose "$id: version $over was told, and is not there"
	[ -z "$WHOLE" ] || forget_whole "$id"
	random_settle "$id"
	forget_given_up "$id"
}

# The other client acts while wsnap is at work.
random_beside() {
	local id=$1 act=$3
	choose_words "$id" "$2" || return 0
	use_state
	dice 500
	CASE+=" ${WORDS[*]}, $act after $DICE ms"
	expect_nothing_else "$id"
	# What is started just when it was saved to be changed is saved once more, while it runs.
	[ "$2" != restore ] || MOST=2
	run_words &
	sleep "$(printf '0.%03d' "$DICE")"
	client "$act" "$id"
	wait $!
	recover_all
	[ -z "$WHOLE" ] || forget_whole "$id"
	random_settle "$id"
	forget_given_up "$id"
}

# Two runs at once, from whatever state directories. In half of them the one that came first is killed.
random_pair() {
	local id=$1 first second state struck=()
	pick create version compact
	first=$PICKED
	pick create version compact
	second=$PICKED
	choose_words "$id" version
	expect_nothing_else "$id"
	MOST=2
	dice 2
	[ "$DICE" -eq 0 ] || { dice_call "$first"; struck=("$STRIKE" noticed $((DICE + 1)) kill "$SCRATCH/report"); }
	use_state
	CASE+=" $first (${WSNAP_STATE_DIR##*/}${struck:+, struck at ${struck[2]}}) beside $second"
	timeout 150 "${struck[@]}" "$WSNAP" "$first" "$id" >"$SCRATCH/first.out" 2>&1 &
	sleep 0.05
	state=$WSNAP_STATE_DIR
	use_state
	CASE+=" (${WSNAP_STATE_DIR##*/})"
	WORDS=("$second" "$id")
	# Where the holder was killed, a run of another state directory takes nothing over, and says so.
	[ ${#struck[@]} -eq 0 ] || [ "$state" = "$WSNAP_STATE_DIR" ] || WORDS+=(--wait 3)
	run_words
	wait $!
	[ "$STATUS" -eq 0 ] || { [ "${#WORDS[@]}" -eq 4 ] && [ "$STATUS" -eq 4 ]; } ||
		complain "the second: status $STATUS"
	recover_all
	random_settle "$id"
}

random_client() {
	local id=$1
	pick stop start remake start
	CASE+=" client: $PICKED $id"
	expect_nothing_else "$id"
	case $PICKED in
	stop) client stop "$id"; MAY_RUN=('') ;;
	start) client start "$id"; MAY_RUN=(RUNNING) ;;
	remake) client remake "$id"; MAY_BE=("$FRESH") ;;
	esac
	random_settle "$id"
}

random_step() {
	local id operation
	pick "${IDS[@]}"
	id=$PICKED
	pick create version rollback restore version rollback restore compact compact delete
	operation=$PICKED
	TARGET='' NO_SAVE='' GIVEN_UP='' WHOLE=''
	dice 100
	case $DICE in
	[0-9] | 1[0-9]) random_write "$id" ;;
	[2-4][0-9] | 5[0-4]) random_operation "$id" "$operation" ;;
	5[5-9] | 6[0-9] | 7[0-4]) random_blow "$id" "$operation" ;;
	7[5-9]) pick stop start remake; random_beside "$id" "$operation" "$PICKED" ;;
	8[0-5]) random_pair "$id" ;;
	8[6-9]) random_client "$id" ;;
	9[0-1]) random_foreign "$id" ;;
	9[2-3]) CASE+=' recover'; recover_all ;;
	9[4-5]) CASE+=' collection'; collect ;;
	9[6-7]) CASE+=' containerd'; containerd_kill; containerd_start || complain "containerd does not start" ;;
	*) CASE+=' postgres'; postgres_stop; postgres_start || complain "Postgres does not start" ;;
	esac
}

# Every version that the model knows is there, with the files it was made of, and no other.
random_check_versions() {
	local id known WSNAP_STATE_DIR
	for id in "${IDS[@]}"; do
		random_check_files "$id"
		ID=$id check_orphans
	done
	for WSNAP_STATE_DIR in "${STATES[@]}"; do
		check_tidy
	done
	known=$("$WSNAP" doctor 2>&1 | grep -vE 'elsewhere-|findings are left$|^hint: ')
	[ -z "$known" ] || is_one_of "$known" "all is well" || complain "doctor says: $known"
}

random_check_files() {
	local id=$1 number name tree found=0
	while IFS='|' read -r number name; do
		found=$((found + 1))
		[ -n "${MODEL_VERSION[$id.$number]-}" ] || complain "$id: version $number is none"
		[ "${MODEL_VERSION[$id.$number]-}" != "$ELSEWHERE" ] || continue
		tree=$(tree_of "$name")
		[ "$tree" = "${MODEL_VERSION[$id.$number]-}" ] ||
			lose "$id: version $number holds '$tree', not '${MODEL_VERSION[$id.$number]-}'"
		ctr snapshots info "$name" | jq -e '.Labels["containerd.io/gc.root"]' >/dev/null ||
			lose "$id: nothing keeps version $number"
	done < <(versions_of "$id")
	[ "$found" -eq "$(printf '%s\n' "${!MODEL_VERSION[@]}" | grep -c "^$id\.")" ] ||
		lose "$id: $found versions are there"
}

random_begin() {
	local id
	STATES=("$WSNAP_STATE_DIR" "$WSNAP_STATE_DIR-2")
	[ "${RANDOM_STATES:-2}" -ne 1 ] || STATES=("$WSNAP_STATE_DIR")
	for id in "${IDS[@]}"; do
		make_workspace "$id" running || exit 1
		MODEL_STATE[$id]=RUNNING MODEL_LAST[$id]=1 MODEL_STANDS[$id]=1
		MODEL_TREE[$id]=$(read_tree "$id")
		MODEL_VERSION[$id.1]=${MODEL_TREE[$id]}
	done
	stop_workspace c
	MODEL_STATE[c]=
	FRESH='no token;'
}

torture_random() {
	local seed=${1:-1} count=${2:-1000} i id
	CASE="random $seed" CASE_POINTS=$POINTS CASE_FAULTS=$FAULTS WRITES=0 FOREIGN=0 RANDOM_STATE=$seed
	echo "# random: seed $seed, $count operations"
	random_begin
	for ((i = 1; i <= count; i++)); do
		CASE="random $seed step $i:"
		: >"$SCRATCH/run.out"
		: >"$SCRATCH/recover.out"
		random_step
		POINTS=$((POINTS + 1))
		[ "${RANDOM_TRACE:-0}" -eq 0 ] || echo "# $SECONDS s: $CASE"
		[ $((i % 100)) -ne 0 ] || { CASE="random $seed after step $i"; random_check_versions; }
	done
	CASE="random $seed at the end"
	random_check_versions
	WSNAP_STATE_DIR=${STATES[0]}
	for id in "${IDS[@]}"; do
		remove_workspace "$id"
		forget "$id"
	done
	verdict "random with seed $seed"
}
