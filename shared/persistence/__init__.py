"""The door to MongoDB. Services see the repositories' protocols; `open_database` gives the real ones."""

from shared.contracts.image_summary import HostSummary, ImageSummary
from shared.persistence.database import open_database
from shared.persistence.lease_renewal import RenewableLease, renewing
from shared.persistence.repositories import (
    Database,
    DeliveryRepository,
    HostRepository,
    ImageRepository,
    Lease,
    ProductRepository,
    Recorded,
    RequestRepository,
)

__all__ = [
    "Database",
    "DeliveryRepository",
    "HostRepository",
    "HostSummary",
    "ImageRepository",
    "ImageSummary",
    "Lease",
    "ProductRepository",
    "Recorded",
    "RenewableLease",
    "RequestRepository",
    "open_database",
    "renewing",
]
