"""The operator's command for dead letters: `python -m services.aggregator.dead_letters [--replay | --purge [ID]]`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from shared.errors import BrokerUnavailable
from shared.messaging import DeadLetter, list_dead, purge_dead, replay_dead
from shared.observability import redact_text
from shared.settings import RabbitSettings

_MAX_BODY_LENGTH = 400
_ALL = "all"


def main(arguments: Sequence[str] | None = None, settings: RabbitSettings | None = None) -> None:
    """List, replay or purge the messages in imagemill.dead. Reads RABBITMQ_URL unless `settings` are given."""
    parser = argparse.ArgumentParser(prog="dead_letters", description="Messages parked in imagemill.dead.")
    actions = parser.add_mutually_exclusive_group()
    actions.add_argument("--replay", action="store_true", help="send each message to the queue it came from")
    actions.add_argument(
        "--purge", nargs="?", const=_ALL, metavar="ID", help="remove the messages with this id for good, or all"
    )
    chosen = parser.parse_args(arguments)
    url = (settings or RabbitSettings()).rabbitmq_url
    try:
        sys.stdout.write(asyncio.run(_act(url, replay=chosen.replay, purge=chosen.purge)))
    except BrokerUnavailable as error:
        sys.exit(str(error))


async def _act(url: str, *, replay: bool, purge: str | None) -> str:
    if replay:
        return f"{await replay_dead(url)} messages were sent again.\n"
    if purge:
        return f"{await purge_dead(url, None if purge == _ALL else purge)} messages were removed.\n"
    parked = await list_dead(url)
    return "".join(map(_line, parked)) + f"{len(parked)} messages are parked.\n"


def _line(letter: DeadLetter) -> str:
    """The message without credentials, such as those in the URL of a webhook's test."""
    reason, body = redact_text(letter.reason), redact_text(letter.body)
    return f"{letter.letter_id}  {letter.queue}  {letter.type}  {reason}\n    {body[:_MAX_BODY_LENGTH]}\n"


if __name__ == "__main__":
    main()
