"""Judges one outcome by what the browser shows of the original and of the result. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.oracle import Difference, Shown

MAX_ALPHA = 0.02
MAX_MEAN, MAX_SHIFT = 4.0, 8.0
_MILLISECONDS = 15.0  # GIF counts hundredths of a second


class Fault(StrEnum):
    """What is wrong with a result, the worst first."""

    OURS = "an error of our own"
    NOT_SHOWN = "the browser does not show the result"
    REFUSED = "refused, although the browser shows the original"
    TURNED = "turned or mirrored"
    SIZE = "other proportions or dimensions"
    FRAMES = "other frames"
    TIMING = "other timing"
    ALPHA = "other transparency"
    COLOUR = "other colours"
    BYTES = "too many bytes"
    METADATA = "metadata remains"
    TAKEN = "taken, although the browser does not show the original"


_WEIGHTS = {fault: 100 * (len(Fault) - place) for place, fault in enumerate(Fault)}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the oracles saw: original and result, None if not shown. differences: of the frames that were compared."""

    original: Shown | None
    result: Shown | None
    differences: Sequence[Difference] = ()
    turned: bool = False
    metadata: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """faults: each with an explanation. score: how wrong it looks, for sorting."""

    faults: Mapping[Fault, str]
    score: float


def judge(line: Mapping[str, str], seen: Seen, percent: int, *, strip: bool) -> Verdict:
    """line: the report's row. percent: the option. strip: whether metadata had to be removed."""
    faults = _of_result(line, seen, percent, strip) if line["State"] == "compressed" else _of_failure(line, seen)
    visible = max((each.worst_tile for each in seen.differences), default=0.0)
    return Verdict(faults, round(sum(_WEIGHTS[fault] for fault in faults) + visible, 2))


def _of_failure(line: Mapping[str, str], seen: Seen) -> dict[Fault, str]:
    faults = {}
    code = line["Error Code"]
    if line["Owner"] == "us" or line["State"] != "failed":
        faults[Fault.OURS] = f"{line['State']} {code}: {line['Error Detail']}"
    if seen.original:
        faults[Fault.REFUSED] = f"{code}: {line['Error Detail']}"
    return faults


def _of_result(line: Mapping[str, str], seen: Seen, percent: int, strip: bool) -> dict[Fault, str]:
    faults = _bytes(line, percent)
    if strip and seen.metadata:
        faults[Fault.METADATA] = ", ".join(seen.metadata)
    if not seen.original:
        faults[Fault.TAKEN] = f"as {line['Format']}, {line['Width In']} x {line['Height In']}"
        return faults
    if not seen.result:
        faults[Fault.NOT_SHOWN] = f"{line['Format']}, {line['Action']}"
        return faults
    faults |= _size(line, seen.original, seen.result) | _animation(line["Format"], seen.original, seen.result)
    if seen.turned:
        faults[Fault.TURNED] = "another orientation fits better"
    return faults | _look(line["Format"], seen.differences)


def _bytes(line: Mapping[str, str], percent: int) -> dict[Fault, str]:
    given, made = int(line["Bytes In"]), int(line["Bytes Out"])
    if made > given or (line["Target Met"] == "yes" and 100 * made > percent * given):
        return {Fault.BYTES: f"{made} of {given}"}
    return {}


def _size(line: Mapping[str, str], original: Shown, result: Shown) -> dict[Fault, str]:
    reported = tuple(int(line[name]) for name in ("Width In", "Height In", "Width Out", "Height Out"))
    shown = (original.width, original.height, result.width, result.height)
    height = original.height * result.width / original.width
    width = original.width * result.height / original.height
    proportional = abs(height - result.height) <= 1 or abs(width - result.width) <= 1
    if reported != shown or not proportional:
        return {
            Fault.SIZE: "{} x {} to {} x {} reported".format(*reported) + ", {} x {} to {} x {} shown".format(*shown)
        }
    return {}


def _animation(kind: str, original: Shown, result: Shown) -> dict[Fault, str]:
    before, after = original.milliseconds, result.milliseconds
    if kind in {"jpeg", "tiff", "bmp"} or not (before or after):
        return {}
    times = f"{len(before) or 1} frames in {sum(before):.0f} ms to {len(after) or 1} in {sum(after):.0f} ms"
    if bool(before) != bool(after):
        return {Fault.FRAMES: times}
    if abs(sum(before) - sum(after)) > _MILLISECONDS * len(before):
        return {Fault.TIMING: times}
    if original.plays != result.plays and kind != "avif":  # an AVIF cannot say how often
        return {Fault.TIMING: f"played {original.plays or 'endless'} times to {result.plays or 'endless'}"}
    return {}


def _look(kind: str, differences: Sequence[Difference]) -> dict[Fault, str]:
    faults = {}
    alpha = max((each.alpha for each in differences), default=0.0)
    if alpha > MAX_ALPHA and kind != "jpeg":
        faults[Fault.ALPHA] = f"mean difference {alpha:.2f} of 1"
    worst = max(differences, key=lambda each: max(each.mean / MAX_MEAN, each.shift / MAX_SHIFT), default=None)
    if worst and (worst.mean > MAX_MEAN or worst.shift > MAX_SHIFT):
        faults[Fault.COLOUR] = f"mean {worst.mean:.1f}, worst tile {worst.worst_tile:.1f}, shift {worst.shift:.1f}"
    return faults
