"""Each check of scripts/ passes a good tree and fails a bad one, naming the place."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts"
LIST = """#!/bin/sh
echo '{"laws": [{"name": "rayleigh"}], "methods": [{"name": "rayleigh"}, {"name": "svdo"}],
       "commands": [{"name": "show"}]}'
"""


class CheckTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, name, text, mode=0o644):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def run_script(self, name, *arguments, **environment):
        return subprocess.run([sys.executable, "-B", SCRIPTS / name, *arguments], capture_output=True, text=True,
                              env={**os.environ, **environment})

    def passes(self, check, **environment):
        done = self.run_script(check, "--root", self.root, **environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def fails(self, check, place, **environment):
        done = self.run_script(check, "--root", self.root, **environment)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(place, done.stderr)


class LayersTest(CheckTest):
    def allowed(self, room, line):
        self.write(f"scalemix/{room}/a.h", f"#pragma once\n{line}\n")
        self.passes("check_layers.py")

    def refused(self, room, line, why):
        self.write(f"scalemix/{room}/a.h", f"#pragma once\n{line}\n")
        self.fails("check_layers.py", f"scalemix/{room}/a.h:2: ")
        self.fails("check_layers.py", why)

    def test_a_room_may_include_itself_and_what_lies_below(self):
        self.allowed("law", '#include "scalemix/base/check.h"')
        self.allowed("law", '#include "scalemix/law/law.h"')
        self.allowed("torch", "#include <ATen/ATen.h>")

    def test_a_room_above_is_refused(self):
        self.refused("law", '#include "scalemix/kernel/gemm.h"', "kernel/ lies above law/")

    def test_the_runtime_includes_only_itself(self):
        self.refused("model", '#include "scalemix/data/dataset.h"', "data/dataset.h does not")
        self.refused("model", "#include <curl/curl.h>", "does without")

    def test_the_c_interface_includes_the_runtime_alone_and_nothing_includes_it(self):
        self.allowed("c", '#include "scalemix/predict/predictor.h"')
        self.refused("c", '#include "scalemix/train/fit.h"', "c/ belongs to the runtime and train/fit.h does not")
        self.refused("c", "#include <torch/torch.h>", "LibTorch belongs to torch/")
        (self.root / "scalemix/c/a.h").unlink()
        self.refused("torch", '#include "scalemix/c/scalemix.h"', "c/ lies above torch/")

    def test_libtorch_stays_in_its_room(self):
        self.refused("run", "#include <torch/torch.h>", "LibTorch belongs to torch/")

    def test_threads_and_random_numbers_have_one_source(self):
        self.refused("kernel", "#pragma omp parallel for", "base/parallel.h")
        self.refused("kernel", "#include <random>", "random/stream.h")

    def test_an_unknown_room_is_refused(self):
        self.write("scalemix/attic/a.h", "#pragma once\n")
        self.fails("check_layers.py", '"attic" is no room')

    def test_an_empty_tree_is_refused(self):
        self.fails("check_layers.py", "nothing to check")


class FormatTest(CheckTest):
    def test_a_formatted_file_passes_and_another_fails(self):
        # A stand-in for clang-format, which a machine that only builds does not have.
        self.write("bin/clang-format", """#!/bin/sh
status=0
for file; do
  case $file in -*) continue ;; esac
  if grep -q "  x" "$file"; then status=1; echo "$file:1:4: error: code should be clang-formatted" >&2; fi
