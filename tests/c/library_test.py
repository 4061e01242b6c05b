"""library_test.py LIBRARY: what the shared library shows and needs.

Only the functions of the header are visible, all of them; its soname has the version that may break what a program
expects; it needs none of the libraries that training needs.
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIBRARY = sys.argv.pop(1)


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class LibraryTest(unittest.TestCase):
    def test_the_functions_of_the_header_alone_are_visible(self):
        header = (ROOT / "scalemix/c/scalemix.h").read_text()
        declared = re.findall(r"^SCALEMIX_API [^;]*?(scalemix_\w+)\(", header, re.MULTILINE)
        self.assertGreater(len(declared), 10)
        visible = [line.split()[-1] for line in output("nm", "-D", "--defined-only", LIBRARY).splitlines()]
        self.assertEqual(sorted(visible), sorted(declared))

    def test_the_soname_has_the_version(self):
        major, minor = re.search(r"VERSION (\d+)\.(\d+)\.\d+", (ROOT / "CMakeLists.txt").read_text()).groups()
        sonames = re.findall(r"SONAME\s+(\S+)", output("objdump", "-p", LIBRARY))
        self.assertEqual(sonames, [f"libscalemix_c.so.{major}.{minor}"])
        example = (ROOT / "examples/predict_ctypes.py").read_text()
        self.assertIn(f'"{sonames[0]}"', example)

    def test_it_needs_no_library_of_training(self):
        needed = re.findall(r"NEEDED\s+(\S+)", output("objdump", "-p", LIBRARY))
        self.assertIn("libstdc++.so.6", needed)
        for name in needed:
            self.assertNotRegex(name, "dnnl|OpenCL|blas|lapack|curl|csv|libz|png|jpeg|torch")


if __name__ == "__main__":
    unittest.main()
