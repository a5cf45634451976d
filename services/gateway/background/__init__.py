"""The gateway's background tasks: intake, image canceller, sweep, retention and leftovers."""

from services.gateway.background.failing_items import FailingItems
from services.gateway.background.image_canceller import ImageCanceller
from services.gateway.background.intake import Intake, IntakeRules
from services.gateway.background.leftovers import Leftovers
from services.gateway.background.loop import repeat
from services.gateway.background.parts import WITHOUT_LEASE_SECONDS, BackgroundParts
from services.gateway.background.retention import Retention
from services.gateway.background.sweep import Sweep

__all__ = [
    "WITHOUT_LEASE_SECONDS",
    "BackgroundParts",
    "FailingItems",
    "ImageCanceller",
    "Intake",
    "IntakeRules",
    "Leftovers",
    "Retention",
    "Sweep",
    "repeat",
]
