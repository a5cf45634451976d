"""The database. `open_database` connects to MongoDB; services use it through the protocols in `repositories`.

Only this package imports the MongoDB driver. Importers use the names below and none of its modules.
"""

from shared.persistence.database import open_database
from shared.persistence.delivery_repository import DUE_PER_RECEIVER, DeliveryRepository
from shared.persistence.image_repository import LOOK_AHEAD, MAX_HOSTS, RETRY_BATCH, ImageRepository, Recorded
from shared.persistence.lease_renewal import LEASE_SECONDS, RenewableLease, renewing
from shared.persistence.repositories import Database, HostRepository, Lease, OutageRepository
from shared.persistence.request_repositories import (
    CLAIM_AGAIN_AFTER,
    COUNT_EVERY,
    CancellationRepository,
    ProductRepository,
    RequestRepository,
)

__all__ = [
    "CLAIM_AGAIN_AFTER",
    "COUNT_EVERY",
    "DUE_PER_RECEIVER",
    "LEASE_SECONDS",
    "LOOK_AHEAD",
    "MAX_HOSTS",
    "RETRY_BATCH",
    "CancellationRepository",
    "Database",
    "DeliveryRepository",
    "HostRepository",
    "ImageRepository",
    "Lease",
    "OutageRepository",
    "ProductRepository",
    "Recorded",
    "RenewableLease",
    "RequestRepository",
    "open_database",
    "renewing",
]
