"""What processes do to each other and what their surroundings do to them: one run folder for several, messages that
nobody reads, bare environments, full disks.

    process_test.py PATH-OF-SCALEMIX
"""
import glob, json, os, random, shutil, signal, stat, subprocess, sys, tempfile, time, unittest

SCALEMIX = os.path.abspath(sys.argv.pop(1))
LONG = ["train", "--data", "friedman1", "--model", "mlp:10", "--method", "none", "--epochs", "10000000", "--threads", "1"]
SHORT = ["train", "--data", "rows.csv", "--model", "mlp:4", "--epochs", "3", "--threads", "1"]


def take_signals():
    """In the child: what a shell ignores for programs in the background must reach this one."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="scalemix-process-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("SCALEMIX_TRAIN_")}
        self.environment["SCALEMIX_CACHE"] = self.path("cache")
        draw = random.Random(3)
        rows = [f"{draw.random():.3f},{draw.random():.3f},{draw.random():.3f}\n" for _ in range(40)]
        self.write("rows.csv", "a,b,y\n" + "".join(rows))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def start(self, *words, **more):
        more = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "env": self.environment, **more}
        process = subprocess.Popen([SCALEMIX, *words], cwd=self.folder, text=True, **more)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def call(self, *words, code=0, **more):
        process = self.start(*words, **{"stdout": subprocess.PIPE, **more})
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, code, f"{words}\n{out}\n{err}")
        return out, err or ""

    def shell(self, line, code, **more):
        """A line of bash, where $S is the command."""
        environment = dict(self.environment, S=SCALEMIX, **more.pop("more", {}))
        for name in more.pop("without", ()):
            environment.pop(name, None)
        done = subprocess.run(["bash", "-c", line], cwd=self.folder, env=environment, capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, code, f"{line}\n{done.stdout}\n{done.stderr}")
        return done

    def wait_for(self, name):
        """Until a file holds something."""
        for _ in range(2000):
            if os.path.exists(self.path(name)) and os.path.getsize(self.path(name)) > 0:
                return
            time.sleep(0.01)
        self.fail(f"{name} did not come")

    def interrupted(self, *words, number=signal.SIGTERM):
        """A training that was asked to end once its log had begun."""
        process = self.start(*words, preexec_fn=take_signals)
        self.wait_for("run/metrics.jsonl")
        process.send_signal(number)
        self.assertEqual(process.wait(60), -number if number == signal.SIGKILL else 130, process.stderr.read())


class OneRunFolder(Case):
    def test_of_four_trainings_into_one_folder_one_runs(self):
        processes = [self.start(*SHORT, "--epochs", "400", "--seed", str(k), "--quiet", "--out", "run") for k in range(4)]
        ended = [(process.wait(120), process.stderr.read()) for process in processes]
        self.assertEqual(sorted(code for code, _ in ended), [0, 78, 78, 78], ended)
        for code, err in ended:
            if code:
                self.assertIn("already holds a run", err)
        seed = [code for code, _ in ended].index(0)
        self.assertIn(f"\nseed = {seed}\n", self.read("run/config.toml"))
        epochs = [json.loads(line)["epoch"] for line in self.read("run/metrics.jsonl").splitlines()]
        self.assertEqual(epochs, list(range(1, 401)))

    def test_of_four_trainings_without_a_folder_each_gets_its_own(self):
        processes = [self.start(*SHORT, "--quiet", "--seed", str(k)) for k in range(4)]
        for process in processes:
            self.assertEqual(process.wait(120), 0, process.stderr.read())
        self.assertEqual(len(glob.glob(self.path("runs/*/model.safetensors"))), 4)

    def test_a_run_is_resumed_by_one_and_free_again_after_a_kill(self):
        self.interrupted(*LONG, "--quiet", "--out", "run")
        first = self.start("train", "--resume", "run", "--quiet")
        size = os.path.getsize(self.path("run/metrics.jsonl"))
        while os.path.getsize(self.path("run/metrics.jsonl")) <= size:
            self.assertIsNone(first.poll())
            time.sleep(0.01)
        _, err = self.call("train", "--resume", "run", "--quiet", code=74)
        self.assertIn(f"process {first.pid} on ", err)
        self.call(*LONG, "--out", "run", code=78)
        self.assertIsNone(first.poll())
        first.kill()
        first.wait()
        second = self.start("train", "--resume", "run", "--quiet")
        time.sleep(0.5)
        self.assertIsNone(second.poll())
        second.send_signal(signal.SIGTERM)
        self.assertEqual(second.wait(60), 130)

    def test_a_comparison_is_worked_on_by_one(self):
        words = ["compare", "--methods", "none", "svdo", "--data", "friedman1", "--model", "mlp:10", "--epochs", "10000000",
                 "--threads", "1", "--quiet"]
        first = self.start(*words, "--out", "both")
        self.wait_for("both/01-none/metrics.jsonl")
        self.assertIn("works on this comparison now", self.call("compare", "--resume", "both", code=74)[1])
        self.assertIn("trains this run now", self.call("train", "--resume", "both/01-none", code=74)[1])
        self.call(*words, "--out", "both", code=74)
        self.assertIsNone(first.poll())


class Interruptions(Case):
    def test_a_closing_terminal_leaves_a_checkpoint(self):
        self.interrupted(*LONG, "--quiet", "--out", "run", number=signal.SIGHUP)
        self.assertTrue(os.path.exists(self.path("run/checkpoint/state.safetensors")))

    def test_a_killed_write_leaves_nothing_after_the_resume(self):
        self.interrupted(*LONG, "--quiet", "--checkpoint-steps", "1", "--out", "run", number=signal.SIGKILL)
        for name in ("checkpoint/state.safetensors.tmp-aB3dE6", "metrics.json.tmp-aB3dE6"):
            self.write("run/" + name, "half")
        process = self.start("train", "--resume", "run", "--quiet")
        size = os.path.getsize(self.path("run/metrics.jsonl"))
        while os.path.getsize(self.path("run/metrics.jsonl")) <= size:
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 130)
        self.assertEqual(glob.glob(self.path("run/**/*.tmp-*"), recursive=True), [])

    def test_a_resume_on_other_data_or_settings_or_without_its_checkpoint_is_refused(self):
        words = ["train", "--data", "rows.csv", "--model", "mlp:4", "--epochs", "10000000", "--threads", "1"]
        self.interrupted(*words, "--quiet", "--out", "run")
        rows, config = self.read("rows.csv"), self.read("run/config.toml")
        self.write("rows.csv", rows.replace("0.", "9.", 1))
        self.assertIn("is not the data that run began with", self.call("train", "--resume", "run", code=65)[1])
        self.write("rows.csv", rows)
        self.write("run/config.toml", config.replace("\nseed = 0\n", "\nseed = 1\n"))
        self.assertIn("seed is 1, was 0", self.call("train", "--resume", "run", code=78)[1])
        self.write("run/config.toml", config)
        os.remove(self.path("run/checkpoint/state.safetensors"))
        self.assertIn("state.safetensors: is missing", self.call("train", "--resume", "run", code=66)[1])

    def test_a_finished_run_without_its_model_is_told(self):
        self.call(*SHORT, "--out", "run")
        os.remove(self.path("run/model.safetensors"))
        self.assertIn("model.safetensors: is missing", self.call("train", "--resume", "run", code=66)[1])


class Messages(Case):
    def test_that_cannot_be_written_end_no_training(self):
        ways = {"full": "2>/dev/full", "closed": "2>&-", "unread": "2> >(exec true)", "all-closed": "0<&- 2>&-",
                "limited": "2>limited.log"}
        for name, way in ways.items():
            limit = "head -c 40960 /dev/zero > limited.log; ulimit -f 40; " if name == "limited" else ""
            end = "2>>limited.log" if limit else way
            self.shell(f"{limit}$S {' '.join(SHORT)} --out {name} {end}", 0)
            self.assertTrue(os.path.exists(self.path(f"{name}/model.safetensors")), name)
            for line in self.read(f"{name}/metrics.jsonl").splitlines():
                json.loads(line)  # no message strayed into it

    def test_that_cannot_be_written_end_no_error(self):
        for way in ("2>/dev/full", "2>&-"):
            self.shell(f"$S show nowhere {way}", 66)
            self.shell(f"$S train --epochs many {way}", 78)
            self.shell(f"$S nothing {way}", 64)

    def test_a_reader_that_goes_away_ends_a_listing_quietly(self):
        done = self.shell("set -o pipefail; $S list --json | exec true", 128 + signal.SIGPIPE)
        self.assertEqual(done.stderr, "")


class Outputs(Case):
    def setUp(self):
        super().setUp()
        self.call(*SHORT, "--out", "run")

    def test_into_pipes_and_descriptors(self):
        predict = "$S predict run --data rows.csv --quiet --out"
        for line in (f"{predict} /dev/stdout | cat", f"{predict} /dev/fd/7 7>&1", f"{predict} /dev/stderr 2>&1",
                     f"mkfifo pipe; {predict} pipe & cat pipe; wait", f"{predict} >(cat > copy); sleep 0.3; cat copy"):
            out = self.shell(line, 0).stdout
            self.assertEqual(len(out.splitlines()), 41, line)
            self.assertTrue(out.startswith("row,prediction"), line)
        self.shell(f"set -o pipefail; {predict} /dev/full", 74)
        self.assertIn("Broken pipe", self.shell(f"{predict} /dev/fd/7 7> >(exec true); exit $?", 74).stderr)

    def test_a_device_stays_one(self):
        if os.geteuid() != 0:
            self.skipTest("only root makes devices")
        try:
            os.mknod(self.path("null"), 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        except OSError as error:
            self.skipTest(f"no device can be made here: {error}")
        self.call("predict", "run", "--data", "rows.csv", "--out", "null")
        self.call("gram", "--data", "rows.csv", "--out", "null")
        self.assertTrue(stat.S_ISCHR(os.stat(self.path("null")).st_mode))


class Surroundings(Case):
    def test_output_that_is_lost_is_an_error(self):
        for words in ("--help", "train --help", "data convert --help", "--version", "--version --json", "", "list",
                      "completion bash"):
            self.assertIn("cannot be written", self.shell(f"$S {words} >/dev/full", 74).stderr, words)
            self.shell(f"$S {words} >&-", 74)

    def test_without_a_home_data_is_found(self):
        without = ("HOME", "SCALEMIX_CACHE", "XDG_CACHE_HOME", "SCALEMIX_DATA")
        names = [row["name"] for row in json.loads(self.shell("$S data list --json", 0, without=without).stdout)]
        self.assertIn("mnist", names)
        self.shell("$S data describe moons", 0, without=without)
        self.assertIn("is not on this machine", self.shell("$S data describe cifar10", 66, without=without).stderr)
        self.assertIn("no place for a cache", self.shell("$S data get mnist", 78, without=without).stderr)
        places = {row["name"]: row for row in
                  json.loads(self.shell("$S data list --json", 0, without=without[:3], more={"SCALEMIX_DATA": "sets"}).stdout)}
        self.assertEqual(places["cifar10"]["state"], "elsewhere")
        os.makedirs(self.path("sets/cifar10"))
        for batch in [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]:
            self.write(f"sets/cifar10/{batch}.bin", "\0" * 3073)
        described = self.shell("$S data describe cifar10", 0, without=without[:3], more={"SCALEMIX_DATA": "sets"})
        self.assertIn("cifar10", described.stdout)

    def test_what_the_system_refuses_is_an_input_output_error(self):
        os.symlink("loop", self.path("loop"))
        for name in ("loop", "n" * 300):
            for words in (f"data describe {name}", f"show {name}", f"train --config {name}", f"train --data {name}",
                          f"train --resume {name}", f"evaluate {name}", f"predict {name} --data rows.csv",
                          f"gram --data {name} --out k.npy", f"import {name} --out m.safetensors",
                          f"export {name} --onnx m.onnx", f"compare --resume {name}", f"diagnose {name}",
                          f"train --from {name} --data moons", f"prior --fit {name}", f"train --epochs 1 --out {name}"):
                err = self.shell(f"$S {words}", 74).stderr
                self.assertIn(name[:20], err)
                self.assertNotIn("filesystem error", err)

    def test_a_closed_folder_is_an_input_output_error(self):
        if os.geteuid() == 0:
            self.skipTest("root may enter every folder")
        os.makedirs(self.path("closed"))
        self.write("closed/rows.csv", "a,y\n1,2\n")
        os.chmod(self.path("closed"), 0)
        for words in ("data describe closed/rows.csv", "show closed/m.safetensors", "train --config closed/c.toml",
                      "train --resume closed", "train --epochs 1 --out closed/run"):
            self.assertIn("ermission denied", self.shell(f"$S {words}", 74).stderr, words)
        os.chmod(self.path("closed"), 0o700)

    def test_a_misspelt_variable_is_told(self):
        for words in ("train --epochs 1", "compare --methods none svdo", "train --resume run"):
            os.makedirs(self.path("run"), exist_ok=True)
            self.write("run/config.toml", "")
            err = self.shell(f"$S {words}", 78, more={"SCALEMIX_TRAIN_EPOCSH": "3"}).stderr
            self.assertIn("did you mean 'SCALEMIX_TRAIN_EPOCHS'?", err)


if __name__ == "__main__":
    unittest.main()
