#!/usr/bin/env bash
# bench-coco.sh [IMAGES [FOLDER]]: time and memory of opening a COCO file of the real size. Makes one (118287 images, 860001 boxes with polygons, 450 MB)
# and empty files for its images in FOLDER (a temporary one), and prints seconds and MB resident.
set -euo pipefail
images=${1:-118287}
folder=${2:-$(mktemp -d "${TMPDIR:-/tmp}/dlnet-coco.XXXXXX")}
dlnet=$(realpath "${DLNET:-./dlnet}")
[ -n "${2-}" ] || trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/annotations" "$folder/train2017"
cd "$folder"
json=annotations/instances_train2017.json
if [ ! -e $json ]; then
    awk -v images="$images" 'BEGIN {
        srand(1); boxes = int(images * 860001 / 118287)
        printf "{\"info\": {\"year\": 2017}, \"licenses\": [], \"images\": ["
        for (i = 1; i <= images; i++)
            printf "%s{\"license\": 3, \"file_name\": \"%012d.jpg\", \"coco_url\": \"http://images.cocodataset.org/train2017/%012d.jpg\", \"height\": 480, \"width\": 640, \"date_captured\": \"2013-11-14 11:18:45\", \"id\": %d}", (i > 1 ? ", " : ""), i, i, i
        printf "], \"annotations\": ["
        for (i = 0; i < 40; i++) polygon = polygon sprintf("%.2f, ", 100 + rand() * 500)
        for (b = 1; b <= boxes; b++)
            printf "%s{\"segmentation\": [[%s%.2f, %.2f]], \"area\": %.4f, \"iscrowd\": 0, \"image_id\": %d, \"bbox\": [%.2f, %.2f, %.2f, %.2f], \"category_id\": %d, \"id\": %d}", (b > 1 ? ", " : ""), polygon, rand() * 640, rand() * 480, rand() * 9e4, 1 + int(rand() * images), rand() * 300, rand() * 200, 1 + rand() * 300, 1 + rand() * 250, 1 + b % 80, 900100000000 + b
        printf "], \"categories\": ["
        for (i = 1; i <= 80; i++) printf "%s{\"supercategory\": \"thing\", \"id\": %d, \"name\": \"class %d\"}", (i > 1 ? ", " : ""), i, i
        printf "]}"
    }' >$json
    (cd train2017 && seq -f '%012.0f.jpg' 1 "$images" | xargs touch)
fi
cat >coco.cfg <<'CFG'
[net]
width=64
height=64
channels=3
[data]
train=.
[convolutional]
filters=255
stride=8
[yolo]
mask=0,1,2
anchors=8,8, 16,16, 24,24
num=3
classes=80
CFG
printf '%s: %d MB\n' $json $(($(stat -c %s $json) / 1000000))
/usr/bin/env bash -c 'TIMEFORMAT="%R seconds"; time "$0" data coco.cfg --quick --split train -q' "$dlnet" | head -n 5
# The kernel counts the largest resident size of a child.
"$dlnet" data coco.cfg --quick --split train -q >/dev/null &
most=0
while kill -0 $! 2>/dev/null; do
    now=$(awk '/VmHWM/ {print $2}' /proc/$!/status 2>/dev/null || true)
    [ "${now:-0}" -le "$most" ] || most=$now
    sleep .02
done
wait $! || true
printf '%d MB resident at most\n' $((most / 1024))
