"""End to end: `scalemix train` and what follows it, on tables of its own, and what bad input gives.

    train_test.py PATH-OF-SCALEMIX
"""
import csv, json, math, os, random, resource, shutil, signal, subprocess, sys, tempfile, time, unittest

SCALEMIX = sys.argv.pop(1)


def houses(path, rows, seed, columns=None, edit=None):
    """A table of houses: numbers, a category, missing cells; price depends on all but `noise`."""
    draw = random.Random(seed)
    names = columns or ["area", "rooms", "town", "noise", "price"]
    with open(path, "w", newline="") as f:
        out = csv.DictWriter(f, names, extrasaction="ignore")
        out.writeheader()
        for i in range(rows):
            area, rooms, town = draw.uniform(40, 200), draw.randint(1, 6), draw.choice(["Bern", "Köln", "Oslo, N"])
            price = 2 * area + 10 * rooms + {"Bern": 80, "Köln": 0, "Oslo, N": 40}[town] + draw.gauss(0, 5)
            row = {"area": f"{area:.2f}", "rooms": rooms, "town": town, "noise": f"{draw.gauss(0, 1):.3f}",
                   "price": f"{price:.2f}", "dear": "yes" if price > 300 else "no"}
            if draw.random() < 0.05:
                row["area"] = ""
            out.writerow(edit(i, row) if edit else row)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="scalemix-train-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_command(self, *words, code=0, **more):
        done = subprocess.run([SCALEMIX, *map(str, words)], capture_output=True, text=True, cwd=self.folder, **more)
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def train(self, *words, code=0, **more):
        return self.run_command("train", "--epochs", 60, "--lr", 0.01, "--quiet", *words, code=code, **more)


class OwnTable(Case):
    def test_a_regression_from_csv_to_predictions_with_intervals(self):
        houses(self.path("train.csv"), 600, 1)
        self.train("--data", "train.csv", "--target", "price", "--method", "gaussian:alpha=0.02", "--out", "run",
                   "--epochs", 200)
        replica = json.load(open(self.path("run/metrics.json")))["replicas"][0]
        self.assertLess(replica["metrics"]["rmse"], 40)
        importance = replica["importance"]  # a category is one input
        self.assertEqual(set(importance), {"area", "rooms", "town", "noise"})
        self.assertGreater(importance["area"]["nats"], 3 * importance["area"]["standard_error"])
        self.assertLess(abs(importance["noise"]["nats"]), importance["area"]["nats"] / 5)

        def strange(i, row):
            row = dict(row, town="Rom" if i == 3 else row["town"], area="" if i == 4 else row["area"])
            return row

        houses(self.path("new.csv"), 50, 2, ["town", "noise", "rooms", "extra", "area"], strange)
        done = self.run_command("predict", "run", "--data", "new.csv")
        rows = list(csv.DictReader(done.stdout.splitlines()))
        self.assertEqual(len(rows), 50)
        self.assertIn("Rom", done.stderr)
        self.assertIn("column 'area'", done.stderr)  # what misses is told
        for row in rows:
            self.assertLess(float(row["lower"]), float(row["prediction"]))
            self.assertLess(float(row["prediction"]), float(row["upper"]))
            self.assertTrue(50 < float(row["prediction"]) < 700, row)
        piped = self.run_command("predict", "run", "--data", "-", input=open(self.path("new.csv")).read())
        self.assertEqual(piped.stdout, done.stdout)
        houses(self.path("test.csv"), 200, 3, ["price", "area", "rooms", "town", "noise"])
        done = self.run_command("evaluate", "run", "--data", "test.csv", "--json")
        self.assertNotIn("trained on", done.stderr)
        result = json.loads(done.stdout)
        self.assertLess(json.dumps(result).count("NaN"), 1)
        done = self.run_command("evaluate", "run", "--data", "train.csv")
        self.assertIn("train.csv is the file it was trained on", done.stderr)
        subprocess.run(["sha256sum", "--check", "--quiet", "run/data.sha256"], cwd=self.folder, check=True)

    def test_a_classification_keeps_the_names_of_its_classes(self):
        houses(self.path("train.csv"), 600, 1, ["area", "dear", "rooms", "town"])
        self.train("--data", "train.csv", "--target", "dear", "--method", "bernoulli:p=0.1", "--out", "run")
        metrics = json.load(open(self.path("run/metrics.json")))["replicas"][0]["metrics"]
        self.assertLess(metrics["error"], 0.15)
        houses(self.path("new.csv"), 40, 2, ["town", "area", "rooms"])
        rows = list(csv.DictReader(self.run_command("predict", "run", "--data", "new.csv").stdout.splitlines()))
        self.assertEqual({row["prediction"] for row in rows}, {"yes", "no"})
        for row in rows:
            self.assertAlmostEqual(float(row["p_yes"]) + float(row["p_no"]), 1, places=4)
        houses(self.path("test.csv"), 100, 3, ["dear", "area", "rooms", "town"])
        self.run_command("evaluate", "run", "--data", "test.csv")
        houses(self.path("odd.csv"), 10, 3, ["dear", "area", "rooms", "town"], lambda i, row: dict(row, dear="perhaps"))
        self.assertIn("perhaps", self.run_command("evaluate", "run", "--data", "odd.csv", code=65).stderr)

    def test_every_update_rule_learns(self):
        rules = json.loads(self.run_command("list", "optimisers", "--json").stdout)["optimisers"]
        self.assertIn("novograd", [rule["name"] for rule in rules])
        for rule in rules:
            name = rule["name"]
            self.train("--data", "friedman1", "--optimiser", name, "--samples", 0, "--out", name)
            metrics = json.load(open(self.path(f"{name}/metrics.json")))["replicas"][0]["metrics"]
            self.assertLess(metrics["rmse"], 2, name)  # 4.9 of the mean
            self.assertGreater(metrics["r2"], 0.8, name)

    def test_replicas_of_folds_are_an_ensemble(self):
        houses(self.path("train.csv"), 100, 1)
        self.train("--data", "train.csv", "--folds", 3, "--out", "run", "--epochs", 5)
        self.assertTrue(os.path.exists(self.path("run/replica-002/model.safetensors")))
        houses(self.path("new.csv"), 4, 2)
        self.assertEqual(len(self.run_command("predict", "run", "--data", "new.csv").stdout.splitlines()), 5)
        self.run_command("predict", "run", "--replica", 1, "--data", "new.csv")


