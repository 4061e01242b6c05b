#!/usr/bin/env python3
"""Plants faults in the sources, one at a time, and counts those that no test notices.

    scripts/mutants.py                  draw 200 faults (seed 1) and try them all: about a minute each on two cores
    scripts/mutants.py --limit 20       the next 20 that have not been tried
    scripts/mutants.py --only scalemix/law/gamma.h
    scripts/mutants.py --report         what has been tried: killed, survived, and why

The list is drawn once from every source outside torch/ and kept in tests/mutants.json, with the outcome of
each: run again, the script goes on where it stopped. A fault is

    sign          + for -, - for +, += for -=
    comparison    < for <=, == for !=, ...
    constant      another number
    stream        another purpose, or another user, of the noise stream
    off_by_one    "+ 1" or "- 1" left out
    logic         && for ||, true for false, min for max

Each is planted in a copy of the tree (build/mutants), built there and shown to the tests of its own room, then
to all others, until one fails. One that does not compile is replaced by another draw. Survivors are to be
read: add to the entry in tests/mutants.json a "note" that says why the fault changes nothing that counts, or
which new test catches it; `--again` tries the survivors without a note once more.
"""

import argparse
import json
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import time

import tree

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "tests" / "mutants.json"
WORK = ROOT / "build" / "mutants"

# Shares of the kinds in a drawn list.
KINDS = {"sign": 24, "comparison": 24, "constant": 24, "off_by_one": 12, "logic": 10, "stream": 6}
PURPOSES = ["train", "predict", "init", "shuffle", "augment", "generate"]
SHUFFLES = ["epoch", "test", "validation", "importance"]
SKIPPED_LINES = re.compile(r"^\s*(#|//|using |namespace |template|static_assert|friend |extern )")
# Programs that take minutes, and tests of the scripts themselves.
SLOW_TESTS = "setup|checks|docs_commands|consumers|version|kill|example"


def code_of(line):
    """The line with its strings and comments blanked, so that columns stay."""
    line = re.sub(r'"(\\.|[^"\\])*"', lambda m: " " * len(m.group()), line)
    line = re.sub(r"'(\\.|[^'\\])'", lambda m: " " * len(m.group()), line)
    return re.sub(r"//.*", lambda m: " " * len(m.group()), line)


def other_number(text):
    if re.fullmatch(r"\d+", text):
        return str(int(text) + 1)
    value = float(text)
    return repr(value * 1.5 if value else 0.5)


def faults_of(line):
    """(kind, first column, last column, new text) of every fault that the line has room for."""
    code = code_of(line)
    swaps = [
        ("sign", r"(?<=[\w)\]] )[-+](?= )", {"+": "-", "-": "+"}),
        ("sign", r"(?<=[(=,] )-(?=[\w(])|(?<=return )-(?=[\w(])", {"-": ""}),
        ("sign", r"[-+]=", {"+=": "-=", "-=": "+="}),
        ("comparison", r"(?<= )(<=|>=|<|>|==|!=)(?= )",
         {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}),
        ("off_by_one", r" [-+] 1\b(?![.\w])", {" + 1": "", " - 1": ""}),
        ("logic", r"&&|\|\||\btrue\b|\bfalse\b", {"&&": "||", "||": "&&", "true": "false", "false": "true"}),
        ("logic", r"std::(min|max)(?=\()", {"std::min": "std::max", "std::max": "std::min"}),
    ]
    for kind, pattern, to in swaps:
        for m in re.finditer(pattern, code):
            if m.group() in to:
                yield kind, m.start(), m.end(), to[m.group()]
    for m in re.finditer(r"(?<![\w.])\d+(\.\d+)?(e-?\d+)?(?![\w.])", code):
        yield "constant", m.start(), m.end(), other_number(m.group())
    for word, names in (("Purpose", PURPOSES), ("Shuffle", SHUFFLES)):
        for m in re.finditer(word + r"::(\w+)", code):
            if m.group(1) in names:
                following = names[(names.index(m.group(1)) + 1) % len(names)]
                yield "stream", m.start(1), m.end(1), following


