"""The messages between the services: commands are imperative, results past tense. They carry ids and keys, no images.

A reader ignores fields that it does not know, so a newer sender may add some; a missing field without a default is an
error. docs/messages.md is generated from these classes and the fields' descriptions.
"""

from shared.contracts.messages.base import ImageMessage, Message, about, moment
from shared.contracts.messages.broadcasts import DropRounds, RoundToDrop
from shared.contracts.messages.commands import (
    MAX_WEBHOOK_SECONDS,
    CompressImage,
    DeliverWebhook,
    DownloadImage,
    FinishRequest,
    KnownResult,
)
from shared.contracts.messages.options import CompressOptions, MetadataPolicy, Mode, OutputFormat
from shared.contracts.messages.probes import MAX_PROBE_SECONDS, FetchBounds, ImagesProbed, ProbedImage, ProbeImages
from shared.contracts.messages.registry import MESSAGES
from shared.contracts.messages.reports import (
    MAX_REPORTED,
    CompressionsReported,
    DownloadsReported,
    EndedDownload,
    RecordedResult,
    Report,
    ReportedImage,
    ResultsRecorded,
)
from shared.contracts.messages.results import (
    ImageCompressed,
    ImageDeferred,
    ImageFailed,
    ImageResult,
    ResultFigures,
    decoder_ms,
)
from shared.contracts.messages.webhook_tests import (
    MAX_TEST_WAIT_SECONDS,
    WEBHOOK_TESTS_AT_ONCE,
    SendTestWebhook,
    WebhookTested,
)

__all__ = [
    "MAX_PROBE_SECONDS",
    "MAX_REPORTED",
    "MAX_TEST_WAIT_SECONDS",
    "MAX_WEBHOOK_SECONDS",
    "MESSAGES",
    "WEBHOOK_TESTS_AT_ONCE",
    "CompressImage",
    "CompressOptions",
    "CompressionsReported",
    "DeliverWebhook",
    "DownloadImage",
    "DownloadsReported",
    "DropRounds",
    "EndedDownload",
    "FetchBounds",
    "FinishRequest",
    "ImageCompressed",
    "ImageDeferred",
    "ImageFailed",
    "ImageMessage",
    "ImageResult",
    "ImagesProbed",
    "KnownResult",
    "Message",
    "MetadataPolicy",
    "Mode",
    "OutputFormat",
    "ProbeImages",
    "ProbedImage",
    "RecordedResult",
    "Report",
    "ReportedImage",
    "ResultFigures",
    "ResultsRecorded",
    "RoundToDrop",
    "SendTestWebhook",
    "WebhookTested",
    "about",
    "decoder_ms",
    "moment",
]
