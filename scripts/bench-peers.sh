#!/usr/bin/env bash
# bench-peers.sh: times YOLOv3-tiny in dlnet and in other engines, in turns, and writes docs/performance.md. DLNET: the program; THREADS (2);
# ROUNDS (3): how often each is started; TRIES (8): see below; CACHE: a folder for npm's onnxruntime-node and for the models. An engine that isn't there is left out.
set -eu
cd "${BASH_SOURCE[0]%/*}/.."
DLNET=${DLNET:-./dlnet} THREADS=${THREADS:-2} ROUNDS=${ROUNDS:-3} TRIES=${TRIES:-8} PYTHON=${PYTHON:-/usr/bin/python3}
CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dlnet-peers}
CFG=cfg/yolov3-tiny.cfg OUT=docs/performance.md
unset OPENBLAS_CORETYPE OPENBLAS_NUM_THREADS OPENBLAS_L2_SIZE
export OMP_NUM_THREADS=$THREADS LC_ALL=C
# glibc gives freed memory back by default, and PyTorch pays for it in page faults.
KEEP=(env MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=1000000000)
mkdir -p "$CACHE" docs
T=$(mktemp -d) && trap 'rm -rf "$T"' EXIT

note() { echo "bench-peers: $*" >&2; }
has() { "$PYTHON" -c "import $1" 2>/dev/null || { note "no $1 in $PYTHON, left out (apt install $2)" && return 1; }; }
version() { "$PYTHON" -c "import $1; print($1.__version__)"; }

rows=() # KIND|NAME|COMMAND
step='s/.*"step_ms":\([0-9.]*\).*/\1/p'
rows+=("infer|dlnet|$DLNET bench $CFG -q --json --threads $THREADS --reps 50 | sed -n '$step'")
rows+=("train|dlnet|$DLNET bench $CFG -q --json --threads $THREADS --reps 10 --train --batch 8 | sed -n '$step'")
if has torch python3-torch; then
    torch="PyTorch $(version torch) channels_last"
    rows+=("infer|$torch|$PYTHON scripts/peers/pytorch.py $CFG infer 1 $THREADS 50")
    rows+=("train|$torch|$PYTHON scripts/peers/pytorch.py $CFG train 8 $THREADS 8")
    rows+=("train|$torch, glibc keeps memory|${KEEP[*]} $PYTHON scripts/peers/pytorch.py $CFG train 8 $THREADS 8")
fi
if has cv2 python3-opencv; then
    (cd scripts/peers && "$PYTHON" -c "import darknet; darknet.write_plain('../../$CFG', '$T/net.cfg'); darknet.write_weights('../../$CFG', '$T/net.weights')")
    rows+=("infer|OpenCV $(version cv2) dnn|$PYTHON scripts/peers/opencv.py $T/net.cfg $T/net.weights 1 $THREADS 30")
fi
# Its own installation script would fetch what is for other processors; the one for CPUs is in the package.
if [ ! -d "$CACHE/node_modules/onnxruntime-node" ] && command -v npm >/dev/null; then
    (cd "$CACHE" && npm install --no-audit --no-fund --ignore-scripts onnxruntime-node >npm.log 2>&1) || note "npm can't fetch onnxruntime-node, see $CACHE/npm.log"
fi
if [ -d "$CACHE/node_modules/onnxruntime-node" ] && command -v node >/dev/null &&
    "$PYTHON" scripts/peers/pytorch.py onnx $CFG "$T/net.onnx" >"$T/onnx.log" 2>&1; then
    ort=$(sed -n 's/.*"version": "\(.*\)".*/\1/p' "$CACHE/node_modules/onnxruntime-node/package.json" | head -n 1)
    rows+=("infer|ONNX Runtime $ort|NODE_PATH=$CACHE/node_modules node scripts/peers/onnxruntime.js $T/net.onnx $THREADS 50")
else
    note "no ONNX Runtime (node, npm and PyTorch are needed), left out"
fi

# The time that all processors have worked, and that what this script has started has taken, in ticks.
work() { awk '/^cpu / {print $2 + $3 + $4}' /proc/stat; }
own() { awk '{print $16 + $17}' /proc/$$/stat; }
ticks=$(($(getconf CLK_TCK) * $(nproc)))

