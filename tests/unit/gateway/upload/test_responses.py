"""The responses about a catalogue."""

import pytest

from services.gateway.catalogue import CatalogueRefused, Finding, Inspection
from services.gateway.upload.responses import catalogue_validation, encoding_name, upload_accepted
from services.gateway.web import bad_catalogue, refused_slots
from shared.catalogue import Dialect, Profile
from tests.support.builders import REQUEST_ID, a_catalogue_format

WHOLE_FILE = Finding("decoded as Windows-1252", "Save it as UTF-8.", severity="warning")
A_SLOT = Finding(
    "no URL", "Give the whole address.", row=3, line=4, column="Image", text="x.png", severity="slot_error"
)
INSPECTION = Inspection(
    catalogue_format=a_catalogue_format(
        profile=Profile.SHOPIFY, dialect=Dialect("\t", "cp1252", bom=False, line_end="\n")
    ),
    rows=7,
    products=4,
    slots=9,
    images=8,
    refused_slots=1,
    accepted_images=7,
    slots_by_host={"b.test": 5, "a.test": 3},
    more_hosts=2,
    findings=(WHOLE_FILE, A_SLOT),
    more_findings=6,
    samples={},
)
FINDINGS = [
    {
        "severity": "warning",
        "row": None,
        "line": None,
        "column": None,
        "text": None,
        "problem": "decoded as Windows-1252",
        "advice": "Save it as UTF-8.",
    },
    {
        "severity": "slot_error",
        "row": 3,
        "line": 4,
        "column": "Image",
        "text": "x.png",
        "problem": "no URL",
        "advice": "Give the whole address.",
    },
]
FOUND = {
    "profile": "shopify",
    "delimiter": "\t",
    "encoding": "cp1252",
    "rows": 7,
    "products": 4,
    "slots": 9,
    "images": 8,
    "refused_slots": 1,
    "findings": FINDINGS,
    "more_findings": 6,
}


def test_a_validation_has_all_findings_and_the_hosts_in_their_order() -> None:
    response = catalogue_validation(INSPECTION).model_dump(mode="json")

    assert response == {**FOUND, "slots_by_host": {"b.test": 5, "a.test": 3}, "more_hosts": 2}
    assert list(response["slots_by_host"]) == ["b.test", "a.test"]


def test_the_response_to_an_upload_begins_with_its_id() -> None:
    response = upload_accepted(REQUEST_ID, INSPECTION).model_dump(mode="json")

    assert response == {"request_id": REQUEST_ID, "status": "Pending", **FOUND}
    assert next(iter(response)) == "request_id"


@pytest.mark.parametrize(
    ("encoding", "bom", "name"),
    [
        ("utf-8", False, "utf-8"),
        ("utf-8", True, "utf-8-sig"),
        ("utf-16-le", True, "utf-16"),
        ("utf-16-be", True, "utf-16"),
        ("utf-16-le", False, "utf-16-le"),
        ("cp1252", False, "cp1252"),
    ],
)
def test_the_name_of_an_encoding_decodes_the_file_without_its_byte_order_mark(
    encoding: str, bom: bool, name: str
) -> None:
    data = ("\ufeff" * bom + "Ö").encode(encoding)

    assert encoding_name(Dialect(",", encoding, bom, "\n")) == name
    assert data.decode(name) == "Ö"


def test_a_refusal_has_the_findings_in_the_same_shape() -> None:
    faulty = bad_catalogue(CatalogueRefused(INSPECTION.findings, 6)).document.model_dump(mode="json")
    all_or_nothing = refused_slots(INSPECTION.findings, 6).document.model_dump(mode="json")

    for document in (faulty, all_or_nothing):
        assert (document["status"], document["findings"], document["more_findings"]) == (400, FINDINGS, 6)
        assert document["detail"].startswith("8 findings")
        assert "2 of them are listed" in document["detail"]
    assert faulty["type"] != all_or_nothing["type"]
    assert faulty["title"] != all_or_nothing["title"]


def test_a_problem_document_leaves_out_unset_members() -> None:
    problem = bad_catalogue(CatalogueRefused((WHOLE_FILE,)))

    assert b'"errors"' not in bytes(problem.response().body)
    assert b'"column":null' in bytes(problem.response().body)
