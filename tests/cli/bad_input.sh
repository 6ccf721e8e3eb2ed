#!/usr/bin/env bash
# Bad inputs: a table of what users and their disks get wrong. Each row tells the exit status and what is said about it, and for every row: nothing
# on stdout, no crash, no new file left behind.
. "${BASH_SOURCE[0]%/*}/lib.sh"
export DLNET
W=$T/work
mkdir "$W" && chmod 755 "$T" && cd "$W" || exit 1

# cfg NAME SED-SCRIPT: NAME.cfg is base.cfg changed; its lines have the numbers that the rows tell.
cfg() { sed "$2" base.cfg >"$1.cfg"; }

cat >base.cfg <<'CFG'
[net]
width=32
height=32
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
stride=4
pad=1
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
cat >class.cfg <<'CFG'
[net]
width=16
height=16
channels=1
batch=4
max_batches=2
[data]
train=set
names=set.names
[connected]
output=3
activation=linear
[softmax]
CFG

# the cfg file
row 'cfg: missing' 66 '^dlnet: error: none\.cfg: No such file' dlnet info none.cfg
mkdir folder.cfg
row 'cfg: a directory' 65 'folder\.cfg: is a directory' dlnet info folder.cfg
: >empty.cfg
row 'cfg: empty' 65 'empty\.cfg: .*expected \[net\]' dlnet info empty.cfg
head -c 3000 "$DLNET" >binary.cfg
row 'cfg: binary' 65 'binary\.cfg:[0-9]+: found a zero byte, expected a cfg file' dlnet info binary.cfg
printf 'width=3\n' >loose.cfg
row 'cfg: a key before any section' 65 "loose\.cfg:1: found 'width=' before any section, expected \[net\]" dlnet info loose.cfg
cfg nonet 1,11d
row 'cfg: no [net]' 65 'nonet\.cfg:1: no \[net\] section' dlnet info nonet.cfg
cfg nolayers '12,$d'
row 'cfg: no layers' 65 'nolayers\.cfg:1: no layers' dlnet info nolayers.cfg
cfg section 's/\[yolo\]/[yoolo]/'
row 'cfg: unknown section' 65 'section\.cfg:22: unknown section \[yoolo\]; did you mean \[yolo\]\?' dlnet info section.cfg
cfg key 's/filters=8/fliters=8/'
row 'cfg: unknown key' 65 "key\.cfg:13: unknown key 'fliters' in \[convolutional\]; did you mean 'filters'\?" dlnet info key.cfg
cfg bracket 's/\[yolo\]/[yolo/'
row 'cfg: section without ]' 65 "bracket\.cfg:22: found '\[yolo', expected a '\]'" dlnet info bracket.cfg
cfg noequals 's/size=3/size 3/'
row 'cfg: a line without =' 65 "noequals\.cfg:14: found 'size 3', expected key=value" dlnet info noequals.cfg
cfg type 's/stride=4/stride=four/'
row 'cfg: a word for a number' 65 'type\.cfg:15: stride=four found, expected a whole number' dlnet info type.cfg
cfg fraction 's/stride=4/stride=1.5/'
row 'cfg: a fraction for a whole number' 65 'fraction\.cfg:15: stride=1\.5 found, expected a whole number' dlnet info fraction.cfg
cfg range 's/stride=4/stride=0/'
row 'cfg: out of range' 65 'range\.cfg:15: stride=0 found, expected a whole number (of 1 or more|in 1\.\.)' dlnet info range.cfg
cfg huge 's/filters=8/filters=99999999999999999999/'
row 'cfg: a number beyond every range' 65 'huge\.cfg:13: filters=9+ found, expected' dlnet info huge.cfg
cfg nan 's/max_batches=2/learning_rate=nan/'
row 'cfg: NaN' 65 'nan\.cfg:6: learning_rate=nan found, expected a number' dlnet info nan.cfg
cfg choice 's/activation=leaky/activation=leeky/'
row 'cfg: an unknown choice' 65 "choice\.cfg:17: activation=leeky found, expected .*did you mean 'leaky'" dlnet info choice.cfg
cfg novalue 's/filters=8/filters=/'
row 'cfg: no value' 65 'novalue\.cfg:13: filters= has no value, expected a whole number' dlnet info novalue.cfg
cfg twice 's/^size=3/&\nsize=5/'
row 'cfg: a key twice' 65 "twice\.cfg:15: found size=5, expected 'size' once in \[convolutional\]: line 14 has size=3" dlnet info twice.cfg
cfg groups 's/^filters=8/&\ngroups=3/'
row 'cfg: groups that do not divide' 65 'groups\.cfg:14: .*groups=3.*8' dlnet info groups.cfg
cfg routelater 's/^\[yolo\]/[route]\nlayers=5\n&/'
row 'cfg: a route to a later layer' 65 'routelater\.cfg:23: layer 2 takes its input from layer 5, expected an earlier layer: 0\.\.1' dlnet info routelater.cfg
cfg shapes 's/^\[yolo\]/[shortcut]\nfrom=-2\nactivation=linear\n[route]\nlayers=0,-1\n&/;s/^stride=4/stride=3/;s/^size=1/size=2/'
row 'cfg: shapes that do not fit' 65 'shapes\.cfg:2[0-9]: ' dlnet info shapes.cfg
cfg small 's/^width=32/width=2/;s/^pad=1/pad=0/'
row 'cfg: a kernel larger than its input' 65 'small\.cfg:14: .*3.*2' dlnet info small.cfg
cfg head 's/filters=30/filters=31/'
row 'cfg: yolo needs other filters' 65 'head\.cfg:2[0-9]: .*31.*filters=30' dlnet info head.cfg
cfg mask 's/mask=0,1,2/mask=0,1,7/'
row 'cfg: a mask beyond num' 65 'mask\.cfg:23: .*7' dlnet info mask.cfg
cfg anchors 's/, 24,24//'
row 'cfg: too few anchors' 65 'anchors\.cfg:24: .*(6|3)' dlnet info anchors.cfg
cfg subdivisions 's/batch=4/&\nsubdivisions=3/'
row "cfg: subdivisions that do not divide batch" 65 "subdivisions\.cfg:6: batch=4 .*subdivisions=3" dlnet info subdivisions.cfg
cfg window 's/^width=32/width=60000/;s/^height=32/height=60000/'
row 'cfg: an input beyond the range of its window' 65 'window\.cfg:14: an input of 60000 x 60000 x 3 is too large' dlnet info window.cfg
cfg memory 's/^width=32/width=8192/;s/^height=32/height=8192/;s/stride=4/stride=1/;s/filters=8/filters=4096/;s/^batch=4/batch=4096/'
row 'cfg: a network beyond all memory' 1 'out of memory: the activations of 4096 images' \
    env ASAN_OPTIONS="${ASAN_OPTIONS-}:allocator_may_return_null=1" "$DLNET" train memory.cfg --out run
