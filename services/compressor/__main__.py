"""`python -m services.compressor`"""

import asyncio

from services.compressor.app import run
from services.compressor.settings import CompressorSettings
from shared import lifecycle
from shared.observability.logging import configure_logging
from shared.settings import load


def main() -> None:
    settings = load(CompressorSettings)
    configure_logging("compressor", settings.observability.log_level)

    async def serve(stop: asyncio.Event) -> None:
        await run(settings, stop)

    lifecycle.run(serve)


if __name__ == "__main__":
    main()
