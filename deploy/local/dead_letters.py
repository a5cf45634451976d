"""`make dead-letters`: runs the operator's command on the local stack."""

import shlex
import sys

from deploy.local.run import HOME
from services.aggregator.dead_letters import main
from shared.settings import RabbitSettings


def _rabbitmq_url() -> str:
    file = HOME / "stack.env"
    if not file.exists():
        sys.exit(f"No stack is running here ({file} does not exist). Start one with `make run`.")
    settings = dict(shlex.split(line)[0].partition("=")[::2] for line in file.read_text().splitlines())
    return settings["RABBITMQ_URL"]


if __name__ == "__main__":
    main(settings=RabbitSettings(rabbitmq_url=_rabbitmq_url()))
