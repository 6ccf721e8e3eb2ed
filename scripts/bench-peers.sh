#!/usr/bin/env bash
# bench-peers.sh: times networks in dlnet and in other engines, in turns, and writes docs/performance.md. ONLY: the parts, of same infer train bf16 threads
# memory cold growth loader (all); what the document says of the others stays. DLNET: the program, OUTPUTS: the one of peers/outputs.c; THREADS (2); ROUNDS (3): how often each is
# started; TRIES (8): see below; CACHE: a folder for npm's onnxruntime-node. An engine that isn't there is left out.
set -eu
cd "${BASH_SOURCE[0]%/*}/.."
DLNET=${DLNET:-./dlnet} OUTPUTS=${OUTPUTS:-build/scripts/peers/outputs} THREADS=${THREADS:-2} ROUNDS=${ROUNDS:-3} TRIES=${TRIES:-8} PYTHON=${PYTHON:-/usr/bin/python3}
CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dlnet-peers}
PARTS='same infer train bf16 threads memory cold growth loader' P=scripts/peers OUT=docs/performance.md
ONLY=${ONLY:-$PARTS}
declare -A TITLE=([same]='The same result?'
    [infer]='Inference, one image'
    [train]='A step of training'
    [bf16]='A step of training with bfloat16'
    [threads]='From one thread to all'
    [memory]='Memory'
    [cold]='From the command line to the boxes'
    [growth]='Growth'
    [loader]='The loader')
for part in $ONLY; do
    case " $PARTS " in *" $part "*) ;; *) echo "bench-peers: unknown part '$part' in ONLY, expected some of: $PARTS" >&2 && exit 2 ;; esac
done
unset OPENBLAS_CORETYPE OPENBLAS_NUM_THREADS OPENBLAS_L2_SIZE
export OMP_NUM_THREADS=$THREADS LC_ALL=C
# glibc gives freed memory back by default, and PyTorch pays for it in page faults.
KEEP='env MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=1000000000'
mkdir -p "$CACHE" docs
T=$(mktemp -d) && trap 'rm -rf "$T"' EXIT

note() { echo "bench-peers: $*" >&2; }
wanted() { case " $ONLY " in *" $1 "*) true ;; *) false ;; esac }
has() { "$PYTHON" -c "import $1" 2>/dev/null || { note "no $1 in $PYTHON, left out (apt install $2)" && return 1; }; }
version() { "$PYTHON" -c "import $1; print($1.__version__)"; }
darknet() { (cd $P && "$PYTHON" -c "import darknet; $1"); }

# NAME|CFG|channels height width|what is aimed at: the time of dlnet in parts of ONNX Runtime's
infer_nets=('yolov3-tiny|cfg/yolov3-tiny.cfg|3 416 416|.60' 'yolov4-tiny|cfg/yolov4-tiny.cfg|3 416 416|.65' "yolov3|$P/yolov3.cfg|3 416 416|.65"
    "resnet18|$P/resnet18.cfg|3 224 224|.80")
# NAME|CFG|batch|repetitions in dlnet|in PyTorch|aim: of the time of PyTorch with memory kept
train_nets=('yolov3-tiny|cfg/yolov3-tiny.cfg|8|10|8|.52' "cifar|$P/cifar.cfg|128|4|4|.52" "resnet18-32|$P/resnet18-32.cfg|64|8|6|.52"
    "lenet|$P/lenet.cfg|64|400|300|.60")

torch='' opencv='' ort=''
if has torch python3-torch; then torch="PyTorch $(version torch)"; fi
if has cv2 python3-opencv; then opencv="OpenCV $(version cv2)"; fi
# Its own installation script would fetch what is for other processors; the one for CPUs is in the package.
if [ ! -d "$CACHE/node_modules/onnxruntime-node" ] && command -v npm >/dev/null; then
    (cd "$CACHE" && npm install --no-audit --no-fund --ignore-scripts onnxruntime-node >npm.log 2>&1) || note "npm can't fetch onnxruntime-node, see $CACHE/npm.log"
fi
if [ -n "$torch" ] && [ -d "$CACHE/node_modules/onnxruntime-node" ] && command -v node >/dev/null; then
    ort="ONNX Runtime $(sed -n 's/.*"version": "\(.*\)".*/\1/p' "$CACHE/node_modules/onnxruntime-node/package.json" | head -n 1)"
