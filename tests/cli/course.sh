#!/usr/bin/env bash
# The lessons of cfg/course/: each network is trained and shows what its head says.
. "${BASH_SOURCE[0]%/*}/lib.sh"
export OMP_NUM_THREADS=1
need_tool 'course' jq || finish

# learn CFG [OPTION …]: trains it into $T/CFG; its figures in $T/CFG.json.
learn()
{
    local name=$1
    shift
    dlnet train "cfg/course/$name.cfg" -q --out "$T/$name" "$@"
    expect_status "$name: trains" 0
    dlnet val "$T/$name/last.safetensors" --json
    cp "$T/out" "$T/$name.json"
}
# holds NAME CFG CONDITION: a jq expression over the figures of CFG.
holds() { check "$1" jq -e "$3" "$T/$2.json"; }

# ask NAME CFG ROW EXPRESSION: a jq expression over the answer to one row.
ask()
{
    printf '%s\n' "$3" >"$T/row"
    run "$DLNET" predict -m "$T/$2/last.safetensors" - --json <"$T/row"
    check "$1" jq -e "$4" "$T/out"
}

for f in and or nand not; do
    learn $f
    holds "$f: one neuron learns it" $f '.top1 == 1'
done
ask 'and: 1 and 1' and '1,1' '.class == "1" and .class_id == 1 and .output > .5'
ask 'and: 0 and 1' and '0,1' '.class == "0" and .class_id == 0 and .output < .5'

learn xor-one
holds 'xor: one neuron cannot' xor-one '.top1 <= .75'
holds 'xor: the best it can do is to say one half' xor-one '(.loss - (2 | log) | fabs) < 1e-3'
learn xor-two
holds 'xor: two layers can' xor-two '.top1 == 1'
for f in parity majority; do
    learn $f
    holds "$f: a cascade learns a Boolean function of three" $f '.top1 == 1 and .images == 8'
done

# The least squares of data/course/plane.csv, as scripts/reference/course_data.py prints them: 2.00361, -2.99283 and 1.02821.
learn linear
holds 'linear: what is left is the noise' linear '.rmse < .11 and .r2 > .99'
ask 'linear: the bias of least squares' linear '0,0' '(.values[0].value - 1.02821 | fabs) < .002'
ask 'linear: the bias and the first weight' linear '1,0' '(.values[0].value - 3.03182 | fabs) < .002'
# The figures of val again, from the answers to all rows.
"$DLNET" predict -m "$T/linear/last.safetensors" data/course/plane.csv | cut -f 3 | paste -d ' ' - <(tail -n +2 data/course/plane.csv | cut -d , -f 3) |
    awk '{ e = $1 - $2; s += e * e; a += e < 0 ? -e : e; t += $2; q += $2 * $2; n++ }
        END { printf "{\"mse\": %.9g, \"mae\": %.9g, \"r2\": %.9g}", s / n, a / n, 1 - s / (q - t * t / n) }' >"$T/by-hand.json"
# shellcheck disable=SC2016 # jq's variables
check 'linear: MSE, RMSE, MAE and R2 by their definitions' jq -es '.[0] as $a | .[1] as $b |
    ($a.mse - $b.mse | fabs) < 1e-6 and ($a.mae - $b.mae | fabs) < 1e-6 and ($a.r2 - $b.r2 | fabs) < 1e-6 and
    ($a.rmse * $a.rmse - $b.mse | fabs) < 1e-6' "$T/linear.json" "$T/by-hand.json"
learn no-bias
ask 'no-bias: nothing without input' no-bias '0,0' '.values[0].value == 0'
holds 'no-bias: misses the constant' no-bias '.rmse > .9'

# https://en.wikipedia.org/wiki/Logistic_regression has the probabilities of these students.
learn logistic
ask 'logistic: 2 hours' logistic 2 '(.output - .25570 | fabs) < .001 and .class == "0"'
ask 'logistic: 3 hours' logistic 3 '(.output - .60735 | fabs) < .001 and .class == "1"'

learn threshold
holds 'threshold: a low one finds more' threshold '.per_class[1].recall >= .9'
dlnet val "$T/threshold/last.safetensors" --json --thresh .7
check 'threshold: a high one is right more often' jq -e '.per_class[1].precision == 1 and .per_class[1].recall < .9' "$T/out"

learn softmax
holds 'softmax: three classes' softmax '.top1 >= .9 and .images == 30 and (.confusion | length) == 3'
ask 'softmax: the class by its name' softmax '0,1.2' '.top[0].class == "blue" and .top[0].probability > .9'
learn labels
holds 'labels: each is learnt' labels '.accuracy > .95 and ([.per_class[].accuracy] | min) > .95 and .exact <= .accuracy'
ask 'labels: several at once' labels '.8,.8' '[.labels[].yes] == [true, true, true]'
ask 'labels: none' labels '-.8,-.8' '[.labels[].yes] == [false, false, false]'

learn hornik
holds 'hornik: near to the sine everywhere' hornik '.rmse < .02'
dlnet train cfg/course/hornik.cfg -q --out "$T/narrow" --set 0.output=1
dlnet val "$T/narrow/last.safetensors" --json
check 'hornik: one neuron is too few' jq -e '.rmse > .1' "$T/out"

