#!/bin/sh
# accuracy.sh: trains the networks whose figures docs/accuracy.md tells, each with its cfg as it stands and the options told there, and writes that file.
# The figures are of data that played no part in training. MNIST, CIFAR-10, BCCD, the spoken digits, the tables and yolo-fastest-1.1 are found through DLNET_DATA
# (default data); rows whose data isn't there are left out. `make accuracy` builds $DLNET first; some 80 minutes of the processor.
#   ACCURACY_RUNS  folder for the runs (default: one that goes away). Rows that it holds are not trained again, interrupted ones go on.
#   ACCURACY_MD    the file to write (default: docs/accuracy.md)
set -eu
dlnet=${DLNET:-./dlnet}
export DLNET_DATA="${DLNET_DATA:-data}"
page=${ACCURACY_MD:-docs/accuracy.md}
if [ -n "${ACCURACY_RUNS:-}" ]; then
    runs=$ACCURACY_RUNS
    mkdir -p "$runs"
else
    runs=$(mktemp -d "${TMPDIR:-/tmp}/dlnet-accuracy.XXXXXX")
    trap 'rm -rf "$runs"' EXIT
fi
md=$runs/accuracy.md

say() { printf '%s\n' "$*" >>"$md"; }

# figure KEY: the number after the last "KEY": in the JSON object on stdin (for folds: in its part "mean").
figure() { sed 's/"sd":.*//' | sed -n "s/.*\"$1\": *\([0-9.eE+-]*\).*/\1/p" | tail -n 1; }

# there DATA: false, told, where a data set is missing.
there()
{
    [ -z "$1" ] || [ -e "$DLNET_DATA/$1" ] && return 0
    echo "accuracy: $DLNET_DATA/$1 isn't there, its rows are left out" >&2
    return 1
}

# train NAME CFG OPTION …: a run in $runs/NAME. Its seconds add up in NAME.seconds; NAME.json is what train printed, and says that it is done.
train()
{
    name=$1
    shift
    [ -s "$runs/$name.json" ] && return 0
    times >"$runs/began"
    "$dlnet" train "$@" --resume "$runs/$name" --json >"$runs/$name.part"
    times >"$runs/ended"
    touch "$runs/$name.seconds"
    # The second lines of times: of the programs called, for the user and in the system, as 0m0.0s 0m0.0s.
    awk -v before="$(cat "$runs/$name.seconds")" 'FNR == 2 { gsub(/[ms]/, " "); t = 60 * ($1 + $3) + $2 + $4; s = NR == 2 ? -t : s + t }
        END { printf "%.0f\n", s + before }' "$runs/began" "$runs/ended" >"$runs/$name.part-seconds"
    mv "$runs/$name.part-seconds" "$runs/$name.seconds"
    mv "$runs/$name.part" "$runs/$name.json"
}

# line WHAT COMMAND AIM VALUE NAME: one row of a table.
line() { say "| $1 | \`$2\` | $3 | $(printf %.4f "$4") | $(cat "$runs/$5.seconds" 2>/dev/null || echo -) |"; }

# row NAME WHAT AIM KEY CFG OPTION …: trains, and tells the figure of the best model (without validation data: the last) on the test data.
row()
{
    name=$1 what=$2 aim=$3 key=$4
    shift 4
    train "$name" "$@"
    line "$what" "dlnet train $*" "$aim" "$("$dlnet" val "$runs/$name/best.safetensors" --split "${split:-test}" --json | figure "$key")" "$name"
}

# models NAME WHAT AIM KEY FILES: the figure of other models of a run, together: FILES are in its folder.
models()
{
    name=$1 what=$2 aim=$3 key=$4 files=$5
    # shellcheck disable=SC2086 # a pattern
    set -- "$runs/$name"/$files
    line "$what" "dlnet val $files --split test" "$aim" "$("$dlnet" val "$@" --split test --json | figure "$key")" -
}

folds()
{
    name=$1 what=$2 aim=$3
    shift 3
    train "$name" "$@" --folds 5
    line "$what" "dlnet train $* --folds 5" "$aim" "$(figure top1 <"$runs/$name.json")" "$name"
}

table()
{
    say
    say "## $1"
    say
    say "| what | command | aim | $2 | processor, s |"
    say '| --- | --- | --- | ---: | ---: |'
}

: >"$md"
say '# Accuracy'
say
say "What \`make accuracy\` (scripts/accuracy.sh) measured last, with the cfgs as they stand. Every figure is of data that played no part in training"
say '(and, but for the cross-validations and where said, none in choosing the model). The seconds are those that the whole training, validations included, has had of the processor: all cores together (-: not taken).'

if there mnist; then
    table 'MNIST: the 10,000 test digits' top1
    row mlp 'multi-layer perceptron, no regulariser' '≥ .984' top1 cfg/mnist-mlp.cfg
    row mlp-dropout 'with dropout and max-norm (published: .9894 to .9905)' '≥ .989' top1 cfg/mnist-mlp-dropout.cfg
    row mnist 'convolutional' '≥ .993' top1 cfg/mnist.cfg
    row mnist-swa 'the same with a mean of the weights (SWA): the best single model' '' top1 cfg/mnist.cfg --set net.swa_start=.6
    models mnist-swa 'its mean' '≥ the single model' top1 swa.safetensors
    row mnist-snapshot 'the same with snapshots: the best single model' '' top1 cfg/mnist.cfg --set net.policy=snapshot --set net.snapshots=4 --set net.epochs=16
    models mnist-snapshot 'its four snapshots together' '≥ the single model' top1 'snapshot-*.safetensors'
    say
    say 'The perceptron with dropout was chosen among six by the validation digits; the test figures of four others (.9833 to .9887) had been seen.'
