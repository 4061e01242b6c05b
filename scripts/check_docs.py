#!/usr/bin/env python3
"""Checks the docs: links lead somewhere, every law, method and subcommand has its page, and the tables of the guide on
reproduction are those of its JSON.

The names come from the command itself (`scalemix list --json`), so a new row of a table asks for
its page by itself. Without a built command the links alone are checked, and it is said.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

import reproduce_table
import tree

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
OUTSIDE = re.compile(r"^(https?:|mailto:)")


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+\s+(.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-") for h in headings}


def broken_links(root, page):
    text = (root / page).read_text(encoding="utf-8")
    for link in LINK.findall(FENCE.sub("", text)):
        if OUTSIDE.match(link):
            continue
        name, _, anchor = link.partition("#")
        target = root / page.parent / name if name else root / page
        if not target.exists():
            yield f"{page}: {link} leads nowhere"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8")):
            yield f"{page}: {link}: no such heading"


def output(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"docs: {' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def missing_sections(root, table):
    """Subcommands without a section in docs/cli.md."""
    page = root / "docs/cli.md"
    have = anchors(page.read_text(encoding="utf-8")) if page.is_file() else set()
    names = [row["name"] for row in table["commands"]]
    if not names:
        sys.exit("docs: scalemix list --json names no commands")
    yield from (f"docs/cli.md has no section on {name}" for name in names if f"scalemix-{name}" not in have)


def expected_pages(table):
    """The pages that the command's own tables ask for."""
    laws = [row["name"] for row in table["laws"]]
    methods = [row["name"] for row in table["methods"] if row["name"] not in laws]
    named = {"law": laws, "method": methods}
    for room, names in named.items():
        if not names:
            sys.exit(f"docs: scalemix list --json names nothing for docs/{room}/")
        yield from (pathlib.Path("docs", room, f"{name}.md") for name in names)


def main():
    root = tree.root_argument(__doc__)
    command = os.environ.get("SCALEMIX", str(root / "build/release/scalemix"))
    pages = tree.files(root, ".md")
    problems = [problem for page in pages for problem in broken_links(root, page)]
    if os.access(command, os.X_OK) and os.path.isfile(command):
        table = json.loads(output([command, "list", "--json"]))
        problems += [f"{page} is missing" for page in expected_pages(table) if not (root / page).is_file()]
        problems += missing_sections(root, table)
    else:
        print(f"docs: no {command}: links checked, pages of the tables not")
    guide = root / "docs/guide/reproduce.md"
    if guide.is_file():
        text = guide.read_text(encoding="utf-8")
        if reproduce_table.written(text, root) != text:
            problems.append("docs/guide/reproduce.md is not what its JSON says: run scripts/reproduce_table.py")
    tree.finish("docs", problems, len(pages))


if __name__ == "__main__":
    main()
