"""Options are read from what a client wrote: typed, complete with defaults, and all that is wrong said at once."""

import pytest

from services.gateway.openapi import upload
from services.gateway.option_schemas import SCHEMAS
from services.gateway.problems import Problem
from services.gateway.schemas import Fault
from services.gateway.upload_options import OPTIONS, UploadOptions, read_options
from shared.contracts.messages import CompressOptions
from shared.outbound.address_guard import AddressPolicy

PLAIN = CompressOptions()


def read(*given: tuple[str, str], defaults: CompressOptions = PLAIN) -> UploadOptions:
    return read_options(given, defaults, AddressPolicy())


def faults(*given: tuple[str, str]) -> list[Fault]:
    with pytest.raises(Problem) as refused:
        read(*given)
    assert refused.value.document.status == 422
    return refused.value.document.errors or []


@pytest.mark.parametrize(
    ("option", "written", "meant"),
    [
        ("percent", "1", 1),
        ("percent", " 99 ", 99),
        ("mode", "size", "size"),
        ("mode", "quality", "quality"),
        ("mode", "dimensions", "dimensions"),
        ("format", "keep", "keep"),
        ("format", "jpeg", "jpeg"),
        ("format", "webp", "webp"),
        ("format", "avif", "avif"),
        ("format", "auto", "auto"),
        ("max_width", "1", 1),
        ("max_width", "65535", 65535),
        ("max_height", "800", 800),
        ("min_quality", "1", 1),
        ("min_quality", "95", 95),
        ("allow_resize", "true", True),
        ("allow_resize", "false", False),
        ("allow_resize", "False", False),
        ("metadata", "strip", "strip"),
        ("metadata", "copyright", "copyright"),
        ("metadata", "keep", "keep"),
    ],
)
def test_an_option_is_what_was_written(option: str, written: str, meant: object) -> None:
    asked = read((option, written)).compress

    assert asked == CompressOptions.model_validate({option: meant})
    assert type(getattr(asked, option)) is type(meant)


@pytest.mark.parametrize(
    ("option", "written"),
    [
        *(("percent", value) for value in ("0", "100", "-5", "+5", "12.5", "050", "5_0", "50%", "½", "५", "9" * 500)),
        *(("mode", value) for value in ("bytes", "SIZE", "size quality", "1")),
        *(("format", value) for value in ("png", "jpg", "JPEG", "image/webp", "true")),
        *(("max_width", value) for value in ("0", "65536", "none", "null", "800px", "true")),
        *(("max_height", value) for value in ("0", "65536", "1e3")),
        *(("min_quality", value) for value in ("0", "96", "low")),
        *(("allow_resize", value) for value in ("1", "0", "yes", "off", "truth")),
        *(("metadata", value) for value in ("all", "none", "exif")),
    ],
)
def test_a_value_that_an_option_cannot_have_is_refused(option: str, written: str) -> None:
    [fault] = faults((option, written))

    assert fault.option == option
    assert fault.detail.startswith(f"{option} is ")
    assert fault.detail.endswith(f", not {written[:64]!r}")


@pytest.mark.parametrize(
    ("option", "detail"),
    [
        ("percent", "percent is a whole number from 1 to 99, not 'x'"),
        ("mode", "mode is size, quality or dimensions, not 'x'"),
        ("format", "format is keep, jpeg, webp, avif or auto, not 'x'"),
        ("max_width", "max_width is a whole number from 1 to 65535, not 'x'"),
        ("max_height", "max_height is a whole number from 1 to 65535, not 'x'"),
        ("min_quality", "min_quality is a whole number from 1 to 95, not 'x'"),
        ("allow_resize", "allow_resize is true or false, not 'x'"),
        ("metadata", "metadata is strip, copyright or keep, not 'x'"),
        ("webhook_url", "webhook_url cannot be called: not an http or https URL"),
    ],
)
def test_a_refusal_says_what_the_option_may_be(option: str, detail: str) -> None:
    [fault] = faults((option, "x"))

    assert fault.detail.startswith(detail)


def test_all_faults_are_told_at_once() -> None:
    told = faults(
        ("percent", "0"),
        ("mode", "fast"),
        ("format", "bmp"),
        ("max_width", "-1"),
        ("max_height", "big"),
        ("min_quality", "99"),
        ("allow_resize", "maybe"),
        ("metadata", "some"),
        ("webhook_url", "http://127.0.0.1/"),
        ("quality", "80"),
        ("percent", "200"),
    )

    assert sorted(fault.option or "" for fault in told) == sorted([*OPTIONS, "percent", "quality"])


def test_an_unknown_option_is_answered_with_those_there_are() -> None:
    [fault] = faults(("quality", "80"))

    assert fault.detail == (
        "'quality' is no option; the options are percent, mode, format, max_width, max_height, min_quality, "
        "allow_resize, metadata and webhook_url"
    )


def test_what_is_not_given_or_blank_has_its_default() -> None:
    defaults = CompressOptions(percent=70, format="auto", max_width=2000, allow_resize=False)

    assert read(("percent", " "), ("allow_resize", ""), defaults=defaults).compress == defaults
    assert read(("percent", "30"), ("max_width", "65535"), defaults=defaults).compress == CompressOptions(
        percent=30, format="auto", max_width=65535, allow_resize=False
    )


def test_every_option_is_documented_for_form_and_query() -> None:
    described = upload(CompressOptions(percent=70, max_width=2000))
    form = described["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    query = {parameter["name"]: parameter["schema"] for parameter in described["parameters"]}

    assert set(form) == {"file", *OPTIONS}
    assert set(query) == set(OPTIONS)
    assert all(schema["description"] for schema in (*form.values(), *query.values()))
    defaults = {name: schema["default"] for name, schema in form.items() if "default" in schema}
    assert defaults == {
        "percent": 70,
        "mode": "size",
        "format": "keep",
        "max_width": 2000,
        "min_quality": 30,
        "allow_resize": True,
        "metadata": "strip",
    }
    assert not any("default" in schema for schema in query.values())


def test_every_field_of_the_options_has_a_schema() -> None:
    assert set(SCHEMAS) == set(CompressOptions.model_fields)
