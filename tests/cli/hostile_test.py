"""Hostile inputs against the command itself: each ends with its exit code, in short time, in little memory, with a short
message that holds nothing a terminal obeys.

    hostile_test.py PATH-OF-SCALEMIX
"""
import gzip, hashlib, json, os, resource, struct, subprocess, sys, tempfile, threading, zipfile, zlib

SECONDS, MIB = 8, 400  # generous: what went wrong took minutes and gigabytes
NO_INPUT, BAD_DATA, IO, CONFIG = 66, 65, 74, 78
DEEP = "[" * 200000 + "]" * 200000


def fail(words, what, said):
    sys.exit(f"{' '.join(words)}: {what}\n{said[:600]!r}")


class Command:
    def __init__(self, path, folder):
        self.path, self.folder, self.count = path, folder, 0
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("SCALEMIX_")}
        self.environment["SCALEMIX_CACHE"] = os.path.join(folder, "cache")

    def run(self, words, memory=None, stdin=subprocess.DEVNULL, **environment):
        """Exit code, messages, output and peak memory in MiB."""
        def limit():
            if memory:
                resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = subprocess.Popen([self.path, *words], stdin=stdin, stdout=out, stderr=err, cwd=self.folder,
                                     env={**self.environment, **environment}, preexec_fn=limit)
            timer = threading.Timer(60, child.kill)
            timer.start()
            _, status, use = os.wait4(child.pid, 0)
            timer.cancel()
            child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0), err.seek(0)
            return child.returncode, err.read(), out.read(), use

    def expect(self, code, *words, says=(), stdin=subprocess.DEVNULL, **environment):
        got, err, out, use = self.run(words, stdin=stdin, **environment)
        said = err + out
        if got != code:
            fail(words, f"exit code {got}, expected {code}", said)
        if use.ru_utime + use.ru_stime > SECONDS or use.ru_maxrss > MIB * 1024:
            fail(words, f"{use.ru_utime + use.ru_stime:.1f} s, {use.ru_maxrss // 1024} MiB", said)
        if len(err) > 2100 or any(c < 32 and c != 10 for c in said):
            fail(words, f"a message of {len(err)} bytes, or with control characters", said)
        for part in says:
            if part.encode() not in said:
                fail(words, f"does not say {part!r}", said)
        self.count += 1

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)
        return name


def npy(shape, kind="|u1", values=b""):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x02\0" + struct.pack("<I", len(header)) + header + values


def archives(c):
    with zipfile.ZipFile(os.path.join(c.folder, "bomb.npz"), "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("x.npy", npy((20_000_000, 2), values=b"\0" * 40_000_000))
    c.expect(BAD_DATA, "data", "describe", "bomb.npz", says=["bomb.npz", "SCALEMIX_MAX_UNPACKED"])
    c.write("bomb.csv.gz", gzip.compress(b"1,2\n" * 10_000_000, 1))
    c.expect(BAD_DATA, "data", "describe", "bomb.csv.gz", says=["bomb.csv.gz", "SCALEMIX_MAX_UNPACKED"])
    c.write("i-ubyte.gz", gzip.compress(b"\0\0\x08\x03" + struct.pack(">III", 250, 400, 400) + bytes(40_000_000), 1))
    c.expect(BAD_DATA, "predict", "m", "--data", "i-ubyte.gz", says=["SCALEMIX_MAX_UNPACKED"])
    c.write("axes.npy", npy("(" + "1," * 20000 + ")", values=b"1"))
    c.expect(BAD_DATA, "data", "describe", "axes.npy", says=["more than 32 axes"])
    picture = os.path.join(c.folder, "p", "a", "x.png")
    os.makedirs(os.path.dirname(picture))
    os.makedirs(os.path.join(c.folder, "p", "b"))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(picture, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8000, 8000, 8, 0, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(bytes(8001 * 8000), 1)) + chunk(b"IEND", b""))
    c.expect(BAD_DATA, "data", "describe", "p", says=["x.png", "8000 x 8000"])


