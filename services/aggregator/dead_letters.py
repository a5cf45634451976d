"""The operator's command for dead-lettered messages: `python -m services.aggregator.dead_letters [--replay]`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from shared.messaging import DeadLetter, list_dead, replay_dead
from shared.settings import RabbitSettings

_MAX_BODY_LENGTH = 400


def main(arguments: Sequence[str] | None = None, settings: RabbitSettings | None = None) -> None:
    """List the messages in imagemill.dead, or send them again. Reads RABBITMQ_URL unless `settings` are given."""
    parser = argparse.ArgumentParser(prog="dead_letters", description="Messages parked in imagemill.dead.")
    parser.add_argument("--replay", action="store_true", help="send each message to the queue it came from")
    replay = parser.parse_args(arguments).replay
    url = (settings or RabbitSettings()).rabbitmq_url
    if replay:
        sys.stdout.write(f"{asyncio.run(replay_dead(url))} messages were sent again.\n")
        return
    parked = asyncio.run(list_dead(url))
    sys.stdout.write("".join(map(_line, parked)) + f"{len(parked)} messages are parked.\n")


def _line(letter: DeadLetter) -> str:
    return f"{letter.queue}  {letter.type}  {letter.reason}\n    {letter.body[:_MAX_BODY_LENGTH]}\n"


if __name__ == "__main__":
    main()
