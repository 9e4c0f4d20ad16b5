#!/bin/sh
# Merges layers of many random trees on ext4, xfs and btrfs, and compares what they show.
#     tests/endurance/trees.sh [TREES [SEED [FOLDER]]]
# TREES in total (1,000), from SEED (100) upwards; the image files lie below FOLDER (TMPDIR or /tmp). Needs root.
set -eu

trees=${1:-1000}
seed=${2:-100}
folder=${3:-${TMPDIR:-/tmp}}
cd "$(dirname "$0")/../.."

program=${LAYER_TREES:-build/tests/unit/layer_trees}
[ -x "$program" ] || make "$program"
exec "$program" "$seed" $(((trees + 2) / 3)) "$folder"
