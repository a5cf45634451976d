"""What is kept of a file after it was judged: no pixels, so that thousands fit in memory."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tests.corpus.verdict import Verdict
from tests.oracle import Difference


@dataclass(frozen=True, slots=True)
class Judged:
    """One file of the corpus.

    line: its row of the report. shown: whether the oracle shows the original. worst: the difference of the frame that
    differs most. original, result: the paths of small pictures beside the report, empty without one.
    """

    name: str
    sha256: str
    line: Mapping[str, str]
    shown: bool
    verdict: Verdict
    worst: Difference | None
    original: str
    result: str

    @property
    def compressed(self) -> bool:
        return self.line["State"] == "compressed"

    def record(self) -> dict[str, Any]:
        """For the summary in JSON."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "state": self.line["State"],
            "error_code": self.line["Error Code"],
            "error_detail": self.line["Error Detail"],
            "format": self.line["Format"],
            "action": self.line["Action"],
            "bytes_in": self.line["Bytes In"],
            "bytes_out": self.line["Bytes Out"],
            "ssim": self.line["SSIM"],
            "shown": self.shown,
            "faults": {fault.name.lower(): text for fault, text in self.verdict.faults.items()},
            "score": self.verdict.score,
            "difference": asdict(self.worst) if self.worst else None,
        }