# timed COMMAND: fills $ms, and $others with the percentage of the machine that other programs took meanwhile. Where that is more than 4, it is tried again,
# up to $TRIES times, and the least disturbed try counts.
timed()
{
    local try w o s found least=1000
    others=1000
    for try in $(seq "$TRIES"); do
        [ "$try" -eq 1 ] || sleep 2
        w=$(work) o=$(own) s=$(date +%s.%N)
        found=$(bash -c "$1") || return 1
        least=$(awk -v w=$(($(work) - w)) -v o=$(($(own) - o)) -v s="$s" -v e="$(date +%s.%N)" -v t=$ticks 'BEGIN {x = int(100 * (w - o) / (t * (e - s))); print(x > 0 ? x : 0)}')
        [ "$least" -ge "$others" ] || { others=$least && ms=$found; }
        [ "$others" -gt 4 ] || break
    done
}

disturbed=0
for round in $(seq "$ROUNDS"); do
    for i in "${!rows[@]}"; do
        IFS='|' read -r kind name command <<<"${rows[$i]}"
        timed "$command" || { note "$name failed" && continue; }
        note "round $round of $ROUNDS: $kind: $name: $ms ms ($others % of the machine went to other programs)"
        [ "$others" -le "$disturbed" ] || disturbed=$others
        echo "$ms" >>"$T/times.$i"
    done
done
median() { sort -g "$1" | awk '{x[NR] = $1} END {print NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2}'; }

# table KIND: rows of name, median, least, dlnet's time in parts of it.
table()
{
    local i own='' kind name command ms
    echo '| engine | median ms | least ms | time of dlnet / time of the engine |'
    echo '| --- | ---: | ---: | ---: |'
    for i in "${!rows[@]}"; do
        IFS='|' read -r kind name command <<<"${rows[$i]}"
        { [ "$kind" = "$1" ] && [ -s "$T/times.$i" ]; } || continue
        ms=$(median "$T/times.$i")
        own=${own:-$ms}
        awk -v name="$name" -v ms="$ms" -v least="$(sort -g "$T/times.$i" | head -n 1)" -v own="$own" \
            'BEGIN {printf "| %s | %.1f | %.1f | %.2f |\n", name, ms, least, own / ms}'
    done
}
# Without the pipe of commands that a reader doesn't need, and without this run's folder.
commands() { for i in "${!rows[@]}"; do IFS='|' read -r _ _ command <<<"${rows[$i]}" && echo "    ${command%% | sed*}"; done | sed "s|$T|TEMP|g; s|$CACHE|CACHE|g; s|$DLNET|dlnet|g"; }
{
    echo '# Performance'
    echo
    echo "What \`make bench-peers\` measured last: YOLOv3-tiny (cfg/yolov3-tiny.cfg, 416 x 416, random weights), float32, $THREADS threads, OPENBLAS_* unset. Each engine was"
    echo "started $ROUNDS times, in turns; a start gives the median of its walks, the table the median and the least of the starts. Input and weights are in memory."
    echo
    echo "Machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(uname -sm), $(cc --version | head -n 1)"
    echo "Other programs took at most $disturbed % of the machine during a start."
    echo
    echo '```'
    "$DLNET" bench $CFG -q --threads "$THREADS" | tail -n 2
    echo '```'
    echo
    echo '## Inference, one image'
    echo
    table infer
    echo
    echo '## A step of training, 8 images'
    echo
    echo 'Forward, loss, backward, update (SGD with momentum and decay). The loss of dlnet is YOLO'\''s, with 4 boxes an image; that of PyTorch is a plain sum over the heads.'
    echo
    table train
    echo
    echo '## Commands'
    echo
    commands
    echo
    echo 'Where the time goes: `dlnet bench cfg/yolov3-tiny.cfg` and `dlnet bench cfg/yolov3-tiny.cfg --train --batch 8` print each layer.'
} >"$T/performance.md"
mv "$T/performance.md" $OUT
cat $OUT
