"""Configures the log on stderr: one JSON object per line, or plain lines in a terminal.

Modules log with `structlog.get_logger()`. Values that apply to a whole task, such as `request_id` and `image_id`, are
bound with `structlog.contextvars.bound_contextvars(request_id=...)` and appear in each line of the task.
"""

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.observability.redaction import redact

_LIBRARY_LEVELS = {
    "aio_pika": logging.ERROR,  # it logs each reconnection attempt with a traceback; the runtime logs the outage once
    "aiormq": logging.ERROR,
    "asyncio": logging.WARNING,
    "httpx": logging.WARNING,  # it logs each request
    "PIL": logging.WARNING,
    "pymongo": logging.WARNING,
    "urllib3": logging.ERROR,  # it logs each retry of the object store
    "uvicorn": logging.WARNING,
    "uvicorn.access": logging.WARNING,
}


def configure_logging(service: str, level: str = "INFO") -> None:
    """Send the log of the process and its libraries to stderr, with the name of the service in each line.

    `level` is DEBUG, INFO, WARNING or ERROR; some verbose libraries have a higher minimum. `__main__` calls this once.
    """
    number = logging.getLevelNamesMapping()[level]
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _name_service(service),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(sys.stderr.isatty())],
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)
    logging.captureWarnings(capture=True)
    for name, minimum in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(max(minimum, number))


def _name_service(service: str) -> Processor:
    def name_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return name_service


def _rendering(terminal: bool) -> list[Processor]:
    """The last processors. Secrets are removed from the finished line, so that tracebacks are covered too."""
    if terminal:
        console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        return [lambda logger, method, event: redact(str(console(logger, method, event)))]
    json = structlog.processors.JSONRenderer(ensure_ascii=False)
    return [
        structlog.processors.format_exc_info,
        _order_fields,
        lambda logger, method, event: redact(str(json(logger, method, event))),
    ]


def _order_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    first = {name: event.pop(name, None) for name in ("timestamp", "level", "service")}
    return {**first, "message": event.pop("event", None), **event}
