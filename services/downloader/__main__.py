"""`python -m services.downloader`"""

from functools import partial

from services.downloader.app import run
from services.downloader.settings import DownloaderSettings
from shared import lifecycle
from shared.observability import configure_logging
from shared.settings import load


def main() -> None:
    settings = load(DownloaderSettings)
    configure_logging("downloader", settings.observability.log_level)
    lifecycle.run(partial(run, settings))


if __name__ == "__main__":
    main()