def endless(c):
    c.expect(IO, "data", "describe", "/dev/zero", says=["/dev/zero: is a device"])
    c.expect(IO, "show", "/dev/zero", says=["is a device"])
    c.expect(IO, "train", "--config", "/dev/zero", says=["is a device"])
    c.expect(IO, "import", "/dev/zero", "--out", "o", says=["is a device"])
    with open("/dev/zero", "rb") as zeros:
        c.expect(IO, "data", "describe", "-", stdin=zeros, says=["standard input: is a device"])
    os.mkfifo(os.path.join(c.folder, "pipe"))
    c.expect(IO, "show", "pipe", says=["nothing writes to"])
    c.expect(IO, "data", "describe", "pipe", says=["nothing writes to"])
    yes = subprocess.Popen(["yes", "1,2"], stdout=subprocess.PIPE)
    c.expect(BAD_DATA, "data", "describe", "-", stdin=yes.stdout, SCALEMIX_MAX_STREAM="10M", says=["SCALEMIX_MAX_STREAM"])
    yes.stdout.close()
    yes.wait()
    with open(os.path.join(c.folder, "sparse"), "wb") as f:
        f.truncate(1 << 40)
    c.expect(BAD_DATA, "show", "sparse", says=["is not a model file"])
    c.expect(BAD_DATA, "data", "describe", "sparse", says=["SCALEMIX_MAX_INPUT"])


def links(c):
    os.symlink("b", os.path.join(c.folder, "a")), os.symlink("a", os.path.join(c.folder, "b"))
    for words in (["show", "a"], ["data", "describe", "a"], ["predict", "m", "--data", "a"],
                  ["train", "--config", "a"], ["evaluate", "a"], ["import", "a", "--out", "o"]):
        c.expect(IO, *words, says=["a: "])
    os.symlink("nowhere", os.path.join(c.folder, "dangling"))
    c.expect(NO_INPUT, "show", "dangling")
    name = "n" * 300
    c.expect(IO, "show", name, says=["File name too long"])


def numbers(c):
    train = ["train", "--data", "moons", "--quiet", "--out", "r"]
    for flag, values in {"--lr": ["inf", "nan", "-1", "1e999"], "--warmup": ["nan", "inf"], "--warmup-start": ["nan"],
                         "--weight-decay": ["inf"], "--clip": ["nan"], "--penalty": ["inf"], "--lr-warmup": ["nan"],
                         "--length-scale": ["nan"], "--average": ["nan", "1"], "--spread": ["nan", "2"],
                         "--test-fraction": ["nan", "inf", "1"], "--validation-fraction": ["nan"],
                         "--checkpoint-seconds": ["nan"], "--seeds": ["1000000000", "99999999999", "0"],
                         "--splits": ["1000000000"], "--folds": ["2000000000"], "--epochs": ["1e9", "-1"],
                         "--samples": ["-2"], "--threads": ["1000000"]}.items():
        for value in values:
            c.expect(CONFIG, *train, flag, value, says=[flag.lstrip("-").replace("-", "_")])
            c.expect(CONFIG, *train, "--dry-run", flag, value)
    lists = ",".join(str(1 + i / 1000) for i in range(200))
    c.expect(CONFIG, *train, "--grid", "lr=" + lists, "--grid", "penalty=" + lists, says=["SCALEMIX_MAX_REPLICAS"])
    c.expect(CONFIG, *train, "--grid", "lr=" + lists, "--seeds", "100", says=["SCALEMIX_MAX_REPLICAS"])
    for name in ("moons", "glyphs", "friedman1"):
        c.expect(CONFIG, "data", "generate", name, "--rows", "4000000000", "--out", "x.csv", says=["SCALEMIX_MAX_GENERATED"])
    c.expect(CONFIG, *train, "--image-size", "1000000x1000000", says=["image_size"])
    c.expect(CONFIG, "gram", "--data", "g.csv", "--depth", "1000000000", "--out", "k.npy", says=["--depth"])
    for word in ("mlp:1000000-1000000-1000000", "resmlp:3x1000000", "resnet:1000000"):
        c.expect(BAD_DATA if word.startswith("mlp") else CONFIG, *train, "--model", word, "--dry-run")


