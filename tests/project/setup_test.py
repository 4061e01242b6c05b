"""`./run setup` installs what is missing and nothing else: tried with stand-ins for apt, dpkg, sudo and python3."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOLS = ["bash", "awk", "sort", "comm", "tail", "tr", "grep", "dirname", "env", "ln"]

DPKG = """#!/bin/sh
for package; do
  grep -qx "$package" "$STATE/installed" && echo "$package install ok installed"
done
grep -c . "$STATE/installed" >/dev/null
"""
APT_GET = """#!/bin/sh
echo "apt-get $*" >>"$STATE/log"
[ "$1" = install ] || exit 0
for package; do
  case $package in install | -*) ;; *) echo "$package" >>"$STATE/installed" ;; esac
done
"""
# More than a pipe holds: a reader that stops at what it seeks breaks it.
CHATTY_DPKG = """#!/bin/sh
for package; do
  grep -qx "$package" "$STATE/installed" && echo "$package install ok installed"
done
exec cat "$STATE/others"
"""
PYTHON = """#!/bin/sh
echo "python3 $*" >>"$STATE/log"
case $* in
  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python3" ;;
  "-m pip "*) touch "$STATE/torch" ;;
  *__version__*) [ -f "$STATE/torch" ] && echo 2.13.0 ;;
  *__file__*) echo /lib/torch ;;
