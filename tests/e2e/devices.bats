#!/usr/bin/env bats
# CDI devices of workspaces: put into the spec by an operation, followed when their files change, never twice.
# ROUNDS is how many operations the repeating test does.
load ../lib/workspace

ROUNDS=${ROUNDS:-5}

setup_file() {
	workspaces_begin
	for DEVICE in /dev/fuse /dev/loop-control /dev/kmsg none; do
		[ ! -c "$DEVICE" ] || break
	done
	export DEVICE
}

teardown_file() { workspaces_end; }

setup() {
	CDI=$BATS_TEST_TMPDIR/cdi
	mkdir -p "$CDI"
	printf 'cdi_dirs = /nowhere:%s\n' "$CDI" >"$WSNAP_CONFIG"
	describe one
}

# describe VALUE: the devices vendor.test/gpu=0 and =1, with a variable of that value.
describe() {
	cat >"$CDI/gpu.yaml" <<-END
		cdiVersion: "0.5.0"
		kind: vendor.test/gpu
		devices:
		  - name: "0"
		    containerEdits:
		      deviceNodes:
		        - {path: /dev/gpu0, hostPath: $DEVICE, permissions: rw}
		      env: ["GPU0=$1"]
		  - name: "1"
		    containerEdits:
		      env: ["GPU1=$1"]
		containerEdits:
		  env: ["DRIVER=$1"]
		  mounts:
		    - {hostPath: $BATS_TEST_TMPDIR/cdi, containerPath: /driver, options: [ro, rbind]}
	END
}

gpu() {
	WORKSPACE_OPTIONS+=(--label "memoh.workspace.cdi_devices=$2")
	workspace "$1"
}

# The spec in one order, without what devices put in.
rest_of_spec() {
	container_field "$1" '.Spec
		| del(.annotations, .linux.devices)
		| .process.env -= [.process.env[] | select(startswith("GPU") or startswith("DRIVER"))]
		| .mounts -= [.mounts[] | select(.destination == "/driver")]
		| .linux.resources.devices -= [.linux.resources.devices[]? | select(.allow and .major != null and .access == "rw")]'
}

@test "a device of the label is usable inside after the operation" {
	[ "$DEVICE" != none ] || skip "no device node on this host to try it with"
	gpu a vendor.test/gpu=0
	[ ! -e "$(workspace_root a)/dev/gpu0" ]
	expect 0 create a
	workspace_exec a sh -c '[ -c /dev/gpu0 ] && exec 3<>/dev/gpu0'
	same "$(stat -c %t:%T "$DEVICE")" "$(stat -c %t:%T "$(workspace_root a)/dev/gpu0")"
	same 'one one ' "$(workspace_says a sh -c 'echo "$GPU0 $DRIVER $GPU1"')"
	workspace_exec a sh -c '[ -e /driver/gpu.yaml ]'
	expect 0 rollback a 1
	workspace_exec a sh -c '[ -c /dev/gpu0 ] && exec 3<>/dev/gpu0'
}

@test "a device of the bot's metadata is put in as well" {
	workspace b
	expect 0 create b
	db "UPDATE bots SET metadata = '{\"workspace\": {\"gpu\": {\"devices\": [\"vendor.test/gpu=1\"]}}}'
		WHERE id = (SELECT bot_id FROM containers WHERE container_id = 'b')"
	expect 0 create b
	same 'one one' "$(workspace_says b sh -c 'echo "$GPU1 $DRIVER"')"
	db "UPDATE bots SET metadata = '{}' WHERE id = (SELECT bot_id FROM containers WHERE container_id = 'b')"
	expect 0 create b
	same ' ' "$(workspace_says b sh -c 'echo "$GPU1 $DRIVER"')"
}

# The operations that save, one after the other.
every_operation() {
	expect 0 "${@:2}" create "$1"
	expect 0 "${@:2}" version "$1"
	expect 0 "${@:2}" rollback "$1" 1
}

