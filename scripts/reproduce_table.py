#!/usr/bin/env python3
"""Makes the tables of docs/guide/reproduce.md from docs/figure/reproduce/NAME.json, the result.json of each entry.

    scripts/reproduce_table.py

scripts/check_docs.py fails where the guide says something else.
To renew the numbers of an entry: scalemix reproduce NAME [--seeds 10] --out FOLDER, then copy FOLDER/result.json.
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "guide" / "reproduce.md"
KINDS = ["published", "program", "own"]


def results(root):
    found = [json.loads(path.read_text()) for path in sorted((root / "docs/figure/reproduce").glob("*.json"))]
    return sorted(found, key=lambda r: (bool(r["claims"]), r["name"]))


def share(count):
    return f"{count['within']} of {count['compared']}" if count["compared"] else "–"


def verdicts(claims):
    words = [c["holds"] for c in claims]
    return ", ".join(f"{words.count(w)} {w}" for w in ("yes", "no", "not resolved") if w in words) or "–"


def counts(found):
    lines = ["| entry | seeds | published or released | other programs | own theory or arithmetic | claims |",
             "|---|---|---|---|---|---|"]
    total = {kind: {"within": 0, "compared": 0} for kind in KINDS}
    for r in found:
        for kind in KINDS:
            for key in total[kind]:
                total[kind][key] += r["counts"][kind][key]
        lines.append(f"| [{r['name']}](#{r['name']}) | {r['seeds']} | "
                     + " | ".join(share(r["counts"][kind]) for kind in KINDS) + f" | {verdicts(r['claims'])} |")
    lines.append("| all | | " + " | ".join(share(total[kind]) for kind in KINDS) + " | "
                 + verdicts([c for r in found for c in r["claims"]]) + " |")
    return lines


def claims(result):
    lines = ["| claim | | 95 % interval or test |", "|---|---|---|"]
    rows = [(c["sentence"].replace("|", "\\|"), c["holds"], c["because"]) for c in result["claims"]]
    return lines + [f"| {sentence} | **{holds}** | {because} |" for sentence, holds, because in rows]


def written(text, root):
    """The guide with what stands between its markers made anew."""
    found = results(root)
    parts = {"counts": counts(found)}
    parts |= {f"claims {r['name']}": claims(r) for r in found if r["claims"]}
    for name, lines in parts.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if begin not in text:
            sys.exit(f"reproduce_table: the guide has no place for '{name}'")
        block = "\n".join([begin, *lines, end])
        text = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _, b=block: b, text, flags=re.DOTALL)
    return text


def main():
    GUIDE.write_text(written(GUIDE.read_text(encoding="utf-8"), ROOT), encoding="utf-8")


if __name__ == "__main__":
    main()
