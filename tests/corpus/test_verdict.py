"""The verdict finds every kind of fault, and none in a result that is right."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from tests.corpus.verdict import Fault, Seen, judge
from tests.oracle import Difference, Shown
from tests.support.tree import ROOT

PIXELS = np.zeros((48, 64, 4), np.uint8)
STILL = Shown(64, 48, PIXELS)
MOVING = Shown(64, 48, PIXELS, (100.0, 250.0), 3)
CLOSE = Difference(mean=0.8, p99=3.0, worst_tile=1.5, shift=0.5, alpha=0.0)
LINE = {
    "State": "compressed",
    "Error Code": "",
    "Error Detail": "",
    "Format": "webp",
    "Action": "compressed",
    "Width In": "64",
    "Height In": "48",
    "Width Out": "64",
    "Height Out": "48",
    "Bytes In": "1000",
    "Bytes Out": "490",
    "Target Met": "yes",
}
FAILED = LINE | {
    "State": "failed",
    "Error Code": "decode_error",
    "Error Detail": "JPEG does not decode",
    "Owner": "host",
}
SEEN = Seen(STILL, STILL, [CLOSE])


def faults(line: Mapping[str, str], seen: Seen) -> set[Fault]:
    return set(judge(line, seen, 50, strip=True).faults)


def test_a_result_that_looks_like_its_original_has_no_fault() -> None:
    assert faults(LINE, SEEN) == set()
    assert faults(LINE, Seen(MOVING, MOVING, [CLOSE, CLOSE])) == set()
    assert faults(FAILED, Seen(None, None)) == set()


@pytest.mark.parametrize(
    ("line", "seen", "fault"),
    [
        ({**FAILED, "Error Code": "internal", "Owner": "us"}, Seen(None, None), Fault.OURS),
        ({**FAILED, "State": "cancelled", "Error Code": "cancelled"}, Seen(None, None), Fault.OURS),
        (FAILED, Seen(STILL, None), Fault.REFUSED),
        (LINE, Seen(STILL, None), Fault.NOT_SHOWN),
        (LINE, Seen(None, STILL), Fault.TAKEN),
        (LINE, replace(SEEN, turned=True), Fault.TURNED),
        (LINE, replace(SEEN, result=Shown(48, 64, PIXELS)), Fault.SIZE),
        ({**LINE, "Width In": "65"}, SEEN, Fault.SIZE),
        (LINE, Seen(MOVING, STILL, [CLOSE]), Fault.FRAMES),
        (LINE, Seen(MOVING, replace(MOVING, milliseconds=(100.0, 100.0)), [CLOSE]), Fault.TIMING),
        (LINE, Seen(MOVING, replace(MOVING, plays=0), [CLOSE]), Fault.TIMING),
        (LINE, replace(SEEN, differences=[replace(CLOSE, alpha=0.2)]), Fault.ALPHA),
        ({**LINE, "Format": "bmp"}, replace(SEEN, differences=[replace(CLOSE, alpha=0.2)]), Fault.ALPHA),
        (LINE, replace(SEEN, differences=[CLOSE, replace(CLOSE, mean=6.0)]), Fault.COLOUR),
        (LINE, replace(SEEN, differences=[replace(CLOSE, shift=12.0)]), Fault.COLOUR),
        ({**LINE, "Bytes Out": "501"}, SEEN, Fault.BYTES),
        ({**LINE, "Bytes Out": "1001", "Target Met": "no"}, SEEN, Fault.BYTES),
        (LINE, replace(SEEN, metadata=["GPS:GPSLatitude"]), Fault.METADATA),
    ],
)
def test_each_kind_of_fault_is_found(line: Mapping[str, str], seen: Seen, fault: Fault) -> None:
    assert fault in faults(line, seen)


def test_what_a_format_cannot_hold_is_no_fault() -> None:
    assert faults({**LINE, "Format": "jpeg"}, Seen(MOVING, STILL, [replace(CLOSE, alpha=0.5)])) == set()
    assert faults({**LINE, "Format": "avif"}, Seen(MOVING, replace(MOVING, plays=0), [CLOSE])) == set()


def test_the_document_explains_every_fault() -> None:
    document = (ROOT / "docs" / "corpus.md").read_text()

    assert [fault for fault in Fault if fault.value not in document] == []


def test_a_worse_result_has_a_higher_score() -> None:
    turned, coloured = replace(SEEN, turned=True), replace(SEEN, differences=[replace(CLOSE, shift=12.0)])
    blurred = replace(SEEN, differences=[replace(CLOSE, worst_tile=4.0)])

    scores = [judge(LINE, seen, 50, strip=True).score for seen in (SEEN, blurred, coloured, turned)]

    assert scores == sorted(scores)
    assert len(set(scores)) == len(scores)
