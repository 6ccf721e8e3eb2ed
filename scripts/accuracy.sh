#!/bin/sh
# accuracy.sh: trains the networks whose figures the README tells, each with its cfg as it stands, and prints their figures on data that played no part
# in training. MNIST and BCCD are found through DLNET_DATA (default data); a data set that isn't there is left out. `make accuracy` builds $DLNET first.
set -eu
dlnet=${DLNET:-./dlnet}
export DLNET_DATA="${DLNET_DATA:-data}"
out=$(mktemp -d "${TMPDIR:-/tmp}/dlnet-accuracy.XXXXXX")
trap 'rm -rf "$out"' EXIT

# figure KEY: the number after "KEY": in the JSON object on stdin.
figure() { sed -n "s/.*\"$1\": *\([0-9.eE+-]*\).*/\1/p" | head -n 1; }

# row CFG DATA SPLIT KEY NAME
row()
{
    if [ -n "$2" ] && [ ! -e "$2" ]; then
        echo "accuracy: $2 isn't there, $1 is left out" >&2
        return 0
    fi
    start=$(date +%s)
    model=$("$dlnet" train "$1" --out "$out/$(basename "$1" .cfg)")
    seconds=$(($(date +%s) - start))
    value=$("$dlnet" val "$model" --split "$3" --json | figure "$4")
    printf '%-16s %-12s %-8s %10s %9d s\n' "$1" "$5" "$3" "$value" "$seconds"
}

printf '%-16s %-12s %-8s %10s %11s\n' cfg figure split value training
row cfg/mnist.cfg "$DLNET_DATA/mnist" test top1 'accuracy'
row cfg/bccd.cfg "$DLNET_DATA/bccd" test mAP50 'mAP@.5'
row cfg/yolo.cfg '' test mAP50 'mAP@.5'
