"""The log of a process. Each test runs a real process, since the configuration is global."""

import json
import os
import pty
import subprocess
import sys
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.observability.redaction import redact

BEGIN = """
import logging, warnings
import structlog
from structlog.contextvars import bound_contextvars
from shared.observability.logging import configure_logging
log = structlog.get_logger("services.demo")
"""


def run(code: str, level: str = "INFO", stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    program = BEGIN + f"configure_logging('demo', {level!r})\n" + dedent(code)
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], check=True, timeout=30, text=True, stdout=subprocess.PIPE, stderr=stderr
    )


def lines(code: str, level: str = "INFO") -> list[dict[str, Any]]:
    process = run(code, level)
    assert process.stdout == ""
    return [json.loads(line) for line in process.stderr.splitlines()]


def test_a_line_is_json_with_service_level_and_context() -> None:
    first, second = lines("""
        with bound_contextvars(request_id="r1", image_id="i1"):
            log.info("compressed", bytes_out=12)
        log.warning("over")
    """)

    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "level": "info",
        "service": "demo",
        "message": "compressed",
        "logger": "services.demo",
        "bytes_out": 12,
        "request_id": "r1",
        "image_id": "i1",
    }
    assert second["level"] == "warning"
    assert "request_id" not in second


def test_context_stays_within_its_task() -> None:
    found = lines("""
        import asyncio

        async def handle(name):
            with bound_contextvars(image_id=name):
                await asyncio.sleep(0)
                log.info("handled", name=name)

        async def main():
            await asyncio.gather(*(handle(name) for name in "abc"))

        asyncio.run(main())
    """)

    assert [line["image_id"] for line in found] == [line["name"] for line in found] == ["a", "b", "c"]


def test_libraries_use_the_same_log() -> None:
    library, extra, warning = lines("""
        with bound_contextvars(request_id="r1"):
            logging.getLogger("some.library").warning("it is %s", "so")
        logging.getLogger("some.library").warning("more", extra={"port": 9})
        warnings.warn("take care")
    """)

    assert (library["message"], library["logger"], library["service"]) == ("it is so", "some.library", "demo")
    assert library["request_id"] == "r1"
    assert extra["port"] == 9
    assert "take care" in warning["message"]


def test_verbose_libraries_log_only_errors() -> None:
    found = lines(
        """
        for name in ("aio_pika.robust_connection", "aiormq.connection", "httpx", "pymongo.command", "urllib3.retry",
                     "uvicorn.error", "uvicorn.access"):
            logging.getLogger(name).info("chatter")
            logging.getLogger(name).error("failure")
        """,
        "DEBUG",
    )

    assert [line["message"] for line in found] == ["failure"] * 7


@pytest.mark.parametrize(("level", "expected"), [("DEBUG", 4), ("INFO", 3), ("WARNING", 2), ("ERROR", 1)])
def test_the_level_applies_to_services_and_libraries(level: str, expected: int) -> None:
    found = lines(
        """
        for logger in (log, logging.getLogger("some.library")):
            logger.debug("1")
            logger.info("2")
            logger.warning("3")
            logger.error("4")
        """,
        level,
    )

    assert len(found) == 2 * expected


def test_an_exception_is_one_line_with_its_traceback_and_without_secrets() -> None:
    (line,) = lines("""
        try:
            raise ValueError("cannot reach mongodb://root:hunter2@database/imagemill")
        except ValueError:
            log.exception("failed", url="amqp://user:hun@ter2@broker/%2F", sources=["s3://key:hunter2@store/bucket"])
    """)

    assert line["message"] == "failed"
    assert "Traceback" in line["exception"]
    assert "mongodb://***@database/imagemill" in line["exception"]
    assert line["url"] == "amqp://***@broker/%2F"
    assert line["sources"] == ["s3://***@store/bucket"]
    assert "ter2" not in json.dumps(line)


def test_a_value_that_is_not_json_is_logged_as_text() -> None:
    (line,) = lines("""
        from pathlib import Path
        log.info("wrote", path=Path("/a"), data=b"x", name="Stühle \\ud83e")
    """)

    assert line["message"] == "wrote"
    assert "/a" in line["path"]


def test_a_terminal_gets_plain_lines() -> None:
    ours, theirs = pty.openpty()
    run("log.info('compressed', url='http://user:hunter2@host/a.jpg')", stderr=theirs)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)

    assert "compressed" in shown
    assert "host/a.jpg" in shown
    assert "hunter2" not in shown
    assert not shown.startswith("{")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("amqp://user:pass@host:5672/%2F", "amqp://***@host:5672/%2F"),
        ("s3://key:a%2Fb@host/bucket", "s3://***@host/bucket"),
        ("mongodb://a:b@h1,h2/db and redis://:pw@h", "mongodb://***@h1,h2/db and redis://***@h"),
        ("http://host/a.jpg?X-Amz-Signature=abc&w=3", "http://host/a.jpg?X-Amz-Signature=***&w=3"),
        ("http://host/a.jpg?sig=abc%3D&token=1#x", "http://host/a.jpg?sig=***&token=***#x"),
        ('{"url": "http://host/?access_token=abc"}', '{"url": "http://host/?access_token=***"}'),
        ("http://host/a@2x.jpg?key=1&monkey=2", "http://host/a@2x.jpg?key=***&monkey=2"),
        ("https://host/a.jpg?width=300&design=blue", "https://host/a.jpg?width=300&design=blue"),
        ("write to someone@example.org", "write to someone@example.org"),
    ],
)
def test_secrets_in_urls_are_redacted(text: str, shown: str) -> None:
    assert redact(text) == shown


@given(st.text("abc:%@!$&()*+,;=~-._", min_size=1), st.sampled_from(["", "/", "/path?x=1"]))
def test_any_password_in_a_url_is_redacted(password: str, rest: str) -> None:
    assert redact(f"dial amqp://user:{password}@broker{rest}") == f"dial amqp://***@broker{rest}"