learn mse
learn l1
ask 'mse: the outliers pull the line up' mse 1 '.values[0].value > 4'
ask 'l1: they do not' l1 1 '(.values[0].value - 3 | fabs) < .2'

learn overfit
learn decay
learn dropout
rmse() { jq .rmse "$T/$1.json"; }
check 'overfit: decay helps' test "$(jq -n "$(rmse decay) < .7 * $(rmse overfit)")" = true
check 'overfit: dropout helps' test "$(jq -n "$(rmse dropout) < .7 * $(rmse overfit)")" = true
dlnet val "$T/overfit/last.safetensors" --json --split train
check 'overfit: the noise is learnt' jq -e '.rmse < .2' "$T/out"

dlnet train cfg/course/diverge.cfg -q --out "$T/diverge"
expect_status 'diverge: fails' 1
expect_err 'diverge: says what to do' 'not finite; a lower learning_rate='

learn batchnorm-one
holds 'batchnorm-one: nothing is learnt' batchnorm-one '.top1 < .7'
learn batchnorm-one --set net.batch=30 --out "$T/company"
dlnet val "$T/company/last.safetensors" --json
check 'batchnorm-one: in company it is' jq -e '.top1 > .85' "$T/out"

# Darknet's file: 20 bytes of header, then 4 biases and 4 pairs of weights of the hidden neurons.
learn symmetry
holds 'symmetry: XOR is not learnt' symmetry '.top1 <= .75'
dlnet export "$T/symmetry/last.safetensors" --out "$T/symmetry.weights"
od -An -v -tx4 -w4 -j20 -N48 "$T/symmetry.weights" | tr -d ' ' >"$T/hidden"
check 'symmetry: the neurons have learnt something' test "$(grep -vc 00000000 "$T/hidden")" -eq 12
check 'symmetry: all the same bias' test "$(head -n 4 "$T/hidden" | sort -u | wc -l)" -eq 1
check 'symmetry: all the same weights' test "$(tail -n 8 "$T/hidden" | paste - - | sort -u | wc -l)" -eq 1
learn symmetry --set 0.init=xavier --set 1.init=xavier --set net.epochs=1000 --out "$T/random"
dlnet val "$T/random/last.safetensors" --json
check 'symmetry: random weights learn it' jq -e '.top1 == 1' "$T/out"

learn standardize
holds 'standardize: two sizes at one rate' standardize '.top1 > .9'
ask 'standardize: rows as they are' standardize '1.95,60000' '.top[0].class == "yes"'
sed '/^\[standardize\]/d; s#\.\./\.\.#'"$PWD#" cfg/course/standardize.cfg >"$T/raw.cfg"
dlnet train "$T/raw.cfg" -q --out "$T/raw"
dlnet val "$T/raw/last.safetensors" --json
check 'standardize: not without' jq -e '.top1 < .7' "$T/out"

learn pca
holds 'pca: two components tell three kinds' pca '.top1 > .95'
learn pca --set 0.components=1 --out "$T/single"
dlnet val "$T/single/last.safetensors" --json
check 'pca: one does not' jq -e '.top1 < .9' "$T/out"

learn balance
holds 'balance: the rare kind is found' balance '.per_class[] | select(.class == "rare").recall >= .8'
learn balance --set net.sampler=shuffle --out "$T/shuffle"
dlnet val "$T/shuffle/last.safetensors" --json
check 'balance: by chance it is not' jq -e '.per_class[] | select(.class == "rare").recall <= .5' "$T/out"

# Cross-validation: the figures of each fold, their mean and standard deviation.
if need_data 'iris by folds' tabular; then
    for f in iris wine; do
        DLNET_DATA=$DATA dlnet train "cfg/$f.cfg" --folds 5 -q --json --out "$T/$f"
        cp "$T/out" "$T/$f.json"
        expect_status "$f: 5 folds" 0
        # shellcheck disable=SC2016 # jq's variables
        holds "$f: mean and deviation are those of the folds" $f '[.folds[].top1] as $v | ($v | add / 5) as $m | ($v | length) == 5 and
            (.mean.top1 - $m | fabs) < 1e-9 and (.sd.top1 - ($v | map((. - $m) * (. - $m)) | add / 4 | sqrt) | fabs) < 1e-9'
    done
    holds 'iris: 95 % by 5 folds' iris '.mean.top1 >= .95'
    holds 'wine: 97 % by 5 folds' wine '.mean.top1 >= .97'
    dlnet train cfg/iris.cfg --folds 5 -q --out "$T/iris"
    expect_status 'folds: never over another run' 2
    DLNET_DATA=$DATA dlnet train cfg/iris.cfg --folds 5 -q --json --resume "$T/iris"
    check 'folds: a run that is done tells the same again' cmp "$T/out" "$T/iris.json"
fi
dlnet train cfg/course/and.cfg --folds 5 -q --out "$T/few"
expect_status 'folds: more than rows' 65
expect_err 'folds: more than rows: says so' '4 samples'

finish
