"""Starts a service with a STALL_TIMEOUT below the minimum of the setting: python -m tests.support.impatient gateway"""

import importlib
import sys

from prometheus_client import Gauge

from shared.observability import Health

STALL_TIMEOUT = 2.0
LAUNCHER = "tests.support.impatient"


def main(service: str) -> None:
    class Impatient(Health):
        def __init__(self, gauge: Gauge | None = None, _stall_timeout: float = 0) -> None:
            super().__init__(gauge, STALL_TIMEOUT)

    maker = "services.gateway.app" if service == "gateway" else "shared.worker_process"
    vars(importlib.import_module(maker))["Health"] = Impatient
    importlib.import_module(f"services.{service}.__main__").main()


if __name__ == "__main__":
    main(sys.argv[1])