done
exit $status
""", 0o755)
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        self.write("scalemix/a.h", "int x;\n")
        self.passes("check_format.py", PATH=path)
        self.write("scalemix/b.cc", "int  x;\n")
        self.fails("check_format.py", "scalemix/b.cc: run clang-format", PATH=path)

    def test_a_clang_format_that_breaks_is_no_pass(self):
        self.write("bin/clang-format", "#!/bin/sh\necho broken >&2\nexit 1\n", 0o755)
        self.write("scalemix/a.h", "int x;\n")
        self.fails("check_format.py", "broken", PATH=f"{self.root / 'bin'}:{os.environ['PATH']}")


class WordsTest(CheckTest):
    def test_clean_words_pass(self):
        self.write("a.md", "The work folder of a run.\n")
        self.passes("check_words.py")

    def test_machine_paths_hosts_and_undone_work_are_refused(self):
        for bad in ("see /" + "work/main", "from py" + "pi.org", "// TO" + "DO later"):
            self.write("a.md", f"fine\n{bad}\n")
            self.fails("check_words.py", "a.md:2: ")


class DocsTest(CheckTest):
    def pages(self, *names):
        for name in names:
            self.write(f"docs/{name}.md", "# Page\n\n## Part two\n")

    def with_tables(self):
        return {"SCALEMIX": str(self.write("scalemix", LIST, 0o755))}

    def test_links_to_files_and_headings_pass(self):
        self.pages("law/rayleigh")
        self.write("README.md", "[a](docs/law/rayleigh.md#part-two), [b](https://example.org)\n```\n[c](no)\n```\n")
        self.assertIn("pages of the tables not", self.passes("check_docs.py", SCALEMIX="/nowhere"))

    def test_a_link_that_leads_nowhere_is_refused(self):
        self.write("README.md", "[a](docs/gone.md)\n")
        self.fails("check_docs.py", "README.md: docs/gone.md leads nowhere", SCALEMIX="/nowhere")

    def test_a_link_to_a_missing_heading_is_refused(self):
        self.pages("law/rayleigh")
        self.write("README.md", "[a](docs/law/rayleigh.md#part-three)\n")
        self.fails("check_docs.py", "no such heading", SCALEMIX="/nowhere")

    def test_each_row_has_its_page(self):
        self.pages("law/rayleigh", "method/svdo")
        page = self.write("docs/cli.md", "# The command\n\n## scalemix show\n")
        self.passes("check_docs.py", **self.with_tables())
        page.write_text("# The command\n")
        self.fails("check_docs.py", "docs/cli.md has no section on show", **self.with_tables())
        (self.root / "docs/method/svdo.md").unlink()
        self.fails("check_docs.py", "docs/method/svdo.md is missing", **self.with_tables())


    def test_the_guides_tables_are_those_of_its_json(self):
        counts = {kind: {"compared": 2, "within": 1} for kind in ("published", "program", "own")}
        result = {"name": "some", "seeds": 3, "counts": counts,
                  "claims": [{"sentence": "it learns", "holds": "yes", "because": "0.1"}]}
        self.write("docs/figure/reproduce/some.json", json.dumps(result))
        markers = [f"<!-- {end}{name} -->" for name in ("counts", "claims some") for end in ("", "end of ")]
        guide = self.write("docs/guide/reproduce.md", "# Guide\n\n## some\n\n" + "\n".join(markers) + "\n")
        self.fails("check_docs.py", "not what its JSON says", SCALEMIX="/nowhere")
        sys.path.insert(0, str(SCRIPTS))
        import reproduce_table
        guide.write_text(reproduce_table.written(guide.read_text(), self.root))
        self.assertIn("| [some](#some) | 3 | 1 of 2 | 1 of 2 | 1 of 2 | 1 yes |", guide.read_text())
        self.assertIn("| it learns | **yes** | 0.1 |", guide.read_text())
        self.passes("check_docs.py", SCALEMIX="/nowhere")
        guide.write_text(guide.read_text().replace("1 of 2", "2 of 2"))
        self.fails("check_docs.py", "not what its JSON says", SCALEMIX="/nowhere")


class RunDocsTest(CheckTest):
    def run_page(self, text):
        page = self.write("page.md", text)
        command = self.write("bin/scalemix", '#!/bin/sh\necho "$@" >>log && [ "$1" != fail ]\n', 0o755)
        return self.run_script("run_docs.py", "--scalemix", command, page)

    def test_commands_run_in_order_in_one_folder(self):
        done = self.run_page("```console\n$ scalemix a \\\n    b\noutput\n```\n\n"
                             "```console\n$ ./run scalemix c\n$ test \"$(cat log | tr '\\n' ,)\" = 'a b,c,'\n```\n")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("3 commands", done.stdout)

    def test_a_failing_command_fails_the_page(self):
        done = self.run_page("```console\n$ scalemix fail\n$ scalemix fine\n```\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("page.md: a command ended with 1", done.stderr)

    def test_other_blocks_are_not_run(self):
        done = self.run_page("```sh\n$ scalemix fail\n```\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0 commands", done.stdout)

    def test_what_needs_minutes_is_refused_in_a_console_block(self):
        done = self.run_page("```console\n$ ./run demo\n```\n")
        self.assertIn("only ./run scalemix", done.stderr)
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
