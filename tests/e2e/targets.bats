#!/usr/bin/env bats
# From a container id or a bot id to the workspace, and from a container to its bot.
load ../lib/workspace

setup_file() { workspaces_begin; }
teardown_file() { workspaces_end; }

bot_of() {
	db "SELECT bot_id FROM containers WHERE container_id = '$1'"
}

new_uuid() {
	cat /proc/sys/kernel/random/uuid
}

# RFC 9562, version 5, under the namespace that must never change.
uuid_of_name() {
	local hash variant
	hash=$({ printf '\x6d\x1b\x1e\x0a\x53\xf1\x4c\x1d\x9a\x35\x0d\x3c\x8f\x3a\x7b\x52'; printf %s "$1"; } | sha1sum)
	variant=$(printf %x $((0x${hash:16:1} & 3 | 8)))
	printf '%s-%s-5%s-%s%s-%s' "${hash:0:8}" "${hash:8:4}" "${hash:13:3}" "$variant" "${hash:17:3}" "${hash:20:12}"
}

@test "a bot id finds the row that was updated last" {
	bot=$(new_uuid)
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$bot")
	workspace a1
	expect 0 create a1
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$bot")
	workspace a2
	expect 0 create a2
	same "$bot" "$(bot_of a1)"
	db "UPDATE containers SET created_at = now() - interval '1 day', updated_at = now() + interval '1 day' WHERE container_id = 'a1'"
	expect 0 --json create "$bot"
	same a1 "$(json .container_id)"
	db "UPDATE containers SET created_at = now() + interval '1 day', updated_at = now() - interval '1 day' WHERE container_id = 'a1'"
	expect 0 --json create "$bot"
	same a2 "$(json .container_id)"
}

@test "a bot id finds the container that bears it as a label" {
	bot=$(new_uuid)
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$bot")
	workspace b
	expect 0 --json create "$bot"
	same b "$(json .container_id)"
	same "$bot" "$(bot_of b)"
}

@test "a bot id finds workspace-BOT" {
	bot=$(new_uuid)
	workspace "workspace-$bot"
	expect 0 --json create "$bot"
	same "workspace-$bot" "$(json .container_id)"
	same "$bot" "$(bot_of "workspace-$bot")"
}

@test "a bot id finds mcp-BOT, which older servers made" {
	bot=$(new_uuid)
	workspace "mcp-$bot"
	expect 0 --json create "$bot"
	same "mcp-$bot" "$(json .container_id)"
	bot=$(new_uuid)
	expect 3 create "$bot"
}

@test "the label comes before the name" {
	bot=$(new_uuid)
	workspace "workspace-$bot"
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$bot")
	workspace labelled
	expect 0 --json create "$bot"
	same labelled "$(json .container_id)"
}

@test "a container called workspace-BOT or mcp-BOT belongs to it" {
	for prefix in workspace mcp; do
		bot=$(new_uuid)
		workspace "$prefix-$bot"
		expect 0 create "$prefix-$bot"
		same "$bot" "$(bot_of "$prefix-$bot")"
	done
}

@test "a bot id in capitals is the same bot" {
	bot=$(new_uuid)
	workspace "workspace-$bot"
	expect 0 --json create "${bot^^}"
	same "workspace-$bot" "$(json .container_id)"
	bot=$(new_uuid)
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=${bot^^}")
	workspace capitals
	expect 0 --json create "$bot"
	same capitals "$(json .container_id)"
	same "$bot" "$(bot_of capitals)"
}

@test "the row comes before the label" {
	bot=$(new_uuid)
	workspace "workspace-$bot"
	expect 0 create "workspace-$bot"
	WORKSPACE_OPTIONS=(--label "memoh.bot_id=$bot")
	workspace later
	expect 0 --json create "$bot"
	same "workspace-$bot" "$(json .container_id)"
}

@test "of several containers that bear a bot's label the newest is meant" {
	bot=$(new_uuid)
	for id in z1 z3 z2; do
		WORKSPACE_OPTIONS=(--label "memoh.bot_id=$bot")
		workspace "$id"
	done
	expect 0 --json list "$bot"
	same z2 "$(json .container_id)"
}

@test "a label that is no bot's id is passed over" {
	bot=$(new_uuid)
	WORKSPACE_OPTIONS=(--label memoh.bot_id=nobody)
	workspace "mcp-$bot"
	expect 0 create "mcp-$bot"
	same "$bot" "$(bot_of "mcp-$bot")"
}

