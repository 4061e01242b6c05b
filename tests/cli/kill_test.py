"""Interrupts trainings at random moments, resumes them each time, and compares the final weights and the log with
those of an uninterrupted run, bit for bit. SIGKILL may come at any moment; SIGTERM, SIGINT and SIGHUP end a training
with 130 and a checkpoint.

    kill_test.py PATH-OF-SCALEMIX                      the test: small trainings, twenty kills, nine signals
    kill_test.py PATH-OF-SCALEMIX --interruptions 200  by hand, minutes: dense, convolutional, stacked, small
"""
import argparse, json, os, random, shutil, signal, struct, subprocess, sys, tempfile, time

KILL = [signal.SIGKILL]
ASK = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
TEST = ["--data", "friedman1", "--model", "mlp:40-40", "--method", "svdo", "--seed", "3", "--threads", "2",
        "--validation-fraction", "0.2", "--checkpoint-seconds", "0.02"]
TRAININGS = {
    "dense": ["--data", "glyphs", "--model", "mlp:300-100", "--method", "svdo", "--threads", "2"],
    "convolutional": ["--data", "glyphs", "--model", "lenet5", "--method", "bernoulli:p=0.2", "--threads", "2"],
    "stacked": ["--data", "friedman1", "--model", "mlp:40-40", "--method", "svdo", "--seeds", "4", "--threads", "2"],
    "small": ["--data", "friedman1"],
}
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("SCALEMIX_TRAIN_")}


def take_signals():
    """In the child: what a shell ignores for programs in the background must reach this one."""
    for number in ASK:
        signal.signal(number, signal.SIG_DFL)


def train(scalemix, arguments, **options):
    return subprocess.Popen([scalemix, "train", *arguments, "--quiet"], stdout=subprocess.DEVNULL,
                            env=ENVIRONMENT, preexec_fn=take_signals, **options)


def tensors(path):
    """The tensor bytes of a model file, without its header (which may hold times)."""
    with open(path, "rb") as f:
        data = f.read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    body = data[8 + length:]
    return {name: body[slice(*entry["data_offsets"])] for name, entry in header.items() if name != "__metadata__"}


def results(folder):
    """Weights of every model in a run's folder, and its log."""
    found = {}
    for place, _, names in os.walk(folder):
        if "model.safetensors" in names:
            found[os.path.relpath(place, folder)] = tensors(os.path.join(place, "model.safetensors"))
    with open(os.path.join(folder, "metrics.jsonl")) as f:
        return found, f.read()


def whole_run(scalemix, arguments, folder):
    begin = time.monotonic()
    if train(scalemix, [*arguments, "--out", folder]).wait() != 0:
        sys.exit("an uninterrupted run failed")
    return time.monotonic() - begin


def written(folder):
    """When each file of the checkpoint was written: the same before and after if no step was trained in between."""
    checkpoint = os.path.join(folder, "checkpoint")
    names = sorted(os.listdir(checkpoint)) if os.path.isdir(checkpoint) else []
    return [(name, os.stat(os.path.join(checkpoint, name)).st_mtime_ns) for name in names]


def check_end(status, number, before, folder):
    """True if the interruption met the training; False if it came before it, or after the last result."""
    after = written(folder)
    if status == (-number if number == signal.SIGKILL else 130) and (after or number == signal.SIGKILL):
        return True
    if status == -number and (after == before or os.path.exists(os.path.join(folder, "metrics.json"))):
        return False
    sys.exit(f"{number.name} ended a training with {status}, {'with' if after else 'without'} a checkpoint")


def interrupted_run(scalemix, arguments, folder, signals, count, longest, moments):
    """Trains to the end with `count` interruptions, each at most `longest` seconds after its start."""
    met, anew = 0, [*arguments, "--out", folder]
    command = anew
    for _ in range(20 * count):
        before = written(folder)
        process = train(scalemix, command)
        try:
            status = process.wait(moments.uniform(0.05, longest) if met < count else None)
        except subprocess.TimeoutExpired:
            number = moments.choice(signals)
            process.send_signal(number)
            status = process.wait()
            if status != 0:
                met += check_end(status, number, before, folder)
        if status == 0:
            return met
        if status > 0 and status != 130:
            sys.exit(f"a run failed with {status} after {met} interruptions")
        if os.path.exists(os.path.join(folder, "config.toml")):
            command = ["--resume", folder]
        else:
            shutil.rmtree(folder, ignore_errors=True)
            command = anew
    sys.exit(f"only {met} of {20 * count} interruptions met the training")


def compare(scalemix, name, arguments, rounds):
    """One uninterrupted run beside one interrupted run for each (signals, count) of the rounds."""
    moments = random.Random(20)  # a fixed seed: the moments are spread over a run, the machine does the rest
    with tempfile.TemporaryDirectory(prefix="scalemix-kill-") as base:
        whole = os.path.join(base, "whole")
        start = whole_run(scalemix, [*arguments, "--epochs", "1"], os.path.join(base, "start"))
        seconds = whole_run(scalemix, arguments, whole)
        for signals, count in rounds:
            folder = os.path.join(base, "interrupted")
            # So that on average all of them fit in; closer together where the machine was busy and is so no more.
            for share in (2, 0.5, 0.1):
                longest = start + share * max(seconds - start, 0) / count
                shutil.rmtree(folder, ignore_errors=True)
                met = interrupted_run(scalemix, arguments, folder, signals, count, longest, moments)
                if met == count:
                    break
            (a, log_a), (b, log_b) = results(whole), results(folder)
            shutil.rmtree(folder)
            print(f"{name}: {met} of {', '.join(s.name for s in signals)} in a run of {seconds:.1f} s; weights "
                  f"{'equal' if a == b else 'DIFFER'}; log {'equal' if log_a == log_b else 'DIFFERS'}", flush=True)
            if met < count:
                sys.exit(f"only {met} interruptions met the run; it is too short for this test")
            if not a or a != b or log_a != log_b:
                sys.exit(1)


def epochs_for(scalemix, arguments, seconds):
    """So many epochs that an uninterrupted run takes about so long."""
    epochs = 4
    while True:
        with tempfile.TemporaryDirectory(prefix="scalemix-kill-") as base:
            took = whole_run(scalemix, [*arguments, "--epochs", str(epochs)], os.path.join(base, "trial"))
        if took >= seconds / 4:
            return str(round(epochs * seconds / took))
        epochs *= 4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scalemix")
    parser.add_argument("--interruptions", type=int, help="so many of trainings of every kind, by hand")
    given = parser.parse_args()
    if not given.interruptions:
        epochs = epochs_for(given.scalemix, TEST, 3)
        compare(given.scalemix, "test", [*TEST, "--epochs", epochs], [(KILL, 20), (ASK, 9)])
        return
    share = -(-given.interruptions // len(TRAININGS))
    for name, arguments in TRAININGS.items():
        epochs = epochs_for(given.scalemix, arguments, 3 * share)
        compare(given.scalemix, name, [*arguments, "--epochs", epochs], [(ASK, share)])


if __name__ == "__main__":
    main()
