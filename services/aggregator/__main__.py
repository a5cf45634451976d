"""`python -m services.aggregator`"""

from functools import partial

from services.aggregator.app import run
from services.aggregator.settings import AggregatorSettings
from shared import lifecycle
from shared.observability import configure_logging
from shared.settings import load


def main() -> None:
    settings = load(AggregatorSettings)
    configure_logging("aggregator", settings.observability.log_level)
    lifecycle.run(partial(run, settings))


if __name__ == "__main__":
    main()
