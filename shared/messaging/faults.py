"""Translates the errors of a lost connection to BrokerUnavailable."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.errors import BrokerUnavailable
from shared.long_lived import is_asked_to_stop


@contextmanager
def broker_faults(doing: str) -> Iterator[None]:
    """Raises BrokerUnavailable for every error of the connection. Every await on aio-pika or aiormq belongs in one.

    An unrequested CancelledError is such an error: aiormq cancels every task that waits for a connection when
    it is lost.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        if is_asked_to_stop():
            raise
        raise BrokerUnavailable(f"the connection to RabbitMQ was lost while {doing}") from error
    except CONNECTION_EXCEPTIONS as error:  # a TimeoutError is an OSError
        raise BrokerUnavailable(f"RabbitMQ failed while {doing}: {error!r}") from error
    except Exception as error:
        if type(error) is not Exception:  # aiormq raises a bare Exception if a channel closes without a reason
            raise
        raise BrokerUnavailable(f"the channel was closed while {doing}") from error