def all_faults():
    """By kind: every place in the sources where one can be planted."""
    found = {kind: [] for kind in KINDS}
    for path in tree.files(ROOT, ".cc", ".h", ".inc"):
        if path.parts[0] != "scalemix" or path.parts[1] == "torch":
            continue
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            if SKIPPED_LINES.match(line):
                continue
            for kind, first, last, new in faults_of(line):
                found[kind].append({
                    "file": str(path), "line": number, "kind": kind, "before": line.strip(),
                    "after": (line[:first] + new + line[last:]).strip()})
    return found


def drawn(count, seed, known):
    """`count` faults not among the known, in the shares of KINDS."""
    rng = random.Random(seed)
    faults = all_faults()
    have = {(f["file"], f["before"], f["after"]) for f in known}
    out = []
    while len(out) < count:
        kind = rng.choices(list(KINDS), KINDS.values())[0]
        fault = rng.choice(faults[kind])
        key = (fault["file"], fault["before"], fault["after"])
        if key not in have:
            have.add(key)
            out.append(fault)
    return out


def save(state):
    text = json.dumps(state, indent=1, ensure_ascii=False)
    LIST.with_suffix(".part").write_text(text + "\n")
    os.replace(LIST.with_suffix(".part"), LIST)


def copy_tree():
    """The tree as it is now, in WORK/tree: only what differs is written, so that builds stay small."""
    target = WORK / "tree"
    wanted = set()
    for path in tree.files(ROOT):
        wanted.add(path)
        to = target / path
        content = (ROOT / path).read_bytes()
        if not to.exists() or to.read_bytes() != content:
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(content)
            shutil.copymode(ROOT / path, to)
    for path in tree.files(target) if target.exists() else []:
        if path not in wanted and path.parts[0] != "build":
            (target / path).unlink()


def limit_memory():
    """A fault can ask for any amount: 8 GiB per process are enough for every test."""
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))


class Bench:
    """The copy, its build and its tests."""

    def __init__(self):
        # As deep in the tree as every other build: for ccache, paths are relative to the build folder.
        self.tree, self.build = WORK / "tree", WORK / "tree" / "build" / "release"

    def run(self, *command, limit=None):
        try:
            done = subprocess.run(command, cwd=self.tree, capture_output=True, text=True, timeout=limit,
                                  preexec_fn=limit_memory)
            return done.returncode == 0, done.stdout + done.stderr
        except subprocess.TimeoutExpired:
            return False, "took too long"

    def make(self, *targets):
        return self.run("ninja", "-C", str(self.build), f"-j{os.cpu_count()}", *targets, limit=3600)

    def prepare(self):
        copy_tree()
        if not (self.build / "build.ninja").exists():
            # The flags of every other build, so that ccache has all but what a fault touches.
            ok, text = self.run("cmake", "--preset", "release", "-B", str(self.build), "-Wno-dev")
            if not ok:
                sys.exit(text)
        ok, text = self.make()
        if not ok:
            sys.exit(text[-4000:])
        ok, failed = self.tests("-E", SLOW_TESTS)
        if not ok:
            sys.exit(f"mutants: '{failed}' fails without any fault")

    def tests(self, *chosen):
        """(all passed, the first that did not)."""
        ok, text = self.run("ctest", "--test-dir", str(self.build), f"-j{os.cpu_count()}", "--stop-on-failure",
                            "--timeout", "240", "--no-tests=ignore", *chosen, limit=1800)
        failed = re.findall(r"\d+ - (\S+) \((?:Failed|Timeout|SEGFAULT|Subprocess|ILLEGAL|Bus|Child|SIG)", text)
        return ok, "" if ok else failed[0] if failed else "tests"

    def tried(self, room):
        """(outcome, the first test that failed): the room's own test is built and run before all others are."""
        for targets, chosen in (([f"scalemix_{room}_test"], ["-R", f"^{room}$"]), ([], ["-E", f"{SLOW_TESTS}|^{room}$"])):
            ok, text = self.make(*targets)
            if not ok:
                return "does not compile" if "error" in text else "does not build", ""
            passed, failed = self.tests(*chosen)
            if not passed:
                return "killed", failed
        return "survived", ""

    def plant(self, fault):
        """Writes the fault; false if its line is no longer there."""
        path = self.tree / fault["file"]
        self.sound = path.read_text()
        lines = self.sound.splitlines(keepends=True)
        at = fault["line"] - 1
        places = sorted(range(len(lines)), key=lambda i: abs(i - at))
        at = next((i for i in places if lines[i].strip() == fault["before"]), None)
        if at is None:
            return False
        indent = lines[at][:len(lines[at]) - len(lines[at].lstrip())]
        lines[at] = indent + fault["after"] + "\n"
        path.write_text("".join(lines))
        return True

    def restore(self, fault):
        (self.tree / fault["file"]).write_text(self.sound)


