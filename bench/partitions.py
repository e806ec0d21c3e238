#!/usr/bin/env python3
"""Partitions: what a shard key makes of the throughput of 1, 10 and 100 physical partitions.

    bench/partitions.py                    on the preset `bench`, some two minutes
    bench/partitions.py --gesso PROGRAM    another build's program
    bench/partitions.py --quick            1 and 3 partitions, two seconds each, all at the same time

`gesso localdb --dialect cosmos-ru` with 400 request units a second for each partition; a collection for
each of three keys: `_id` (random), `user_id` (few users make most, by Zipf's law) and `status` (one
value). Documents are changed, each change due at its moment, at the pace of one and a half budgets,
and what is refused is not sent again. Shown: what was taken of the budget, and what part of the documents the
fullest partition has. A shard key that is good takes the budget however many partitions there are;
what a bad one takes is that of the partition that is hot.
"""

import argparse
import concurrent.futures
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

from yardstick import servers
from yardstick.servers import program  # noqa: I001, it sets the path to the next one
from support.venv import python_with

UNITS = 400  # a second, of one partition
PYMONGO = "pymongo==4.15.4"
KEYS = {"_id": "random", "user_id": "by Zipf's law", "status": "one value"}

LOADER = pathlib.Path(__file__).resolve().parent / "yardstick" / "change_by_key.py"


def simulate(gesso, key, partitions, seconds):
    with tempfile.TemporaryDirectory() as folder:
        command = [
            gesso, "localdb", "--dialect", "cosmos-ru", "--ru", str(UNITS), "--partitions", str(partitions), "--server-version", "7.0",
            "--listen", "127.0.0.1:0", "--data-dir", pathlib.Path(folder) / "data",
        ]  # fmt: skip
        with program(command, r"127\.0\.0\.1:(\d+)") as (_, found):
            uri = f"mongodb://127.0.0.1:{found.group(1)}/"
            arguments = [uri, key, str(UNITS), str(partitions), str(seconds)]
            ran = subprocess.run([python_with(PYMONGO), LOADER, *arguments], check=True, stdout=subprocess.PIPE, text=True)
            return json.loads(ran.stdout)


def row(gesso, key, partitions, seconds):
    found = simulate(gesso, key, partitions, seconds)
    budget, held = UNITS * partitions, found["held"]
    return (
        f"| `{key}`, {KEYS[key]} | {partitions} | {budget:,} | {found['offered']:,.0f} | {found['taken']:,.0f} "
        f"| {found['taken'] / budget:.0%} | {max(held) / sum(held):.0%} | {1 / partitions:.0%} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gesso", type=pathlib.Path, metavar="PROGRAM")
    parser.add_argument("--seconds", type=float, default=10.0, help="of one case (10)")
    parser.add_argument("--quick", action="store_true", help="1 and 3 partitions, two seconds each, all at the same time")
    given = parser.parse_args()
    if not given.gesso:
        servers.build()
        given.gesso = servers.BUILD / "gesso"
    counts, seconds = ((1, 3), 2.0) if given.quick else ((1, 10, 100), given.seconds)
    print("| shard key | partitions | RU/s there are | offered | taken | of the budget | fullest partition | an even share |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    cases = list(itertools.product(KEYS, counts))
    with concurrent.futures.ThreadPoolExecutor(len(cases) if given.quick else 1) as pool:
        for line in pool.map(lambda case: row(given.gesso, *case, seconds), cases):
            print(line, flush=True)


sys.exit(main())
