"""The list of all messages."""

from shared.contracts.messages.base import Message
from shared.contracts.messages.broadcasts import DropRounds
from shared.contracts.messages.commands import CompressImage, DeliverWebhook, DownloadImage, FinishRequest
from shared.contracts.messages.probes import ImagesProbed, ProbeImages
from shared.contracts.messages.reports import CompressionsReported, DownloadsReported, ResultsRecorded
from shared.contracts.messages.results import ImageCompressed, ImageDeferred, ImageFailed
from shared.contracts.messages.webhook_tests import SendTestWebhook, WebhookTested

MESSAGES: tuple[type[Message], ...] = (
    DownloadImage,
    CompressImage,
    ImageCompressed,
    ImageFailed,
    ImageDeferred,
    FinishRequest,
    DropRounds,
    DownloadsReported,
    CompressionsReported,
    ResultsRecorded,
    DeliverWebhook,
    SendTestWebhook,
    WebhookTested,
    ProbeImages,
    ImagesProbed,
)
"""In the order of docs/messages.md."""
