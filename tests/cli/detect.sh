#!/usr/bin/env bash
# detect, predict and sample from the outside: operands, streams, pictures, statuses. The figures themselves are compared elsewhere.
. "${BASH_SOURCE[0]%/*}/lib.sh"

json() { python3 -c 'import json, sys
rows = [json.loads(line) for line in open(sys.argv[1], "rb").read().decode("utf-8").splitlines()]
sys.exit(not eval("(" + sys.argv[2] + ")"))' "$T/out" "$1"; }

# The built-in pictures.
dlnet sample -n 3 --out "$T/shapes" --first 5 --size 64
expect_status "sample" 0
expect_out "it prints the paths" '/shapes/shapes-007\.png$'
dlnet sample -n 1 --json --out "$T/json"
expect_out "sample --json" "^\{\"image\":\"$T/json/shapes-000\.png\"\}$"
cp -r "$T/shapes" "$T/again" && dlnet sample -n 3 --out "$T/again" --first 5 --size 64
check "the same pictures every time" diff -r "$T/shapes" "$T/again"
check "a label has five fields" grep -Eq '^[0-4]( [01]\.[0-9]{6}){4}$' "$T/shapes/shapes-006.txt"
dlnet sample -n 1 --out "$T/train" --first 5 --size 64 --split train
check "another split is another picture" test "$(cksum <"$T/train/shapes-005.png")" != "$(cksum <"$T/shapes/shapes-005.png")"
dlnet sample --split tset
expect_status "an unknown split" 2
dlnet sample --out "$T/shapes/shapes-005.png/x"
check "a folder that can't be made" test "$status" -ne 0

# A classifier that has learnt next to nothing.
cat >"$T/tiny.cfg" <<'CFG'
[net]
batch=4
width=24
height=16
channels=3
max_batches=2
learning_rate=0.01
[convolutional]
filters=5
size=3
stride=4
activation=linear
[avgpool]
[softmax]
[data]
train=shapes
valid=shapes
train_count=8
valid_count=4
CFG
dlnet train "$T/tiny.cfg" -q --out "$T/run"
expect_status "a tiny classifier trains" 0
P=(-m "$T/run/last.safetensors")
dlnet predict "${P[@]}" "$T/shapes"
expect_status "predict a folder" 0
check "five classes for each of three pictures" test "$(wc -l <"$T/out")" -eq 15
check "sums to one" awk -F'\t' '{ s[$1] += $3 } END { for (k in s) if (s[k] < .999 || s[k] > 1.001) exit 1 }' "$T/out"
dlnet predict "${P[@]}" --json --top 2 "$T/shapes/shapes-006.png"
if need_tool "predict --json" python3; then
    check "predict --json" json 'len(rows) == 1 and len(rows[0]["top"]) == 2 and rows[0]["top"][0]["probability"] >= rows[0]["top"][1]["probability"]
        and set(rows[0]["top"][0]) == {"class", "class_id", "probability"} and rows[0]["top"][0]["class"] in "circle square triangle star heart".split()'
fi
dlnet predict "${P[@]}" "$T/shapes/shapes-006.png" --out "$T/one.png"
check "predict writes a picture" test -s "$T/one.png"
dlnet predict "${P[@]}" "$T/shapes" -q --mc 3
expect_status "--mc without dropout" 0
expect_err "it warns that nothing is drawn" 'warning: --mc 3: .*no layer that draws'
dlnet predict "${P[@]}" "$T/shapes" -q --mc 1
expect_status "--mc 1" 2
sed 's/^\[avgpool\]/[dropout]\nprobability=.3\n&/' "$T/tiny.cfg" >"$T/drop.cfg"
dlnet train "$T/drop.cfg" -q --out "$T/drop"
D=(-m "$T/drop/last.safetensors")
dlnet predict "${D[@]}" "$T/shapes" -q --mc 20
expect_status "--mc" 0
expect_no_err "--mc warns of nothing"
check "a column of variances" awk -F'\t' 'NF != 4 || $4 <= 0 || $4 >= .25 { bad = 1 } END { exit bad || NR != 15 }' "$T/out"
cp "$T/out" "$T/mc"
dlnet predict "${D[@]}" "$T/shapes" -q --mc 20 --threads 1
check "--mc: the same seed, the same bytes" cmp "$T/out" "$T/mc"
dlnet predict "${D[@]}" "$T/shapes" -q --mc 20 --seed 7
check "--mc: another seed, other draws" bash -c '! cmp -s "$1" "$2"' - "$T/out" "$T/mc"
dlnet predict "${D[@]}" "$T/shapes/shapes-006.png" -q --mc 20 --json --top 1
check "--mc --json" grep -Eq '"probability":0\.[0-9]+,"variance":0\.[0-9]+\}' "$T/out"
dlnet detect "${P[@]}" "$T/shapes"
expect_status "detect with a classifier" 65
expect_err "it names the right command" 'dlnet predict'
dlnet predict "${P[@]}"
expect_status "no images" 2
dlnet predict "${P[@]}" --top 0 x.png
expect_status "--top 0" 2

if need_data "detect" yolo-fastest-1.1_coco && need_data "detect" darknet-samples; then
    Y=$DATA/yolo-fastest-1.1_coco S=$DATA/darknet-samples
    M=("$Y/yolo-fastest-1.1.cfg" "$Y/yolo-fastest-1.1.weights" --names "$Y/coco.names")

    dlnet detect "${M[@]}" "$S/dog.jpg"
    expect_status "detect" 0
    expect_out "seven tab-separated fields" $'^[^\t]*dog\\.jpg\tdog\t0\\.[0-9]{6}(\t-?[0-9]+\\.[0-9]{3}){4}$'
    check "sorted by score" sort -c -t $'\t' -k 3,3gr "$T/out"
    cp "$T/out" "$T/dog"
    dlnet detect "$S/dog.jpg" "${M[@]}" --nms 1
    check "--nms 1 keeps more" test "$(wc -l <"$T/out")" -gt "$(wc -l <"$T/dog")"
    dlnet detect "${M[@]}" "$S/dog.jpg" --thresh .6
    check "--thresh leaves the better ones" cmp "$T/out" <(awk -F'\t' '$3 > .6' "$T/dog")

    dlnet detect "${M[@]}" --json "$S/dog.jpg" "$S/eagle.jpg"
    if need_tool "detect --json" python3; then
        check "detect --json" json '[r["image"].rsplit("/")[-1] for r in rows] == ["dog.jpg", "eagle.jpg"] and rows[0]["width"] == 768 and rows[0]["height"] == 576
            and all(set(d) == {"class", "class_id", "score", "box"} and len(d["box"]) == 4 for r in rows for d in r["detections"])
            and rows[0]["detections"] == sorted(rows[0]["detections"], key=lambda d: -d["score"])'
        cp "$S/dog.jpg" "$T/"$'d\xff"\tg.jpg'
        dlnet detect "${M[@]}" --json "$T/"$'d\xff"\tg.jpg'
        check "any file name gives valid JSON" json 'rows[0]["image"].endswith("d\ufffd\"\tg.jpg")'
        printf 'P6 1 1 255\nabc' >"$T/dot.ppm"
        dlnet detect "${M[@]}" --json --thresh 1 "$T/dot.ppm"
        check "nothing found is an empty list" json 'rows == [{"image": rows[0]["image"], "width": 1, "height": 1, "detections": []}]'
    fi

    # Bad pictures among good ones.
    printf 'no picture' >"$T/bad.png"
    : >"$T/empty.jpg"
    head -c 20000 "$S/dog.jpg" >"$T/short.jpg"
    dlnet detect "${M[@]}" "$T/bad.png" "$T/empty.jpg" "$T/short.jpg" "$T/none.jpg" "$S/dog.jpg"
    expect_status "bad pictures among good ones" 65
    check "the good one is done" cmp "$T/out" "$T/dog"
    expect_err "one that is no picture" 'bad\.png: not an image'
    expect_err "an empty one" 'empty\.jpg: empty file'
    expect_err "a truncated one" 'short\.jpg: truncated'
    expect_err "a missing one" 'none\.jpg: No such file'
    dlnet detect "${M[@]}" "$T/none.jpg" "$S/dog.jpg"
    expect_status "a missing picture alone" 66
    mkdir "$T/hollow"
    dlnet detect "${M[@]}" "$T/hollow"
    expect_status "a folder without images" 65
    dlnet detect "${M[@]}" "$T/none.jpg" --nms 2
    expect_status "--nms 2" 2

    # Lists, folders, stdin.
    mkdir "$T/in"
    cp "$S/dog.jpg" "$T/in/dog.jpg"
    printf '\xef\xbb\xbfdog.jpg\r\n\r\n%s\n' "$PWD/cfg/none.jpg" >"$T/in/list.txt"
    dlnet detect "${M[@]}" "$T/in/list.txt"
    expect_status "a list with a missing picture" 66
    check "a list is relative to its folder" cmp <(cut -f 2- "$T/out") <(cut -f 2- "$T/dog")
    printf '%s\n' "$S/dog.jpg" | "$DLNET" detect "${M[@]}" - >"$T/out"
    check "paths on stdin" cmp "$T/out" "$T/dog"
    printf '%s' "$S/dog.jpg" | "$DLNET" detect "${M[@]}" - >"$T/out"
    check "the last line needs no newline" cmp "$T/out" "$T/dog"
    mkfifo "$T/paths" "$T/answers"
    "$DLNET" detect "${M[@]}" --json - <"$T/paths" >"$T/answers" 2>/dev/null &
    exec 8>"$T/paths" 9<"$T/answers"
    echo "$S/dog.jpg" >&8
    check "an answer comes while stdin is still open" read -r -t 60 -u 9 _
    exec 8>&- 9<&-
    wait

    # Pictures.
    mkdir "$T/other"
    cp "$S/eagle.jpg" "$T/other/dog.jpg"
    dlnet detect "${M[@]}" "$T/in/dog.jpg" "$T/other/dog.jpg" "$T/dot.ppm" --out "$T/drawn/deep"
    check "one name twice makes two pictures" test "$(cd "$T/drawn/deep" && echo *)" = "dog-2.jpg dog.jpg dot.png"
    before=$(cksum <"$T/in/dog.jpg")
    dlnet detect "${M[@]}" "$T/in" --out "$T/in"
    check "an input is never replaced" test "$(cksum <"$T/in/dog.jpg")" = "$before" -a -s "$T/in/dog-2.jpg"
    dlnet detect "${M[@]}" "$T/in/dog.jpg" --out "$T/in/dog.jpg"
    expect_status "an input as the file to write" 2
    dlnet detect "${M[@]}" "$T/in/dog.jpg" "$T/other/dog.jpg" --out "$T/x.png"
    expect_status "one file for several pictures" 2
    dlnet detect "${M[@]}" "$T/in/dog.jpg" --out "$T/x.png"
    check "one file for one picture" test -s "$T/x.png"
    "$DLNET" detect "${M[@]}" "$S/dog.jpg" >/dev/full 2>"$T/err"
    status=$?
    expect_status "a full disk" 74
    dlnet predict "${M[@]}" "$S/dog.jpg"
    expect_status "predict with a detector" 65
    expect_err "it names the right command too" 'dlnet detect'
fi
finish
