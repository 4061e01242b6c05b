"""The version stands in four files and is the same in all; what the build promises by name is there."""

import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def found(name, pattern):
    match = re.search(pattern, (ROOT / name).read_text(), re.MULTILINE)
    return match.group(1) if match else None


class VersionTest(unittest.TestCase):
    def test_all_files_give_the_same_version(self):
        version = found("CMakeLists.txt", r"^project\(scalemix VERSION (\d+\.\d+\.\d+)")
        self.assertIsNotNone(version)
        self.assertEqual(found("scalemix/base/version.h", r'kVersion = "([^"]*)"'), version)
        self.assertEqual(found("CITATION.cff", r"^version: (.*)$"), version)
        self.assertEqual(found("CHANGELOG.md", r"^## (\d+\.\d+\.\d+)"), version)

    def test_every_promised_preset_configures_builds_and_tests(self):
        presets = json.loads((ROOT / "CMakePresets.json").read_text())
        names = {kind: {p["name"] for p in presets[kind]}
                 for kind in ("configurePresets", "buildPresets", "testPresets")}
        promised = {"release", "torch", "debug", "asan", "tsan", "core-clang", "coverage"}
        for kind, have in names.items():
            self.assertLessEqual(promised, have, kind)
        self.assertIn("tidy", names["configurePresets"] & names["buildPresets"])

    def test_every_package_has_a_group_and_a_reason(self):
        lines = (ROOT / "scripts/packages.txt").read_text().splitlines()
        rows = [line.split(None, 2) for line in lines if not line.startswith("#")]
        self.assertGreater(len(rows), 10)
        for row in rows:
            self.assertEqual(len(row), 3, row)
            self.assertIn(row[1], {"build", "check", "fuzz", "pip"})
        self.assertEqual(len({row[0] for row in rows}), len(rows))


if __name__ == "__main__":
    unittest.main()