class Settings(Case):
    def test_flags_win_over_environment_over_file_and_the_run_repeats_itself(self):
        with open(self.path("c.toml"), "w") as f:
            f.write('data = "friedman1"\nepochs = 9\nbatch = 50\nlr = 0.5\n')
        env = dict(os.environ, SCALEMIX_TRAIN_BATCH="60", SCALEMIX_TRAIN_LR="0.25")
        self.run_command("train", "--config", "c.toml", "--lr", 0.01, "--quiet", "--out", "a", env=env)
        text = open(self.path("a/config.toml")).read()
        for line in ("epochs = 9", "batch = 60", "lr = 0.01"):
            self.assertIn(line, text)
        self.run_command("train", "--config", "a/config.toml", "--quiet", "--out", "b")
        with open(self.path("a/model.safetensors"), "rb") as a, open(self.path("b/model.safetensors"), "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_another_batch_size_is_refused_on_resume(self):
        training = subprocess.Popen([SCALEMIX, "train", "--data", "friedman1", "--model", "mlp:50-50", "--method", "tabu:p=0.2",
                                     "--epochs", "100000000", "--batch", "50", "--quiet", "--out", "run"],
                                    cwd=self.folder, stderr=subprocess.DEVNULL)
        time.sleep(1)
        training.send_signal(signal.SIGINT)
        self.assertEqual(training.wait(60), 130)
        with open(self.path("run/config.toml")) as f:
            text = f.read()
        self.assertIn("\nbatch = 50\n", text)
        with open(self.path("run/config.toml"), "w") as f:
            f.write(text.replace("\nbatch = 50\n", "\nbatch = 40\n"))
        done = self.run_command("train", "--resume", "run", "--quiet", code=78)
        self.assertIn("batch is 40, was 50", done.stderr)

    def test_a_dry_run_trains_nothing(self):
        out = self.run_command("train", "--data", "moons", "--dry-run").stdout
        self.assertIn("MiB", out)
        plan = json.loads(self.run_command("train", "--data", "moons", "--dry-run", "--json").stdout)
        self.assertEqual(plan["config"]["data"], "moons")
        self.assertEqual(plan["config"]["method"], ["bernoulli:p=0.1"])
        self.assertGreater(plan["config"]["lr"], 0)  # resolved
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_network_that_brings_its_noise_gets_no_other_by_default(self):
        layers = [{"type": "linear", "out": 4}, {"type": "noise", "law": "gaussian:alpha=0.1"}, {"type": "linear"}]
        with open(self.path("net.json"), "w") as f:
            json.dump({"layers": layers}, f)
        words = ["train", "--data", "moons", "--model", "net.json", "--dry-run", "--json"]
        config = json.loads(self.run_command(*words).stdout)["config"]
        self.assertEqual(config["method"], ["none"])
        self.assertEqual(config["samples"], 100)

    def test_resuming_a_finished_run_gives_its_results_and_takes_no_settings(self):
        self.train("--data", "moons", "--epochs", 1, "--out", "run")
        done = self.run_command("train", "--resume", "run", "--json", "--quiet")
        self.assertEqual(json.loads(done.stdout), json.load(open(self.path("run/metrics.json"))))
        with open(self.path("c.toml"), "w") as f:
            f.write("epochs = 9\n")
        for flag, value in (("--lr", "0.1"), ("--config", "c.toml"), ("--dry-run", None)):
            words = [word for word in ("train", "--resume", "run", flag, value) if word]
            self.assertIn(f"{flag} cannot be given with --resume", self.run_command(*words, code=78).stderr)

    def test_sigterm_ends_with_a_checkpoint_that_resumes(self):
        words = ["train", "--data", "friedman1", "--epochs", "100000", "--quiet", "--out", "run"]
        process = subprocess.Popen([SCALEMIX, *words], cwd=self.folder, stderr=subprocess.PIPE, text=True)
        while not os.path.exists(self.path("run/metrics.jsonl")) or os.path.getsize(self.path("run/metrics.jsonl")) == 0:
            self.assertIsNone(process.poll())
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertIn("--resume", err)
        self.assertTrue(os.path.exists(self.path("run/checkpoint/state.safetensors")))


class BadInput(Case):
    def refuses(self, code, *expected, words, **more):
        err = self.run_command(*words, code=code, **more).stderr
        for text in expected:
            self.assertIn(text, err)
        return err

    def table(self, text, name="t.csv"):
        with open(self.path(name), "w") as f:
            f.write(text)
        return name

    def test_data(self):
        good = "".join(f"{i},{i % 7},{i * 2}\n" for i in range(30))
        rows = {
            "a,b,c\n" + good + "1,2\n": ("t.csv:32", "3", "2"),
            "": ("t.csv",),
            "a,b,c\n" + good.replace("5,5,10", "5,inf,10"): ("t.csv:7", "inf"),
            "a,b,c\n" + good.replace("5,5,10", "5,five,10"): ("t.csv:7", "five"),
        }
        for text, expected in rows.items():
            with self.subTest(text=text[-20:]):
                self.refuses(65, *expected, words=["train", "--data", self.table(text), "--out", "r"])
        self.refuses(66, "gone.csv", words=["train", "--data", "./gone.csv"])
        self.refuses(65, "price", "a, b, c",
                     words=["train", "--data", self.table("a,b,c\n" + good), "--target", "price"])
        self.refuses(65, "one class", words=["train", "--data", self.table("a,k\n" + "1,x\n" * 20), "--target", "k"])
        os.mkdir(self.path("folder"))
        self.assertIn(self.run_folder().returncode, (65, 66))

    def run_folder(self):
        return subprocess.run([SCALEMIX, "train", "--data", "./folder"], cwd=self.folder, capture_output=True)

    def test_tables_that_are_not_what_they_seem(self):
        with open(self.path("latin.csv"), "wb") as f:
            f.write("a,Größe\n".encode() + "1,2\n3,ö\n".encode("latin-1"))
        self.refuses(65, "latin.csv:3", "UTF-8", words=["train", "--data", "latin.csv"])
        self.refuses(65, "decimal comma", "2:1",
                     words=["train", "--data", self.table("a;b\n" + "12,5;1\n13,25;2\n" * 10)])

    def test_a_linear_model_has_a_default_method_too(self):
        self.train("--data", "moons", "--model", "linear", "--epochs", 2, "--out", "run")
        self.assertIn('method = ["none"]', open(self.path("run/config.toml")).read())

    def test_a_constant_feature_is_told_and_used_no_further(self):
        text = "a,b,c\n" + "".join(f"{i},7,{i * 2}\n" for i in range(40))
        done = self.run_command("train", "--data", self.table(text), "--epochs", 2, "--out", "r")
        self.assertIn("left out, the same number in every row: b", done.stderr)

    def test_a_constant_target_is_told(self):
        text = "a,b,c\n" + "".join(f"{i},{i % 7},2.5\n" for i in range(40))
        done = self.run_command("train", "--data", self.table(text), "--epochs", 2, "--out", "r")
        self.assertIn("warning: the target 'c' is 2.5 on all training rows", done.stderr)

    def test_settings(self):
        self.refuses(64, "unknown option '--targt', did you mean '--target'?", words=["train", "--targt", "Klasse"])
        self.refuses(78, "epochz", "epochs", words=["train", "--config", self.table("epochz = 3\n", "c.toml")])
        self.refuses(64, "--epoch", "--epochs", words=["train", "--epoch", "3"])
        self.refuses(64, "trian", "train", words=["trian"])
        self.refuses(78, "p must be", "1", words=["train", "--method", "bernoulli:p=1"])
        self.refuses(78, "alpha must be", words=["train", "--method", "gaussian:alpha=-0.1"])
        self.refuses(78, "svd", "svdo", words=["train", "--method", "svd"])
        self.refuses(78, "mpl", "mlp", words=["train", "--model", "mpl:30"])
        self.refuses(65, "lenet5", words=["train", "--data", "moons", "--model", "lenet5"])

    def test_specs(self):
        spec = {"layers": [{"type": "linear", "in": 10, "out": 4}, {"type": "linaer", "in": 4, "out": 1}]}
        self.refuses(65, "layers[1]", "linaer", "linear",
                     words=["train", "--data", "friedman1", "--model", self.table(json.dumps(spec), "s.json")])
        spec["layers"][1].update(type="linear", **{"in": 5})
        self.refuses(65, "5", "4",
                     words=["train", "--data", "friedman1", "--model", self.table(json.dumps(spec), "s.json")])

    def test_a_run_folder_that_cannot_be_written(self):
        self.table("x", "file")
        self.refuses(74, "file", words=["train", "--data", "moons", "--epochs", "1", "--out", "file/run"])

    def test_a_second_run_into_the_same_folder(self):
        self.train("--data", "moons", "--epochs", 1, "--out", "run")
        self.refuses(78, "already holds a run", words=["train", "--data", "moons", "--out", "run"])

    def test_a_full_disk_is_an_error_and_leaves_no_half_model(self):
        limit = lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
                         resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)))
        self.refuses(74, "run", words=["train", "--data", "glyphs", "--model", "mlp:300", "--epochs", "1",
                                       "--out", "run", "--quiet"], preexec_fn=limit)
        self.assertFalse(os.path.exists(self.path("run/model.safetensors")))
        self.assertEqual([f for _, _, files in os.walk(self.folder) for f in files if "tmp" in f or "part" in f], [])

    def test_divergence_has_its_own_code(self):
        self.refuses(75, "diverged at epoch 1, step 2: the loss of replica 0", "--lr",
                     words=["train", "--data", "friedman1", "--optimiser", "sgd", "--lr", "1e20", "--quiet",
                            "--out", "loss"])
        # Outputs near 1e19: their squares are numbers, the first layers' gradients are not.
        self.refuses(75, "diverged at epoch 1, step 1: the gradient of replica 0 is not finite", "--lr",
                     words=["train", "--data", "friedman1", "--model", "mlp:50x20", "--method", "none", "--init",
                            "normal:2", "--quiet", "--out", "gradient"])


if __name__ == "__main__":
    unittest.main()
