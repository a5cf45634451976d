"""Probes some images of a catalogue through the downloaders, and estimates what processing all of them will take."""

from services.gateway.probe.client import ProbeClient, Unanswered, probe_replies
from services.gateway.probe.schemas import (
    NDJSON,
    EstimateBasis,
    EstimatedBytes,
    EstimateLine,
    ProbeLine,
    ValidationLine,
)
from services.gateway.probe.stream import ProbeStream

__all__ = [
    "NDJSON",
    "EstimateBasis",
    "EstimateLine",
    "EstimatedBytes",
    "ProbeClient",
    "ProbeLine",
    "ProbeStream",
    "Unanswered",
    "ValidationLine",
    "probe_replies",
]
