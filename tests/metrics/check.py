"""Reads Prometheus's text format from standard input, checks it, and writes the samples as a JSON object.

The parser is that of Prometheus's client for Python. It takes more than it should, so the rules of `promtool check metrics`
stand here beside it. Mistakes go to standard error, one a line, and the exit code is 1.
"""

import json
import math
import re
import sys

from prometheus_client.parser import text_string_to_metric_families

METRIC = re.compile(r"[a-z_:][a-z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
UNITS = ("milliseconds", "microseconds", "ms", "minutes", "kilobytes", "kb")


def head(text):
    """What the lines before the samples say, and what is wrong with their order."""
    families, current, done = {}, None, set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, help_ = line.split(" ", 3)
            if name in families or not help_.strip():
                yield f"{name}: HELP twice, or empty"
            families[name] = current = {"name": name, "type": None, "samples": 0}
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            if current is None or current["name"] != name or current["type"] or current["samples"]:
                yield f"{name}: TYPE without its HELP before it"
                continue
            current["type"] = kind
        elif line and not line.startswith("#"):
            name = re.split(r"[ {]", line, maxsplit=1)[0]
            base = re.sub(r"_(bucket|sum|count)$", "", name) if current and current["type"] == "histogram" else name
            if current is None or current["name"] != base or not current["type"]:
                yield f"{name}: a sample outside of its family"
            else:
                current["samples"] += 1
        elif not line:
            yield "an empty line"
    for name, family in families.items():
        if not family["samples"]:
            yield f"{name}: no samples"
        if (family["type"] == "counter") != name.endswith("_total"):
            yield f"{name}: a {family['type']}"
        if not METRIC.fullmatch(name) or any(part in UNITS for part in name.split("_")):
            yield f"{name}: its name or unit"
        if family["type"] == "histogram" and not name.endswith("_seconds"):
            yield f"{name}: a histogram of time without its unit"
    if not text.endswith("\n"):
        yield "the last line does not end"


def body(families, samples):
    """What is wrong with the samples, which are put into `samples`."""
    for family in families:
        histograms = {}
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != "le"}
            pairs = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            key = f"{sample.name}{{{pairs}}}"
            if key in samples:
                yield f"{key}: twice"
            samples[key] = sample.value
            if not all(LABEL.fullmatch(name) for name in sample.labels):
                yield f"{key}: a label's name"
            if family.type != "gauge" and not (math.isfinite(sample.value) and sample.value >= 0):
                yield f"{key}: {sample.value}"
            if family.type == "histogram":
                of = histograms.setdefault(json.dumps(labels, sort_keys=True), {"buckets": []})
                if sample.name.endswith("_bucket"):
                    of["buckets"].append((float(sample.labels["le"]), sample.value))
                else:
                    of[sample.name.rsplit("_", 1)[1]] = sample.value
            elif "le" in sample.labels:
                yield f"{key}: le is for histograms"
        for labels, of in histograms.items():
            bounds, counts = zip(*of["buckets"])
            if list(bounds) != sorted(set(bounds)) or bounds[-1] != math.inf:
                yield f"{family.name}{labels}: the bounds {bounds}"
            if list(counts) != sorted(counts) or counts[-1] != of.get("count") or "sum" not in of:
                yield f"{family.name}{labels}: buckets {counts}, {of}"


def main():
    text, samples = sys.stdin.read(), {}
    try:
        mistakes = [*head(text), *body(text_string_to_metric_families(text), samples)]
    except ValueError as error:
        mistakes = [f"not the text format: {error}"]
    if mistakes:
        sys.exit("\n".join(mistakes))
    json.dump(samples, sys.stdout)


main()