@test "a device whose description is gone does not keep a workspace that is not running from its versions" {
	gpu gone vendor.test/gpu=1
	expect 0 create gone
	env=$(container_field gone .Spec.process.env)
	rm "$CDI/gpu.yaml"
	pid=$(workspace_pid gone)
	expect 3 create gone
	same "hint: CDI files are looked for in '/nowhere', '$CDI' (cdi_dirs in wsnap.conf); --force goes on without the device" \
		"${stderr#*$'\n'}"
	same "$pid" "$(workspace_pid gone)"
	every_operation gone --force
	[[ $stderr == *"warning: the devices of 'gone': no CDI file defines the device 'vendor.test/gpu=1'; it goes on with those of its spec"* ]] ||
		complain "nothing is said of the device"
	same RUNNING "$(workspace_status gone)"
	ctr tasks kill --signal KILL gone
	servers_wait_for 60 eval '[ "$(workspace_status gone)" = STOPPED ]'
	every_operation gone
	every_operation gone
	same "$env" "$(container_field gone .Spec.process.env)"
	echo 'cdiVersion: [' >"$CDI/gpu.yaml"
	every_operation gone
}

# driver VERSION: a library of it on the host, and the description that mounts it.
driver() {
	rm -f "$BATS_TEST_TMPDIR"/libgpu.so.*
	echo "$1" >"$BATS_TEST_TMPDIR/libgpu.so.$1"
	cat >"$CDI/driver.yaml" <<-END
		cdiVersion: "0.5.0"
		kind: vendor.test/driver
		devices:
		  - name: all
		    containerEdits:
		      mounts:
		        - {hostPath: $BATS_TEST_TMPDIR/libgpu.so.$1, containerPath: /lib/libgpu.so.$1, options: [ro, bind]}
	END
}

@test "a new driver's files take the place of the old one's, which the server itself put into the spec" {
	driver 535.54.03
	WORKSPACE_OPTIONS=(--label memoh.workspace.cdi_devices=vendor.test/driver=all
		--mount "type=bind,src=$BATS_TEST_TMPDIR/libgpu.so.535.54.03,dst=/lib/libgpu.so.535.54.03,options=ro:bind")
	workspace upgraded
	for version in 550.90.7 1600.1; do
		driver "$version"
		expect 0 create upgraded
		same RUNNING "$(workspace_status upgraded)"
		same "/lib/libgpu.so.$version" "$(container_field upgraded '[.Spec.mounts[].destination | select(contains("libgpu"))] | join(" ")')"
		same "$version" "$(workspace_says upgraded cat "/lib/libgpu.so.$version")"
	done
	expect 0 rollback upgraded 1
	same "/lib/libgpu.so.1600.1" "$(container_field upgraded '[.Spec.mounts[].destination | select(contains("libgpu"))] | join(" ")')"
}

@test "a mount whose source is gone is found before anything is stopped" {
	mkdir -p "$BATS_TEST_TMPDIR/source"
	WORKSPACE_OPTIONS=(--mount "type=bind,src=$BATS_TEST_TMPDIR/source,dst=/mnt/a b,options=rbind:rw")
	workspace m
	expect 0 create m
	mv "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/elsewhere"
	pid=$(workspace_pid m)
	before=$(world)
	for command in 'create m' 'version m' 'rollback m 1'; do
		# shellcheck disable=SC2086 # words
		expect_error 8 "'m' would not start again: '$BATS_TEST_TMPDIR/source', which is mounted at its '/mnt/a b', is not there" $command
		same "$before" "$(world)"
		same "$pid" "$(workspace_pid m)"
	done
	expect 7 --force create m
	mv "$BATS_TEST_TMPDIR/elsewhere" "$BATS_TEST_TMPDIR/source"
	expect 0 recover m
	same RUNNING "$(workspace_status m)"
	ctr tasks kill --signal KILL m
	servers_wait_for 60 eval '[ "$(workspace_status m)" = STOPPED ]'
	mv "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/elsewhere"
	every_operation m
}

