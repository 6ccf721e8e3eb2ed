#!/usr/bin/env bash
# Bad data of every form: for each case the exit status and what is said, with file and line. Beside them, data that looks odd and is right. bad_input.sh has
# the commonest cases of lists, images, VOC, idx and folders.
. "${BASH_SOURCE[0]%/*}/lib.sh"
export DLNET
W=$T/work
mkdir "$W" && cd "$W" || exit 1

cat >boxes.cfg <<'CFG'
[net]
width=16
height=16
channels=3
[data]
on_bad=error
train=list.txt
[convolutional]
filters=21
size=3
stride=8
pad=1
activation=linear
[yolo]
mask=0,1,2
anchors=8,8, 16,16, 24,24
num=3
classes=2
CFG
cat >classes.cfg <<'CFG'
[net]
width=16
height=16
channels=3
[data]
on_bad=error
train=set
[connected]
output=2
activation=linear
[softmax]
CFG
sed 's/^height=16/height=1/;s/^channels=3/channels=1/' classes.cfg >signals.cfg
sed 's/^width=16/inputs=2/;/^height/d;/^channels/d;/^on_bad/d;s/train=set/train=t.csv/' classes.cfg >table.cfg
# bad WHAT CFG PATTERNS: nothing of the data is left. one …: the data opens, and this is told of it. good …: nothing is wrong.
bad() { row "$1" "${4:-65}" "$3" dlnet data "$2.cfg" --json; }
one() { results=1 && row "$1" 65 "$3" dlnet data "$2.cfg" --json; }
good() { results=1 && row "$1" 0 "${3-}" dlnet data "$2.cfg" --json; }

dlnet sample -n 2 --size 16 --out p
expect_status 'pictures to work on' 0
dlnet sample -n 1 --size 16 --out .
mv shapes-000.png ok.png && rm -f shapes*

# Darknet's lists and labels
echo a.png >list.txt && cp ok.png a.png
label() { printf -- "$1" >a.txt; }
label '\357\273\2770 .5 .5 .2 .2\n' && good 'label: a BOM' boxes
label '0 .5 .5 .2 .2\r\n\r\n1 .2 .2 .1 .1\r\n' && good 'label: CRLF' boxes
label '  0\t.5  .5 .2\t.2  \n' && good 'label: tabs and blanks' boxes
label '0 .95 .5 .2 .2\n' && good 'label: a little over the edge' boxes
label '0 5e-1 +.5 2E-1 .2' && good 'label: exponents, no newline at the end' boxes
label '0 inf .5 .2 .2\n' && one 'label: infinite' boxes "a\.txt:1: found x 'inf', expected a number"
label '0 .5 .5 .2 .2\n0 .5 .5 1e400 .2\n' && one 'label: beyond every double' boxes "a\.txt:2: found width '1e400', expected a number"
label '0 .5 .5 nan .2\n' && one 'label: a size that is NaN' boxes "a\.txt:1: found width 'nan'"
label '99999999999999999999 .5 .5 .2 .2\n' && one 'label: a class beyond every number' boxes "a\.txt:1: found class '9+', expected a whole number"
label '0 .5 .5 -.2 .2\n' && one 'label: a negative width' boxes 'a\.txt:1: found a box without area'
label '0 .5 .5 1.5 .2\n' && one 'label: larger than the image' boxes 'a\.txt:1: found a box larger than the image'
label '0 0,5 0,5 0,2 0,2\n' && one 'label: decimal commas' boxes "a\.txt:1: found x '0,5', expected a number"
label '0 .5 .5\0 .2 .2\n' && one 'label: a zero byte' boxes 'a\.txt:1: found 3 fields, expected 5'
label '\377\3760\0 \0.\0005\0\n' && one 'label: UTF-16' boxes 'a\.txt:1: found '
{ printf '0 .5 .5 .2 ' && head -c 300000 /dev/zero | tr '\0' x; } >a.txt && one 'label: a line of 300 kB' boxes "a\.txt:1: found height 'x+', expected a number"
rm a.txt && mkdir a.txt && one 'label: a directory' boxes "a\.txt: can't be read: .*is a directory"
rm -r a.txt && label '0 .5 .5 .2 .2\n'
mkdir -p "it's a \"folder\" of 5 %s" && cp ok.png "it's a \"folder\" of 5 %s/a.png" && cp a.txt "it's a \"folder\" of 5 %s/"
printf 'it'"'"'s a "folder" of 5 %%s/a.png\r\n' >list.txt && good 'list: blanks, quotes, a percent sign, CRLF' boxes
printf '\n \n\t\n' >list.txt && bad 'list: only blank lines' boxes 'list\.txt: holds no image for train='
mkdir -p dir.jpg && cp a.txt dir.txt && echo dir.jpg >list.txt && one 'list: a directory named .jpg' boxes 'dir\.jpg: is a directory'
printf 'a.png\0b.png\n' >list.txt && bad 'list: binary' boxes 'boxes\.cfg:7: train=list\.txt is none of the forms of data known'
ln -s loop.png loop.png && echo loop.png >list.txt && bad 'list: a link to itself' boxes "list\.txt:1: found 'loop\.png', but there is no such image"
printf '%05000d.png\n' 7 >list.txt && bad 'list: a name beyond every limit' boxes "list\.txt:1: found '0+', but there is no such image"
cp a.txt list.png.txt && printf 'a.png\nlist.txt\n' >list.txt && cp a.txt list.txt.txt && one 'list: the list itself as an image' boxes 'list\.txt: not an image'
rm -rf dir.jpg dir.txt loop.png "it's a \"folder\" of 5 %s" list.*.txt

