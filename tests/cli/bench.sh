#!/usr/bin/env bash
# bench: a table and JSON whose figures agree with one another and with info's; never a time itself.
. "${BASH_SOURCE[0]%/*}/lib.sh"

cat >"$T/net.cfg" <<'CFG'
[net]
width=16
height=12
channels=3
batch=6
subdivisions=2
seed=1
[data]
train=shapes
valid=shapes
[convolutional]
filters=16
size=3
pad=1
batch_normalize=1
activation=leaky
[maxpool]
size=2
stride=2
[convolutional]
filters=8
size=1
activation=linear
[connected]
output=5
activation=linear
[softmax]
CFG
sed '/^\[softmax\]$/d' "$T/net.cfg" >"$T/no-loss.cfg"
cat >"$T/detector.cfg" <<'CFG'
[net]
width=16
height=16
channels=3
batch=2
seed=1
[convolutional]
filters=30
size=3
stride=8
activation=linear
[yolo]
mask=0,1,2
anchors=8,8, 16,16, 24,24
num=3
classes=5
CFG

dlnet bench "$T/net.cfg" --reps 3
expect_status "a table" 0
expect_out "a layer's line with its algorithm" '^ +0  convolutional +16 x +12 x +16 +[0-9.]+ +[0-9.]+ +[0-9.]+% +[0-9.]+  (im2col \+ GEMM|direct.*|Winograd.*)$'
expect_out "a layer without operations has no rate" '^ +4  softmax +1 x +1 x +5 +[0-9.]+ +[0-9.]+$'
expect_out "inference, one image" '^speed: .* \(batch 1, [0-9]+ threads, medians of 3\)$'
expect_out "the peak" '^peak: +[0-9.]+ GFLOP/s'
expect_out "the library in use" '^OpenBLAS: .*kernels of [A-Za-z0-9]+, (serial|pthread|OpenMP) variant'
dlnet bench "$T/net.cfg" --reps 3 --train --batch 4 --threads 1
expect_status "a table of training" 0
expect_out "its step" '^step: +[0-9.]+ ms'
expect_out "its batch and threads" 'batch 4, 1 threads'

