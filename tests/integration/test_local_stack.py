"""The stack without containers, as `make up` and `make run` drive it: started, stopped, killed and started again."""

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest
from pymongo import MongoClient

from deploy.local.mongod import Mongod
from deploy.local.ports import Ports
from deploy.local.processes import end_leftovers, living
from deploy.local.waiting import wait_until
from tests.support.origin import image, open_origin
from tests.support.pictures import a_photo
from tests.support.stack import StackClient, a_catalogue
from tests.support.tree import ROOT

UP_SECONDS = 90
STOP_SECONDS = 60

Supervisor = subprocess.Popen[str]


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Path]:
    folder = tmp_path / "long, with spaces and an ü" / ("x" * 90)
    folder.mkdir(parents=True)
    yield folder
    await end_leftovers(folder, 0)


@contextmanager
def supervisor(command: str, home: Path, **env: str) -> Iterator[Supervisor]:
    """`make up` or `make run` with another folder, for a user without a home folder."""
    given = {name: value for name, value in os.environ.items() if name != "HOME"} | env
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-m", "deploy.local", command, "--home", str(home)],
        cwd=ROOT,
        env=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


async def up(home: Path, process: Supervisor) -> dict[str, str]:
    """The content of stack.env, once everything runs."""
    file = home / "stack.env"
    await wait_until(lambda: file.exists() or process.poll() is not None, UP_SECONDS)
    assert file.exists(), process.communicate(timeout=5)
    return dict(variable.split("=", 1) for variable in shlex.split(file.read_text()))


def ctrl_c(process: Supervisor) -> None:
    """As a terminal does: signals the whole foreground process group."""
    os.killpg(process.pid, signal.SIGINT)


def mongod_of(home: Path) -> int:
    return next(pid for pid in living(home) if b"--dbpath" in Path(f"/proc/{pid}/cmdline").read_bytes())


async def leave_something(env: dict[str, str]) -> None:
    async with await aio_pika.connect(env["RABBITMQ_URL"]) as connection, connection.channel() as channel:
        queue = await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, queue.name)
    with MongoClient[dict[str, Any]](env["MONGODB_URL"]) as client:
        client.get_default_database().kept.insert_one({"_id": "kept"})


async def is_still_there(env: dict[str, str]) -> bool:
    async with await aio_pika.connect(env["RABBITMQ_URL"]) as connection, connection.channel() as channel:
        queue = await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        message = await queue.get(timeout=10)
        await message.nack(requeue=True)
    with MongoClient[dict[str, Any]](env["MONGODB_URL"]) as client:
        return message.body == b"kept" and client.get_default_database().kept.count_documents({}) == 1


async def test_ctrl_c_stops_all_and_a_later_run_continues(home: Path) -> None:
    with supervisor("up", home) as process:
        first = await up(home, process)
        await leave_something(first)
        ctrl_c(process)
        output, _ = process.communicate(timeout=STOP_SECONDS)
        assert process.returncode == 0, output
    assert not list(living(home))
    assert not (home / "stack.env").exists()
    with supervisor("up", home) as process:
        assert await up(home, process) == first
        assert await is_still_there(first)
        ctrl_c(process)
        ctrl_c(process)  # a second Ctrl-C
        process.communicate(timeout=STOP_SECONDS)
    assert not list(living(home))


async def test_a_later_run_ends_what_a_killed_supervisor_left(home: Path) -> None:
    with supervisor("up", home) as process:
        first = await up(home, process)
        await leave_something(first)
        orphans = set(living(home))
        process.kill()
        process.wait()
    assert orphans & set(living(home))
    (home / "stack.env").unlink()
    with supervisor("up", home) as process:
        assert await up(home, process) == first
        assert not orphans & set(living(home))
        assert await is_still_there(first)
        process.terminate()
        process.communicate(timeout=STOP_SECONDS)
        assert process.returncode == 0


async def test_the_death_of_a_server_stops_everything_and_reports_why(home: Path) -> None:
    with supervisor("up", home) as process:
        await up(home, process)
        with supervisor("up", home) as second:
            output, _ = second.communicate(timeout=10)
            assert second.returncode == 1
            assert "stop it first" in output
        os.kill(mongod_of(home), signal.SIGKILL)
        output, _ = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 1
    assert "mongodb ended by itself with status -9; the end of " in output
    assert not list(living(home))


async def test_a_stop_finishes_after_the_terminal_is_closed(home: Path) -> None:
    with supervisor("up", home) as process:
        await up(home, process)
        assert process.stdout
        process.stdout.close()
        process.send_signal(signal.SIGHUP)
        assert process.wait(STOP_SECONDS) == 0
    assert not list(living(home))


async def test_a_database_whose_port_was_taken_restarts_on_another(home: Path) -> None:
    ports = Ports(home / "ports.json")
    database = Mongod(home, ports)
    await database.start()
    url = database.url
    with MongoClient[dict[str, Any]](url) as client:
        client.get_default_database().kept.insert_one({"_id": "kept"})
    await database.stop()
    with socket.create_server(("127.0.0.1", ports["mongodb"])):
        ports.free("mongodb")
    await database.start()
    assert database.url != url
    with MongoClient[dict[str, Any]](database.url) as client:
        assert client.get_default_database().kept.count_documents({}) == 1
    await database.stop()


async def test_a_later_run_finishes_the_requests_of_an_earlier_one(home: Path, tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    # The services need these: otherwise they would refuse the address or wait long between attempts.
    caller = {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "FETCH_RETRY_SCHEDULE": "[1]", "FETCH_ATTEMPTS": "1000"}
    caller["GATEWAY_PORT"] = str(ports["gateway"])
    url = f"http://127.0.0.1:{ports['origin']}/photo.jpg"
    with supervisor("run", home, **caller) as process:
        gateway = (await up(home, process))["PUBLIC_BASE_URL"]
        assert gateway == f"http://localhost:{ports['gateway']}"
        async with httpx.AsyncClient(base_url=gateway) as http:
            answer = await http.post("/upload", files={"file": ("products.csv", a_catalogue([[url]]), "text/csv")})
            assert (await http.get("/docs")).status_code == 200
        assert answer.status_code == 202
        process.kill()
        process.wait()
    (home / "stack.env").unlink()
    with supervisor("run", home, **caller) as process:
        await up(home, process)
        async with open_origin(port=ports["origin"]) as origin, httpx.AsyncClient(base_url=gateway) as http:
            origin.serve("/photo.jpg", image(a_photo(1, 320, 240)))
            status = await StackClient(http).finished(answer.json()["request_id"])
        assert status["status"] == "Completed"
        ctrl_c(process)
        output, _ = process.communicate(timeout=STOP_SECONDS)
        assert process.returncode == 0, output
        assert "curl -F file=@" in output
    assert not list(living(home))


def test_the_demo_keeps_every_promise(home: Path) -> None:
    with supervisor("demo", home) as process:
        output, _ = process.communicate(timeout=UP_SECONDS)
    assert process.returncode == 0, output
    assert "BROKEN" not in output
    assert not list(living(home))


def test_a_taken_gateway_port_is_refused_with_a_suggestion(home: Path) -> None:
    port = Ports(home / "ports.json")["somebody's"]
    with socket.create_server(("127.0.0.1", port)), supervisor("run", home, GATEWAY_PORT=str(port)) as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"make run GATEWAY_PORT={port + 1}" in output
