"""A reader and writer of .safetensors by the published format alone (https://huggingface.co/docs/safetensors), for safetensors.sh.

    safetensors.py check FILE            checks the file and prints "key value" lines of what it holds
    safetensors.py rewrite FILE OUT      the same content, tensors in reverse order, header written otherwise
"""
import json
import math
import struct
import sys


def read(path):
    blob = open(path, "rb").read()
    (length,) = struct.unpack("<Q", blob[:8])
    assert length % 8 == 0, "data not aligned"
    text = blob[8:8 + length].decode("utf-8")
    assert text.startswith("{"), "header doesn't start with {"
    header, data = json.loads(text), blob[8 + length:]
    metadata = header.pop("__metadata__")
    assert all(isinstance(v, str) for v in metadata.values()), "metadata not strings"
    at, tensors = 0, {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        assert t["dtype"] == "F32" and begin == at and end - begin == 4 * math.prod(t["shape"]), name
        tensors[name] = t["shape"], struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])
        assert all(map(math.isfinite, tensors[name][1])), name
        at = end
    assert at == len(data), "bytes that belong to no tensor"
    return metadata, tensors


def write(path, metadata, tensors):
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        part = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"data_offsets": [len(data), len(data) + len(part)], "shape": shape, "dtype": "F32"}
        data += part
    header["__metadata__"] = metadata
    text = json.dumps(header, indent=1).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


if sys.argv[1] == "check":
    metadata, tensors = read(sys.argv[2])
    print("format", metadata["format"])
    print("names", *json.loads(metadata["names"]))
    print("sections", sum(line.startswith("[") for line in metadata["cfg"].splitlines()))
    print("first", *tensors["0.convolutional.weight"][0])
else:
    metadata, tensors = read(sys.argv[2])
    write(sys.argv[3], metadata, dict(reversed(tensors.items())))
