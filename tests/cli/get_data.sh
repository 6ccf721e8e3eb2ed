#!/usr/bin/env bash
# scripts/get-data with archives made here, from file:// in place of the publishers.
. "${BASH_SOURCE[0]%/*}/lib.sh"
unset DLNET_DATA
mkdir "$T/mirror"
export DLNET_MIRROR=file://$T/mirror
get() { run scripts/get-data --to "$T/data" "$@"; }

if ! command -v curl >/dev/null 2>&1; then
    skip 'get-data' 'no curl on this machine'
    finish
fi
get mnist
expect_status 'nothing to be had' 1
expect_err 'nothing to be had: what to do' 'train-images-idx3-ubyte\.gz can.t be had: is there a network\? Else put train-images-idx3-ubyte\.gz into .*\.downloads'
get imagenet
expect_status 'an unknown name' 2
get
expect_status 'no name' 2

if need_data 'mnist' mnist; then
    cp "$DATA"/mnist/*.gz "$T/mirror" && chmod -R u+w "$T/mirror"
    mkdir -p "$T/data/.downloads"
    head -c 100000 "$T/mirror/train-images-idx3-ubyte.gz" >"$T/data/.downloads/train-images-idx3-ubyte.gz.part"
    get mnist
    expect_status 'mnist: a part goes on' 0
    check 'mnist: the file is whole' cmp "$T/mirror/train-images-idx3-ubyte.gz" "$T/data/mnist/train-images-idx3-ubyte.gz"
    DLNET_DATA=$T/data dlnet data cfg/mnist.cfg --quick
    expect_out 'mnist: the cfg finds it' '^images +55000 +5000 +10000$'
    get mnist
    expect_err 'mnist: once is enough' 'data/mnist is there already'
    rm -rf "$T/data"
    gzip -dc "$T/mirror/t10k-labels-idx1-ubyte.gz" | tr '\001' '\002' | gzip >"$T/x.gz" && mv "$T/x.gz" "$T/mirror/t10k-labels-idx1-ubyte.gz"
    get mnist
    expect_status 'mnist: another content' 1
    expect_err 'mnist: another content is told' 't10k-labels-idx1-ubyte: sha256 is [0-9a-f]{64}, expected ff7bcfd4'
    check 'mnist: nothing half done stays' test ! -e "$T/data/mnist"
fi
if need_data 'bccd' bccd; then
    commit=d272fb14cdff6e473fafeeeba32aba5f560e9e43
    mkdir -p "$T/pack/BCCD_Dataset-$commit"
    cp -r "$DATA/bccd" "$T/pack/BCCD_Dataset-$commit/BCCD" && chmod -R u+w "$T/pack"
    tar -C "$T/pack" -czf "$T/mirror/$commit.tar.gz" "BCCD_Dataset-$commit"
    get bccd
    expect_status 'bccd' 0
    DLNET_DATA=$T/data dlnet data cfg/bccd.cfg --quick -q
    expect_out 'bccd: the cfg finds it' '^images +205 +87 +72$'
    rm -rf "$T/data"
    head -c 1000000 "$T/mirror/$commit.tar.gz" >"$T/x" && mv "$T/x" "$T/mirror/$commit.tar.gz"
    get bccd
    expect_status 'bccd: an archive cut short' 1
    expect_err 'bccd: a bad archive is not kept' 'was thrown away: start again'
fi
mkdir -p "$T/pack/cifar-10-batches-bin"
head -c 30730 /dev/zero >"$T/pack/cifar-10-batches-bin/data_batch_1.bin"
tar -C "$T/pack" -czf "$T/mirror/cifar-10-binary.tar.gz" cifar-10-batches-bin
get cifar10
expect_status 'cifar10: another archive' 1
expect_err 'cifar10: another archive is told' 'md5 is [0-9a-f]{32}, expected c32a1d4ab5d03f1284b67883e8d87530'
get --unverified cifar10
expect_status 'cifar10: another archive on request' 0
check 'cifar10: it is there' cmp "$T/pack/cifar-10-batches-bin/data_batch_1.bin" "$T/data/cifar10/data_batch_1.bin"
if need_tool 'coco128' zip && need_tool 'coco128' unzip; then
    mkdir -p "$T/pack/coco128/images/train2017" "$T/pack/coco128/labels/train2017"
    dlnet sample -n 1 --size 32 --out "$T/pack/coco128/images/train2017"
    mv "$T"/pack/coco128/images/train2017/*.txt "$T/pack/coco128/labels/train2017/" 2>/dev/null
    (cd "$T/pack" && zip -qr "$T/mirror/coco128.zip" coco128)
    get coco128
    expect_status 'coco128' 0
    check 'coco128: a list of its images' grep -q '^images/train2017/shapes-000\.png$' "$T/data/coco128/train2017.txt"
    check 'coco128: names' test "$(wc -l <"$T/data/coco128/coco.names")" -eq 80
fi
finish
