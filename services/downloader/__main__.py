"""`python -m services.downloader`"""

import asyncio

from services.downloader.app import run
from services.downloader.settings import DownloaderSettings
from shared import lifecycle
from shared.observability.logging import configure_logging
from shared.settings import load


def main() -> None:
    settings = load(DownloaderSettings)
    configure_logging("downloader", settings.observability.log_level)

    async def serve(stop: asyncio.Event) -> None:
        await run(settings, stop)

    lifecycle.run(serve)


if __name__ == "__main__":
    main()