cfg unset 's/train=shapes/train=${DLNET_NO_SUCH_NAME}\/x/'
row 'cfg: an unset variable' 65 'unset\.cfg:8: .*\$\{DLNET_NO_SUCH_NAME\} is not set' dlnet train unset.cfg --out run
cfg unclosed 's/train=shapes/train=${HOME/'
row 'cfg: a variable without }' 65 'unclosed\.cfg:8: .*no closing }' dlnet train unclosed.cfg --out run
cfg many 's/width=32/widht=32/;s/size=3/size=0/;s/leaky/leeky/;s/\[yolo\]/[yoolo]/;s/valid_count/vaild_count/'
row 'cfg: all mistakes in one run' 65 "many\.cfg:2: .*'widht'
many\.cfg:11: unknown key 'vaild_count' in \[data\]; did you mean 'valid_count'
many\.cfg:14: size=0
many\.cfg:17: .*leeky
many\.cfg:22: .*\[yoolo\]" dlnet info many.cfg
cfg control 's/filters=8/fil\x01\x1b[31mters=8/'
row 'cfg: control characters are not sent to the terminal' 65 "control\.cfg:13: unknown key 'fil\?\?\[31mters'" dlnet info control.cfg

# --set
row 'set: unknown key' 65 "set net\.widht=3: unknown key 'widht' in \[net\]; did you mean 'width'" dlnet info base.cfg --set net.widht=3
row 'set: no such layer' 65 'set 9\.filters=3: found layer 9, expected one of the 3 layers' dlnet info base.cfg --set 9.filters=3
row 'set: no such section' 65 "set yoloo\.classes=3: base\.cfg has no section \[yoloo\]; did you mean 'yolo'" dlnet info base.cfg --set yoloo.classes=3
row 'set: several such sections' 65 'has 2 sections \[convolutional\], expected the number of one of them: 0, 1' dlnet info base.cfg --set convolutional.size=3
row 'set: no =' 2 'set net\.width: expected SECTION\.key=value' dlnet info base.cfg --set net.width
row 'set: wrong value' 65 'set net\.width=x: width=x found' dlnet info base.cfg --set net.width=x
row 'set: a cross-check' 65 'set net\.subdivisions=3: batch=4' dlnet info base.cfg --set net.subdivisions=3

