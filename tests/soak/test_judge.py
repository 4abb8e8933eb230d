"""Which series grow: an hour of them, a measurement every ten seconds."""

import random
from collections.abc import Callable

import pytest
from bench.soak.judge import HOUR, LIMITS, MEGABYTE, Points, judge

MEMORY, DESCRIPTORS = LIMITS["memory"], LIMITS["descriptors"]


def hour(value: Callable[[float], float], seconds: int = 3600) -> Points:
    """What `value` says at each time."""
    return [(float(at), value(float(at))) for at in range(0, seconds, 10)]


def noisy(megabytes: float = 3) -> Callable[[], float]:
    """Some that comes and goes, as a heap's does."""
    chance = random.Random(7)
    return lambda: chance.uniform(-megabytes, megabytes) * MEGABYTE


def test_ten_megabytes_an_hour_are_a_leak_however_the_heap_moves() -> None:
    noise = noisy()

    course = judge(hour(lambda at: (80 + 10 * at / HOUR) * MEGABYTE + noise()), MEMORY)

    assert course.grows
    assert course.in_a_day / MEGABYTE == pytest.approx(240, rel=0.15)


def test_ten_descriptors_an_hour_are_a_leak() -> None:
    course = judge(hour(lambda at: 30 + at // 360), DESCRIPTORS)

    assert course.grows
    assert course.an_hour == pytest.approx(10, rel=0.15)


def test_a_leak_that_comes_in_steps_is_one() -> None:
    assert judge(hour(lambda at: (80 + 3 * (at // 600)) * MEGABYTE), MEMORY).grows


def test_what_moves_about_a_level_is_flat() -> None:
    noise = noisy(15)

    course = judge(hour(lambda _: 80 * MEGABYTE + noise()), MEMORY)

    assert not course.grows
    assert course.first == pytest.approx(80 * MEGABYTE, rel=0.1)


def test_a_heap_that_is_cleared_now_and_then_is_flat() -> None:
    assert not judge(hour(lambda at: (80 + at % 700 / 20) * MEGABYTE), MEMORY).grows


def test_what_a_service_takes_until_it_is_warm_is_no_leak_and_in_no_level() -> None:
    course = judge(hour(lambda at: (80 + min(at, 800) / 20) * MEGABYTE), MEMORY)

    assert not course.grows
    assert course.first == course.last == 120 * MEGABYTE


def test_what_settles_later_than_that_is_no_leak() -> None:
    course = judge(hour(lambda at: (80 + min(at, 2100) / 20) * MEGABYTE), MEMORY)

    assert course.an_hour > 0
    assert not course.grows


def test_one_that_is_high_for_a_while_is_flat() -> None:
    high = hour(lambda at: 30 + 500 * (3000 < at < 3300))

    assert not judge(high, DESCRIPTORS).grows


def test_of_a_day_all_hours_count() -> None:
    course = judge(hour(lambda at: 80 * MEGABYTE + 1400 * at, seconds=86_400), MEMORY)

    assert course.grows
    assert course.last == pytest.approx(80 * MEGABYTE + 1400 * 86_400, rel=0.05)


def test_too_few_measurements_say_so() -> None:
    with pytest.raises(ValueError, match="5 measurements say nothing of a slope: measure"):
        judge(hour(lambda _: 1.0, seconds=50), MEMORY)
