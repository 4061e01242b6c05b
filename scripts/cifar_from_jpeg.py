#!/usr/bin/env python3
"""Makes a folder of pictures by class from CIFAR-10 packed as JPEG: FOLDER/train/CLASS/00001.jpg, FOLDER/test/....

The packs hold records of a label (1 byte), a length (2 bytes, low one first) and a JPEG; they are lossy, so that numbers made
with them are not those of CIFAR-10 itself.

    scripts/cifar_from_jpeg.py PACKS FOLDER
    scalemix train --data FOLDER --model vgg:0.25 --augment pad_crop --augment flip
"""
import argparse
import gzip
import pathlib
import struct


def records(pack):
    with gzip.open(pack, "rb") as file:
        while head := file.read(3):
            label, length = struct.unpack("<BH", head)
            picture = file.read(length)
            if len(picture) != length:
                raise SystemExit(f"{pack}: ends within a record")
            yield label, picture


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packs", type=pathlib.Path, help="folder with train.jpegpack.gz, test.jpegpack.gz, batches.meta.txt")
    parser.add_argument("folder", type=pathlib.Path, help="to be made")
    arguments = parser.parse_args()
    classes = (arguments.packs / "batches.meta.txt").read_text(encoding="utf-8").split()
    for part in ("train", "test"):
        for name in classes:
            (arguments.folder / part / name).mkdir(parents=True, exist_ok=True)
        for number, (label, picture) in enumerate(records(arguments.packs / f"{part}.jpegpack.gz"), start=1):
            (arguments.folder / part / classes[label] / f"{number:05}.jpg").write_bytes(picture)


if __name__ == "__main__":
    main()