# the command line
row 'command: unknown' 2 "unknown command 'detekt'; did you mean 'detect'\?" dlnet detekt
row 'command: an unknown option' 2 'unknown option --tresh; did you mean --thresh\?' dlnet detect --tresh .5 x.jpg
row 'command: an unknown short option' 2 'unknown option -z' dlnet detect -z x.jpg
row 'command: an option without its value' 2 'option --thresh needs a value' dlnet detect --thresh
row 'command: a value for a flag' 2 'option --json takes no value' dlnet detect --json=1
row 'command: a bad number' 2 '--thresh high: expected a number in 0\.\.1' dlnet detect --thresh high x.jpg
row 'command: a number out of range' 2 '--thresh 25: expected a number in 0\.\.1' dlnet detect --thresh 25 x.jpg
row 'command: NaN' 2 '--nms nan: expected a number' dlnet detect --nms nan x.jpg
row 'command: a wrong whole number' 2 '--threads 0: expected a whole number in 1\.\.' dlnet info base.cfg --threads 0
row 'command: a wrong seed' 2 '--seed -1: expected a whole number of 0 or more' dlnet train base.cfg --seed -1
row 'command: a wrong name' 2 '--split vaild: expected train, valid or test' dlnet val base.cfg --split vaild
row 'command: train without a cfg' 2 'no cfg file given' dlnet train
row 'command: train with too much' 2 'b\.weights: expected one cfg file and at most one weights file' dlnet train base.cfg a.weights b.weights
row 'command: lrfind without a cfg' 2 'no cfg file given' dlnet lrfind
row 'command: lrfind with a falling rate' 2 '--from 1 --to 0\.1: expected a first rate below' dlnet lrfind base.cfg --from 1 --to .1
row 'command: lrfind with too few steps' 2 '--steps 1: expected a whole number' dlnet lrfind base.cfg --steps 1
row 'command: sample with a picture too small' 2 '--size 2: expected a whole number in 8\.\.8192' dlnet sample --size 2
row 'command: an option before the command' 2 'unknown option -m before the command' dlnet -m best.safetensors detect
row 'command: no run to take the model from' 66 'no model given.*expected -m MODEL or CFG WEIGHTS' dlnet detect x.jpg
row 'command: help for nothing known' 2 "no page for 'convolutionel'; did you mean 'convolutional'" dlnet help convolutionel

row 'command: an empty value' 2 'option --model needs a value, found an empty one' dlnet detect -m '' x.jpg
row 'command: --layers without weights' 2 '--layers 3: expected with a \.weights file' dlnet train base.cfg --layers 3 --out run
row 'command: too many words' 2 "found 'a', expected a CFG" dlnet info base.cfg a
row 'command: a chart over another file' 2 'base\.cfg: expected a folder, or a file that ends in \.svg or \.png' dlnet lrfind base.cfg --out base.cfg

# weights
header() { printf '\0\0\0\0\2\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0'; }
zeros() { head -c "$1" /dev/zero; }
# 8·27 + 8 and 30·8 + 30 numbers
{ header && zeros 1976; } >base.weights
dlnet sample --out pictures -n 3 --size 32
expect_status 'pictures to work on' 0
dlnet info base.cfg base.weights
expect_status 'base.weights fits' 0
cfg shared '/^\[yolo\]/i share_index=0'
row 'weights: a layer that would answer otherwise' 65 'shared\.cfg:[0-9]+: share_index=0 has no effect in this version: the answers would be wrong' \
    dlnet detect shared.cfg base.weights pictures
