"""The gateway's background tasks: intake, dispatcher, image canceller, sweep, retention and leftovers."""

from services.gateway.background.dispatcher import Dispatcher
from services.gateway.background.image_canceller import ImageCanceller
from services.gateway.background.intake import Intake, IntakeRules
from services.gateway.background.leftovers import Leftovers
from services.gateway.background.loop import repeat
from services.gateway.background.parts import BackgroundParts
from services.gateway.background.retention import Retention
from services.gateway.background.sweep import Sweep

__all__ = [
    "BackgroundParts",
    "Dispatcher",
    "ImageCanceller",
    "Intake",
    "IntakeRules",
    "Leftovers",
    "Retention",
    "Sweep",
    "repeat",
]
