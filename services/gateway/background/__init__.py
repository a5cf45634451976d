"""The gateway's background tasks: intake, dispatcher, sweep and retention."""

from services.gateway.background.dispatcher import Dispatcher
from services.gateway.background.intake import Intake, IntakeRules
from services.gateway.background.loop import repeat
from services.gateway.background.parts import BackgroundParts
from services.gateway.background.retention import Retention
from services.gateway.background.sweep import Sweep

__all__ = ["BackgroundParts", "Dispatcher", "Intake", "IntakeRules", "Retention", "Sweep", "repeat"]