row 'command: no image' 2 'no images given: expected image files, folders' dlnet detect base.cfg base.weights
row 'command: val with an image' 2 'shapes-000\.png: expected a model' dlnet val base.cfg base.weights pictures/shapes-000.png
{ header && zeros 1876; } >short.weights
row 'weights: too short' 65 'short\.weights: too short by 100 bytes: it ends in layer 1 \[convolutional\], in ' dlnet detect base.cfg short.weights pictures
{ header && zeros 1980; } >long.weights
row 'weights: too long' 65 'long\.weights: too long by 4 bytes' dlnet detect base.cfg long.weights pictures
: >empty.weights
row 'weights: empty' 65 'empty\.weights: 0 bytes, too short even for the header' dlnet detect base.cfg empty.weights pictures
header >header.weights
row 'weights: the header alone' 65 'header\.weights: too short by 1976 bytes: it ends in layer 0' dlnet detect base.cfg header.weights pictures
{ header && zeros 40 && printf '\0\0\300\177' && zeros 1932; } >nan.weights
row 'weights: NaN' 65 'nan\.weights: layer 0 \[convolutional\], .*: number [0-9]+ of [0-9]+ is not a number' dlnet detect base.cfg nan.weights pictures
printf 'this is no weights file at all, it is text\n' >text.weights
row 'weights: text' 65 'text\.weights: ' dlnet detect base.cfg text.weights pictures
mkdir folder.weights
row 'weights: a directory' 65 'folder\.weights: is a directory' dlnet detect base.cfg folder.weights pictures
row 'weights: missing' 66 'none\.weights: No such file' dlnet detect base.cfg none.weights pictures
row 'weights: without their cfg' 2 'base\.weights.*expected CFG WEIGHTS' dlnet detect base.weights pictures
row 'weights: --init too short' 65 'short\.weights: too short by 100 bytes' dlnet train base.cfg --init short.weights --out run

# models
dlnet train base.cfg --out trained
expect_status 'a model to work on' 0
head -c 300 trained/best.safetensors >cut.safetensors
row 'model: cut in its header' 65 'cut\.safetensors: ' dlnet detect -m cut.safetensors pictures
size=$(wc -c <trained/best.safetensors)
head -c $((size - 8)) trained/best.safetensors >cut2.safetensors
row 'model: cut in its data' 65 'cut2\.safetensors: ' dlnet detect -m cut2.safetensors pictures
{ cat trained/best.safetensors && echo more; } >more.safetensors
row 'model: bytes after its end' 65 'more\.safetensors: 5 bytes after the last tensor belong to no tensor' dlnet detect -m more.safetensors pictures
: >empty.safetensors
row 'model: empty' 65 'empty\.safetensors: ' dlnet detect -m empty.safetensors pictures
head -c 5000 "$DLNET" | tail -c 4000 >garbage.safetensors
row 'model: garbage' 65 'garbage\.safetensors: ' dlnet detect -m garbage.safetensors pictures
printf '\377\377\377\377\377\377\377\177{}' >length.safetensors
row 'model: a header longer than the file' 65 'length\.safetensors: ' dlnet detect -m length.safetensors pictures
json='{"0.convolutional.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
{ printf "\\x$(printf %x ${#json})\\0\\0\\0\\0\\0\\0\\0%s" "$json" && zeros 8; } >other.safetensors
row 'model: of another program' 65 'other\.safetensors: holds no cfg' dlnet detect -m other.safetensors pictures
cfg wider 's/filters=8/filters=9/'
row 'model: another shape' 65 'best\.safetensors: tensor "0\.convolutional\..*" has the shape \[8 x .*, the network.s is \[9 x' dlnet val wider.cfg trained/best.safetensors
row 'model: no layer fits' 65 'trained/best\.safetensors: no layer of it fits.* of wider\.cfg' dlnet train wider.cfg --init trained/best.safetensors --out run
row 'model: --set changes its shape' 65 'has the shape \[8 x .*, the network.s is \[9 x' dlnet detect -m trained/best.safetensors --set 0.filters=9 pictures
row 'model: missing' 66 'none\.safetensors: No such file' dlnet detect -m none.safetensors pictures
row 'model: an image in its place' 65 'shapes-000\.png: ' dlnet detect -m pictures/shapes-000.png pictures
row 'model: a detector for predict' 65 'the network is a detector: use `dlnet detect`' dlnet predict -m trained/best.safetensors pictures
printf 'a\nb\n' >two.names
row 'model: too few class names' 65 'two\.names: 2 class names, the network has 5 classes' dlnet detect -m trained/best.safetensors --names two.names pictures
row 'model: missing class names' 66 'none\.names: No such file' dlnet detect -m trained/best.safetensors --names none.names pictures