def model_bytes(spec, about="null"):
    """A model file of one layer, with a right checksum."""
    metadata = {"spec": spec, "preprocessing": json.dumps(
        {"mean": [], "scale": [], "target_mean": 0, "target_scale": 1, "classes": [], "target": "y", "features": [],
         "schema": None}), "about": about, "features": "[]", "format": "2"}
    name, values = "output.log_precision", bytes(4)
    digest = hashlib.sha256()
    pieces = [p for k in sorted(metadata) for p in (k, metadata[k])] + [name, "F32", "1"]
    for piece in [p.encode() for p in pieces] + [values]:
        digest.update(str(len(piece)).encode() + b":" + piece)
    metadata["checksum"] = digest.hexdigest()
    header = json.dumps({"__metadata__": metadata, name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + values


def spec_of(layers, given=(1,)):
    return json.dumps({"input": list(given), "task": "regression", "outputs": 1, "layers": layers})


def models(c):
    c.write("deep", model_bytes(DEEP))
    c.expect(BAD_DATA, "show", "deep", says=["nested more than"])
    c.write("deep.json", DEEP)
    c.expect(BAD_DATA, "train", "--data", "moons", "--model", "deep.json", "--out", "r", says=["nested more than"])
    tail = [{"type": "avg_pool", "kernel": 0, "stride": 1}, {"type": "flatten"}]
    hungry = {
        "padding": [{"type": "max_pool", "kernel": 40000, "stride": 40000, "padding": 20000}],
        "places": [{"type": "avg_pool", "kernel": 2, "stride": 1, "padding": 1}] * 40000}
    c.write("x.npy", npy((1, 1, 4, 4), values=bytes(16)))
    c.write("windows", model_bytes(spec_of([{"type": "max_pool", "kernel": 1024, "stride": 1, "padding": 512}] + tail,
                                           (1, 1024, 1024))))
    c.expect(BAD_DATA, "show", "windows", says=["SCALEMIX_MAX_WORK"])
    for name, layers in hungry.items():
        c.write(name, model_bytes(spec_of(layers + tail, (1, 4, 4))))
        c.expect(BAD_DATA, "show", name)
        c.expect(BAD_DATA, "predict", name, "--data", "x.npy")
    c.write("wide", model_bytes(json.dumps({"input": [2000000000], "task": "regression", "outputs": 2000000000, "layers": []})))
    c.expect(BAD_DATA, "show", "wide", says=["SCALEMIX_MAX_NUMBERS"])
    escape = json.dumps({"data": "\x1b]0;owned\x07", "\x1b[2J": 1, "\x9b2J": "\x7f"})
    c.write("escapes", model_bytes(json.dumps({"input": [1], "task": "regression", "outputs": 1, "architecture": "\x1b[31m",
                                               "methods": ["\x1b[0m"], "layers": [{"type": "flatten"}]}), escape))
    c.expect(0, "show", "escapes", says=["\\x1b"])
    c.write("control.csv", "a\x1b[2J,b\n1,2\n3,4\n5,6\n")
    c.expect(0, "data", "describe", "control.csv", says=["\\x1b"])
    c.expect(BAD_DATA, "data", "describe", "control.csv", "--target", "\x1b[2Jc", says=["\\x1b"])


def little_memory(c):
    for words in (["--version"], ["show", "m"], ["predict", "m", "--data", "g.csv"], ["--help"]):
        code, err, out, _ = c.run(words, memory=600_000 * 1024)
        if code != 0 or not out:
            fail(words, f"exit code {code} in 600 MB", err)
        c.count += 1


def main():
    with tempfile.TemporaryDirectory() as folder:
        c = Command(os.path.abspath(sys.argv[1]), folder)
        c.write("g.csv", "1\n2\n3\n")
        c.write("m", model_bytes(spec_of([{"type": "relu"}])))
        c.expect(0, "show", "m")
        for part in (models, archives, endless, links, numbers, little_memory):
            part(c)
        print(f"{c.count} hostile inputs, each told in short time, in little memory and in few words")


main()