esac
"""


class SetupTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = pathlib.Path(folder.name)
        self.bin = self.state / "bin"
        self.bin.mkdir()
        for name in TOOLS + ["mkdir", "cp", "touch", "cat"]:
            found = subprocess.run(["bash", "-c", f"type -P {name}"], capture_output=True, text=True, check=True)
            (self.bin / name).symlink_to(found.stdout.strip())
        self.tool("id", "#!/bin/sh\necho 0\n")
        for name, text in {"dpkg-query": DPKG, "apt-get": APT_GET, "python3": PYTHON}.items():
            self.tool(name, text)
        (self.state / "installed").write_text("coreutils\n")

    def tool(self, name, text):
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def run_setup(self, *arguments, status=0, **environment):
        environment = {"PATH": str(self.bin), "STATE": str(self.state), "SCALEMIX_VENV": str(self.state / "venv"),
                       **environment}
        done = subprocess.run([self.bin / "bash", ROOT / "run", "setup", *arguments], capture_output=True,
                              text=True, env=environment)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def log(self):
        log = self.state / "log"
        return log.read_text().splitlines() if log.exists() else []

    def test_a_bare_machine_gets_everything_with_one_update(self):
        done = self.run_setup()
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.log()[0], "apt-get update -qq")
        self.assertEqual(sum("update" in line for line in self.log()), 1)
        installed = (self.state / "installed").read_text().split()
        for package in ("g++", "cmake", "libdnnl-dev"):
            self.assertIn(package, installed)
        self.assertNotIn("clang", installed)
        self.assertFalse([package for package in installed if "torch" in package])
        self.assertFalse([line for line in self.log() if line.startswith("python3")])

    def test_a_second_time_does_nothing(self):
        self.run_setup()
        before = self.log()
        done = self.run_setup()
        self.assertEqual(self.log(), before)
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_a_second_time_with_a_torch_does_nothing(self):
        self.run_setup("--torch")
        done_before = len(self.log())
        done = self.run_setup("--torch")
        for line in self.log()[done_before:]:
            self.assertTrue(line.startswith("python3 -c "), line)  # it asks which torch is there, and no more
        self.assertEqual((done.stdout, done.stderr), (f"pip {self.state / 'venv'}/torch\n", ""))

    def test_nothing_missing_is_seen_thirty_times_of_thirty(self):
        self.run_setup()
        self.tool("dpkg-query", CHATTY_DPKG)
        (self.state / "others").write_text("another install ok installed\n" * 20000)
        (self.state / "log").unlink()
        for _ in range(30):
            self.assertEqual(self.run_setup("--dry-run").stderr, "")
        self.assertEqual(self.log(), [])

    def test_no_script_pipes_into_a_reader_that_stops_early(self):
        stops = re.compile(r"[|]&?\s*(grep\b[^|]*\s(-\w*[qm]|--quiet|--max-count)|head\b|sed\b[^|]*q['\"; ]|read\b)")
        scripts = [ROOT / "run", ROOT / ".ci/run", *(ROOT / "scripts").glob("*.sh")]
        self.assertGreater(len(scripts), 4)
        for script in scripts:
            text = script.read_text().replace("\\\n", " ")
            text = re.sub(r"[|]\s*\n\s*", "| ", text)
            for line in text.splitlines():
                self.assertIsNone(stops.search(line), f"{script}: {line}")
        for line in ("a | grep -q b", "a | grep -Fxq b", "a | head -n 1", "a | sed -n '1p;q'", "a |& head"):
            self.assertIsNotNone(stops.search(line), line)

    def test_only_what_is_missing_is_installed(self):
        self.run_setup()
        kept = [p for p in (self.state / "installed").read_text().split() if p != "ninja-build"]
        (self.state / "installed").write_text("\n".join(kept) + "\n")
        (self.state / "log").unlink()
        self.run_setup()
        self.assertEqual(self.log()[-1].split()[-2:], ["--no-install-recommends", "ninja-build"])

    def test_a_dry_run_says_and_does_nothing(self):
        done = self.run_setup("--dry-run", "check")
        self.assertIn("would install with apt: clang ", done.stderr)
        self.assertEqual(self.log(), [])

    def test_a_dry_run_with_a_torch_says_and_does_nothing(self):
        done = self.run_setup("--dry-run", "--torch")
        self.assertIn(f"would install with pip in {self.state / 'venv'}: torch==2.13.0 numpy", done.stderr)
        self.assertEqual(self.log(), [])

    def test_a_libtorch_in_the_prefix_path_wins(self):
        config = self.state / "given/share/cmake/Torch/TorchConfig.cmake"
        config.parent.mkdir(parents=True)
        config.touch()
        done = self.run_setup("--torch", CMAKE_PREFIX_PATH=f"/nowhere:{self.state / 'given'}")
        self.assertEqual(done.stdout, f"given {self.state / 'given'}\n")
        self.assertFalse([line for line in self.log() if line.startswith("python3")])

    def test_otherwise_pip_brings_one(self):
        done = self.run_setup("--torch")
        self.assertEqual(done.stdout, f"pip {self.state / 'venv'}/torch\n")
        self.assertIn("python3-venv", (self.state / "installed").read_text().split())
        self.assertTrue(any("pip install --quiet torch==2.13.0 numpy" in line for line in self.log()))
        self.assertEqual(os.readlink(self.state / "venv/torch"), "/lib/torch")

    def test_another_user_goes_through_sudo(self):
        self.tool("id", "#!/bin/sh\necho 1000\n")
        self.tool("sudo", '#!/bin/sh\necho "sudo $1" >>"$STATE/log"\nexec "$@"\n')
        self.run_setup()
        self.assertEqual(self.log()[:2], ["sudo apt-get", "apt-get update -qq"])

    def test_without_root_and_sudo_it_says_what_to_run(self):
        self.tool("id", "#!/bin/sh\necho 1000\n")
        done = self.run_setup(status=1)
        self.assertIn("run as root: apt-get update", done.stderr)

    def test_a_failing_apt_stops_it(self):
        self.tool("apt-get", "#!/bin/sh\nexit 100\n")
        self.run_setup(status=100)

    def test_without_apt_it_names_what_is_needed(self):
        (self.bin / "apt-get").unlink()
        done = self.run_setup(status=1)
        self.assertIn("libdnnl-dev", done.stderr)

    def test_wrong_words_are_refused(self):
        self.assertIn('no group "everything"', self.run_setup("everything", status=1).stderr)
        self.assertIn("unknown option --dry", self.run_setup("--dry", status=1).stderr)


if __name__ == "__main__":
    unittest.main()