# images
detect=(dlnet detect -m trained/best.safetensors --thresh 1)
dlnet detect -m trained/best.safetensors pictures/shapes-000.png --out good.jpg
expect_status 'a JPEG to work on' 0
head -c 700 good.jpg >cut.jpg
row 'image: truncated JPEG' 65 'cut\.jpg: truncated' "${detect[@]}" cut.jpg
head -c 20 good.jpg >head.jpg
row 'image: a JPEG cut in its header' 65 'head\.jpg: truncated' "${detect[@]}" head.jpg
head -c 200 pictures/shapes-000.png >cut.png
row 'image: truncated PNG' 65 'cut\.png: truncated' "${detect[@]}" cut.png
: >empty.png
row 'image: empty' 65 'empty\.png: empty file' "${detect[@]}" empty.png
mkdir folder.jpg
row 'image: an empty directory named .jpg' 65 'folder\.jpg: the folder holds no image' "${detect[@]}" folder.jpg
echo hello >text.png
row 'image: text' 65 'text\.png: not an image' "${detect[@]}" text.png
row 'image: missing' 66 'none\.jpg: No such file' "${detect[@]}" none.jpg
{ printf '\211PNG\r\n\032\n\0\0\0\015IHDR\0\0\377\377\0\0\377\377\010\006\0\0\0' && zeros 100; } >huge.png
row 'image: claims 65535 x 65535 pixels' 65 'huge\.png: ' "${detect[@]}" huge.png
{ printf '\211PNG\r\n\032\n\0\0\0\015IHDR\177\377\377\377\177\377\377\377\010\006\0\0\0' && zeros 100; } >huger.png
row 'image: claims 2^31 x 2^31 pixels' 65 'huger\.png: ' "${detect[@]}" huger.png
printf 'P6 60000 60000 255\n' >huge.ppm
row 'image: a PPM that claims more than it has' 65 'huge\.ppm: ' "${detect[@]}" huge.ppm
results=2 row 'image: bad ones among good ones' 65 'cut\.jpg: truncated
none\.jpg: No such file' dlnet detect -m trained/best.safetensors --json pictures/shapes-000.png cut.jpg none.jpg pictures/shapes-001.png
printf 'pictures/shapes-000.png\nnone.png\n' >list.txt
results=1 row 'image: a missing one in a list' 66 'none\.png: No such file' dlnet detect -m trained/best.safetensors --json list.txt
row 'image: a list that is missing' 66 'none\.txt: No such file' "${detect[@]}" none.txt
: >empty.txt
row 'image: an empty list' 65 'empty\.txt: ' "${detect[@]}" empty.txt

# labels
cfg listed 's/train=shapes/train=list\non_bad=error/;s/valid=shapes//'
label() { mkdir -p labelled && cp pictures/shapes-000.png labelled/a.png && printf -- "$1" >labelled/a.txt && printf 'labelled/a.png\n' >list; }
labels() # NAME CONTENT PATTERN
{
    label "$2"
    row "label: $1" 65 "a\.txt:1: $3" dlnet train listed.cfg --out run
}
labels 'class out of range' '5 .5 .5 .2 .2\n' 'found class 5, expected 0\.\.4'
labels 'negative class' '-1 .5 .5 .2 .2\n' 'found class -1, expected 0\.\.4'
labels 'a class that is no whole number' '1.5 .5 .5 .2 .2\n' "found class '1\.5', expected a whole number"
labels 'NaN' '1 nan .5 .2 .2\n' "found x 'nan', expected a number"
labels '4 fields' '1 .5 .5 .2\n' 'found 4 fields, expected 5'
labels '6 fields' '1 .5 .5 .2 .2 .9\n' 'found 6 fields, expected 5'
labels 'letters' '1 .5 .5 wide .2\n' "found width 'wide', expected a number"
labels 'outside the image' '1 1.5 .5 .2 .2\n' 'found a box whose centre \(1\.5, 0\.5\) lies outside the image'
labels 'pixels in place of fractions' '1 16 16 8 8\n' 'found a box whose centre \(16, 16\) lies outside the image'
labels 'without area' '1 .5 .5 0 .2\n' 'found a box without area'
labels 'binary' '\1\2\3\n' 'found 1 field, expected 5'
rm labelled/a.txt
row 'label: no label file at all' 65 'list: none of its 1 images has a label file, expected for the first .*labelled/a\.txt' dlnet train listed.cfg --out run
label '9 .5 .5 .2 .2\n'
row 'label: the only one, skipped by default' 0 'warning: 1 .*labelled/a\.txt:1: found class 9' \
    bash -c '"$DLNET" train listed.cfg --set data.on_bad=skip --out skipped >/dev/null; s=$?; rm -rf skipped; exit $s'

