"""The settings that the operator's commands read."""

from dataclasses import dataclass

from shared.settings import MongoSettings, StoreSettings


@dataclass(frozen=True)
class AdminSettings:
    mongo: MongoSettings
    store: StoreSettings
