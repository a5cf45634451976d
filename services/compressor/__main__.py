"""Run the compressor: `python -m services.compressor`."""

from functools import partial

from services.compressor.app import run
from services.compressor.settings import CompressorSettings
from shared import lifecycle
from shared.observability import configure_logging
from shared.settings import load


def main() -> None:
    settings = load(CompressorSettings)
    configure_logging("compressor", settings.observability.log_level)
    lifecycle.run(partial(run, settings))


if __name__ == "__main__":
    main()
