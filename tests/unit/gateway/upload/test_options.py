"""Options are parsed to typed values, completed with defaults, and all errors are reported at once."""

from typing import get_args

import pytest

from services.gateway.upload.option_table import OPTIONS, UPLOAD_OPTIONS, VALIDATION_OPTIONS
from services.gateway.upload.options import UploadOptions, read_options
from services.gateway.upload.request_options import ProfileChoice, RequestOptions
from services.gateway.upload.retention_policy import RetentionPolicy
from services.gateway.web import InputError, Problem
from shared.catalogue import Profile
from shared.contracts.messages import CompressOptions
from shared.url_policy import AddressPolicy

PLAIN = UploadOptions()


def read(*given: tuple[str, str], defaults: UploadOptions = PLAIN) -> UploadOptions:
    return read_options(given, defaults, AddressPolicy(), RetentionPolicy(default=30, longest=365))


def errors(*given: tuple[str, str]) -> list[InputError]:
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
def test_a_compression_option_is_parsed(option: str, written: str, meant: object) -> None:
    options = read((option, written)).compress

    assert options == CompressOptions.model_validate({option: meant})
    assert type(getattr(options, option)) is type(meant)


@pytest.mark.parametrize(
    ("option", "written", "meant"),
    [
        ("profile", "auto", "auto"),
        *(("profile", profile.value, profile.value) for profile in Profile),
        ("on_invalid", "skip", "skip"),
        ("on_invalid", " reject ", "reject"),
        ("dry_run", "true", True),
        ("dry_run", "False", False),
    ],
)
def test_a_request_option_is_parsed(option: str, written: str, meant: object) -> None:
    options = read((option, written))

    assert options.request == RequestOptions.model_validate({option: meant})
    assert options.compress == CompressOptions()


def test_profile_auto_names_no_profile() -> None:
    assert read(("profile", "shopify")).request.named_profile is Profile.SHOPIFY
    assert read(("profile", "auto")).request.named_profile is None
    assert read().request.named_profile is None


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
        *(("profile", value) for value in ("Shopify", "shopware", "none", "1")),
        *(("on_invalid", value) for value in ("fail", "Skip", "true")),
        *(("dry_run", value) for value in ("1", "yes", "on")),
    ],
)
def test_an_invalid_value_is_refused(option: str, written: str) -> None:
    [error] = errors((option, written))

    assert error.option == option
    assert error.detail.startswith(f"{option} is ")
    assert error.detail.endswith(f", not {written[:64]!r}")


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
        (
            "profile",
            "profile is auto, generic, shopify, woocommerce, magento, prestashop, bigcommerce, ebay, amazon, meta,"
            " google or numbered, not 'x'",
        ),
        ("on_invalid", "on_invalid is skip or reject, not 'x'"),
        ("dry_run", "dry_run is true or false, not 'x'"),
        ("webhook_url", "webhook_url cannot be called: not an http or https URL"),
    ],
)
def test_the_error_states_the_valid_values(option: str, detail: str) -> None:
    [error] = errors((option, "x"))

    assert error.detail.startswith(detail)


def test_all_errors_are_reported_at_once() -> None:
    reported = errors(
        ("percent", "0"),
        ("mode", "fast"),
        ("format", "bmp"),
        ("max_width", "-1"),
        ("max_height", "big"),
        ("min_quality", "99"),
        ("allow_resize", "maybe"),
        ("metadata", "some"),
        ("profile", "shopware"),
        ("encoding", "utf-7"),
        ("on_invalid", "ask"),
        ("dry_run", "perhaps"),
        ("retention_days", "0"),
        ("webhook_url", "http://127.0.0.1/"),
        ("quality", "80"),
        ("percent", "200"),
    )

    assert sorted(error.option or "" for error in reported) == sorted([*UPLOAD_OPTIONS, "percent", "quality"]), (
        "give each new option a value above that it cannot have"
    )


def test_the_error_for_an_unknown_option_lists_the_options() -> None:
    [error] = errors(("quality", "80"))

    assert error.detail == (
        "'quality' is not an option; the options are percent, mode, format, max_width, max_height, min_quality, "
        "allow_resize, metadata, profile, encoding, on_invalid, dry_run, retention_days and "
        "webhook_url"
    )


def test_a_long_name_is_shortened() -> None:
    [error] = errors(("x" * 500, "1"))

    assert error.option == "x" * 64


@pytest.mark.parametrize(("written", "meant"), [("1", 1), ("365", 365), ("", None)])
def test_a_request_chooses_its_retention_up_to_the_limit(written: str, meant: int | None) -> None:
    assert read(("retention_days", written)).request.retention_days == meant


@pytest.mark.parametrize(
    ("written", "detail"),
    [
        ("0", "a whole number from 1 to 36500"),
        ("36501", "a whole number from 1 to 36500"),
        ("1.5", "a whole number from 1 to 36500"),
        ("366", "at most 365 in this installation, not 366"),
    ],
)
def test_a_retention_beyond_the_limit_is_refused(written: str, detail: str) -> None:
    [error] = errors(("retention_days", written))
    assert error.option == "retention_days"
    assert detail in error.detail


def test_a_validation_accepts_all_options_of_an_upload_except_dry_run() -> None:
    with pytest.raises(Problem) as refused:
        read_options(
            [("dry_run", "true"), ("percent", "0")],
            PLAIN,
            AddressPolicy(),
            RetentionPolicy(None, None),
            VALIDATION_OPTIONS,
        )

    reported = refused.value.document.errors or []
    assert [error.option for error in reported] == ["dry_run", "percent"]
    assert "dry_run" not in reported[0].detail.partition(";")[2]
    assert {*UPLOAD_OPTIONS} - {*VALIDATION_OPTIONS} == {"dry_run"}


def test_a_missing_or_blank_option_has_its_default() -> None:
    compress = CompressOptions(percent=70, format="auto", max_width=2000, allow_resize=False)
    defaults = UploadOptions(compress, RequestOptions(on_invalid="reject"))

    assert read(("percent", " "), ("allow_resize", ""), ("on_invalid", ""), defaults=defaults) == defaults
    assert read(
        ("percent", "30"), ("max_width", "65535"), ("on_invalid", "skip"), ("profile", "google"), defaults=defaults
    ) == UploadOptions(
        CompressOptions(percent=30, format="auto", max_width=65535, allow_resize=False),
        RequestOptions(profile="google"),
    )


def test_every_field_of_the_option_models_is_in_the_table() -> None:
    assert set(OPTIONS) == {*CompressOptions.model_fields, *RequestOptions.model_fields}
    assert all("type" in option.schema and option.description for option in OPTIONS.values())


def test_every_profile_is_a_value_of_the_option() -> None:
    assert OPTIONS["profile"].schema["enum"] == ["auto", *Profile]


def test_every_profile_can_be_chosen() -> None:
    assert get_args(ProfileChoice) == ("auto", *Profile)