else
    note "no ONNX Runtime (node, npm and PyTorch are needed), left out"
fi

# files NAME CFG: TEMP/NAME.cfg, .weights and .onnx, which all engines read.
files()
{
    [ ! -e "$T/$1.weights" ] || return 0
    darknet "darknet.write_plain('../../$2', '$T/$1.cfg'); darknet.write_weights('../../$2', '$T/$1.weights')"
    if [ -n "$ort" ] && ! "$PYTHON" $P/pytorch.py onnx "$T/$1.cfg" "$T/$1.weights" "$T/$1.onnx" >"$T/onnx.log" 2>&1; then
        note "no $1.onnx: $(tail -n 1 "$T/onnx.log")"
    fi
}

rows=() # PART|GROUP|ENGINE|AIM|COMMAND: prints its figure, then what else is to be known
row() { rows+=("$1|$2|$3|$4|$5"); }
figures='s/.*"step_ms":\([0-9.]*\).*"gflops":\([0-9.]*\),"peak_gflops":\([0-9.]*\),"peak_gflops_one_thread":\([0-9.]*\).*/\1 \2 \3 \4/p'
bench() { echo "$DLNET bench $1 -q --json ${*:2} | sed -n '$figures'"; }
gains='s/.*"step_ms":\([0-9.]*\),"step_ms_one_thread":\([0-9.]*\),"gain":\([0-9.]*\),"peak_gain":\([0-9.]*\),"efficiency":\([0-9.]*\).*"quickest_gain":\([0-9.]*\),'
gains+='"quickest_peak_gain":\([0-9.]*\),"quickest_efficiency":\([0-9.]*\).*/\1 \2 \3 \4 \5 \6 \7 \8/p'
scaling() { echo "$DLNET bench $1 --scaling -q --json ${*:2} | sed -n '$gains'"; }

for net in "${infer_nets[@]}"; do
    IFS='|' read -r name cfg shape aim <<<"$net"
    wanted same || wanted infer || wanted memory || wanted cold || continue
    files "$name" "$cfg"
    reps=50
    [ "$name" != yolov3 ] || reps=12
    if wanted infer; then
        row infer "$name" dlnet '' "$(bench "$cfg" "$T/$name.weights" --threads "$THREADS" --reps $reps)"
        [ ! -e "$T/$name.onnx" ] || row infer "$name" "$ort" "$aim" "NODE_PATH=$CACHE/node_modules node $P/onnxruntime.js $T/$name.onnx $shape $THREADS $reps"
        [ -z "$torch" ] || row infer "$name" "$torch, channels_last" "$aim" "$PYTHON $P/pytorch.py infer $cfg 1 $THREADS $reps"
        [ -z "$opencv" ] || row infer "$name" "$opencv" "$aim" "$PYTHON $P/opencv.py infer $T/$name.cfg $T/$name.weights 1 $THREADS $reps"
    fi
done
for net in "${train_nets[@]}"; do
    IFS='|' read -r name cfg batch reps torch_reps aim <<<"$net"
    wanted train || continue
    row train "$name, $batch images" dlnet '' "$(bench "$cfg" --threads "$THREADS" --train --batch "$batch" --reps "$reps")"
    [ -z "$torch" ] || row train "$name, $batch images" "$torch, channels_last, memory kept" "$aim" "$KEEP $PYTHON $P/pytorch.py train $cfg $batch $THREADS $torch_reps"
done
if wanted train && [ -n "$torch" ]; then
    row train 'yolov3-tiny, 8 images' "$torch, channels_last" '' "$PYTHON $P/pytorch.py train cfg/yolov3-tiny.cfg 8 $THREADS 8"
fi
bf16=''
if "$DLNET" help net | grep -q '^ *precision '; then bf16=1; else note "this dlnet has no key precision, bf16 is left out"; fi
if wanted bf16 && [ -n "$bf16" ]; then
    row bf16 'yolov3-tiny, 8 images' dlnet '' "$(bench cfg/yolov3-tiny.cfg --set net.precision=bf16 --threads "$THREADS" --train --batch 8 --reps 10)"
    [ -z "$torch" ] || row bf16 'yolov3-tiny, 8 images' "$torch, channels_last, autocast, memory kept" .70 "$KEEP $PYTHON $P/pytorch.py train cfg/yolov3-tiny.cfg 8 $THREADS 8 bf16"
