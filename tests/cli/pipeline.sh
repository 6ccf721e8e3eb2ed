#!/usr/bin/env bash
# dlnet as a part of shell pipelines: stdout has results and nothing else, as they come; every line of JSON is an object, whatever the file names;
# the statuses are those of the inputs.
. "${BASH_SOURCE[0]%/*}/lib.sh"
export DLNET T

# Where a pipe is wanted: bash -c runs it with these.
pipe() { run bash -o pipefail -c "$1" - "${@:2}"; }

if need_data "detect in a pipeline" yolo-fastest-1.1_coco && need_data "detect in a pipeline" darknet-samples && need_tool "JSON" jq; then
    Y=$DATA/yolo-fastest-1.1_coco
    M=("$Y/yolo-fastest-1.1.cfg" "$Y/yolo-fastest-1.1.weights" --names "$Y/coco.names")
    mkdir "$T/in" && cp "$DATA"/darknet-samples/*.jpg "$T/in"
    n=$(find "$T/in" -name '*.jpg' | wc -l)

    pipe 'ls "$T"/in/*.jpg | "$DLNET" detect "$@" --json -' "${M[@]}"
    expect_status "ls | detect --json -" 0
    expect_no_err "nothing on stderr"
    check "an object a line" test "$(jq -c 'select(type == "object")' "$T/out" | wc -l)" -eq "$n" -a "$(wc -l <"$T/out")" -eq "$n"
    check "the fields of an object" jq -es 'all(.[]; (keys == ["detections", "height", "image", "width"]) and (.width > 0) and
        all(.detections[]; (keys == ["box", "class", "class_id", "score"]) and (.box | length == 4 and all(type == "number")) and .score > .25 and .score <= 1))' "$T/out"
    check "the dog is found" jq -es 'any(.[]; (.image | endswith("/dog.jpg")) and any(.detections[]; .class == "bicycle" or .class == "dog"))' "$T/out"
    cp "$T/out" "$T/all.json"
    pipe 'ls "$T"/in/*.jpg | "$DLNET" detect "$@" --json - | jq -r ".detections[] | [.class, .score] | @tsv"' "${M[@]}"
    expect_out "| jq" $'^person\t0\\.[0-9]+$'

    pipe 'ls "$T"/in/*.jpg | "$DLNET" detect "$@" -' "${M[@]}"
    check "text: seven columns" awk -F'\t' 'NF != 7 || $3 !~ /^[01]\.[0-9]+$/ || $4 > $6 || $5 > $7 { exit 1 }' "$T/out"
    check "text and JSON tell the same" cmp <(cut -f 2,3 "$T/out") <(jq -r '.detections[] | [.class, .score] | @tsv' "$T/all.json" | sed -E ':a; s/(\.[0-9]{1,5})$/\10/; ta')

    # A bad picture in the middle.
    echo 'no picture' >"$T/bad.jpg"
    pipe '{ ls "$T"/in/[a-e]*.jpg; echo "$T/bad.jpg"; ls "$T"/in/[f-z]*.jpg; } | "$DLNET" detect "$@" --json -' "${M[@]}"
    expect_status "a bad picture in the middle" 65
    check "the others are done" cmp "$T/out" "$T/all.json"
    expect_err "it is named" '^dlnet: error: .*/bad\.jpg: not an image'
    check "nothing else is said" test "$(wc -l <"$T/err")" -eq 1

    # Each answer comes before the next path is asked for.
    mkfifo "$T/paths" "$T/answers"
    "$DLNET" detect "${M[@]}" --json - <"$T/paths" >"$T/answers" 2>/dev/null &
    exec 8>"$T/paths" 9<"$T/answers"
    for name in dog eagle; do
        echo "$T/in/$name.jpg" >&8
        line=
        read -r -t 60 -u 9 line
        check "the answer for $name while stdin is open" test "$(jq -r .image <<<"$line")" = "$T/in/$name.jpg"
    done
    exec 8>&- 9<&-
    wait

    # Readers that go away, streams that aren't there.
    run bash -c 'for i in 1 2 3 4 5 6 7 8; do ls "$T"/in/*.jpg; done | "$DLNET" detect "$@" --json - | head -n 1; echo "${PIPESTATUS[1]}"' - "${M[@]}"
    expect_out "| head -n 1 ends with 0" '^0$'
    expect_no_err "| head -n 1 ends quietly"
    pipe '"$DLNET" detect "$@" "$T/in/dog.jpg" 2>&- | wc -l' "${M[@]}"
    expect_status "without stderr" 0
    expect_out "without stderr: the results" '^ *[1-9]'
    pipe '"$DLNET" detect "$@" "$T/in/dog.jpg" <&- | wc -l' "${M[@]}"
    expect_out "without stdin: the results" '^ *[1-9]'
    pipe '"$DLNET" detect "$@" "$T/in/dog.jpg" --out "$T/closed.png" >&-' "${M[@]}"
    expect_status "without stdout" 74
    expect_err "without stdout: why" 'standard output: Bad file descriptor'
    check "without stdout: no result in the picture" bash -c '! grep -aq "dog.jpg" "$T/closed.png" 2>/dev/null'
    pipe '"$DLNET" detect "$@" - </dev/null' "${M[@]}"
    expect_status "no path on stdin" 0
    expect_no_out "no path on stdin: no result"
    pipe 'printf "\n%s\r\n\n" "$T/in/dog.jpg" | "$DLNET" detect "$@" --json -' "${M[@]}"
    check "empty lines and CRLF" test "$(wc -l <"$T/out")" -eq 1
    NO_COLOR=1 TERM=dumb run setsid "$DLNET" detect "${M[@]}" "$T/in/dog.jpg"
    expect_status "no terminal at all" 0
    check "no escape sequence" bash -c '! grep -q "$(printf "\033")" "$T/out" "$T/err"'
    dlnet detect "${M[@]}" -v "$T/in/dog.jpg"
    expect_err "-v: the time of the network, on stderr" 'dog\.jpg: 768 x 576 pixels, network [0-9.]+ ms'
    check "-v: stdout has results alone" awk -F'\t' 'NF != 7 { exit 1 }' "$T/out"

    # Names of any bytes but 0.
    names=("a b.jpg" "it's \"q\" \\n.jpg" $'tab\there.jpg' $'new\nline.jpg' $'latin\xe9.jpg' $'\xff\xfe.jpg' $'\xe7\x8a\xac.jpg' $'\x01\x1b[31m.jpg' "-n.jpg" "*.jpg")
    mkdir "$T/odd" && for name in "${names[@]}"; do ln "$T/in/eagle.jpg" "$T/odd/$name"; done
    dlnet detect "${M[@]}" --json -- "${names[@]/#/$T/odd/}"
    expect_status "odd names as operands" 0
    check "odd names: an object a line" test "$(jq -c .image "$T/out" | wc -l)" -eq "${#names[@]}" -a "$(wc -l <"$T/out")" -eq "${#names[@]}"
    check "odd names: valid UTF-8" iconv -f utf-8 -t utf-8 "$T/out"
    check "odd names: those that are UTF-8 come back" test "$(jq -r '.image | split("/")[-1]' "$T/out" | sed -n '1,5p;8p')" = "$(printf '%s\n' "${names[@]:0:4}" "${names[6]}")"
    dlnet detect "${M[@]}" -- "${names[@]/#/$T/odd/}"
    check "odd names: still seven columns" awk -F'\t' 'NF != 7 { exit 1 }' "$T/out"
    check "odd names: no control character in the text" bash -c '! LC_ALL=C tr -d "\t\n" <"$T/out" | grep -q "[[:cntrl:]]"'
    (cd "$T/odd" && run "$DLNET" detect "${M[@]}" --json -- -n.jpg && test "$(jq -r .image "$T/out")" = -n.jpg)
    check "a name that begins with -, after --" test $? -eq 0
    pipe 'find "$T/odd" -name "l*.jpg" | "$DLNET" detect "$@" --json -' "${M[@]}"
    check "a name that isn't UTF-8 on stdin" test "$(jq -r '.image | split("/")[-1]' "$T/out")" = $'latin\xef\xbf\xbd.jpg'
    dlnet detect "${M[@]}" "$T/odd" --out "$T/drawn"
    check "each is drawn under its name" test "$(find "$T/drawn" -type f -size +1k -printf x | wc -c)" -eq "${#names[@]}"
    printf '%s\n' 'caf\351' "quote\"" | cat - "$Y/coco.names" | head -n 80 | sed 's/caf.*/caf'$'\xe9''/' >"$T/latin.names"
    dlnet detect "${M[0]}" "${M[1]}" --names "$T/latin.names" --json --thresh .1 "$T/in"
    check "class names that aren't UTF-8" jq -es 'any(.[].detections[]; .class == "caf\ufffd")' "$T/out"

    pipe '"$DLNET" info "$@" --json | jq -e ".parameters > 300000 and (.layers | length > 100) and .names[0] == \"person\""' "${M[@]}"
    expect_status "info --json | jq" 0
