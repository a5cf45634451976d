"""What the API says, as the OpenAPI document describes it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.catalogue.form import Profile
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions
from shared.contracts.states import RequestStatus

REQUEST_ID = "01KAP2Y3Q4R5S6T7V8W9XAYBZC"


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class UploadAccepted(Answer):
    """The catalogue is stored, and its images are on their way."""

    request_id: str = Field(description="Ask for the status by this id.", examples=[REQUEST_ID])
    status: Literal["Pending"] = "Pending"


class ProgressAnswer(Answer):
    """Images, that is distinct URLs of the catalogue. `total` grows while the catalogue is still being read."""

    total: int = Field(examples=[90])
    compressed: int = Field(examples=[41])
    failed: int = Field(examples=[1])
    pending: int = Field(examples=[48])
    as_of: datetime = Field(description="When this was counted.")


class HostWaiting(Answer):
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
    hosts_waiting: list[HostWaiting] = Field(description="The hosts that the request waits for, if any.")


class Fault(Answer):
    """One thing that is wrong. Of a file: where it is, and what stands there. Of an option: which one."""

    detail: str = Field(examples=["text follows a cell's closing quote"])
    advice: str | None = Field(default=None, examples=["Put double quotes around the cell."])
    row: int | None = Field(
        default=None, description="As a spreadsheet counts: the header is usually row 1.", examples=[7]
    )
    line: int | None = Field(default=None, description="Line of the text, since cells may span lines.", examples=[9])
    column: str | None = Field(default=None, description="The column's name.", examples=["Product Name"])
    text: str | None = Field(default=None, description="What stands there, cut short.", examples=['"Oak" table'])
    option: str | None = Field(default=None, description="The option's name.")


class ProblemDocument(Answer):
    """What went wrong, by RFC 9457. `errors` lists every fault at once, the first thousand of them."""

    type: str = Field(examples=["urn:imagemill:problem:catalogue"])
    title: str = Field(examples=["The catalogue cannot be used"])
    status: int = Field(examples=[400])
    detail: str = Field(examples=["1 fault was found; nothing was processed."])
    errors: list[Fault] | None = None