fi
if wanted threads; then
    for net in "${infer_nets[@]}"; do
        IFS='|' read -r name cfg shape aim <<<"$net"
        reps=100
        [ "$name" != yolov3 ] || reps=12
        row threads "$name, inference" '' '' "$(scaling "$cfg" --threads "$THREADS" --reps $reps)"
    done
    for net in "${train_nets[@]}"; do
        IFS='|' read -r name cfg batch reps torch_reps aim <<<"$net"
        row threads "$name, training, $batch images" '' '' "$(scaling "$cfg" --threads "$THREADS" --train --batch "$batch" --reps "$reps")"
    done
fi
if wanted memory || wanted cold; then
    picture=$T/picture.jpg
    if [ -n "$opencv" ]; then "$PYTHON" $P/opencv.py picture "$picture"; else picture=$("$DLNET" sample --size 416 --out "$T"); fi
    files=("$T/yolov3-tiny.cfg" "$T/yolov3-tiny.weights")
fi
if wanted memory; then
    memory="$PYTHON $P/process.py memory"
    row memory 'yolov3-tiny, inference' 'dlnet detect, one picture' '' "$memory $DLNET detect cfg/yolov3-tiny.cfg ${files[1]} $picture"
    row memory 'yolov3-tiny, inference' 'dlnet bench' '' "$memory $DLNET bench cfg/yolov3-tiny.cfg ${files[1]} --reps 20"
    [ ! -e "$T/yolov3-tiny.onnx" ] || row memory 'yolov3-tiny, inference' "$ort" 1.00 "$memory env NODE_PATH=$CACHE/node_modules node $P/onnxruntime.js $T/yolov3-tiny.onnx 3 416 416 $THREADS 20"
    [ -z "$torch" ] || row memory 'yolov3-tiny, inference' "$torch, channels_last" '' "$memory $PYTHON $P/pytorch.py infer cfg/yolov3-tiny.cfg 1 $THREADS 20"
    [ -z "$opencv" ] || row memory 'yolov3-tiny, inference' "$opencv" '' "$memory $PYTHON $P/opencv.py infer ${files[*]} 1 $THREADS 20"
    "$DLNET" sample -n 32 --size 416 --split train --out "$T/pictures" >"$T/pictures.txt"
    for net in "${train_nets[@]}"; do
        IFS='|' read -r name cfg batch reps torch_reps aim <<<"$net"
        [ "$name" != yolov3-tiny ] || row memory "$name, training, $batch images" 'dlnet train' '' "$memory $DLNET train $cfg -q --out $T/run --set net.batch=$batch --set net.subdivisions=1 --set net.max_batches=6 --set data.train=$T/pictures.txt --set data.valid= --set data.names="
        row memory "$name, training, $batch images" 'dlnet bench' '' "$memory $DLNET bench $cfg --train --batch $batch --reps 3"
        [ -z "$torch" ] || row memory "$name, training, $batch images" "$torch, channels_last" .50 "$memory $PYTHON $P/pytorch.py train $cfg $batch $THREADS 3"
    done
fi
if wanted cold; then
    cold="$PYTHON $P/process.py time 20"
    row cold 'yolov3-tiny' 'dlnet detect' '' "$cold $DLNET detect cfg/yolov3-tiny.cfg ${files[1]} $picture"
    [ -z "$torch" ] || row cold 'yolov3-tiny' "$torch, Pillow" '' "$PYTHON $P/process.py time 5 $PYTHON $P/pytorch.py detect ${files[*]} $picture $THREADS"
    [ -z "$opencv" ] || row cold 'yolov3-tiny' "$opencv" '' "$cold $PYTHON $P/opencv.py detect ${files[*]} $picture $THREADS"
fi
if wanted growth; then
    for n in 1 2 4 8 16 32 64; do row growth 'inference by batch' "$n" "$n" "$(bench cfg/yolov3-tiny.cfg --threads "$THREADS" --batch $n --reps $((n > 8 ? 5 : 40 / n)))"; done
    for n in 1 2 4 8 16 32; do row growth 'training by batch' "$n" "$n" "$(bench cfg/yolov3-tiny.cfg --threads "$THREADS" --train --batch $n --reps $((n > 8 ? 3 : 16 / n)))"; done
    for n in 160 224 320 416 512 608; do row growth 'inference by side' "$n" 1 "$(bench cfg/yolov3-tiny.cfg --threads "$THREADS" --set net.width=$n --set net.height=$n --reps 40)"; done
