"""The command line: `python -m tests.stress`."""

import argparse
import sys
from pathlib import Path

from .parts import PARTS
from .runner import Budget, run_part


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="time for all parts together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART")
    parser.add_argument("--cases", type=int, help="most cases of each part; by default what fits into the time")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--failures", type=Path, default=Path("stress_failures"), help="where failing inputs are kept")
    parser.add_argument("--input", type=Path, help="try this one input of the part that --only names")
    given = parser.parse_args()
    total = sum(PARTS[name].share for name in given.only)
    failed = 0
    for name in given.only:
        seconds = 60 * given.minutes * PARTS[name].share / total
        tally = run_part(name, given.seed, Budget(seconds, given.first, given.cases, given.input), given.failures)
        print(tally.line(), flush=True)
        failed += len(tally.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
