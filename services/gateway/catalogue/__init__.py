"""Reads product catalogues: turns an upload's bytes into rows with image URLs, or into a list of findings. Pure."""

from services.gateway.catalogue.charsets import ACCEPTED as ACCEPTED_ENCODINGS
from services.gateway.catalogue.charsets import codec_of
from services.gateway.catalogue.encoding import GivenEncoding
from services.gateway.catalogue.findings import MAX_FINDINGS, MIN_WARNINGS, CatalogueRefused, Finding, Severity
from services.gateway.catalogue.hosts import HostSample
from services.gateway.catalogue.inspection import Inspection, inspect_catalogue
from services.gateway.catalogue.limits import CatalogueLimits
from services.gateway.catalogue.opening import open_catalogue, reopen_catalogue
from services.gateway.catalogue.reading import Catalogue, CatalogueRow

__all__ = [
    "ACCEPTED_ENCODINGS",
    "MAX_FINDINGS",
    "MIN_WARNINGS",
    "Catalogue",
    "CatalogueLimits",
    "CatalogueRefused",
    "CatalogueRow",
    "Finding",
    "GivenEncoding",
    "HostSample",
    "Inspection",
    "Severity",
    "codec_of",
    "inspect_catalogue",
    "open_catalogue",
    "reopen_catalogue",
]