# data sets
: >list
row 'data: an empty list' 65 'list: holds no image for train=' dlnet train listed.cfg --out run
printf 'none.png\n' >list
row 'data: a list of missing images' 65 "list:1: found 'none\.png', but there is no such image" dlnet train listed.cfg --out run
cfg nodata 's/^train=shapes/train=nowhere/'
row 'data: a missing path' 66 'nodata\.cfg:8: train=nowhere: no such file or folder' dlnet train nodata.cfg --out run
cfg noset '/train=shapes/d'
row 'data: no train=' 65 'noset\.cfg: \[data\] has no train=' dlnet train noset.cfg --out run
cfg novalid '/valid=shapes/d'
row 'data: no valid= for val' 65 '\[data\] has no valid=' dlnet val novalid.cfg base.weights
cfg nonames 's/^valid=/names=none.names\n&/'
row 'data: missing class names' 66 'nonames\.cfg:9: names=none\.names: no such file' dlnet train nonames.cfg --out run
cfg fewclasses 's/classes=5/classes=3/;s/filters=30/filters=24/'
row 'data: more classes than the head' 65 'fewclasses\.cfg:8: train=shapes has 5 classes, but the network has 3: expected classes=5' dlnet train fewclasses.cfg --out run
row 'data: --data missing' 66 'none\.data: No such file' dlnet train base.cfg --data none.data --out run
printf 'train = shapes\nclasses = many\ntrian = x\n' >bad.data
row 'data: mistakes in a .data file' 65 "bad\.data:2: classes=many found, expected a whole number
bad\.data:3: unknown key 'trian'.*did you mean 'train'" dlnet train base.cfg --data bad.data --out run
mkdir -p voc/Annotations voc/JPEGImages voc/ImageSets/Main
cp pictures/shapes-000.png voc/JPEGImages/a.png
echo a >voc/ImageSets/Main/train.txt
printf '<annotation>\n<object>\n<name>dog</name>\n</annotation>\n' >voc/Annotations/a.xml
cfg voc 's/train=shapes/train=voc\non_bad=error/;s/valid=shapes//;s/train_count=8/names=five.names/;s/valid_count=8//'
printf 'cat\ndog\ncow\nhen\npig\n' >five.names
row 'data: broken XML' 65 'a\.xml:4: ' dlnet train voc.cfg --out run
printf '<annotation>\n<object>\n<name>dgo</name>\n<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>\n</annotation>\n' >voc/Annotations/a.xml
row 'data: an unknown class in XML' 65 "a\.xml:3: .*dgo.*did you mean 'dog'" dlnet train voc.cfg --out run
mkdir idx
idx() { printf '\0\0\10\3\0\0\0\12\0\0\0\20\0\0\0\20' && zeros "$1"; }
idx 2560 >idx/train-images-idx3-ubyte
{ printf '\0\0\10\1\0\0\0\12' && zeros 10; } >idx/train-labels-idx1-ubyte
sed 's/train=set/train=idx/;s/names=set.names//' class.cfg >idx.cfg
idx 1000 >idx/train-images-idx3-ubyte
row 'data: idx cut' 65 'train-images-idx3-ubyte: ' dlnet train idx.cfg --out run
printf '\0\0\10\3\177\377\377\377\0\0\377\377\0\0\377\377' >idx/train-images-idx3-ubyte
{ printf '\0\0\10\1\177\377\377\377' && zeros 10; } >idx/train-labels-idx1-ubyte
row 'data: idx that claims 2^31 images' 65 'idx3-ubyte: found 0 bytes after the header, expected [0-9]+ .*: the file is cut short' dlnet train idx.cfg --out run
mkdir -p set/one set/two set/three set/four
for c in one two three four; do cp pictures/shapes-000.png set/$c/; done
printf 'one\ntwo\nthree\n' >set.names
row 'data: a folder that is no class' 65 "set/four: found a folder of class 'four', expected one of the 3 of set\.names" \
    dlnet train class.cfg --set data.on_bad=error --out run
