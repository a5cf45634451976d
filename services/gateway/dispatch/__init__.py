"""Dispatch: decides which image starts next and when there is room for it, and sends it to the downloaders."""

from services.gateway.dispatch.dispatcher import Dispatcher, DispatchRules
from services.gateway.dispatch.host_rules import HostRulebook, HostRules

__all__ = ["DispatchRules", "Dispatcher", "HostRulebook", "HostRules"]
