#!/usr/bin/env bash
# dlnet data: what it counts, what it finds wrong, and its exit status.
. "${BASH_SOURCE[0]%/*}/lib.sh"

if need_data 'BCCD: counts' bccd; then
    DLNET_DATA=$DATA dlnet data cfg/bccd.cfg --picture "$T/bccd.png"
    expect_status 'BCCD: skipped mistakes are no failure' 0
    expect_out 'BCCD: images of each split' '^images +205 +87 +72$'
    expect_out 'BCCD: boxes of each split' '^boxes +2804 +1137 +945$'
    expect_out 'BCCD: a class' '^RBC +2381 +967 +805$'
    expect_out 'BCCD: boxes without area' '^  boxes without area +1 +1 +0$'
    expect_out 'BCCD: sizes of images' '^image width +train( +640){7}$'
    expect_err 'BCCD: the mistake with its line' 'train: .*BloodImage_00343\.xml:[0-9]+: found a box without area'
    check 'BCCD: a picture' test "$(head -c 4 "$T/bccd.png" | tail -c 3)" = PNG
    DLNET_DATA=$DATA dlnet data cfg/bccd.cfg --quick -q --set data.on_bad=error --split valid
    expect_status 'BCCD: on_bad=error fails' 65
    expect_no_err 'BCCD: -q says nothing'
fi
if need_data 'MNIST: mirrored digits' mnist; then
    DLNET_DATA=$DATA dlnet data cfg/mnist.cfg --set net.flip=1 --quick --split test
    expect_err 'MNIST: digits and flip=1' 'warning: .*digits or letters.* flip=1'
    DLNET_DATA=$DATA dlnet data cfg/mnist.cfg --set net.flip=0 --quick --split test
    expect_no_err 'MNIST: no word without flip'
fi

# Two splits that share a picture; an unreadable one; a missing label; an empty one; labels that are wrong.
cd "$T" || exit 1
cat >a.cfg <<'CFG'
[net]
width=32
height=32
channels=3
batch=1
max_batches=1
[data]
train=train.txt
valid=valid.txt
[convolutional]
filters=24
size=1
stride=8
activation=linear
[yolo]
mask=0,1,2
anchors=8,8, 16,16, 24,24
num=3
classes=3
CFG
dlnet sample -n 6 --size 32 --out p
for i in 0 1 2 3 4 5; do echo "p/shapes-00$i.png"; done >train.txt
cp p/shapes-002.png p/copy.png
cp p/shapes-003.png p/own.png && printf x >>p/own.png
printf 'p/copy.png\np/own.png\n' >valid.txt
label() { printf -- "$2" >"p/$1.txt"; }
label shapes-000 '0 .5 .5 .2 .4\n1 .25 .5 .5 .5\n'
label shapes-001 ''
rm -f p/shapes-002.txt
label shapes-003 '0 .5 .5 0 .4\n0 1.5 .5 .2 .2\n2 .5 .5 .1 .1\n'
label shapes-004 '0 .5 .5 .2 .4\n'
label shapes-005 '9 .5 .5 .2 .4\n'
label copy '0 .5 .5 .2 .4\n'
label own '0 .5 .5 .2 .4\n'
head -c 90 p/shapes-004.png >p/cut.png && mv p/cut.png p/shapes-004.png
dlnet data a.cfg --json
expect_status 'a list: skipped by default' 0
check 'a list: one JSON object' jq -e . "$T/out"
cp "$T/out" found.json
j() { check "a list: $1" jq -e "$2" found.json; }
j 'images' '.splits.train.samples == 6 and .splits.valid.samples == 2'
j 'boxes' '.splits.train.boxes == 4 and .splits.train.objects_per_class[0:3] == [2, 1, 1]'
j 'missing and empty labels' '.splits.train.unlabelled == 1 and .splits.train.empty == 2'
j 'wrong labels' '.splits.train.mistakes == 3 and .splits.train.boxes_without_area == 1 and .splits.train.boxes_outside == 1'
j 'unreadable' '.splits.train.unreadable == 1 and .splits.train.truncated == 1'
j 'each mistake with file and line' '[.splits.train.problems[] | select(test("shapes-003\\.txt:2: ") or test("shapes-005\\.txt:1: ") or test("shapes-004\\.png: truncated"))] | length == 3'
j 'pictures that both splits have, by their pixels' '.shared[0].first == "train" and .shared[0].samples == 2 and .shared[0].pairs[0].second == "p/copy.png" and .shared[0].pairs[1].first == "p/shapes-003.png"'
j 'quantiles' '.splits.train.box_width[0] > .099 and .splits.train.box_width[0] < .101 and .splits.train.box_width[6] > .499'
expect_err 'a list: the shared pictures' 'warning: 2 of the 2 images of valid are in train too: the first is (\./)?p/copy\.png'
dlnet data a.cfg --set data.on_bad=error --split train
expect_status 'a list: on_bad=error fails' 65
expect_err 'a list: all mistakes, not the first' 'shapes-005\.txt:1: found class 9'
dlnet data a.cfg --split test
expect_status 'a split that is not given' 65
dlnet data a.cfg --split tests
expect_status 'a wrong split' 2
dlnet data a.cfg --picture x.jpg
expect_status 'a picture that is no PNG' 2
dlnet data
expect_status 'no cfg' 2
dlnet data none.cfg
expect_status 'a missing cfg' 66
finish
