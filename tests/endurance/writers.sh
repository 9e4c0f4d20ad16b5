#!/bin/bash
# VERSIONS live versions (default 200) beside each way of writing by itself, on ext4, xfs and btrfs: every one is compared
# with the workspace, byte by byte, while that stands still. WRITERS="append mapping" takes these alone.
set -u
here=$(dirname "$(readlink -f "$0")")
root=$(cd "$here/../.." && pwd)
every=$(sed -n 's/.*{ *\.name = "\([a-z0-9_]*\)".*/\1/p' "$root/tests/unit/support/writers.c")

# shellcheck disable=SC2086 # a name a word
exec "$root/build/tests/unit/live_writers" "${VERSIONS:-200}" ${WRITERS:-$every}