@test "a container without a bot gets a stable one of version 5" {
	workspace plain
	expect 0 create plain
	bot=$(bot_of plain)
	matches '[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}' "$bot"
	same "$(uuid_of_name "$CONTAINERD_NAMESPACE/plain")" "$bot"
	same 1 "$(db "SELECT count(*) FROM bots WHERE id = '$bot'")"
	expect 0 create plain
	same "$bot" "$(bot_of plain)"
	expect 0 --json list "$bot"
	same plain "$(json .container_id)"
	workspace plain2
	expect 0 create plain2
	[ "$(bot_of plain2)" != "$bot" ]
}

@test "the row of a workspace is kept up to date, and what wsnap does not know is left" {
	workspace kept
	expect 0 create kept
	same 'kept|created-or-running|default-or-ours' "$(db "SELECT container_name,
		CASE WHEN status IN ('created', 'running') THEN 'created-or-running' ELSE status END, 'default-or-ours'
		FROM containers WHERE container_id = 'kept'")"
	db "UPDATE containers SET namespace = 'elsewhere', auto_start = false WHERE container_id = 'kept'"
	expect 0 create kept
	same 'elsewhere|f' "$(db "SELECT namespace, auto_start FROM containers WHERE container_id = 'kept'")"
	same t "$(db "SELECT last_stopped_at IS NOT NULL AND last_started_at >= last_stopped_at
		FROM containers WHERE container_id = 'kept'")"
}

@test "a history can be read when the container is gone" {
	workspace gone
	expect 0 create gone kept
	ctr tasks delete --force gone >/dev/null
	ctr containers delete --keep-snapshot gone
	expect 0 --json list gone
	same 1 "$(json '.versions | length')"
	expect 0 show gone 1
	expect 0 events gone
}

@test "of two containers of one id only that of the row's namespace is listed, pruned and looked at" {
	local other=$CONTAINERD_NAMESPACE-more
	workspace pair
	expect 0 create pair
	expect 0 create pair
	image_import "$other" "$SERVERS/images/busybox.tar"
	CONTAINERD_NAMESPACE=$other workspace pair
	CONTAINERD_NAMESPACE=$other expect 0 -q list
	[[ $'\n'$output$'\n' != *$'\n'pair$'\n'* ]] || complain "the other one's history is claimed"
	CONTAINERD_NAMESPACE=$other expect 0 prune --all --keep-last 1
	CONTAINERD_NAMESPACE=$other expect 0 doctor
	same 2 "$(db "SELECT count(*) FROM container_versions WHERE container_id = 'pair'")"
	CONTAINERD_NAMESPACE=$other ctr tasks delete --force pair >/dev/null 2>&1
	CONTAINERD_NAMESPACE=$other ctr containers delete pair
	# A row that names a namespace without such a container is that of the one here.
	db "UPDATE containers SET namespace = 'moved' WHERE container_id = 'pair'"
	db "UPDATE snapshots SET runtime_snapshot_name = 'lost' WHERE id = (SELECT snapshot_id FROM container_versions
		WHERE container_id = 'pair' AND version = 1)"
	expect 1 doctor
	[[ $output == *"'pair' version 1"* ]] || complain "it was not looked at"
	db "DELETE FROM container_versions WHERE container_id = 'pair'; DELETE FROM snapshots WHERE container_id = 'pair'"
}

@test "two containers of one id in two namespaces do not share a history" {
	workspace twin
	expect 0 create twin
	image_import "$CONTAINERD_NAMESPACE-2" "$SERVERS/images/busybox.tar"
	ctr -n "$CONTAINERD_NAMESPACE-2" containers create "$IMAGE" twin sleep infinity
	expect 8 -n "$CONTAINERD_NAMESPACE-2" create twin
	[[ $stderr == *"-n $CONTAINERD_NAMESPACE is about that one"* ]] || complain "other words"
	expect 8 -n "$CONTAINERD_NAMESPACE-2" delete twin 1
	expect 8 -n "$CONTAINERD_NAMESPACE-2" doctor twin
	ctr -n "$CONTAINERD_NAMESPACE-2" containers delete twin
	expect 0 -q create twin
	same 2 "$output"
}
