"""Ranges and conditions of HTTP, by properties."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from services.gateway.files.http_range import Unsatisfiable, http_date, is_unchanged, read_range

SIZES = st.integers(0, 1000)
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@given(size=SIZES, first=st.integers(0, 1100), last=st.integers(0, 1100))
def test_a_range_is_the_bytes_it_names_as_far_as_there_are_any(size: int, first: int, last: int) -> None:
    data = bytes(index % 256 for index in range(size))
    wanted = data[first : last + 1]
    try:
        found = read_range(f"bytes={first}-{last}", size)
    except Unsatisfiable:
        assert first >= size
        return
    assert (data[slice(*found)] == wanted and wanted) if found else first > last


@given(size=SIZES, count=st.integers(0, 1100))
def test_a_suffix_is_the_last_bytes(size: int, count: int) -> None:
    data = bytes(index % 256 for index in range(size))
    try:
        found = read_range(f"bytes=-{count}", size)
    except Unsatisfiable:
        assert not data or not count
        return
    assert found is not None
    assert data[slice(*found)] == data[-count:]


@given(header=st.one_of(st.text(max_size=30), st.from_regex(r"bytes=[0-9, -]{0,50}", fullmatch=True)), size=SIZES)
def test_no_header_asks_for_bytes_that_are_not_there(header: str, size: int) -> None:
    found = None
    with suppress(Unsatisfiable):
        found = read_range(header, size)

    assert found is None or 0 <= found[0] < found[1] <= size


@given(seconds=st.floats(-5000, 5000))
def test_what_changed_later_than_the_client_s_copy_is_sent(seconds: float) -> None:
    modified = NOW + timedelta(seconds=seconds)

    assert is_unchanged(None, http_date(modified), '"x"', modified)
    assert is_unchanged(None, http_date(NOW), '"x"', modified) == (modified.replace(microsecond=0) <= NOW)


YEARS = st.integers(0, 10**25).map(lambda year: f"Mon, 01 Jan {year} 00:00:00 GMT")
ZONES = st.integers(0, 10**25).map(lambda zone: f"Mon, 01 Jan 9990 00:00:00 +{zone}")


@given(header=st.text(max_size=40) | YEARS | ZONES)
@example("Mon, 01 Jan 99999999999999999999 00:00:00 GMT")
def test_no_date_is_an_error(header: str) -> None:
    assert not is_unchanged(None, header, '"x"', datetime(9999, 1, 1, tzinfo=UTC))