# images
mkdir -p set/a set/b && cp ok.png set/a/ && cp ok.png set/b/ok.png
image() { rm -rf set/b/* && cat >"set/b/$1"; }
image x.png < <(base64 -d <<<'iVBORw0KGgoAAAANSUhEUgAAAAQAAAAEEAIAAAB2A9VqAAAAJElEQVR42mNgYGRiZmFlY+fg5OLm4eXjFxAUEhYRFRNnoJ4EAMYMBFEAXyDOAAAAAElFTkSuQmCC') && good 'image: PNG of 16 bits' classes
image x.png < <(base64 -d <<<'iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAMAAACeL25MAAAACVBMVEX/AAAA/wAAAP8tSs2KAAAAD0lEQVR42mNgYGRiZEAlAACsABEdS1ekAAAAAElFTkSuQmCC') && good 'image: PNG with a palette' classes
image x.png < <(base64 -d <<<'iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAMAAACeL25MAAAACVBMVEX/AAAA/wAAAP8tSs2KAAAAEElEQVR42mNgYGT6z4BKAAAiaAQJtVppHAAAAABJRU5ErkJggg==') && row 'image: PNG, a colour beyond its palette' 0 '' sh -c '"$DLNET" data classes.cfg --json >/dev/null; [ $? -le 65 ]'
jpeg4() # a JPEG of 8 x 8 with four components, each of its coefficients 0
{
    printf '\377\330\377\333\0\103\0' && head -c 64 /dev/zero | tr '\0' '\1'
    printf '\377\300\0\024\010\0\010\0\010\4\1\021\0\2\021\0\3\021\0\4\021\0'
    printf '\377\304\0\024\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\377\304\0\024\020\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
    printf '\377\332\0\016\4\1\0\2\0\3\0\4\0\0\077\0\0\377\331'
}
image x.jpg < <(jpeg4) && good 'image: CMYK JPEG' classes
image x.jpg < <(jpeg4 | head -c 150) && one 'image: JPEG cut before its picture' classes 'x\.jpg: truncated'
image x.jpg < <(jpeg4 | sed 's/\xff\xc0\x00\x14\x08\x00\x08\x00\x08/\xff\xc0\x00\x14\x08\xff\xff\xff\xff/') && one 'image: JPEG that claims 65535 x 65535' classes 'x\.jpg: '
image x.jpg < <(printf '\377\330\377\331') && one 'image: JPEG without anything' classes 'x\.jpg: '
image x.jpg </dev/null && one 'image: no bytes' classes 'x\.jpg: empty file'
image x.png < <(head -c 60 ok.png && head -c 200 /dev/urandom) && one 'image: PNG, then noise' classes 'x\.png: '
image x.bmp < <(printf 'BM\0\0\0\100\0\0\0\0\066\0\0\0\050\0\0\0\0\100\0\0\0\100\0\0\1\0\030\0\0\0\0\0\0\0\0\100\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0') && one 'image: BMP that claims 1 GB' classes 'x\.bmp: '
image x.ppm < <(printf 'P6\n99999999999 99999999999\n255\nx') && one 'image: PPM beyond every number' classes 'x\.ppm: '
image x.pgm < <(printf 'P5\n4 0\n255\n') && one 'image: PGM without rows' classes 'x\.pgm: '
image x.tga < <(printf '\0\0\2\0\0\0\0\0\0\0\0\0\377\377\377\377\030\0') && one 'image: TGA that claims 12 GB' classes 'x\.tga: '
image x.gif < <(printf 'GIF89a\377\377\377\377\360\0\0') && one 'image: GIF cut in its header' classes 'x\.gif: '
image $'a\nb.png' <ok.png && good 'image: a newline in its name' classes
image $'a\nb.png' </dev/null && one 'image: a newline in the name of a bad one' classes 'a\?b\.png: empty file'
rm -rf set

# Pascal VOC
mkdir -p voc/Annotations voc/JPEGImages voc/ImageSets/Main && cp ok.png voc/JPEGImages/a.png && echo a >voc/ImageSets/Main/train.txt
sed 's/^train=.*/train=voc/' boxes.cfg >voc.cfg
xml() { printf -- "$1" >voc/Annotations/a.xml; }
object() { printf '<annotation><size><width>16</width><height>16</height></size>\n<object><name>%s</name>\n<bndbox><xmin>%s</xmin><ymin>1</ymin><xmax>%s</xmax><ymax>9</ymax></bndbox></object></annotation>' "$@" >voc/Annotations/a.xml; }
object cat 1 9 && good 'VOC: as it should be' voc 'warning'
{ printf '\357\273\277' && sed 's/$/\r/' voc/Annotations/a.xml; } >x && mv x voc/Annotations/a.xml && good 'VOC: BOM and CRLF' voc 'warning'
object cat nan 9 && one 'VOC: NaN' voc "a\.xml:3: found xmin 'nan', expected a number of pixels"
object cat 9 1 && one 'VOC: edges the wrong way round' voc 'a\.xml:3: found a box without area'
object cat 100 109 && one 'VOC: outside' voc 'a\.xml:3: found a box whose centre'
object '' 1 9 && one 'VOC: no name' voc 'a\.xml:2: found an object without a name'
xml '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>\n<annotation>&c;</annotation>' && bad 'VOC: entities that swell' voc "a\.xml:1: found a declaration of the entity 'b'"
xml '<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation></annotation>' && good 'VOC: a foreign declaration is not read' voc 'warning'
{ for _ in $(seq 2000); do printf '<a><b><c><d><e>'; done; } >voc/Annotations/a.xml && bad 'VOC: nested 10000 deep, cut' voc 'a\.xml:1: the XML is broken'
xml '<annotation>\n<object></annotation>' && bad 'VOC: tags that do not match' voc 'a\.xml:2: the XML is broken: mismatched tag'
: >voc/Annotations/a.xml && bad 'VOC: an empty file' voc 'a\.xml:1: the XML is broken: no element found'
rm voc/Annotations/a.xml && bad 'VOC: no annotation' voc "train\.txt:1: found 'a', but its annotation can't be read"
object cat 1 9 && rm voc/JPEGImages/a.png && bad 'VOC: no image' voc "train\.txt:1: found 'a', but voc/JPEGImages has no image"
rm voc/ImageSets/Main/train.txt && bad 'VOC: no list' voc 'train\.txt: No such file' 66

# COCO
sed 's/^train=.*/train=c.json/' boxes.cfg >coco.cfg
json='{"images": [{"id": 1, "file_name": "ok.png", "width": 16, "height": 16}],
"annotations": [{"id": 5, "image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]}],
"categories": [{"id": 7, "name": "cat"}]}'
coco() { printf '%s' "$json" | sed "$1" >c.json; }
coco '' && good 'COCO: as it should be' coco 'warning'
{ printf '\357\273\277' && printf '%s' "$json" | sed 's/$/\r/'; } >c.json && good 'COCO: BOM and CRLF' coco 'warning'
printf '%s' "$json" | head -c 150 >c.json && bad 'COCO: cut in the middle' coco 'c\.json:2: the JSON is broken at byte 150: parse error: premature EOF'
coco 's/\[1, 2, 3, 4\]/[1, 2, 3]/' && bad 'COCO: three edges' coco 'c\.json:2: an annotation \(id 5\): has a bbox of 3 numbers'
coco 's/\[1, 2, 3, 4\]/[1, 2, NaN, 4]/' && bad 'COCO: NaN' coco 'c\.json:2: the JSON is broken'
coco 's/\[1, 2, 3, 4\]/[1, 2, 1e999, 4]/' && bad 'COCO: beyond every double' coco 'c\.json:2: an annotation \(id 5\): found the number 1e999, expected a finite one'
coco 's/"category_id": 7/"category_id": 8/' && one 'COCO: an unknown category' coco 'c\.json:2: annotation 5 has category 8, which is none of the 1 in the file'
coco 's/ok\.png/none.png/' && bad 'COCO: a missing image' coco "c\.json:1: found the image 'none\.png', but there is none"
coco 's/"cat"/"c\xfft"/' && bad 'COCO: no UTF-8' coco 'c\.json:3: the JSON is broken .*invalid bytes in UTF8'
{ printf '{"x": ' && head -c 500000 /dev/zero | tr '\0' '['; } >c.json && bad 'COCO: nested 500000 deep' coco 'c\.json:1: is nested deeper than 64 levels'
echo '[{"image_id": 1, "score": 0.5}]' >c.json && bad 'COCO: results in place of truths' coco 'c\.json:1: found an array, expected an object with images'

# CIFAR
sed 's/^train=.*/train=cifar/;s/^output=2/output=10/' classes.cfg >cifar.cfg
mkdir cifar && head -c 6146 /dev/zero >cifar/data_batch_1.bin && good 'CIFAR: two records' cifar 'warning'
head -c 6000 /dev/zero >cifar/data_batch_1.bin && bad 'CIFAR: cut' cifar 'data_batch_1\.bin: found 6000 bytes, expected a multiple of 3073'
: >cifar/data_batch_1.bin && bad 'CIFAR: empty' cifar 'data_batch_1\.bin: found 0 bytes'
{ printf '\12' && head -c 3072 /dev/zero; } >cifar/data_batch_1.bin && bad 'CIFAR: class 10' cifar 'data_batch_1\.bin: found class 10 in record 0, expected 0\.\.9'
rm cifar/data_batch_1.bin && head -c 6146 /dev/zero >cifar/test_batch.bin && bad 'CIFAR: only the test' cifar 'cifar: has no data_batch_\*\.bin' 66

# signals
mkdir set
wav() # NAME FMT-CHUNK DATA-CHUNK, both for printf
{
    { printf 'RIFF\0\0\0\0WAVE' && printf "$2" && printf "$3"; } >"set/$1.wav"
}
pcm16='fmt \20\0\0\0\1\0\1\0\100\37\0\0\200\76\0\0\2\0\20\0' two='data\4\0\0\0\1\0\2\0'
wav a_1 "$pcm16" "$two" && wav b_1 "$pcm16" "$two" && good 'WAV: as it should be' signals
wavs() { wav b_1 "$2" "$3" && one "WAV: $1" signals "b_1\.wav: $4"; }
: >set/b_1.wav && one 'WAV: empty' signals 'b_1\.wav: is no WAV file'
wavs 'claims more than it has' "$pcm16" 'data\0\0\0\100\1\0' 'claims 1073741824 bytes of samples, but holds 2: the file is cut short'
wavs 'no samples' "$pcm16" 'data\0\0\0\0' 'holds no samples'
wavs 'no data' "$pcm16" '' "ends before its samples, expected a chunk 'data'"
wavs 'samples before the format' '' "$two" 'found samples before their format'
wavs 'a chunk beyond the end' "${pcm16}LIST\377\377\377\377" "$two" "ends before its samples"
wavs 'ADPCM' "${pcm16/\\1\\0\\1/\\2\\0\\1}" "$two" 'found WAV format 2, expected 1 \(PCM\) or 3'
wavs '12 bits' "${pcm16/%\\20\\0/\\14\\0}" "$two" 'found samples of 12 bits, expected 8, 16, 24 or 32'
wavs 'no channels' "${pcm16/\\1\\0\\1/\\1\\0\\0}" "$two" 'found 0 channels, expected 1\.\.'
wavs 'no rate' "${pcm16/\\100\\37/\\0\\0}" "$two" 'found 0 samples a second'
wavs 'another rate' "${pcm16/\\100\\37/\\104\\254}" "$two" 'found 44100 samples a second, expected 8000 \(as set/a_1\.wav\)'
wavs 'a format of 8 bytes' 'fmt \10\0\0\0\1\0\1\0\100\37\0\0' "$two" "found a chunk 'fmt ' of 8 bytes"
floats='fmt \20\0\0\0\3\0\1\0\100\37\0\0\0\175\0\0\4\0\40\0'
wav b_1 "$floats" 'data\4\0\0\0\0\0\300\177' && one 'WAV: NaN' signals 'b_1\.wav: found sample 0 that isn.t finite'
rm set/b_1.wav && printf '1\n2\nthree\n' >set/b_1.csv && one 'signal: text in a CSV file' signals "b_1\.csv:3: column 0.*three"
printf '1,2\n3,4\n5,6\n' >set/b_1.csv && one 'signal: two columns for one channel' signals 'b_1\.csv: found 3 rows of 2 columns, expected 1 column'
row 'signal: a network over two dimensions' 65 'set: holds signals, but \[net\] has height=16: expected height=1' dlnet data classes.cfg --json
rm -r set

# tables
table() { printf -- "$1" >t.csv; }
table '1,2,x\n3,4,y\n' && good 'table: as it should be' table
table '1,2,x\n3,4\n' && bad 'table: a short row' table 't\.csv:2: .*found 2'
table '1,2,x\n3,nan,y\n' && one 'table: NaN' table 't\.csv:2: column 1'
table '1,2,x\n3,4,\n' && one 'table: a missing class' table 't\.csv:2: column 2.*the class is missing'
table '1,2,x\n3,1e999,y\n' && one 'table: beyond every double' table 't\.csv:2: column 1'
table '1,2,"x\n3,4,y\n' && bad 'table: a quote that does not end' table 't\.csv:1: '
table '\0\1\2\3' && bad 'table: binary' table 't\.csv:?1?: '
table '' && bad 'table: empty' table 't\.csv: '
table '1,2,x\n3,4,y\n5,6,z\n' && bad 'table: three classes for two' table 'has 3 classes, but the network has 2'

# idx
mkdir idx && sed 's/^train=.*/train=idx/;s/^output=2/output=10/' classes.cfg >idx.cfg
idx() { printf "$1" >idx/train-images-idx3-ubyte && printf "$2" >idx/train-labels-idx1-ubyte; }
good_images='\0\0\10\3\0\0\0\14\0\0\0\1\0\0\0\1abcdefghijkl' good_labels='\0\0\10\1\0\0\0\14\0\1\2\3\4\5\6\7\10\11\0\1'
idx "$good_images" "$good_labels" && good 'idx: as it should be' idx
idx "$good_images" '\0\0\10\1\0\0\0\13' && bad 'idx: fewer labels than images' idx 'labels-idx1-ubyte: found 11 labels, expected 12'
idx "${good_images/\\10\\3/\\10\\4}" "$good_labels" && bad 'idx: another magic number' idx 'images-idx3-ubyte: found magic number 0x00000804'
idx "$good_images" "${good_labels/\\14\\0/\\14\\377}" && one 'idx: label 255' idx 'labels-idx1-ubyte: found label 255 of image 0, expected 0\.\.9'
idx "${good_images/\\0\\1\\0\\0\\0\\1/\\0\\0\\0\\0\\0\\1}" "$good_labels" && bad 'idx: no rows' idx 'images-idx3-ubyte: found a header that claims 12 items'
idx '\37\213\10garbage' "$good_labels" && bad 'idx: gzip that is none' idx 'images-idx3-ubyte: '
rm idx/train-labels-idx1-ubyte && idx "$good_images" '' && rm idx/train-labels-idx1-ubyte && bad 'idx: no labels' idx "its labels aren't there" 66
finish