@test "a label of commas only names no device, and an item that is no text is passed over" {
	gpu commas ' , ,'
	expect 0 create commas
	db "UPDATE bots SET metadata = '{\"workspace\": {\"gpu\": {\"devices\": [7, \"vendor.test/gpu=1\", null]}}}'
		WHERE id = (SELECT bot_id FROM containers WHERE container_id = 'commas')"
	expect 0 create commas
	same 'one one' "$(workspace_says commas sh -c 'echo "$GPU1 $DRIVER"')"
	[[ $stderr == *"warning: 'workspace.gpu.devices' in the bot's metadata has an item that is no text"* ]] ||
		complain "nothing is said of the item"
}

@test "an unknown device or a malformed name is an error before anything is stopped" {
	gpu c vendor.test/gpu=0
	ctr containers label c memoh.workspace.cdi_devices=vendor.test/gpu=9 >/dev/null
	expect 0 --network none list
	before=$(world)
	expect 3 create c
	[[ $stderr == *"vendor.test/gpu=9"* ]] || complain "the device is not named"
	same "$before" "$(world)"
	ctr containers label c memoh.workspace.cdi_devices=nonsense >/dev/null
	before=$(world)
	expect 2 create c
	same "$before" "$(world)"
	ctr containers label c memoh.workspace.cdi_devices=vendor.test/gpu=0 >/dev/null
	echo 'cdiVersion: [' >"$CDI/gpu.yaml"
	before=$(world)
	expect 2 create c
	same "$before" "$(world)"
	describe one
	expect 0 create c
}

@test "a file that has changed is followed" {
	gpu d vendor.test/gpu=0,vendor.test/gpu=1
	expect 0 create d
	describe two
	expect 0 create d
	same 'two two two' "$(workspace_says d sh -c 'echo "$GPU0 $GPU1 $DRIVER"')"
	same 3 "$(container_field d '[.Spec.process.env[] | select(startswith("GPU") or startswith("DRIVER"))] | length')"
}

@test "many operations leave the spec no longer than one, and the rest of it alone" {
	WORKSPACE_OPTIONS=(--env MINE=1 --cwd /data --label custom=kept --memory-limit 300000000)
	gpu e vendor.test/gpu=0
	rest=$(rest_of_spec e)
	record=$(container_field e '{Labels, Image, Runtime, Extensions, Snapshotter, CreatedAt}')
	expect 0 create e
	length=$(container_field e .Spec | wc -c)
	same "$rest" "$(rest_of_spec e)"
	for ((round = 1; round <= ROUNDS; round++)); do
		case $((round % 3)) in
		0) expect 0 create e ;;
		1) expect 0 version e ;;
		2) expect 0 rollback e 1 ;;
		esac
		same "$length" "$(container_field e .Spec | wc -c)" "length of the spec after $round operations"
	done
	same "$rest" "$(rest_of_spec e)"
	same "$record" "$(container_field e '{Labels, Image, Runtime, Extensions, Snapshotter, CreatedAt}')"
}

@test "devices that are given up leave nothing behind" {
	WORKSPACE_OPTIONS=(--env MINE=1)
	gpu f vendor.test/gpu=0
	before=$(container_field f .Spec)
	expect 0 create f
	[ "$before" != "$(container_field f .Spec)" ] || complain "the device was not put in"
	ctr containers label f memoh.workspace.cdi_devices= >/dev/null
	expect 0 create f
	same "$before" "$(container_field f .Spec)" 'the spec'
	[ ! -e "$(workspace_root f)/dev/gpu0" ] || complain "the device is still there"
}

@test "an operation killed in the middle puts the devices in all the same" {
	gpu g vendor.test/gpu=1
	expect 0 create g
	describe three
	for ((round = 1; round <= 3; round++)); do
		"$WSNAP" create g >/dev/null 2>&1 </dev/null 3>&- 4>&- &
		wsnap=$!
		sleep "0.$((round * 5 + 5))"
		kill -KILL "$wsnap" 2>/dev/null || true
		expect 0 recover g
		same RUNNING "$(workspace_status g)"
	done
	expect 0 create g
	same 'three three' "$(workspace_says g sh -c 'echo "$GPU1 $DRIVER"')"
	same 2 "$(container_field g '[.Spec.process.env[] | select(startswith("GPU") or startswith("DRIVER"))] | length')"
}
