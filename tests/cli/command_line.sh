#!/usr/bin/env bash
# The command line itself: commands, options, help, exit statuses, streams.
. "${BASH_SOURCE[0]%/*}/lib.sh"

printf '[net]\nwidth=8\nheight=8\nchannels=3\n[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=relu\n[avgpool]\n[softmax]\n' >"$T/tiny.cfg"

dlnet
expect_status "no command is a usage error" 2
expect_no_out "its help goes to stderr"
expect_err "the help lists the commands" '^  train +[a-z]'
dlnet --help
expect_status "--help is no error" 0
expect_no_err "--help goes to stdout"
expect_out "--help lists the commands" '^  detect +[a-z]'
dlnet --version
expect_out "the version" '^dlnet [0-9]+\.[0-9]+\.[0-9]+$'
dlnet trian "$T/tiny.cfg"
expect_status "an unknown command is a usage error" 2
expect_err "the nearest command is named" "unknown command 'trian'; did you mean 'train'\?"
expect_no_out "errors don't go to stdout"
dlnet -x info
expect_status "an option before the command" 2

for command in train val predict detect lrfind info help; do
    dlnet "$command" --help
    expect_status "$command --help" 0
    expect_out "$command --help shows its usage" "^Usage: dlnet $command"
    cp "$T/out" "$T/page"
    dlnet help "$command"
    check "help $command is the same page" cmp "$T/page" "$T/out"
done

dlnet info "$T/tiny.cfg" --thraeds 2
expect_status "an unknown option is a usage error" 2
expect_err "the nearest option is named" 'unknown option --thraeds; did you mean --threads\?'
dlnet info "$T/tiny.cfg" -Z
expect_err "an unknown letter" 'unknown option -Z'
dlnet info "$T/tiny.cfg" --set
expect_err "an option without its value" 'option --set needs a value'
dlnet info "$T/tiny.cfg" --json=1
expect_err "a value that isn't wanted" 'option --json takes no value'
for n in 0 -1 x 1.5 99999; do
    dlnet info "$T/tiny.cfg" --threads "$n"
    expect_status "--threads $n" 2
    expect_err "--threads $n says what is expected" 'expected a whole number in 1\.\.'
done
dlnet info --q --threads=2 "$T/tiny.cfg"
expect_status "abbreviated options" 0
dlnet info
expect_status "no operand" 2
dlnet info "$T/no.cfg"
expect_status "a missing cfg" 66
expect_err "a missing cfg is named" 'no\.cfg: No such file'

dlnet help convolutional
expect_out "a layer's page has its keys" '^  filters +.*whole number'
expect_out "a layer's page has the keys of every layer" '^  stopbackward '
dlnet help net
expect_out "the page of [net]" '^  learning_rate .*'
dlnet help data
expect_out "the page of [data]" '^  train '
dlnet help layers
expect_out "the list of layers" '^  maxpool '
dlnet help batch_normalize
expect_out "the sections of a key" '^\[connected\]$'
dlnet help activation
expect_out "a word that is a layer and a key: the layer" '^\[activation\]: '
expect_out "a word that is a layer and a key: the key" '^\[convolutional\]$'
dlnet help convolutionel
expect_status "an unknown topic" 2
expect_err "the nearest topic" "did you mean 'convolutional'\?"
for topic in train val predict detect lrfind info help net data layers convolutional yolo batch_normalize; do
    dlnet help "$topic"
    check "the page of $topic fits into 110 columns" test "$(LC_ALL=C.UTF-8 wc -L <"$T/out")" -le 110
done

run bash -c '"$0" help net | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"' "$DLNET"
expect_out "a closed pipe ends quietly" '^0$'
expect_no_err "a closed pipe says nothing"
if [ -w /dev/full ]; then
    run bash -c '"$0" info "$1" >/dev/full' "$DLNET" "$T/tiny.cfg"
    expect_status "a full disk" 74
    expect_err "a full disk is told" 'standard output: No space left'
fi
finish
