#!/usr/bin/env bash
# A network over one dimension, from WAV files made here: which of two tones it is. The splits are patterns of the files' names.
. "${BASH_SOURCE[0]%/*}/lib.sh"

# tone PERIOD SHIFT LENGTH: a square wave in a WAV file of 8 bits and 8000 samples a second.
tone()
{
    awk -v period="$1" -v shift="$2" -v n="$3" 'function le(v, bytes) { while (bytes-- > 0) { printf "\\0%03o", v % 256; v = int(v / 256) } }
        BEGIN {
            printf "RIFF"; le(n + 36, 4); printf "WAVEfmt "; le(16, 4); le(1, 2); le(1, 2); le(8000, 4); le(8000, 4); le(1, 2); le(8, 2)
            printf "data"; le(n, 4)
            for (i = 0; i < n; i++) le(int(2 * (i + shift) / period) % 2 ? 168 : 88, 1)
        }' | { IFS= read -r text || :; printf %b "$text"; }
}

mkdir "$T/tones"
for take in 0 1 2 3 4 5 6 7 8 9 10 11; do
    tone $((14 + take % 3)) $((5 * take)) $((150 + 10 * take)) >"$T/tones/high_$take.wav"
    tone $((40 + take % 5)) $((3 * take)) $((260 - 10 * take)) >"$T/tones/low_$take.wav"
done
cat >"$T/tones.cfg" <<'END'
[net]
width=200
height=1
channels=1
batch=4
max_batches=60
optimizer=adam
learning_rate=.01

[data]
train=tones/*_{[4-9],1?}.wav
valid=tones/*_[23].wav
test=tones/*_[01].wav

[augment]
time_shift=.1
gain=1.5
noise=.02
time_mask=.05

[convolutional]
filters=6
size=12
stride=2
pad=1
batch_normalize=1
activation=relu

[maxpool]
size=4
stride=4

[convolutional]
filters=6
size=3
pad=1
batch_normalize=1
activation=relu

[avgpool]

[connected]
output=2
activation=linear

[softmax]
END

dlnet info "$T/tones.cfg"
expect_out 'windows have one row' '0 +convolutional +6 +12/2 +200 x +1 x +1 +-> +101 x +1 x +6 +84 '
expect_out 'and so have those of a pooling' '1 +maxpool +4/4 +101 x +1 x +6 +-> +26 x +1 x +6 '

for split in train:16 valid:4 test:4; do
    dlnet data "$T/tones.cfg" -q --json --split "${split%:*}"
    expect_out "the pattern of ${split%:*}" "\"samples\": *${split#*:}\b"
done

dlnet train "$T/tones.cfg" -q --threads 1 --out "$T/run"
expect_status 'it trains' 0
dlnet val "$T/run/best.safetensors" --split test --json
expect_out 'it tells the tones apart' '"top1": *(1|0\.[789])'
dlnet predict -m "$T/run/best.safetensors" --top 1 "$T/tones/low_0.wav"
expect_out 'it names one' 'low_0\.wav.*low'

dlnet train "$T/tones.cfg" -q --threads 1 --out "$T/none" --set 'data.train=tones/*.wave'
expect_status 'a pattern without files' 66
expect_err 'is told as such' 'train=tones/\*\.wave: no file matches'
finish
