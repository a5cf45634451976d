""".env.example lists every setting with its default, in words that the services read back as that default."""

import re
import shlex
from typing import get_type_hints

import pytest

from dev.docs.env_example import SERVICE_SETTINGS, settings_of
from tests.support.tree import ROOT

FILE = ROOT / ".env.example"
_ENTRY = re.compile(r"^# ([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)


@pytest.mark.parametrize("service", SERVICE_SETTINGS)
def test_every_setting_has_a_meaning(service: str) -> None:
    assert {name for name, field in settings_of(service).items() if not field.description} == set()


@pytest.mark.parametrize("service", SERVICE_SETTINGS)
def test_what_is_written_is_read_back_as_the_default(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = dict(_ENTRY.findall(FILE.read_text()))
    for name, field in settings_of(service).items():
        required = "amqp://anywhere" if field.is_required() else ""
        monkeypatch.setenv(name, required or "".join(shlex.split(written[name])))
    monkeypatch.setenv("WEBHOOK_SECRET", "whsec_" + "A" * 32)
    for block in get_type_hints(SERVICE_SETTINGS[service]).values():
        loaded = block()
        for name, field in block.model_fields.items():
            if not field.is_required() and name != "public_base_url":  # which is made of the port
                assert getattr(loaded, name) == field.default, name
