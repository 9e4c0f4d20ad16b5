# shellcheck shell=bash
#
# A busybox image that needs no network: a root filesystem in a tar, an OCI layout around it. Source it, then:
#
#   image_build FILE [STOP_SIGNAL]    writes the layout's tar to FILE
#   image_import NAMESPACE FILE       into the containerd of CONTAINERD_ADDRESS
#
# The image is called $IMAGE, and $IMAGE-SIGNAL (lower case) where it names a stop signal.

IMAGE=wsnap.test/busybox:1

image_name() {
	printf '%s%s' "$IMAGE" "${1:+-${1,,}}"
}

image_root() {
	local root=$1 busybox applet
	busybox=$(command -v busybox) || return 1
	mkdir -p "$root"/{bin,etc,root,tmp,proc,sys,dev,run,data,var}
	chmod 1777 "$root/tmp"
	cp "$busybox" "$root/bin/busybox"
	for applet in $("$busybox" --list); do
		[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
}

# Moves a file to its place among the blobs and prints its digest.
image_blob() {
	local digest
	digest=$(sha256sum <"$2" | cut -d ' ' -f 1)
	mv "$2" "$1/blobs/sha256/$digest"
	printf '%s' "$digest"
}

image_layout() {
	local folder=$1 signal=$2 architecture layer layer_size config config_size manifest manifest_size
	architecture=$(dpkg --print-architecture 2>/dev/null || echo amd64)
	mkdir -p "$folder/layout/blobs/sha256"
	layer_size=$(stat -c %s "$folder/layer")
	layer=$(image_blob "$folder/layout" "$folder/layer")
	printf '{"architecture":"%s","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["/bin/sh"]%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$architecture" "${signal:+,\"StopSignal\":\"$signal\"}" "$layer" >"$folder/config"
	config_size=$(stat -c %s "$folder/config")
	config=$(image_blob "$folder/layout" "$folder/config")
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' \
		"$config" "$config_size" "$layer" "$layer_size" >"$folder/manifest"
	manifest_size=$(stat -c %s "$folder/manifest")
	manifest=$(image_blob "$folder/layout" "$folder/manifest")
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"io.containerd.image.name":"%s"}}]}' \
		"$manifest" "$manifest_size" "$(image_name "$signal")" >"$folder/layout/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$folder/layout/oci-layout"
}

image_build() {
	local file=$1 signal=${2:-} folder=$1.parts
	mkdir -p "$folder" || return 1
	image_root "$folder/root" || { echo "busybox (busybox-static) is not installed" >&2; return 1; }
	tar --create --file "$folder/layer" --directory "$folder/root" --owner 0 --group 0 --numeric-owner \
		--sort name --mtime @0 . || return 1
	image_layout "$folder" "$signal" || return 1
	tar --create --file "$file" --directory "$folder/layout" . || return 1
	rm -rf "$folder"
}

image_import() {
	ctr -n "$1" images import "$2" >/dev/null
}
