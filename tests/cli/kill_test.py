"""Kills a training with SIGKILL at twenty random moments, resumes it each time, and compares the final weights
with those of an uninterrupted run, bit for bit.

    kill_test.py PATH-OF-SCALEMIX
"""
import json, os, random, shutil, signal, struct, subprocess, sys, tempfile, time

KILLS = 20
COMMAND = ["train", "--data", "friedman1", "--model", "mlp:40-40", "--method", "svdo", "--epochs", "150",
           "--seed", "3", "--threads", "2", "--validation-fraction", "0.2", "--checkpoint-seconds", "0.02",
           "--quiet"]


def tensors(path):
    """The tensor bytes of a model file, without its header (which may hold times)."""
    with open(path, "rb") as f:
        data = f.read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    body = data[8 + length:]
    return {name: body[slice(*entry["data_offsets"])] for name, entry in header.items() if name != "__metadata__"}


def main(scalemix):
    folder = tempfile.mkdtemp(prefix="scalemix-kill-")
    env = {k: v for k, v in os.environ.items() if not k.startswith("SCALEMIX_TRAIN_")}
    whole, killed = os.path.join(folder, "whole"), os.path.join(folder, "killed")
    begin = time.monotonic()
    subprocess.run([scalemix, *COMMAND, "--out", whole], check=True, stdout=subprocess.DEVNULL, env=env)
    seconds = time.monotonic() - begin

    moments = random.Random(20)  # a fixed seed: the moments are spread over a run, the machine does the rest
    kills = 0
    command = [scalemix, *COMMAND, "--out", killed]
    while True:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env)
        try:
            process.wait(moments.uniform(0.05, 2 * seconds / KILLS) if kills < KILLS else None)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        if process.returncode == 0:
            break
        if process.returncode != -signal.SIGKILL:
            sys.exit(f"a resumed run failed with {process.returncode} after {kills} kills")
        if os.path.exists(os.path.join(killed, "config.toml")):
            command = [scalemix, "train", "--resume", killed, "--quiet"]
        else:
            shutil.rmtree(killed, ignore_errors=True)
    a, b = tensors(os.path.join(whole, "model.safetensors")), tensors(os.path.join(killed, "model.safetensors"))
    same = a == b
    log = [open(os.path.join(f, "metrics.jsonl")).read() for f in (whole, killed)]
    shutil.rmtree(folder)
    print(f"{kills} kills of a run of {seconds:.1f} s; weights {'equal' if same else 'DIFFER'}; "
          f"log {'equal' if log[0] == log[1] else 'DIFFERS'}")
    if kills < KILLS:
        sys.exit(f"only {kills} kills hit the run; it is too short for this test")
    if not (same and log[0] == log[1]):
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
