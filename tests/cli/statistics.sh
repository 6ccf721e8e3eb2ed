#!/usr/bin/env bash
# What layers find on the training data and what samplers draw, as a user meets them: told, saved, resumed, and refused where it makes no sense.
. "${BASH_SOURCE[0]%/*}/lib.sh"
export OMP_NUM_THREADS=1

cat >"$T/two.cfg" <<CFG
[net]
inputs=12
batch=16
subdivisions=2
max_batches=40
learning_rate=.05
valid_every=5
sampler=balanced
[data]
train=$PWD/data/course/factors.csv
valid_fraction=.2
[standardize]
[pca]
components=3
whiten=1
[connected]
output=3
activation=linear
[softmax]
CFG
dlnet train "$T/two.cfg" --out "$T/a" --threads 1
expect_status 'two layers with a fit' 0
expect_err 'the first is told' '^layer 0 \[standardize\]: means and deviations of 12 features over 144 training rows$'
expect_err 'the second is told' '^layer 1 \[pca\]: 3 principal components of 12 numbers, with 9[0-9.]+ % of the variance over 144 training rows$'
dlnet train "$T/two.cfg" --out "$T/b" -q --set net.max_batches=20
dlnet train "$T/two.cfg" --resume "$T/b" --threads 2
check 'a resumed run finds nothing anew' bash -c '! grep -q "training rows$" "$1"' - "$T/err"
check 'and ends with the same bytes' cmp "$T/a/last.safetensors" "$T/b/last.safetensors"

# Killed while it runs.
long=(--set net.max_batches=1500 --set net.save_every=100 --set net.valid_every=1500)
dlnet train "$T/two.cfg" --out "$T/c" -q "${long[@]}"
"$DLNET" train "$T/two.cfg" --out "$T/d" -q "${long[@]}" >/dev/null 2>&1 &
for _ in {1..500}; do
    [ -e "$T/d/last.safetensors" ] && break
    sleep .01
done
{ kill -KILL $! && wait $!; } 2>/dev/null
check 'killed before the end' bash -c '! cmp -s "$1" "$2"' - "$T/c/last.safetensors" "$T/d/last.safetensors"
dlnet train "$T/two.cfg" --resume "$T/d" -q "${long[@]}"
check 'killed and resumed: the same bytes' cmp "$T/c/last.safetensors" "$T/d/last.safetensors"

dlnet train "$T/two.cfg" --init "$T/a/best.safetensors" --out "$T/init"
check '--init brings its statistics' bash -c '! grep -q "training rows$" "$1"' - "$T/err"
dlnet train "$T/two.cfg" --init "$T/a/best.safetensors" --out "$T/again" --set 1.dontload=1
check 'dontload=1 finds those of a layer anew' test "$(grep -c 'training rows$' "$T/err")" -eq 1

# Means of models: of the same data only.
dlnet average "$T/a/best.safetensors" "$T/init/last.safetensors" --out "$T/mean.safetensors"
expect_status 'a mean of models of the same data' 0
expect_no_err 'has no batch norm to warn of'
dlnet train "$T/two.cfg" --out "$T/other" -q --set net.seed=2
dlnet average "$T/a/best.safetensors" "$T/other/last.safetensors" --out "$T/mean.safetensors"
expect_status 'none of models of other data' 65
expect_err 'says which layer' 'layer 0 \[standardize\] holds other statistics'

# The model needs nothing else: alone, with its cfg, and by way of Darknet's weights it says the same.
cut -d, -f1-12 data/course/factors.csv | sed 1d | head -n 20 >"$T/rows.csv"
dlnet predict -m "$T/a/best.safetensors" "$T/rows.csv"
cp "$T/out" "$T/alone"
dlnet predict "$T/two.cfg" "$T/a/best.safetensors" "$T/rows.csv"
check 'predict with the cfg: the same' cmp "$T/out" "$T/alone"
dlnet export "$T/a/best.safetensors" --out "$T/a.weights"
sed 's/^valid_fraction.*/&\nnames=kinds.names/' "$T/two.cfg" >"$T/named.cfg"
printf 'a\nb\nc\n' >"$T/kinds.names"
dlnet predict "$T/named.cfg" "$T/a.weights" "$T/rows.csv"
check 'predict from .weights: the same' cmp "$T/out" "$T/alone"
sed 's/^\[pca\]/&\ndontload=1/' "$T/named.cfg" >"$T/unfitted.cfg"
dlnet predict "$T/unfitted.cfg" "$T/a.weights" "$T/rows.csv"
expect_status 'predict without the statistics' 65
expect_err 'names the layer' 'unfitted\.cfg:[0-9]+: layer 1 \[pca\] has no statistics'
dlnet val "$T/unfitted.cfg" "$T/a.weights"
expect_status 'val without the statistics' 65

printf 'x,same,z,y\n1,5,2,a\n2,5,1,b\n3,5,4,a\n4,5,3,b\n' >"$T/flat.csv"
flat=(--set net.inputs=3 --set net.sampler=shuffle --set data.train="$T/flat.csv" --set data.valid_fraction=0 --set net.max_batches=2 --set 2.output=2)
dlnet train "$T/two.cfg" --out "$T/flat" "${flat[@]}"
expect_status 'a column without variance' 0
expect_err 'is named' "warning: layer 0 \\[standardize\\]: without variance .*: column 'same'\$"
expect_err 'and has no component' '3 principal components of 3 numbers \(only 2 of them have variance\)'

dlnet train "$T/two.cfg" --out "$T/no" --set net.sampler_weights=1,2,3
expect_status 'weights without their sampler' 65
expect_err 'says which' 'sampler_weights= needs sampler=weighted'
dlnet train "$T/two.cfg" --out "$T/no" --set net.sampler=weighted --set net.sampler_weights=1,2
expect_err 'as many weights as classes' 'sampler_weights= has 2 numbers, expected one for each of the 3 classes'
dlnet train cfg/course/linear.cfg --out "$T/no" --set net.sampler=balanced
expect_status 'a sampler of classes for numbers' 65
expect_err 'says why' 'the one class of each image, but the data has numbers; expected sampler=shuffle'
dlnet train cfg/yolo.cfg --out "$T/no" --set net.sampler=stratified
expect_err 'and for boxes' 'but the data has boxes'
finish
