"""A product catalogue as a file: its format, its records as text, and batches of its rows. Pure.

The gateway reads catalogues, the aggregator writes them again; both use these modules.
"""

from shared.catalogue.batches import Batch, BatchLimits, in_batches
from shared.catalogue.format import CatalogueFormat, Dialect, ImageColumn, Profile
from shared.catalogue.record import cell_text, join_record, raw_cell, split_around, split_record

__all__ = [
    "Batch",
    "BatchLimits",
    "CatalogueFormat",
    "Dialect",
    "ImageColumn",
    "Profile",
    "cell_text",
    "in_batches",
    "join_record",
    "raw_cell",
    "split_around",
    "split_record",
]
