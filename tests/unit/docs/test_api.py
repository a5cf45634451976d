"""The JSON documents in docs/api.md are documents of the API's models, with all of their fields."""

import json
import re
import textwrap
from typing import Any

import pytest
from pydantic import BaseModel

from services.gateway.web import (
    CancelAccepted,
    CatalogueValidation,
    DeliveryList,
    ProblemDocument,
    RequestDetails,
    RetryAccepted,
    UploadAccepted,
    WebhookTestResult,
)
from tests.support.tree import ROOT

_DOCUMENT = re.compile(r"^    \{\n(?:    .*\n)*?    \}$", re.MULTILINE)
EXAMPLES: list[dict[str, Any]] = [
    json.loads(textwrap.dedent(text)) for text in _DOCUMENT.findall((ROOT / "docs" / "api.md").read_text("utf-8"))
]
EXPECTED = (
    UploadAccepted,
    CatalogueValidation,
    RequestDetails,
    CancelAccepted,
    RetryAccepted,
    DeliveryList,
    WebhookTestResult,
    ProblemDocument,
    ProblemDocument,
)


def test_there_is_one_example_of_each_kind() -> None:
    assert len(EXAMPLES) == len(EXPECTED)


@pytest.mark.parametrize(("example", "model"), list(zip(EXAMPLES, EXPECTED, strict=False)))
def test_an_example_has_the_fields_of_its_model(example: dict[str, Any], model: type[BaseModel]) -> None:
    document = model.model_validate(example)

    assert json.loads(document.model_dump_json(exclude_unset=True)) == example
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required <= example.keys()