if need_tool "JSON" jq; then
    # agrees NAME FILTER: the filter is true of the last JSON.
    agrees() { check "$1" jq -e "$2" "$T/out"; }
    dlnet bench "$T/net.cfg" --json --reps 5
    expect_status "JSON" 0
    check "one line" test "$(wc -l <"$T/out")" -eq 1
    agrees "all fields" 'has("forward_ms") and has("backward_ms") and has("step_ms") and has("gflops") and has("peak_gflops") and has("images_per_second")'
    agrees "times and rates are positive" '.forward_ms > 0 and .step_ms > 0 and .gflops > 0 and .peak_gflops > 0 and .blas.gflops > 0'
    agrees "inference has no backward" '.backward_ms == 0 and (.layers | all(has("backward_ms") | not))'
    agrees "each layer in order" '[.layers[].layer] == [0, 1, 2, 3, 4] and [.layers[].type] == ["convolutional", "maxpool", "convolutional", "connected", "softmax"]'
    agrees "the first layer's operations: 2 for each weight and place" '.layers[0].forward_flops == 2 * 16 * 27 * 16 * 12'
    # input 3 and output 16 channels of 16 x 12; 432 weights, 16 biases, scales, means and variances
    agrees "the first layer's bytes" '.layers[0].forward_bytes == 4 * (19 * 16 * 12 + 432 + 4 * 16)'
    agrees "a rate is operations by time" '.gflops * .step_ms * 1e6 / .flops | . > .99 and . < 1.01'
    agrees "a share is a part of the peak" '.share * .peak_gflops / .gflops | . > .9 and . < 1.1'
    agrees "images a second" '.images_per_second * .step_ms / 1000 | . > .99 and . < 1.01'
    agrees "convolutions name their algorithm, others don't" '[.layers[] | has("algorithm")] == [true, false, true, false, false]'
    cp "$T/out" "$T/one"
    dlnet info "$T/net.cfg" --json
    check "operations as info counts them" jq -es '.[0].flops == (.[1].bflops * 1e9 | round)' "$T/one" "$T/out"

    dlnet bench "$T/net.cfg" --train --json --reps 5
    agrees "training times the part of a batch" '.train and .batch == 3 and .reps == 5'
    agrees "training has a backward" '.backward_ms > 0 and .step_ms > .backward_ms and .step_ms > .forward_ms'
    agrees "a step is no less than its parts together" '.step_ms * 1.5 >= .forward_ms + .backward_ms'
    agrees "nothing below the first layer wants a gradient" '.layers[0].backward_flops == .layers[0].forward_flops'
    agrees "two gradients in the others" '.layers[2].backward_flops == 2 * .layers[2].forward_flops and .layers[3].backward_flops == 2 * .layers[3].forward_flops'
    agrees "an algorithm for each gradient" '.layers[2] | has("algorithm_input_gradient") and has("algorithm_weight_gradient")'
    dlnet bench "$T/net.cfg" --train --json --reps 2 --batch 8 --set 0.filters=32
    agrees "--batch and --set" '.batch == 8 and .layers[0].forward_flops == 8 * 2 * 32 * 27 * 16 * 12'
    dlnet bench "$T/detector.cfg" --train --json --reps 2
    agrees "a detector trains on boxes" '.batch == 2 and .layers[1].backward_ms > 0'
    dlnet bench "$T/net.cfg" --scaling --json --reps 4 --threads 2
    expect_status "scaling" 0
    agrees "the gain is the ratio of the two times" '.threads == 2 and .reps == 4 and (.gain * .step_ms / .step_ms_one_thread | . > .99 and . < 1.01)'
    agrees "efficiency is the gain beside the peak's" '.efficiency * .peak_gain / .gain | . > .99 and . < 1.01'
    agrees "so are those of the quickest" '(.quickest_gain * .quickest_step_ms / .quickest_step_ms_one_thread | . > .99 and . < 1.01) and (.quickest_efficiency * .quickest_peak_gain / .quickest_gain | . > .99 and . < 1.01) and .quickest_step_ms <= .step_ms'
    agrees "each layer with one thread too" '.layers | all(.forward_ms_one_thread > 0)'
    dlnet bench "$T/net.cfg" --json --reps 2
    usual=$(jq .threads "$T/out")
    OMP_PROC_BIND=true dlnet bench "$T/net.cfg" --json --reps 2
    agrees "as many threads where they are bound to processors" ".threads == $usual"
    OPENBLAS_CORETYPE=Prescott dlnet bench "$T/net.cfg" --json --reps 2
    if jq -e '.blas.core == "Prescott" and .isa != "baseline"' "$T/out" >/dev/null; then
        expect_err "slow kernels of OpenBLAS are told" 'OPENBLAS_CORETYPE=Prescott is set: OpenBLAS uses the kernels of Prescott \(baseline\), this processor has AVX'
    else
        skip "slow kernels of OpenBLAS are told" "this OpenBLAS doesn't obey, or the processor has no better"
    fi
fi

dlnet bench "$T/net.cfg" --reps 2 -v
expect_err "-v tells the library" 'dlnet: [A-Za-z0-9-]+, OpenBLAS .*, kernels of '
dlnet bench "$T/net.cfg" --reps 2 -q
expect_no_err "-q tells nothing"

dlnet bench "$T/net.cfg" --scaling --train --reps 3 --threads 2
expect_status "scaling of training" 0
expect_out "milliseconds and gains of a layer" '^ +0  convolutional +16 x +12 x +16( +[0-9.]+){6}  '
expect_out "of the step" '^step: +[0-9.]+ ms with 1 thread, [0-9.]+ with 2: gain [0-9.]+ \(batch 3, medians of 3\)$'
expect_out "of the peak" '^peak: +[0-9.]+ GFLOP/s with 1 thread, [0-9.]+ with 2: gain [0-9.]+ '
expect_out "both" '^efficiency: [0-9.]+ '
expect_out "of the quickest steps" '^step: +[0-9.]+ ms with 1 thread, [0-9.]+ with 2: gain [0-9.]+ \(batch 3, quickest tenth of 3\)$'

dlnet bench
expect_status "no cfg" 2
dlnet bench "$T/net.cfg" --scaling --loader
expect_status "two things to time" 2
dlnet bench "$T/net.cfg" "$T/two"
expect_status "another operand" 2
expect_err "another operand is named" "found '.*two', expected a CFG"
dlnet bench "$T/net.cfg" --reps 0
expect_status "no walk" 2
dlnet bench "$T/net.cfg" --batch many
expect_status "a batch that is no number" 2
dlnet bench "$T/missing.cfg"
expect_status "a missing cfg" 66
dlnet bench "$T/no-loss.cfg" --train
expect_status "nothing to train with" 65
expect_err "nothing to train with: why" 'no layer computes a loss, expected one for --train'
dlnet bench "$T/no-loss.cfg" --reps 2
expect_status "inference needs no loss" 0
finish
