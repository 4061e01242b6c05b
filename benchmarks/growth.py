#!/usr/bin/env python3
"""How a training step's time and memory grow with width, batch, replicas and threads: a table and a picture.

    growth.py --scalemix build/release/scalemix --svg growth.svg [--json growth.json]

Each point is a process of its own, `scalemix bench --model ...`, so that its peak memory is its own.
"""

import argparse
import json
import math
import pathlib
import subprocess

AXES = {  # what grows: its values and the rest of the command
    "width": ([50, 100, 200, 400, 800, 1600], "--data glyphs --model mlp:{} --batch 100"),
    "batch": ([25, 50, 100, 200, 400, 800], "--data glyphs --model mlp:300-100 --batch {}"),
    "replicas": ([1, 2, 4, 8, 16, 32, 64], "--data friedman1 --model mlp:50 --batch 128 --replicas {}"),
}
QUANTITIES = {"ms per step": lambda r: 1e3 * r["rows"][-1]["seconds"], "peak MiB": lambda r: r["peak_memory_mib"]}
COLOURS = ["#0072b2", "#d55e00"]
WIDTH, HEIGHT, LEFT, TOP, GAP = 260, 170, 60, 44, 74


def measure(scalemix, words, threads):
    command = [scalemix, "bench", "--json", "--quiet", "--method", "svdo", "--threads", str(threads), *words.split()]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def scale(values):
    """Logarithmic, or linear from zero where all are of one size: place of a value in [0, 1], and the ticks."""
    low, high = min(values) / 1.15, max(values) * 1.15
    if high < 4 * low:
        step = 10.0 ** math.floor(math.log10(high))
        step /= 2 if high < 5 * step else 1
        return lambda v: v / high, [step * i for i in range(int(high / step) + 1)]
    ticks = [m * 10.0 ** e for e in range(-4, 7) for m in (1, 2, 5)]
    return lambda v: math.log(v / low) / math.log(high / low), [t for t in ticks if low <= t <= high]


def panel(x0, y0, title, quantity, curves):
    """`curves`: threads -> [(x, y)], x on a logarithmic axis."""
    points = [p for curve in curves.values() for p in curve]
    xs = sorted({p[0] for p in points})
    height, ticks = scale([p[1] for p in points])
    at = lambda x, y: (x0 + WIDTH * math.log(x / xs[0]) / math.log(xs[-1] / xs[0]), y0 + HEIGHT * (1 - height(y)))
    out = [f'<rect x="{x0}" y="{y0}" width="{WIDTH}" height="{HEIGHT}" class="frame"/>',
           f'<text x="{x0 + WIDTH / 2}" y="{y0 + HEIGHT + 32}" class="mid">{title}</text>',
           f'<text x="{x0}" y="{y0 - 8}">{quantity}</text>']
    for x in xs:
        out.append(f'<text x="{at(x, points[0][1])[0]:.1f}" y="{y0 + HEIGHT + 15}" class="mid">{x}</text>')
    for tick in ticks:
        y = at(xs[0], tick)[1]
        out += [f'<line x1="{x0}" x2="{x0 + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>',
                f'<text x="{x0 - 5}" y="{y + 4:.1f}" class="end">{tick:g}</text>']
    for colour, curve in zip(COLOURS, curves.values()):
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in (at(*p) for p in curve))
        out.append(f'<polyline points="{path}" stroke="{colour}" class="curve"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5" fill="{colour}"/>' for a, b in (at(*p) for p in curve)]
    return out


def picture(results):
    width, height = LEFT + len(AXES) * (WIDTH + GAP), TOP + len(QUANTITIES) * (HEIGHT + GAP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           "<style>.mid{text-anchor:middle}.end{text-anchor:end}.frame{fill:none;stroke:#888}.grid{stroke:#ddd}"
           ".curve{fill:none;stroke-width:1.8}</style>", f'<rect width="{width}" height="{height}" fill="white"/>']
    for i, (colour, threads) in enumerate(zip(COLOURS, next(iter(results.values())))):
        out.append(f'<text x="{LEFT + 110 * i}" y="18" fill="{colour}">{threads} thread{"s" * (threads > 1)}</text>')
    for row, (quantity, of) in enumerate(QUANTITIES.items()):
        for column, (axis, by_threads) in enumerate(results.items()):
            curves = {t: [(x, of(r)) for x, r in points] for t, points in by_threads.items()}
            out += panel(LEFT + column * (WIDTH + GAP), TOP + row * (HEIGHT + GAP), axis, quantity, curves)
    return "\n".join(out + ["</svg>\n"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scalemix", required=True)
    parser.add_argument("--svg", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    results = {}
    for axis, (values, words) in AXES.items():
        for threads in arguments.threads:
            for value in values:
                r = measure(arguments.scalemix, words.format(value), threads)
                results.setdefault(axis, {}).setdefault(threads, []).append((value, r))
                print(f"{axis} {value:>5}, {threads} threads: " +
                      ", ".join(f"{of(r):.3g} {name}" for name, of in QUANTITIES.items()), flush=True)
    arguments.svg.write_text(picture(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