def attempt(bench, fault):
    """killed, survived, or why it does not count; and the test that failed."""
    begin = time.monotonic()
    if not bench.plant(fault):
        return {"outcome": "gone"}
    try:
        outcome, failed = bench.tried(pathlib.Path(fault["file"]).parts[1])
    finally:
        bench.restore(fault)
    tried = {"outcome": outcome, "seconds": round(time.monotonic() - begin)}
    return tried | {"by": failed} if failed else tried


def report(state):
    tried = [f for f in state["faults"] if f.get("outcome") in ("killed", "survived")]
    killed = [f for f in tried if f["outcome"] == "killed"]
    for kind in KINDS:
        of = [f for f in tried if f["kind"] == kind]
        print(f"{kind:<12} {sum(f['outcome'] == 'killed' for f in of)} of {len(of)} killed")
    for f in tried:
        if f["outcome"] == "survived":
            print(f"\n{f['file']}:{f['line']} ({f['kind']})\n  - {f['before']}\n  + {f['after']}")
            print(f"  {f.get('note', 'NOT READ')}")
    share = f", {100 * len(killed) / len(tried):.1f} %" if tried else ""
    equal = sum("note" in f for f in tried if f["outcome"] == "survived")
    print(f"\n{len(killed)} of {len(tried)} killed{share}; of {len(tried) - len(killed)} survivors {equal} are explained; "
          f"{len(state['faults'])} on the list")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="faults on a list that is drawn anew (default 200)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (default 1)")
    parser.add_argument("--new", action="store_true", help="draw the list anew and forget the old one")
    parser.add_argument("--limit", type=int, help="try at most so many now")
    parser.add_argument("--only", help="only faults of this file or folder")
    parser.add_argument("--again", action="store_true", help="try survivors without a note again")
    parser.add_argument("--report", action="store_true", help="say what is known and try nothing")
    options = parser.parse_args()
    if options.new or not LIST.exists():
        save({"seed": options.seed, "faults": drawn(options.count, options.seed, [])})
    state = json.loads(LIST.read_text())
    if options.report:
        return report(state)

    def waits(fault):
        if options.only and not fault["file"].startswith(options.only):
            return False
        again = options.again and fault.get("outcome") == "survived" and "note" not in fault
        return "outcome" not in fault or again

    bench = Bench()
    bench.prepare()
    left = options.limit if options.limit is not None else len(state["faults"])
    at = 0
    while at < len(state["faults"]) and left > 0:
        fault = state["faults"][at]
        if waits(fault):
            for key in ("outcome", "by", "seconds"):
                fault.pop(key, None)
            fault.update(attempt(bench, fault))
            if fault["outcome"] not in ("killed", "survived"):  # another in its place
                state["seed"] += 1000
                state["faults"][at] = drawn(1, state["seed"], state["faults"])[0]
                save(state)
                continue
            left -= 1
            save(state)
            print(f"{at + 1:4} {fault['outcome']:<9} {fault.get('by', ''):<12} {fault['file']}:{fault['line']}  "
                  f"{fault['after'][:80]}", flush=True)
        at += 1
    report(state)


if __name__ == "__main__":
    main()