printf 'one\ntwo\nthree\nfour\n' >set.names
row 'data: more class names than outputs' 65 'class\.cfg:9: names=set\.names has 4 classes, but the network has 3: expected an output of 4' dlnet train class.cfg --out run
row 'data: boxes for a classifier' 65 'voc: is a data set with boxes, but the network is a classifier' dlnet train class.cfg --set data.train=voc --set data.names= --out run
row 'data: no boxes for a detector' 65 'is a data set for classification .*but the network is a detector' dlnet train base.cfg --set data.train=idx --out run

# output
row 'output: over a run' 2 'trained: holds a run already' dlnet train base.cfg --out trained
row 'output: a file in the place of the folder' 74 'base\.weights: .*Not a directory' dlnet train base.cfg --out base.weights
mkdir -p taken/shapes-000.png
leaves='./taken/shapes.names' row 'output: a directory in the place of the picture' 74 'taken/shapes-000\.png: cannot be written: Is a directory' dlnet sample --out taken
row 'output: one file for several pictures' 2 'one\.png is one file, but there are several images' dlnet detect -m trained/best.safetensors pictures --out one.png
row 'output: a form of picture that is not written' 2 'one\.gif: expected a folder, or a file that ends in \.png' dlnet detect -m trained/best.safetensors good.jpg --out one.gif
row 'output: over the picture itself' 2 'would replace the image itself' dlnet detect -m trained/best.safetensors good.jpg --out good.jpg
row 'output: resume of a damaged run' 65 'last\.safetensors: ' bash -c 'mkdir broken && echo x >broken/last.safetensors && "$DLNET" train base.cfg --resume broken; s=$?; rm -r broken; exit $s'
leaves='./full*' row 'output: beyond the limit of file sizes' 74 'full/[a-z.]+: cannot be written: File too large' \
    bash -c 'ulimit -f 4; exec "$DLNET" train base.cfg --out full'
leaves='./pics*' row 'output: a picture beyond the limit of file sizes' 74 'shapes-000\.png: cannot be written: File too large' \
    bash -c 'ulimit -f 8; exec "$DLNET" sample --size 512 --out pics'
if [ -w /dev/full ]; then
    row 'output: stdout on a full disk' 74 'standard output: No space left' bash -c '"$DLNET" info base.cfg >/dev/full'
    row 'output: JSON on a full disk' 74 'standard output: No space left' bash -c '"$DLNET" detect -m trained/best.safetensors --json pictures >/dev/full'
    row 'output: the name of the model on a full disk' 74 'standard output: No space left' \
        bash -c '"$DLNET" train base.cfg --out named >/dev/full; s=$?; rm -r named; exit $s'
    row 'output: help on a full disk' 74 'standard output: No space left' bash -c '"$DLNET" detect --help >/dev/full'
fi
mkdir small
if unshare -m mount -t tmpfs -o size=32k none small 2>/dev/null; then
    row 'output: a full disk' 74 'small/run/[a-z.]+: cannot be written: No space left' unshare -m bash -c 'mount -t tmpfs -o size=16k none small
        "$DLNET" train base.cfg --out small/run; s=$?
        ls small/run/*.?????? 2>/dev/null; exit $s'
else
    skip 'output: a full disk' 'mounting is not permitted'
fi

# permissions
as_user=()
[ "$(id -u)" -ne 0 ] || as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
cp pictures/shapes-000.png secret.png && cp base.cfg secret.cfg && chmod 000 secret.png secret.cfg
mkdir locked && chmod 555 locked && chmod -R a+rX trained pictures
if "${as_user[@]}" "$DLNET" --version >/dev/null 2>&1; then
    row 'permission: a cfg' 66 'secret\.cfg: Permission denied' "${as_user[@]}" "$DLNET" info secret.cfg
    row 'permission: an image' 66 'secret\.png: Permission denied' "${as_user[@]}" "$DLNET" detect -m trained/best.safetensors secret.png
    row 'permission: a folder for the run' 74 'locked/run: cannot make this folder: Permission denied' "${as_user[@]}" "$DLNET" train base.cfg --out locked/run
    row 'permission: the folder of the run' 74 'locked/.*: cannot be written: Permission denied' "${as_user[@]}" "$DLNET" train base.cfg --out locked
    row 'permission: a folder for pictures' 74 'locked/.*: cannot be written: Permission denied' "${as_user[@]}" "$DLNET" sample --out locked
else
    skip 'permissions' "can't run $DLNET as another user"
fi
chmod 755 locked
finish
