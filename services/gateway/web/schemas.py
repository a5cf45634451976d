"""What the API says, as the OpenAPI document describes it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.gateway.catalogue.findings import Severity
from shared.catalogue.format import Profile
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions
from shared.contracts.states import RequestStatus

REQUEST_ID = "01KAP2Y3Q4R5S6T7V8W9XAYBZC"


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class FindingAnswer(Answer):
    """One thing that was found in a catalogue. All of its place is null where the whole file is meant."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    severity: Severity = Field(
        description="error: the file is refused. slot_error: that slot fails, the rest is processed."
        " warning: it was corrected, or looks odd.",
        examples=["slot_error"],
    )
    row: int | None = Field(description="As a spreadsheet counts: the header is usually row 1.", examples=[3])
    line: int | None = Field(description="Line of the text, since cells may span lines.", examples=[4])
    column: str | None = Field(description="The column's name.", examples=["Input Image Urls"])
    text: str | None = Field(description="What stands there, cut short.", examples=["lamp.png"])
    problem: str = Field(examples=["a file's name, no URL"])
    advice: str = Field(examples=["Write the whole address."])


class CatalogueFound(Answer):
    """What a usable catalogue is, and what was found in it."""

    profile: Profile = Field(description="Whose columns it has.", examples=["generic"])
    delimiter: str = Field(description="What stands between its cells.", examples=[","])
    encoding: str = Field(
        description="utf-8, utf-8-sig (that is UTF-8 with a byte order mark), utf-16, utf-16-le or utf-16-be (that is"
        " without one), or cp1252.",
        examples=["utf-8-sig"],
    )
    rows: int = Field(description="Data rows.", examples=[60])
    products: int = Field(description="Rows, or handles where several rows make a product.", examples=[60])
    urls: int = Field(description="Image slots: each URL as often as it stands there.", examples=[91])
    distinct_urls: int = Field(description="Each is downloaded and compressed once.", examples=[90])
    refused_slots: int = Field(description="Image slots that fail as they stand.", examples=[1])
    findings: list[FindingAnswer] = Field(description="Refused slots and warnings, at most a thousand of them.")
    more_findings: int = Field(description="How many more there are.", examples=[0])


class ValidationAnswer(CatalogueFound):
    """What an upload of the catalogue would find and do. Nothing was stored."""

    hosts: dict[str, int] = Field(
        description="How many image slots each host has, the largest first.",
        examples=[{"shop.example": 88, "cdn.example": 2}],
    )
    more_hosts: int = Field(description="How many hosts are left out.", examples=[0])


class Accepted(Answer):
    request_id: str = Field(description="Ask for the status by this id.", examples=[REQUEST_ID])
    status: Literal["Pending"] = "Pending"


class UploadAccepted(CatalogueFound, Accepted):
    """The catalogue is stored, and its images are on their way."""


class RetryAccepted(Accepted):
    """The failed images are on their way again."""

    round: int = Field(description="The one that has begun.", examples=[2])
    images: int = Field(description="How many are tried again.", examples=[3])


class ProgressAnswer(Answer):
    """Images, that is distinct URLs of the catalogue. `total` grows while the catalogue is still being read."""

    total: int = Field(examples=[90])
    compressed: int = Field(examples=[41])
    failed: int = Field(examples=[1])
    pending: int = Field(examples=[48])
    reused: int | None = Field(
        description="How many of the compressed were copied: unchanged since an earlier request, or the same bytes as"
        " another's. Counted when the request finishes; null until then.",
        examples=[None],
    )
    as_of: datetime = Field(description="When this was counted.")


class PausedHost(Answer):
    """A host that is left alone for a while because it failed several times in a row, or asked for it."""

    host: str = Field(examples=["images.shop.example"])
    images: int = Field(description="Images of this request that wait for it.", examples=[12])
    until: datetime | None = Field(
        description="Until then nothing is asked of it; null where its images are tried one at a time."
    )
    error_code: ErrorCode = Field(description="Its last failure.", examples=["http_5xx"])


class StatusAnswer(Answer):
    """How far a request is. Completed: at least one image was compressed. Failed: none was."""

    request_id: str = Field(examples=[REQUEST_ID])
    status: RequestStatus
    round: int = Field(description="1, and one more for each retry.", examples=[1])
    profile: Profile = Field(description="Whose columns the catalogue has.")
    options: CompressOptions = Field(description="What applies to this request's images, asked for or by default.")
    output_csv_url: str | None = Field(
        description="The catalogue with the output URLs; null until it can be fetched.",
        examples=[f"http://localhost:8000/outputs/{REQUEST_ID}/1/products-compressed.csv"],
    )
    report_url: str | None = Field(
        description="A CSV with a line for each input URL: what became of it and why; null until it can be fetched.",
        examples=[f"http://localhost:8000/outputs/{REQUEST_ID}/1/products-report.csv"],
    )
    failed_csv_url: str | None = Field(
        description="The catalogue's rows that have a failed image, and why; null until it can be fetched, and if none"
        " failed.",
        examples=[f"http://localhost:8000/outputs/{REQUEST_ID}/1/products-failed.csv"],
    )
    report_json_url: str | None = Field(
        description="The report's totals, by host and by error code; null until it can be fetched.",
        examples=[f"http://localhost:8000/outputs/{REQUEST_ID}/1/products-report.json"],
    )
    created_at: datetime
    updated_at: datetime
    progress: ProgressAnswer
    paused_hosts: list[PausedHost] = Field(description="The hosts that the request waits for, if any.")


class Fault(Answer):
    """One thing that is wrong with a request, its options or its form."""

    detail: str = Field(examples=["percent is a whole number from 1 to 99, not '0'"])
    advice: str | None = Field(default=None, examples=["Upload one catalogue at a time."])
    option: str | None = Field(default=None, description="The option's name.", examples=["percent"])


class ProblemDocument(Answer):
    """What went wrong, by RFC 9457. Every fault is told at once: a request's as `errors`, a catalogue's as `findings`.

    A member that has nothing to say is left out.
    """

    type: str = Field(examples=["urn:imagemill:problem:catalogue"])
    title: str = Field(examples=["The catalogue cannot be used"])
    status: int = Field(examples=[400])
    detail: str = Field(examples=["1 finding; nothing was stored or processed."])
    errors: list[Fault] | None = None
    findings: list[FindingAnswer] | None = Field(
        default=None, description="At most a thousand of them, errors before all else."
    )
    more_findings: int | None = Field(default=None, description="How many more findings there are.", examples=[0])
    round: int | None = Field(default=None, description="The round that the request is in.")
