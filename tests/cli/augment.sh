#!/usr/bin/env bash
# augment: enlarged data sets in three forms, which train; soft labels; the sheet.
. "${BASH_SOURCE[0]%/*}/lib.sh"

head='[net]
width=32
height=32
channels=3
batch=8
max_batches=12
valid_every=12
learning_rate=.01
'
steps='[augment]
rotate=20
scale=1.2
noise=.02
'
detector='[convolutional]
filters=16
size=3
stride=4
pad=1
activation=leaky
[convolutional]
filters=20
size=1
activation=linear
[yolo]
classes=5
num=2
mask=0,1
anchors=6,6, 12,12
'
classifier='[convolutional]
filters=8
size=3
stride=2
pad=1
activation=leaky
[connected]
output=3
activation=linear
[softmax]
'
# boxes
{ echo "$head$steps"; printf 'mosaic=.3\n[data]\ntrain=shapes\nvalid=shapes\ntrain_count=12\nvalid_count=8\n'; echo "$detector"; } >"$T/boxes.cfg"
dlnet augment "$T/boxes.cfg" -n 2 --out "$T/boxes"
expect_status "Darknet's form" 0
expect_out "the path of the .data file" "^$T/boxes/augmented\.data$"
expect_err "the command to train with" "dlnet train $T/boxes\.cfg --data $T/boxes/augmented\.data"
check "three of each" test "$(wc -l <"$T/boxes/train.txt")" = 36
check "a label file for each" test "$(find "$T/boxes/labels" -name '*.txt' | wc -l)" = 36
dlnet train "$T/boxes.cfg" --data "$T/boxes/augmented.data" --out "$T/boxes-run"
expect_status "it trains" 0
dlnet augment "$T/boxes.cfg" --out "$T/boxes"
expect_status "never over a folder" 2
expect_err "the folder is named" "$T/boxes: is there already"

# the same bytes with any number of threads
dlnet augment "$T/boxes.cfg" -n 2 --out "$T/again" --threads 1 -q
check "one thread and two: the same files" diff -r --exclude=augmented.data "$T/boxes" "$T/again"

# a folder per class, mixed
for k in 0 1 2; do
    dlnet sample -n 6 --first $((k * 6)) --size 40 --out "$T/pictures/train/class-$k"
    rm -f "$T/pictures/train/class-$k/"*.txt "$T/pictures/train/class-$k/"*.names
done
{ echo "$head$steps"; printf 'cutmix=1\nmixup=1,p=.5\n[data]\ntrain=pictures\nvalid_fraction=.3\n'; echo "$classifier"; } >"$T/classes.cfg"
dlnet augment "$T/classes.cfg" -n 3 --out "$T/classes" --json -q
expect_status "a folder per class" 0
expect_out "JSON" '"samples":52'
soft=$T/classes/train/soft-labels.tsv
check "mixed classes have their shares" awk -F'\t' '{s = 0; for (i = 3; i <= NF; i += 2) s += $i; if (s < .999 || s > 1.001) exit 1} END {exit NR < 20}' "$soft"
check "the files are there" bash -c "cut -f1 '$soft' | while read -r f; do test -e '$T/classes/train/'\"\$f\" || exit 1; done"
check "the held-back part is its own split" test "$(find "$T/classes/valid" -name '*.png' | wc -l)" -ge 3
dlnet train "$T/classes.cfg" --data "$T/classes/augmented.data" --out "$T/classes-run" --set net.max_batches=400 --set net.valid_every=400
expect_status "it trains" 0
# Its own training data, with the shares as labels.
dlnet val "$T/classes-run/best.safetensors" --data "$T/classes/augmented.data" --split train --json
expect_status "measured on the mixed labels" 0
sed -i '1s/.*/nowhere.png\tclass-9\t1/;2s/\t[0-9.e-]*$/\t.0001/' "$soft"
dlnet train "$T/classes.cfg" --data "$T/classes/augmented.data" --out "$T/broken" --set data.on_bad=error
expect_status "wrong shares" 65
expect_err "their line" 'soft-labels\.tsv:2: the shares sum to'

# a signal
mkdir -p "$T/signals/train/up" "$T/signals/train/down"
for k in 1 2 3 4; do
    seq 1 $k $((k * 32)) >"$T/signals/train/up/$k.csv"
    seq $((k * 32)) -$k 1 >"$T/signals/train/down/$k.csv"
done
cat >"$T/signals.cfg" <<'CFG'
[net]
width=32
height=1
channels=1
batch=4
max_batches=6
[augment]
time_shift=.2
noise=.1
gain=1.5
time_mask=.2
time_stretch=1.2
background=.1
mixup=1,p=.5
[data]
train=signals
[connected]
output=2
activation=linear
[softmax]
CFG
dlnet augment "$T/signals.cfg" -n 2 --out "$T/more"
expect_status "signals" 0
check "three of each" test "$(find "$T/more/train" -name '*.csv' | wc -l)" = 24
dlnet train "$T/signals.cfg" --data "$T/more/augmented.data" --out "$T/signals-run"
expect_status "they train" 0
dlnet train "$T/signals.cfg" --set augment.hue=.1 --out "$T/hue"
expect_status "pictures' steps on signals" 65
expect_err "what they are for" 'hue= is for pictures, but the training data are numbers'

# where a trained model looks
dlnet train "$T/classes.cfg" --set data.augment=0 --out "$T/looker" -q
dlnet train "$T/classes.cfg" --set augment.attentive_cutmix=6 --set "augment.attentive_model=$T/looker/best.safetensors" --out "$T/attentive"
expect_status "attentive CutMix" 0

dlnet augment "$T/boxes.cfg" --sheet "$T/sheet.png"
expect_status "the sheet" 0
check "it is a picture" test -s "$T/sheet.png"
dlnet augment "$T/boxes.cfg"
expect_status "nothing asked for" 2
finish
