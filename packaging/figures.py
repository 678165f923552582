#!/usr/bin/env python3
"""Figures of a run, one a line, from its result.json: name, value, unit. For JUBE, ReFrame and others that read text.

    figures.py results/2026.01.02-03.04.05
"""
import json
import pathlib
import sys


def figures(directory):
    """Pairs of name and (value, unit): the score, its means, every phase, and both verdicts as 0 or 1."""
    found = sorted(pathlib.Path(directory).rglob("result.json"))
    if len(found) != 1:
        raise SystemExit(f"figures.py: {directory} holds {len(found)} files called result.json, and one is wanted")
    result = json.loads(found[0].read_text())
    score = result.get("score")
    if score:
        yield "score", (score["total"], "")
        yield "bandwidth", (score["bandwidth"], "GiB/s")
        yield "metadata", (score["metadata"], "kIOPS")
    for phase in result["phases"]:
        if phase["phase"] != "timestamp":
            yield phase["phase"], (phase["rate"], phase["unit"])
    for verdict in ("official", "strict"):
        yield f"{verdict}-valid", (int(result[verdict]["valid"]), "")
    yield "finished", (int(result["state"] == "finished"), "")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    for name, (value, unit) in figures(sys.argv[1]):
        print(f"{name} {value} {unit}".rstrip())