fi

if wanted loader; then
    pictures=${DLNET_DATA:-data}/coco128/images/train2017
    if [ -d "$pictures" ]; then
        for n in 1 "$THREADS"; do
            for jpeg in turbo stb; do
                row loader "threads: $n" "dlnet, jpeg=$jpeg" '' "$DLNET bench $P/loader.cfg --loader -q --json --threads $n --set data.jpeg=$jpeg | sed -n 's/.*\"ms_per_image\":\([0-9.]*\).*/\1/p'"
            done
            [ -z "$opencv" ] || row loader "threads: $n" "$opencv" 1.00 "$PYTHON $P/loader.py opencv $n $pictures"
            ! has torchvision python3-torchvision || row loader "threads: $n" "torchvision $(version torchvision)" 1.00 "$PYTHON $P/loader.py torchvision $n $pictures"
        done
    else
        note "no $pictures (DLNET_DATA), loader is left out"
    fi
fi

# The time that all processors have worked, and that what this script has started has taken, in ticks.
work() { awk '/^cpu / {print $2 + $3 + $4}' /proc/stat; }
own() { awk '{print $16 + $17}' /proc/$$/stat; }
ticks=$(($(getconf CLK_TCK) * $(nproc)))

# timed COMMAND: fills $found, and $others with the percentage of the machine that other programs took meanwhile. Where that is more than 4, it is tried
# again, up to $TRIES times, and the least disturbed try counts.
timed()
{
    local try w o s answer least=1000
    others=1000
    for try in $(seq "$TRIES"); do
        [ "$try" -eq 1 ] || sleep 2
        w=$(work) o=$(own) s=$(date +%s.%N)
        answer=$(bash -c "$1" 2>"$T/errors") || answer=''
        [ -n "$answer" ] || { tail -n 1 "$T/errors" >&2 && return 1; }
        least=$(awk -v w=$(($(work) - w)) -v o=$(($(own) - o)) -v s="$s" -v e="$(date +%s.%N)" -v t=$ticks 'BEGIN {x = int(100 * (w - o) / (t * (e - s))); print(x > 0 ? x : 0)}')
        [ "$least" -ge "$others" ] || { others=$least && found=$answer; }
        [ "$others" -gt 4 ] || break
    done
}

for round in $(seq "$ROUNDS"); do
    for i in "${!rows[@]}"; do
        IFS='|' read -r part group engine aim command <<<"${rows[$i]}"
        { [ "$part" != memory ] || [ "$round" -eq 1 ]; } || continue # nearly the same each time
        timed "$command" || { note "$part: $group: $engine failed, left out" && continue; }
        note "round $round of $ROUNDS: $part: $group: $engine: $found ($others % of the machine went to other programs)"
        echo "$found $others" >>"$T/found.$i"
    done
done

# column ROW NUMBER: the median, the least of that number over the rounds.
median() { awk -v c="$2" '{print $c}' "$T/found.$1" | sort -g | awk '{x[NR] = $1} END {print NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2}'; }
least() { awk -v c="$2" '{print $c}' "$T/found.$1" | sort -g | head -n 1; }
# of PART: its rows' numbers that found something.
of()
{
    local i
    for i in "${!rows[@]}"; do [ "${rows[$i]%%|*}" != "$1" ] || [ ! -s "$T/found.$i" ] || echo "$i"; done
}

show='function show(x) { return sprintf(x < 10 ? "%.2f" : x < 100 ? "%.1f" : "%.0f", x) } ' # for awk

