"""The responses about an inspected catalogue. Pure."""

from typing import Any

from services.gateway.catalogue import Inspection
from services.gateway.web import CatalogueFinding, CatalogueValidation, UploadAccepted
from shared.catalogue import Dialect


def upload_accepted(request_id: str, inspection: Inspection) -> UploadAccepted:
    return UploadAccepted(request_id=request_id, **_found(inspection))


def catalogue_validation(inspection: Inspection) -> CatalogueValidation:
    return CatalogueValidation(
        **_found(inspection),
        slots_by_host=dict(inspection.slots_by_host),
        more_hosts=inspection.more_hosts,
    )


def encoding_name(dialect: Dialect) -> str:
    """The name that Python and other tools use; "utf-8-sig" and "utf-16" have a byte order mark."""
    if not dialect.bom:
        return dialect.encoding
    return "utf-8-sig" if dialect.encoding == "utf-8" else "utf-16"


def _found(inspection: Inspection) -> dict[str, Any]:
    return {
        "profile": inspection.catalogue_format.profile,
        "delimiter": inspection.catalogue_format.dialect.delimiter,
        "encoding": encoding_name(inspection.catalogue_format.dialect),
        "rows": inspection.rows,
        "products": inspection.products,
        "slots": inspection.slots,
        "images": inspection.images,
        "refused_slots": inspection.refused_slots,
        "findings": [CatalogueFinding.model_validate(finding) for finding in inspection.findings],
        "more_findings": inspection.more_findings,
    }