fi

if there cifar10; then
    table 'CIFAR-10: 10,000 photographs to train, 2,000 to test' top1
    base=cfg/cifar.cfg
    row cifar 'no regulariser' '' top1 $base
    row cifar-decay 'weight decay' '' top1 $base --set net.decay=.002
    row cifar-dropout 'dropout' '' top1 $base --set 8.probability=.1 --set 10.probability=.2
    row cifar-max-norm 'max-norm' '' top1 $base --set net.max_norm=1
    row cifar-smooth 'label smoothing' '' top1 $base --set net.label_smooth_eps=.1
    row cifar-noise 'gradient noise' '' top1 $base --set net.noise=.0001 --set net.noise_gamma=.55
    row cifar-all 'decay, dropout and label smoothing' '' top1 $base --set net.decay=.002 --set 8.probability=.1 --set 10.probability=.2 --set net.label_smooth_eps=.1

    table 'CIFAR-10, a residual network: augmentation' top1
    base=cfg/cifar-residual.cfg
    row residual-plain 'no augmentation' '' top1 $base --set net.epochs=12 --set augment.flip=0 --set augment.padded_crop=0
    row residual 'flip and crop' '' top1 $base --set net.epochs=12
    row residual-cutout 'and cutout' '' top1 $base --set net.epochs=12 --set augment.cutout=.5
    row residual-mixup 'and mixup' '' top1 $base --set net.epochs=12 --set augment.mixup=.2
    row residual-cutmix 'and CutMix' '' top1 $base --set net.epochs=12 --set augment.cutmix=1,p=.5
    row residual-attentive 'and attentive CutMix' '' top1 $base --set net.epochs=12 --set augment.attentive_cutmix=6,p=.5 \
        --set "augment.attentive_model=$runs/residual/best.safetensors"
    row residual-gridmask 'and GridMask' '' top1 $base --set net.epochs=12 --set augment.gridmask=.6,p=.8,ramp=.5
    row residual-long 'flip and crop, twice as long: the cfg as it stands' '≥ .75' top1 $base
    say
    say 'A row has a standard error of 1 point (2,000 photographs, one seed). Flip and crop help most, then a longer training. What mixes or covers pictures costs 1 to 2.5 points in'
    say '12 epochs: such trainings may need to be longer, which was not tried. Strengths are those of the papers (mixup: the one usual for ImageNet), not tuned. Width and depth of the network'
    say 'were weighed on a fifth of the training photographs; the length of the cfg was doubled after 12 epochs had been tested.'
fi

if there fsdd; then
    table 'Spoken digits, from raw sound: takes 5 to 24 train, takes 0 to 4 (200 sounds) test' top1
    row fsdd 'with augmentation' '≥ .96' top1 cfg/fsdd.cfg
    row fsdd-plain 'without augmentation' '' top1 cfg/fsdd.cfg --set data.augment=0
    say
    say 'The four voices of the test are those of the training, which may be why augmentation gains nothing here.'
fi

if there tabular; then
    table 'Tables: 5-fold cross-validation' 'mean top1'
    folds iris 'iris' '≥ .95' cfg/iris.cfg
    folds wine 'wine' '≥ .97' cfg/wine.cfg
fi

table 'Detectors' 'mAP@.5'
row yolo 'built-in pictures, from scratch' '≥ .95' mAP50 cfg/yolo.cfg
if there bccd; then
    row bccd 'BCCD blood cells, from scratch: the 72 test photographs' '' mAP50 cfg/bccd.cfg
    split=valid row bccd 'the 87 validation photographs (which chose the model)' '' mAP50 cfg/bccd.cfg
    row bccd-plain 'without augmentation: test' '' mAP50 cfg/bccd.cfg --set data.augment=0
    [ -e "$runs/bccd-more/augmented.data" ] || "$dlnet" augment cfg/bccd.cfg -n 4 --out "$runs/bccd-more" >"$runs/bccd-more.path"
    row bccd-offline 'the same with four variants of each photograph on disk (dlnet augment cfg/bccd.cfg -n 4): test' \
        '≥ without' mAP50 cfg/bccd.cfg --data "$runs/bccd-more/augmented.data"
    if there yolo-fastest-1.1_coco; then
        row transfer 'from yolo-fastest-1.1 (COCO, 80 classes): test' '' mAP50 cfg/transfer-bccd.cfg --init "$DLNET_DATA/yolo-fastest-1.1_coco/yolo-fastest-1.1.weights"
        split=valid row transfer 'validation' '' mAP50 cfg/transfer-bccd.cfg --init "$DLNET_DATA/yolo-fastest-1.1_coco/yolo-fastest-1.1.weights"
    fi
fi

sed -i "s|$DLNET_DATA/|\$DLNET_DATA/|g; s|$runs/|runs/|g" "$md"
mkdir -p "$(dirname "$page")"
cp "$md" "$page"
cat "$page"
