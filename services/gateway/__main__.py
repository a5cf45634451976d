"""Starts the gateway: `python -m services.gateway`."""

from functools import partial

from services.gateway.app import run
from services.gateway.settings import GatewaySettings
from shared import lifecycle
from shared.observability import configure_logging
from shared.settings import load


def main() -> None:
    settings = load(GatewaySettings)
    configure_logging("gateway", settings.observability.log_level)
    lifecycle.run(partial(run, settings))


if __name__ == "__main__":
    main()
