"""One log on stderr: a JSON object per line, or plain lines for a person at a terminal.

Modules log with `structlog.get_logger()`. What concerns a whole task, such as `request_id` and `image_id`, is bound
with `structlog.contextvars.bound_contextvars(request_id=...)` and then stands in each of its lines.
"""

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.observability.redaction import redact

_QUIET = {
    "aio_pika": logging.ERROR,  # each reconnection attempt, with its traceback; the runtime says it once
    "aiormq": logging.ERROR,
    "asyncio": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,  # a line per request
    "PIL": logging.WARNING,
    "pymongo": logging.WARNING,
    "urllib3": logging.ERROR,  # each retry of the object store
    "uvicorn": logging.WARNING,
    "uvicorn.access": logging.WARNING,
}


def configure_logging(service: str, level: str = "INFO") -> None:
    """Send everything that is logged, also by libraries, to stderr as lines that name the service.

    `level` is DEBUG, INFO, WARNING or ERROR; chatty libraries have higher levels of their own. Called once, by
    `__main__`.
    """
    number = logging.getLevelNamesMapping()[level]
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _name_service(service),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(sys.stderr.isatty())],
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)
    logging.captureWarnings(capture=True)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(max(quiet, number))


def _name_service(service: str) -> Processor:
    def name_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return name_service


def _rendering(terminal: bool) -> list[Processor]:
    """The last steps. Secrets are taken out of the finished line, where nothing can slip past: tracebacks neither."""
    if terminal:
        console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        return [lambda logger, method, event: redact(str(console(logger, method, event)))]
    json = structlog.processors.JSONRenderer(ensure_ascii=False)
    return [
        structlog.processors.format_exc_info,
        _in_reading_order,
        lambda logger, method, event: redact(str(json(logger, method, event))),
    ]


def _in_reading_order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    first = {name: event.pop(name, None) for name in ("timestamp", "level", "service")}
    return {**first, "message": event.pop("event", None), **event}
