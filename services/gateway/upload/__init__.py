"""Receives an upload, checks its options and its catalogue, and accepts it as a request."""

from services.gateway.upload.accept import UploadAcceptor
from services.gateway.upload.body import BodyLimits
from services.gateway.upload.content_types import CSV_TYPES, FORM_TYPE
from services.gateway.upload.option_table import OPTIONS, UPLOAD_OPTIONS, VALIDATION_OPTIONS, Option
from services.gateway.upload.options import UploadOptions
from services.gateway.upload.request_options import MAX_RETENTION_DAYS, OnInvalid, RequestOptions
from services.gateway.upload.responses import catalogue_validation, upload_accepted
from services.gateway.upload.retention_policy import RetentionPolicy
from services.gateway.upload.validate import UploadValidator, ValidationRules

__all__ = [
    "CSV_TYPES",
    "FORM_TYPE",
    "MAX_RETENTION_DAYS",
    "OPTIONS",
    "UPLOAD_OPTIONS",
    "VALIDATION_OPTIONS",
    "BodyLimits",
    "OnInvalid",
    "Option",
    "RequestOptions",
    "RetentionPolicy",
    "UploadAcceptor",
    "UploadOptions",
    "UploadValidator",
    "ValidationRules",
    "catalogue_validation",
    "upload_accepted",
]
