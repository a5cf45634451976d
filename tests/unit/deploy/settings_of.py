"""Which settings each service has: read from its own composition, so that no list of them can go stale."""

from typing import get_type_hints

from pydantic.fields import FieldInfo

from services.aggregator.settings import AggregatorSettings
from services.compressor.settings import CompressorSettings
from services.downloader.settings import DownloaderSettings
from services.gateway.settings import GatewaySettings

COMPOSITIONS = {
    "gateway": GatewaySettings,
    "downloader": DownloaderSettings,
    "compressor": CompressorSettings,
    "aggregator": AggregatorSettings,
}


def settings_of(service: str) -> dict[str, FieldInfo]:
    """The service's settings by the name of their environment variable."""
    return {
        name.upper(): field
        for block in get_type_hints(COMPOSITIONS[service]).values()
        for name, field in block.model_fields.items()
    }
