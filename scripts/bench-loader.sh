#!/usr/bin/env bash
# bench-loader.sh [ROW …]: a step of training yolov3-tiny (416 x 416, 8 images) fed by the loader, against the same step on data held in memory, as lines of a
# table of Markdown. The data are coco128 eight times over, so that the pictures that the loader keeps for mixtures aren't the whole set. ROW: plain darknet
# all none turbo (without any: these). DLNET: the program; DLNET_DATA: the data; REPS (30): steps of each kind; ROUNDS (1): the median of so many starts.
set -eu
cd "${BASH_SOURCE[0]%/*}/.."
DLNET=${DLNET:-./dlnet} REPS=${REPS:-30} ROUNDS=${ROUNDS:-1}
DATA=$(cd "${DLNET_DATA:-data}" && pwd)
T=$(mktemp -d "${TMPDIR:-/tmp}/dlnet-loader.XXXXXX")
trap 'rm -rf "$T"' EXIT
for _ in 1 2 3 4 5 6 7 8; do sed "s#^#$DATA/coco128/#" "$DATA/coco128/train2017.txt"; done >"$T/list.txt"
sed "s#^#$DATA/coco128/#" "$DATA/coco128/train2017.txt" >"$T/once.txt"
awk '/^\[/ {on = $0 != "[data]"} on || NR == 1' cfg/yolov3-tiny.cfg >"$T/net.cfg"
{ cat "$T/net.cfg" && sed "s#LIST#$T/list.txt#" scripts/peers/augment.cfg; } >"$T/all.cfg"
sed "s#list.txt#once.txt#" "$T/all.cfg" >"$T/once.cfg"
sed '/^\[augment\]$/,$d' "$T/all.cfg" >"$T/darknet.cfg"

# measure NAME CFG [SETTING …]
measure()
{
    local k settings=()
    for k in "${@:3}"; do settings+=(--set "$k"); done
    for k in $(seq "$ROUNDS"); do "$DLNET" bench "$T/$2.cfg" --train --loader --batch 8 --reps "$REPS" -q --json "${settings[@]}"; done |
        sed 's/.*"loader_step_ms":\([0-9.]*\),"memory_step_ms":\([0-9.]*\),"ratio":\([0-9.]*\).*/\3 \1 \2/' | sort -g |
        awk -v name="$1" '{line[NR] = $0} END {split(line[int((NR + 1) / 2)], x, " "); printf "| %s | %.0f | %.0f | %.3f |\n", name, x[2], x[3], x[1]}'
}
echo '| augmentation, settings of [data] | step with the loader, ms | on data in memory, ms | ratio |'
echo '| --- | ---: | ---: | ---: |'
[ $# -gt 0 ] || set -- plain darknet all none turbo
for row; do
    case $row in
        plain) measure "none (\`augment=0\`), \`cache=none\`" darknet data.augment=0 data.cache=none ;;
        darknet) measure "that of the cfg (hue, saturation, exposure, jitter), \`cache=none\`" darknet data.cache=none ;;
        all) REPS=$((4 * REPS)) measure "all, defaults (\`jpeg=stb\`, \`cache=auto\`): epochs after the first" once ;;
        none) measure "all, \`cache=none\`, as in the first epoch and where the pictures don't fit" all data.cache=none ;;
        turbo) measure "all, \`cache=none\`, \`jpeg=turbo\`" all data.cache=none data.jpeg=turbo ;;
        *) echo "bench-loader: unknown row '$row', expected some of: plain darknet all none turbo" >&2 && exit 2 ;;
    esac
done
