#!/usr/bin/env python3
"""The yardstick: measures Gesso beside its peers and prints one table.

    bench/run.py                 every case but the large one, five rounds each
    bench/run.py post insert     these cases
    bench/run.py --quick CASE... to see that it works: two short rounds on few documents, kept in build/
    bench/run.py --large         the large case too: five million documents, some minutes
    bench/run.py --before PROGRAM  this build against an earlier one's `gesso`, in turn
    bench/run.py --list          the cases
    bench/run.py --render        bench/RESULTS.md anew from bench/results/

In each round ours and the peer run in turn, and the ratio is the median of the rounds': the machine
may be shared and noisy. Builds the preset `bench`, and what the peers need in build/peers. Nothing
here decides whether a test passes.
"""

import argparse
import datetime
import pathlib
import sys
import time

from yardstick import report, servers
from yardstick.cases import CASES, Run
from yardstick.rounds import table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--list", action="store_true", help="show the cases")
    parser.add_argument("--quick", action="store_true", help="two short rounds on 10,000 documents")
    parser.add_argument("--large", action="store_true", help="the large case too")
    parser.add_argument("--before", type=pathlib.Path, metavar="PROGRAM", help="only measure against that `gesso`")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one measurement")
    parser.add_argument("--render", action="store_true", help="only make bench/RESULTS.md anew")
    options = parser.parse_args()
    if options.list:
        for name, case in CASES.items():
            print(f"{name:12} {case.about}{' (--large)' if case.large else ''}")
        return 0
    if options.render:
        report.render()
        return 0
    unknown = set(options.cases) - set(CASES)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    chosen = options.cases or [name for name, case in CASES.items() if options.large or not case.large]
    if options.large:
        chosen = [name for name in chosen if name != "before"]
    if options.before:
        chosen = ["before"]
    elif "before" in chosen:
        parser.error("the case `before` needs --before PROGRAM")
    rounds, seconds, documents = (2, 0.3, 10_000) if options.quick else (options.rounds, options.seconds, 100_000)

    servers.build()
    started = datetime.datetime.now(datetime.timezone.utc)
    begin = time.monotonic()
    rows, failed = [], {}
    with Run(rounds, seconds, documents, options.before) as run:
        for name in chosen:
            print(f"{name} ...", file=sys.stderr, flush=True)
            try:
                rows.extend(one.to_json() for one in CASES[name](run))
            except Exception as error:  # the other cases still count
                failed[name] = str(error).replace(f"{servers.ROOT}/", "")
                print(f"{name}: {failed[name]}", file=sys.stderr, flush=True)
    kept = {
        "format": report.FORMAT,
        "started": started.isoformat(timespec="seconds"),
        "took_seconds": round(time.monotonic() - begin),
        "rounds": rounds,
        "seconds": seconds,
        "documents": documents,
        "machine": report.machine(),
        "commit": report.commit(),
        "versions": report.versions(options.before),
        "rows": rows,
        "failed": failed,
    }
    print(report.heading(kept))
    print("\n".join(table(rows)))
    whole = rounds >= 5 and not options.quick
    path = report.keep(kept, report.RESULTS if whole else servers.ROOT / "build" / "bench-results")
    if whole:
        report.render()
    print(f"kept as {path.relative_to(servers.ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
