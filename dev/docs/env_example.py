"""The text of .env.example, from the settings of the services."""

import json
import shlex
import textwrap
from collections.abc import Iterator
from typing import Any, get_type_hints

from pydantic.fields import FieldInfo

from services.aggregator.settings import AggregatorSettings
from services.compressor.settings import CompressorSettings
from services.downloader.settings import DownloaderSettings
from services.gateway.settings import GatewaySettings

SERVICE_SETTINGS = {
    "gateway": GatewaySettings,
    "downloader": DownloaderSettings,
    "compressor": CompressorSettings,
    "aggregator": AggregatorSettings,
}

_HEAD = """\
# Every setting with its meaning, the services that read it, and its default. An empty value means the default.
#
# Generated from the settings of the services: change them there, then run `make docs`.
#
# docker compose reads a copy of this file named .env. Services started by hand, and `make run`, take their settings
# from the environment:  set -a; . ./.env; set +a

# --- Compose only ----------------------------------------------------------------------------------------------------
# User names and passwords of the servers. Compose builds RABBITMQ_URL, MONGODB_URL and OBJECT_STORE_URL from them, so
# they may contain only letters and digits. Set them before the first start: the servers store them in their volumes.
#   openssl rand -hex 24
# RABBITMQ_USER=imagemill
# RABBITMQ_PASSWORD=development
# S3_ACCESS_KEY=imagemill
# S3_SECRET_KEY=development
# S3_BUCKET=imagemill
"""


def settings_of(service: str) -> dict[str, FieldInfo]:
    """The service's settings by the name of their environment variable."""
    return {
        name.upper(): field
        for block in get_type_hints(SERVICE_SETTINGS[service]).values()
        for name, field in block.model_fields.items()
    }


def env_example() -> str:
    """The file's text."""
    return _HEAD + "".join(_sections())


def _sections() -> Iterator[str]:
    readers: dict[tuple[str, ...], list[str]] = {}
    fields: dict[str, FieldInfo] = {}
    for service in SERVICE_SETTINGS:
        fields |= settings_of(service)
    for name in fields:
        who = tuple(service for service in SERVICE_SETTINGS if name in settings_of(service))
        readers.setdefault(who, []).append(name)
    for who, names in sorted(readers.items(), key=lambda section: -len(section[0])):
        title = "every service" if len(who) == len(SERVICE_SETTINGS) else ", ".join(who)
        yield f"\n# --- {title} ".ljust(120, "-") + "\n"
        yield "\n".join(_entry(name, fields[name]) for name in names)


def _entry(name: str, field: FieldInfo) -> str:
    meaning = f"{field.description}{' Required.' if field.is_required() else ''}"
    comment = textwrap.fill(meaning, width=118, initial_indent="# ", subsequent_indent="# ")
    return f"{comment}\n# {name}={'' if field.is_required() else shlex.join(_words(field.default))}\n"


def _words(default: Any) -> list[str]:
    """The value as the environment wants it; no word for none."""
    if default in (None, "", (), frozenset()):
        return []
    if isinstance(default, str):
        return [default]
    if isinstance(default, frozenset):
        return [",".join(map(str, sorted(default)))]
    return [json.dumps(default)]
