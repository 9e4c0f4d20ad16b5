# shellcheck shell=bash
#
# Another client that puts a container on another snapshot. Load it behind workspace.bash.

# field NUMBER BYTES: a length-delimited field of a protobuf message, under 128 bytes long.
field() {
	printf "\\x$(printf %02x $(($1 << 3 | 2)))\\x$(printf %02x ${#2})"
	printf %s "$2"
}

# turn ID SNAPSHOT: what Containers.Update does with the mask `snapshotkey`; ctr has no word for it.
turn() {
	local message
	message=$(field 1 "$(field 1 "$1")$(field 7 "$2")")$(field 2 "$(field 1 snapshotkey)")
	{
		printf '\0\0\0\0'
		printf "\\x$(printf %02x ${#message})"
		printf %s "$message"
	} | curl -sS --http2-prior-knowledge --unix-socket "$CONTAINERD_ADDRESS" -H 'content-type: application/grpc' \
		-H 'te: trailers' -H "containerd-namespace: $CONTAINERD_NAMESPACE" --data-binary @- -o /dev/null \
		http://localhost/containerd.services.containers.v1.Containers/Update
	same "$2" "$(container_snapshot "$1")" "the snapshot that it was put on"
}
