#!/usr/bin/env bash
# info: the layer table, checked mistakes, and the model that the command line means.
. "${BASH_SOURCE[0]%/*}/lib.sh"

cat >"$T/net.cfg" <<'CFG'
[net]
width=12
height=8
channels=3
batch=8
subdivisions=2
track=1
[data]
train=shapes
valid=shapes
[convolutional]
filters=4
size=3
stride=2
pad=1
batch_normalize=1
activation=leaky
[convolutional]
filters=6
size=1
activation=linear
[route]
layers=-1,0
[avgpool]
[connected]
output=5
activation=linear
[softmax]
CFG
dlnet info "$T/net.cfg"
expect_status "a cfg alone" 0
# 3·4·9 weights, 4 biases and 4 scales; 6·4 weights, 6 biases; 10·5 weights, 5 biases
expect_out "a layer's line" '^ +0  convolutional +4  3/2 +12 x +8 x +3  -> +6 x +4 x +4 +116 +0\.000$'
expect_out "a route's line" '^ +2  route +from 1, 0 .* -> +6 x +4 x +10 +0 '
expect_out "the sum of parameters" '^parameters: +201 and 8 running statistics$'
expect_out "the batch of a pass" 'training: .* 4 images at a time \(batch=8, subdivisions=2\)'
expect_err "what has no effect is told" 'net\.cfg:7: track=1 has no effect in this version'
dlnet info "$T/net.cfg" --json -q --set net.width=24 --set 0.filters=8
expect_no_err "-q"
expect_out "JSON with --set" '"layer":0,"type":"convolutional","from":\[-1\],"input":\{"width":24,"height":8,"channels":3\},"output":\{"width":12,"height":4,"channels":8\},"parameters":232,'
if need_tool "JSON" python3; then check "one JSON object" python3 -m json.tool "$T/out"; fi

dlnet info "$T/net.cfg" --set net.widht=24 --set 0.filters=x --set 4.size=3
expect_status "wrong settings" 65
expect_err "an unknown key of --set" "set net\.widht=24: unknown key 'widht' in \[net\]; did you mean 'width'\?"
expect_err "a wrong value of --set" 'set 0\.filters=x: filters=x found, expected a whole number in 1\.\.'
expect_err "a key of another layer" "set 4\.size=3: unknown key 'size' in \[connected\]"
expect_no_out "nothing on stdout"
dlnet info "$T/net.cfg" --set filters=3
expect_status "--set without a section" 2
sed 's/output=5/ouput=5/; s/size=1/size=0/; s/softmax/sofmax/' "$T/net.cfg" >"$T/wrong.cfg"
dlnet info "$T/wrong.cfg"
expect_status "a wrong cfg" 65
expect_err "line of a wrong value" 'wrong\.cfg:20: size=0 found'
expect_err "line of an unknown key" "wrong\.cfg:26: unknown key 'ouput' in \[connected\]; did you mean 'output'\?"
expect_err "line of an unknown section" 'wrong\.cfg:28: unknown section \[sofmax\]; did you mean \[softmax\]\?'
dlnet info "$T/net.cfg" "$T/net.cfg" "$T/x.weights"
expect_status "two cfgs" 2
dlnet info "$T/net.cfg" "$T/no.weights"
expect_status "missing weights" 66
printf 'short' >"$T/short.weights"
dlnet info "$T/net.cfg" "$T/short.weights"
expect_status "weights that are too short" 65
dlnet info "$T/short.weights"
expect_status "weights without their cfg" 2
expect_err "weights without their cfg: what to do" 'expected CFG WEIGHTS'
dlnet info "$T/net.cfg" -m "$T/short.safetensors"
expect_status "a missing model" 66

# The newest run, of any network or of a cfg.
cd "$T" || exit 1
dlnet info -m none.safetensors
expect_status "no such model" 66
cat >tiny.cfg <<'CFG'
[net]
width=16
height=16
channels=3
batch=4
max_batches=2
[data]
train=shapes
valid=shapes
train_count=8
valid_count=8
[convolutional]
filters=8
size=3
stride=8
activation=leaky
[convolutional]
filters=30
size=1
activation=linear
[yolo]
mask=0,1,2
anchors=8,8, 16,16, 24,24
num=3
classes=5
CFG
cp tiny.cfg other.cfg
dlnet info tiny.cfg extra.weights
expect_status "weights that aren't there" 66
for cfg in tiny other; do
    dlnet train $cfg.cfg -q
    expect_status "a short training of $cfg" 0
done
dlnet train tiny.cfg -q --seed 2
mkdir -p runs/tiny-big && cp runs/other/best.safetensors runs/tiny-big/
touch -d '2001-01-01' runs/*/best.safetensors
touch -d '2002-01-01' runs/tiny/best.safetensors
touch -d '2003-01-01' runs/tiny-2/best.safetensors
touch -d '2004-01-01' runs/tiny-big/best.safetensors
dlnet val tiny.cfg
expect_err "the newest run of a cfg, not of another that begins like it" 'using runs/tiny-2/best\.safetensors'
dlnet val
expect_err "the newest run of all" 'using runs/tiny-big/best\.safetensors'
dlnet val other.cfg -q
expect_no_err "-q doesn't tell which"
dlnet info -m runs/tiny/best.safetensors --json
expect_out "a model knows its classes" '"classes":5,"names":\['
printf 'a\nb\n' >two.names
dlnet info -m runs/tiny/best.safetensors --names two.names
expect_status "names that are too few" 65
expect_err "names that are too few are counted" 'two\.names: 2 class names, the network has 5 classes'
printf 'a\nb\nc\nd\ne\n' >five.names
dlnet info -m runs/tiny/best.safetensors --names five.names --json
expect_out "--names wins" '"names":\["a","b","c","d","e"\]'
printf '[data]\nnames=five.names\n' | cat tiny.cfg - >named.cfg
sed -i '/^\[data\]$/,/^valid_count/d' named.cfg
printf '[data]\nnames=five.names\n' >>named.cfg
dlnet info named.cfg -m runs/tiny/best.safetensors --json
expect_out "the model's names win over those of the cfg" '"names":\["[^a]'
mv runs gone
dlnet val
expect_status "no run" 66
expect_err "no run: what to do" 'expected -m MODEL or CFG WEIGHTS'
finish
