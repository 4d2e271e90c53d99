"""Where things are, and how the tool speaks."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "Benchmarks"
BUILD = ROOT / ".build" / "bench"
DOCUMENT = ROOT / "docs" / "benchmarks.md"
CHART = ROOT / "docs" / "fan-out.svg"


def say(text):
    print(text, file=sys.stderr, flush=True)