fi

if need_data "predict in a pipeline" mnist && need_tool "JSON" jq; then
    cat >"$T/digits.cfg" <<CFG
[net]
width=28
height=28
channels=1
batch=20
epochs=20
learning_rate=.05
flip=0
[data]
train=$DATA/mnist
valid=$DATA/mnist
valid_count=200
[connected]
output=32
activation=relu
[connected]
output=10
activation=linear
[softmax]
CFG
    dlnet train "$T/digits.cfg" --set data.train_count=200 --out "$T/run" -q
    expect_status "training" 0
    expect_no_err "-q: nothing on stderr"
    check "stdout: the model and nothing else" test "$out" = "$T/run/best.safetensors"
    model=$out
    pipe 'model=$("$DLNET" train "$T/digits.cfg" --set data.train_count=200 --set net.epochs=1 --out "$T/again" 2>"$T/log") && "$DLNET" val "$model" --json'
    expect_status "the path goes on to val" 0
    check "progress off a terminal: whole lines, no escape sequence" bash -c 'test -s "$T/log" && ! grep -q "$(printf "[\r\033]")" "$T/log"'

    "$DLNET" train "$T/digits.cfg" --set data.train_count=200 --set net.epochs=1 --out "$T/mute" >/dev/null 2>&-
    check "without stderr: no message in a file of the run" diff -r "$T/again" "$T/mute"

    pipe '"$DLNET" val "$1" --json | jq -e ".images == 200 and .top1 > .5 and .top1 <= 1 and .top5 >= .top1 and .loss > 0 and (.per_class | length == 10)
        and (.per_class | all(.images >= 0)) and (.confusion | length == 10) and ([.confusion[][]] | add) == 200"' "$model"
    expect_status "val --json | jq" 0
    expect_no_err "val: nothing on stderr"

    # The first digits of the test set as pictures.
    for i in 0 1 2 3; do
        { printf 'P5 28 28 255\n' && gzip -dc "$DATA/mnist/t10k-images-idx3-ubyte.gz" | tail -c +$((17 + 784 * i)) | head -c 784; } >"$T/$i.pgm"
    done
    pipe 'ls "$T"/?.pgm | "$DLNET" predict -m "$1" --json --top 3 -' "$model"
    expect_status "ls | predict --json -" 0
    check "three classes, best first" jq -es 'length == 4 and all(.[]; (keys == ["image", "top"]) and (.top | length == 3) and
        (.top[0] | keys == ["class", "class_id", "probability"]) and .top[0].probability >= .top[1].probability and .top[1].probability >= .top[2].probability)' "$T/out"
    pipe '{ echo "$T/0.pgm"; echo "$T/none.pgm"; echo "$T/1.pgm"; } | "$DLNET" predict -m "$1" --top 1 -' "$model"
    expect_status "predict: a missing picture in the middle" 66
    check "predict: the others are done" test "$(cut -f 1 "$T/out")" = "$T/0.pgm"$'\n'"$T/1.pgm"
    check "predict: three columns" awk -F'\t' 'NF != 3 { exit 1 }' "$T/out"
    run bash -c 'yes "$T/0.pgm" | head -n 3000 | "$DLNET" predict -m "$1" - | head -n 1; echo "${PIPESTATUS[2]}"' - "$model"
    expect_out "predict | head -n 1 ends with 0" '^0$'
    expect_no_err "predict | head -n 1 ends quietly"
fi
finish
