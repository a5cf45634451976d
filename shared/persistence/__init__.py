"""The door to MongoDB. Services see the repositories' protocols; `open_database` gives the real ones."""

from shared.persistence.database import open_database
from shared.persistence.repositories import (
    Database,
    DeliveryRepository,
    ImageRepository,
    Lease,
    ProductRepository,
    Recorded,
    RequestRepository,
)

__all__ = [
    "Database",
    "DeliveryRepository",
    "ImageRepository",
    "Lease",
    "ProductRepository",
    "Recorded",
    "RequestRepository",
    "open_database",
]
