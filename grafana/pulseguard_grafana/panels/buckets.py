"""Buckets of a histogram that several sources tell, not all of them with the same bounds."""

from __future__ import annotations


def bucket_rates(histogram: str, selector: str) -> str:
    """How much a second is at most so large, by `le`; `selector` is `{…}` or empty.

    Only at bounds that stand in each scrape of each series in the whole time on the page. At one
    that some lack, the sum would be less than at the bound before, and no quantile would be true;
    and a graph whose buckets come and go takes what is missing for 0. How often each was told is
    counted once for the whole graph (`@ end()`).
    """
    rates = f"sum by (le) (rate({histogram}_bucket{selector}[$__rate_interval]))"
    told = f"sum by (le) (count_over_time({histogram}_bucket{selector}[$__range] @ end()))"
    all_told = f"sum(count_over_time({histogram}_count{selector}[$__range] @ end()))"
    return f"({rates} and on (le) ({told} == on () group_left () {all_told}))"
