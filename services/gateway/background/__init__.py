"""The gateway's background tasks: intake, dispatcher, cancelling, sweep, retention and the removal of leftovers."""

from services.gateway.background.cancelling import Cancelling
from services.gateway.background.dispatcher import Dispatcher
from services.gateway.background.intake import Intake, IntakeRules
from services.gateway.background.leftovers import Leftovers
from services.gateway.background.loop import repeat
from services.gateway.background.parts import BackgroundParts
from services.gateway.background.retention import Retention
from services.gateway.background.sweep import Sweep

__all__ = [
    "BackgroundParts",
    "Cancelling",
    "Dispatcher",
    "Intake",
    "IntakeRules",
    "Leftovers",
    "Retention",
    "Sweep",
    "repeat",
]
