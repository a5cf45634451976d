"""report.csv has one line for each slot, with the outcome of its image."""

import csv
import io
from dataclasses import replace

import pytest

from services.aggregator.outputs.report_csv import COLUMNS, ReportCsv
from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode
from shared.contracts.records import Image, Product
from tests.support.aggregating import BASE_URL, a_compressed_image, a_failed_image, a_product, a_result


def reported(*slots: tuple[Product, int, Image], guard: bool = True) -> list[dict[str, str]]:
    sink = io.StringIO(newline="")
    report = ReportCsv(sink, BASE_URL, guard_formulas=guard)
    for slot in slots:
        report.write(*slot)
    return list(csv.DictReader(io.StringIO(sink.getvalue(), newline=""), strict=True))


def test_the_line_of_a_compressed_image_has_its_figures() -> None:
    image = a_compressed_image("http://i/1.jpg", result=a_result("results/r/one-1.jpg"), attempts=2)

    assert reported((a_product(7, "http://i/0.jpg", "http://i/1.jpg"), 2, image)) == [
        {
            "Serial Number": "7",
            "Product Name": "Product 7",
            "Position": "2",
            "Input Image Url": "http://i/1.jpg",
            "Output Image Url": "http://imagemill.test/results/r/one-1.jpg",
            "State": "compressed",
            "Error Code": "",
            "Error Detail": "",
            "Action": "compressed",
            "Format": "jpeg",
            "Quality": "71",
            "Width In": "1600",
            "Height In": "1200",
            "Width Out": "800",
            "Height Out": "600",
            "Bytes In": "1000",
            "Bytes Out": "498",
            "Saved %": "50.2",
            "Target Met": "yes",
            "SSIM": "0.9731",
            "Lost": "",
            "Encodes": "2",
            "Fetch Ms": "12",
            "Compress Ms": "34",
            "Attempts": "2",
            "Reused": "",
            "Retryable": "",
            "Owner": "",
            "Advice": "",
        }
    ]


def test_a_kept_original_has_no_quality_and_saves_nothing() -> None:
    kept = a_result(action="kept_original", quality=None, target_met=False, bytes_in=70, bytes_out=70)

    (line,) = reported((a_product(1, "http://i/1.png"), 1, a_compressed_image("http://i/1.png", result=kept)))

    assert (line["Action"], line["Quality"], line["Saved %"], line["Target Met"]) == ("kept_original", "", "0.0", "no")


@pytest.mark.parametrize("how", ["unchanged", "same_bytes"])
def test_a_copied_result_shows_how_it_was_reused(how: str) -> None:
    image = a_compressed_image("http://i/1.jpg", result=a_result(reused=how))

    (line,) = reported((a_product(1, "http://i/1.jpg"), 1, image))

    assert line["Reused"] == how


@pytest.mark.parametrize("what", ["hdr", "gain_map"])
def test_what_a_result_lost_is_named(what: str) -> None:
    image = a_compressed_image("http://i/1.jpg", result=a_result(lost=what))

    (line,) = reported((a_product(1, "http://i/1.jpg"), 1, image))

    assert line["Lost"] == what


def test_a_figure_that_was_not_measured_is_empty() -> None:
    earlier = a_result(original_width=None, original_height=None, ssim=None)

    (line,) = reported((a_product(1, "http://i/1.jpg"), 1, a_compressed_image("http://i/1.jpg", result=earlier)))

    assert (line["Width In"], line["Height In"], line["SSIM"]) == ("", "", "")


@pytest.mark.parametrize(
    ("bytes_in", "bytes_out", "saved"), [(3000, 1000, "66.7"), (1000, 1, "99.9"), (1000, 1000, "0.0")]
)
def test_saved_percent_is_relative_to_the_original(bytes_in: int, bytes_out: int, saved: str) -> None:
    result = a_result(bytes_in=bytes_in, bytes_out=bytes_out)

    (line,) = reported((a_product(1, "http://i/1.jpg"), 1, a_compressed_image("http://i/1.jpg", result=result)))

    assert line["Saved %"] == saved


def test_a_failed_image_has_an_error_and_no_output() -> None:
    (line,) = reported((a_product(1, "http://i/1.jpg"), 1, a_failed_image("http://i/1.jpg", attempts=6)))

    assert line["State"] == "failed"
    assert line["Error Code"] == "http_404"
    assert line["Error Detail"] == "the host answered 404"
    assert line["Attempts"] == "6"
    assert (line["Retryable"], line["Owner"]) == ("no", "csv")
    assert line["Advice"] == ERROR_GUIDES[ErrorCode.HTTP_404].advice
    figures = list(COLUMNS)[list(COLUMNS).index("Action") : list(COLUMNS).index("Attempts")]
    assert {line[name] for name in ("Output Image Url", *figures)} == {""}


def test_untrusted_text_is_guarded() -> None:
    product = a_product(1, "=cmd()", serial_number="-1", product_name="@SUM(A1)")
    failed = replace(
        a_failed_image("http://i/1.jpg", error_code=ErrorCode.INVALID_URL, error_detail="=not a URL"), url="=cmd()"
    )

    (line,) = reported((product, 1, failed))
    assert (line["Serial Number"], line["Product Name"]) == ("-1", "'@SUM(A1)")
    assert (line["Input Image Url"], line["Error Detail"]) == ("'=cmd()", "'=not a URL")

    (line,) = reported((product, 1, failed), guard=False)
    assert (line["Product Name"], line["Input Image Url"]) == ("@SUM(A1)", "=cmd()")
