#!/usr/bin/env bash
# lrfind: table, suggestions, charts, and that nothing else is left behind.
. "${BASH_SOURCE[0]%/*}/lib.sh"

cat >"$T/net.cfg" <<'CFG'
[net]
width=32
height=32
channels=3
batch=4
max_batches=1
seed=3
[data]
train=shapes
train_count=16
[convolutional]
filters=8
size=5
stride=4
pad=1
batch_normalize=1
activation=leaky
[convolutional]
filters=10
size=1
activation=linear
[yolo]
classes=5
num=1
mask=0
anchors=12,12
CFG
cd "$T" || exit 1
mkdir here && cd here || exit 1

dlnet lrfind ../net.cfg --steps 20 --from 1e-5 --to 1e-2
expect_status "a search" 0
check "a header" test "$(head -n 1 "$T/out")" = "$(printf 'step\trate\tloss\tsmoothed')"
check "a row a step" test "$(grep -Ec "^[0-9]+$(printf '\t')[0-9.e-]+$(printf '\t')[0-9.e+-]+$(printf '\t')[0-9.e+-]+\$" "$T/out")" = 20
expect_out "the first rate" "^1$(printf '\t')1e-05$(printf '\t')"
expect_out "the last rate" "^20$(printf '\t')0\.01$(printf '\t')"
check "three suggestions at the end" test "$(tail -n 3 "$T/out" | cut -f 1 | tr '\n' ' ')" = "valley steepest minimum/10 "
expect_err "the charts are told" 'lrfind\.svg$'
check "two charts and nothing else" test "$(ls)" = "$(printf 'lrfind.png\nlrfind.svg')"

dlnet lrfind ../net.cfg --steps 20 --from 1e-5 --to 1e-2 --out sub/dir -q --threads 1
expect_no_err "-q"
check "--out DIR is made" test -s sub/dir/lrfind.png
cp "$T/out" one
dlnet lrfind ../net.cfg --steps 20 --from 1e-5 --to 1e-2 --out sub/dir -q --threads 4
check "the same figures with other threads" cmp one "$T/out"
dlnet lrfind ../net.cfg --steps 12 --out only.svg --json -q
check "--out FILE.svg" grep -q '<svg' only.svg
check "only that file" test ! -e only.png
if need_tool "JSON" python3; then
    check "one JSON object" python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
assert [p["step"] for p in d["points"]] == list(range(1, len(d["points"]) + 1))
assert set(d["suggestions"]) == {"valley", "steepest", "minimum/10"}' "$T/out"
fi

dlnet lrfind ../net.cfg --steps 20 --from 1 --to 1e6 --out x.png
expect_status "an explosion is an end, not a mistake" 0
expect_err "it is told" 'ended at step [0-9]+'

dlnet lrfind
expect_status "no cfg" 2
dlnet lrfind a.cfg b.cfg
expect_status "two cfgs" 2
dlnet lrfind ../net.cfg --from 1 --to 1e-3
expect_status "falling rates" 2
expect_err "which are told" 'from 1 .*to 0\.001'
dlnet lrfind ../net.cfg --steps 2
expect_status "too few steps" 2
dlnet lrfind no-such.cfg
expect_status "a cfg that isn't there" 66
dlnet lrfind ../net.cfg --init no-such.safetensors
expect_status "a model that isn't there" 66
dlnet lrfind ../net.cfg --set data.train=no-such-folder
expect_status "data that isn't there" 66
expect_no_out "no results then, and no header"
finish
