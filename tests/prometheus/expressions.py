"""What names a PromQL expression is made of: no parser, but enough to find a name that is wrong."""

import re
from collections.abc import Iterator

# https://prometheus.io/docs/prometheus/latest/querying/operators/
KEYWORDS = {
    *("and", "or", "unless", "bool", "offset", "on", "ignoring", "group_left", "group_right"),
    *("by", "without", "atan2"),
}
TEXTS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
NAMES_IN_A_MATCHER = re.compile(r"__name__ *=~? *\"([^\"]*)\"")
LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right) *\([^)]*\)")
MATCHERS_AND_RANGES = re.compile(r"\{[^}]*\}|\[[^\]]*\]")
WORD = re.compile(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?! *\()(?![\w:])")


def metric_names(expression: str) -> Iterator[str]:
    """Every name of a series in the expression."""
    for names in NAMES_IN_A_MATCHER.findall(expression):
        yield from names.split("|")
    bare = LABELS.sub(" ", MATCHERS_AND_RANGES.sub(" ", TEXTS.sub('""', expression)))
    yield from (word for word in WORD.findall(bare) if word not in KEYWORDS)


def label_names(expression: str) -> Iterator[str]:
    """Every name of a label that the expression matches or groups by."""
    for labels in LABELS.findall(expression):
        yield from re.findall(r"\w+", labels.partition("(")[2])
    for matchers in re.findall(r"\{([^}]*)\}", TEXTS.sub('""', expression)):
        yield from re.findall(r"(\w+) *(?:=|!)", matchers)