# compare PART UNIT: each group's first row is dlnet's; the others' figures beside it.
compare()
{
    local i group engine aim before='' x
    local -A own=()
    echo "| work | engine | median $2 | least | dlnet / engine | aim |"
    echo '| --- | --- | ---: | ---: | ---: | ---: |'
    for i in $(of "$1"); do
        IFS='|' read -r _ group engine aim _ <<<"${rows[$i]}"
        x=$(median "$i" 1)
        case $engine in "dlnet"*) own[$group]=$x ;; esac
        awk -v g="$([ "$group" = "$before" ] || echo "$group")" -v e="$engine" -v x="$x" -v l="$(least "$i" 1)" -v own="${own[$group]}" -v aim="$aim" \
            "$show"'BEGIN {printf "| %s | %s | %s | %s | %s | %s |\n", g, e, show(x), show(l), e ~ /^dlnet/ ? "" : sprintf("%.2f", own / x), aim == "" ? "" : "≤ " aim}'
        before=$group
    done
}

write_same()
{
    local net name
    echo 'The same weights and the same random input in dlnet (with packed weights) and in PyTorch: the largest difference of two outputs (of what [yolo] or [softmax] is given),'
    echo 'in parts of the largest output.'
    echo
    echo '| network | largest difference |'
    echo '| --- | ---: |'
    for net in "${infer_nets[@]}"; do
        IFS='|' read -r name _ <<<"$net"
        echo "| $name | $("$PYTHON" $P/pytorch.py same "$T/$name.cfg" "$T/$name.weights" "$OUTPUTS") |"
    done
}
write_infer()
{
    compare infer ms
}
write_train()
{
    echo 'Forward, loss, backward, update (SGD with momentum and decay), random input in memory. A detector'\''s loss is YOLO'\''s in dlnet, with 4 boxes an image, and a plain sum over the'
    echo "heads in PyTorch; a classifier's is the cross-entropy. Memory kept: PyTorch with \`${KEEP#env }\`."
    echo
    compare train ms
}
write_bf16()
{
    if [ -n "$bf16" ]; then compare bf16 ms; else echo 'Left out: this dlnet has no key precision.'; fi
}
write_threads()
{
    local i group rest
    echo 'Steps with one thread and with all of them, in turns in one process, beside what the probe of the peak gains between them (`dlnet bench --scaling`). Steps of 5 ms and more are meant'
    echo 'to gain at least .93 of what it does. Medians of the starts, and the least and the largest efficiency of them. Quickest: the same of the quickest tenth of the steps and tries of each'
    echo 'start instead of their medians, which other tenants of the machine disturb less.'
    echo
    echo "| work | ms, 1 thread | ms, $THREADS threads | gain | gain of the peak | efficiency: gain / gain of the peak | of the starts | quickest: gain | of the peak | efficiency |"
    echo '| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |'
    for i in $(of threads); do
        IFS='|' read -r _ group rest <<<"${rows[$i]}"
        awk -v g="$group" -v a="$(median "$i" 2)" -v b="$(median "$i" 1)" -v gain="$(median "$i" 3)" -v peak="$(median "$i" 4)" -v e="$(median "$i" 5)" \
            -v lo="$(least "$i" 5)" -v hi="$(awk '{print $5}' "$T/found.$i" | sort -g | tail -n 1)" \
            -v quick="$(median "$i" 6)" -v quick_peak="$(median "$i" 7)" -v quick_e="$(median "$i" 8)" \
            "$show"'BEGIN {printf "| %s | %s | %s | %.2f | %.2f | %.2f | %.2f .. %.2f | %.2f | %.2f | %.2f |\n", g, show(a), show(b), gain, peak, e, lo, hi, quick, quick_peak, quick_e}'
    done
}
write_memory()
{
    echo 'The largest resident size of the process, with its libraries. `dlnet train` reads pictures of 416 x 416 (no validation); the others have random input in memory. The part of dlnet is that of'
    echo 'its row before.'
    echo
    compare memory MB
}
write_cold()
{
    echo 'A whole process with files in the cache of the system: program, weights (35 MB), a JPEG of 640 x 480, forward, boxes, suppression, end. Median of 20 (PyTorch: 5) in each start.'
    echo "Aim: 90 ms."
    echo
    compare cold ms
}
write_growth()
{
    local i group n images before='' x first='' unit
    echo 'YOLOv3-tiny. Ratio to linear: the time of one operation in parts of that at batch 1 (by side: at 416).'
    for i in $(of growth); do
        IFS='|' read -r _ group n images _ <<<"${rows[$i]}"
        [ "$group" != 'inference by side' ] || [ "$n" != 416 ] || median "$i" 2 >"$T/side"
    done
    for i in $(of growth); do
        IFS='|' read -r _ group n images _ <<<"${rows[$i]}"
        if [ "$group" != "$before" ]; then
            unit='batch'
            [ "$group" != 'inference by side' ] || unit=side
            printf '\n| %s: %s | ms | ms an image | GFLOP/s | ratio to linear |\n| ---: | ---: | ---: | ---: | ---: |\n' "${group% by *}" "$unit"
            first=$(median "$i" 2)
            [ "$unit" = batch ] || first=$(cat "$T/side")
        fi
        x=$(median "$i" 1)
        awk -v n="$n" -v x="$x" -v k="$images" -v r="$(median "$i" 2)" -v f="$first" \
            "$show"'BEGIN {printf "| %s | %s | %s | %.0f | %.2f |\n", n, show(x), show(x / k), r, f / r}'
        before=$group
    done
}
write_loader()
{
    echo '128 photographs of COCO (640 x 480 or so, JPEG, in the cache of the system): decode, resize to 416 x 416, mirror half, change hue, saturation and brightness, to planes of floats. Ratios are'
    echo 'those of `jpeg=stb`, the default; `jpeg=turbo` is libjpeg-turbo, which the others use.'
    echo
    compare loader 'ms an image'
    echo
    cat <<'E'
A step of training fed by the loader, against the same step on a batch held in memory, in turns (`dlnet bench --train --loader`): yolov3-tiny, 416 x 416, 8 images, 2 threads, COCO's
photographs; `scripts/bench-loader.sh`. "All": every step of `[augment]` that a detector has, at the strengths of `scripts/peers/augment.cfg`.

E
    DLNET_DATA=${DLNET_DATA:-data} DLNET=$DLNET ROUNDS=$ROUNDS scripts/bench-loader.sh
}
# Parts may have been measured on different machines: each tells its own.
machine="$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(uname -sm), $(cc --version | head -n 1)"
machine="$machine; $("$DLNET" bench cfg/yolov3-tiny.cfg -q --threads "$THREADS" | tail -n 2 | sed 's/  */ /g' | paste -sd ';' | sed 's/;/; /g')"
for part in $PARTS; do
    wanted "$part" || continue
    { printf '## %s\n\nOn: %s\n\n' "${TITLE[$part]}" "$machine" && "write_$part"; } >"$T/text.$part"
    disturbed=$(for i in $(of "$part"); do awk '{print $NF}' "$T/found.$i"; done | sort -g | tail -n 1)
    if [ -n "$disturbed" ]; then
        {
            printf '\n%s start(s) of each, in turns. Other programs took at most %s %% of the machine during one. Commands:\n\n' "$([ "$part" = memory ] && echo 1; [ "$part" = memory ] || echo "$ROUNDS")" "$disturbed"
            for i in $(of "$part"); do IFS='|' read -r _ _ _ _ command <<<"${rows[$i]}" && echo "    ${command%% | sed*}"; done | sed "s|$T|TEMP|g; s|$CACHE|CACHE|g; s|$DLNET|dlnet|g; s|${DLNET_DATA:-data}/coco|DATA/coco|g"
        } >>"$T/text.$part"
    fi
done
# Of the other parts: what the document said before.
for part in $PARTS; do
    if ! wanted "$part" && [ -e $OUT ]; then
        awk -v title="## ${TITLE[$part]}" '/^## / || /^Where the time goes/ {on = $0 == title} on' $OUT | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$T/text.$part"
    fi
done

{
    echo '# Performance'
    echo
    echo "What \`make bench-peers\` measured last (\`make bench-peers ONLY=\"infer train\"\`: parts of it). float32, $THREADS threads, OPENBLAS_* unset, random weights. A start gives the median of"
    echo 'its walks after some to warm up; the tables give the median and the least of the starts. Input and weights are in memory where nothing else is said.'
    for part in $PARTS; do
        [ ! -s "$T/text.$part" ] || { echo && cat "$T/text.$part"; }
    done
    echo
    echo 'Where the time goes: `dlnet bench cfg/yolov3-tiny.cfg` and `dlnet bench cfg/yolov3-tiny.cfg --train --batch 8` print each layer.'
} >"$T/performance.md"
mv "$T/performance.md" $OUT
cat $OUT
