#!/bin/sh
# demo.sh: trains the YOLO of cfg/yolo.cfg on the built-in pictures, makes a picture that it hasn't seen and marks the objects in it.
# `make demo` builds $DLNET first.
set -eu
dlnet=${DLNET:-./dlnet}

echo "Training cfg/yolo.cfg (a few minutes) ..."
model=$("$dlnet" train cfg/yolo.cfg)
run=$(dirname "$model")
"$dlnet" sample -n 1 --out "$run/unseen" >/dev/null
echo "Objects found (picture, class, score, left, top, right, bottom):"
"$dlnet" detect -m "$model" --thresh .5 --out "$run/found" "$run"/unseen/*.png
for picture in "$run"/found/*; do
    [ -e "$picture" ] || { echo "demo: no picture in $run/found" >&2 && exit 1; }
    echo "The picture with its boxes: $picture"
done
echo "Model, log and chart: $run"
