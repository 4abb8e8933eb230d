"""Runs the benchmarks named on the command line, or all, and prints a table."""

import importlib
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.rounds import Comparison, Result

NAMES = (
    *("record", "openai_call", "record_otel", "scrape", "importing", "loop_lag"),
    *("discovery", "registry", "rules", "rule_loading", "routes", "dashboards", "rule_cost"),
)


def main(names: Sequence[str]) -> int:
    """0 where every promise is kept, 1 where one is not, 2 for a name that is not known."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        sys.stderr.write(f"no benchmark {', '.join(unknown)}: there are {', '.join(NAMES)}\n")
        return 2
    table = Table("what", "ours", "beside", "theirs", "ratio", "middle half", "promise")
    results: list[Result] = []
    # In their order: some are to be run before what others load.
    try:
        for name in (each for each in NAMES if each in names or not names):
            for result in importlib.import_module(f"bench.{name}").run():
                results.append(result)
                table.add_row(*_row(result))
    finally:  # what was measured before anything went wrong took its time too
        Console(width=140).print(table)
    return 0 if all(result.holds for result in results) else 1


def _row(result: Result) -> Sequence[str]:
    promise = "" if result.limit is None else f"{'kept' if result.holds else 'MISSED'}: "
    limit = "" if result.limit is None else f"at most {result.limit:g}"
    if isinstance(result, Comparison):
        ours, theirs = (sorted(each)[len(each) // 2] for each in (result.ours, result.floor))
        low, high = result.spread
        return (
            result.name,
            f"{ours:.3g} {result.unit}",
            result.floor_name,
            f"{theirs:.3g} {result.unit}",
            f"{result.ratio:.2f}",
            f"{low:.2f} to {high:.2f}",
            promise + limit,
        )
    measured = f"{result.median:.3g} {result.unit}"
    promised = f"{promise}{limit} {result.unit}" if limit else ""
    return result.name, measured, "", "", "", "", promised


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
