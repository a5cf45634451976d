import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.ports import EPHEMERAL_RANGE, Ports, PortTaken, is_free, on_free_ports
from deploy.local.processes import ProcessDied


@contextmanager
def somebody_listens(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield


async def nothing() -> None:
    """An object without processes."""


def test_a_later_run_reuses_the_ports(tmp_path: Path) -> None:
    first = Ports(tmp_path / "ports.json")
    chosen = {name: first[name] for name in ("amqp", "mongodb", "gateway-0")}
    later = Ports(tmp_path / "ports.json")
    assert {name: later[name] for name in reversed(chosen)} == chosen
    assert len(set(chosen.values())) == 3


def test_ports_are_below_the_range_of_outgoing_connections(tmp_path: Path) -> None:
    lowest_outgoing = int(EPHEMERAL_RANGE.read_text().split()[0])
    ports = Ports(tmp_path / "ports.json")
    assert all(ports[str(number)] < lowest_outgoing for number in range(50))


def test_a_port_that_was_taken_is_replaced_permanently(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    ports = Ports(file)
    kept = ports["amqp"]
    assert ports.free("amqp") == kept
    with somebody_listens(kept):
        other = ports.free("amqp")
    assert other != kept
    assert json.loads(file.read_text()) == {"amqp": other}


def test_a_demanded_port_is_neither_replaced_nor_stored(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    usual = ports["gateway-0"]
    demanded = Ports(tmp_path / "other.json")["gateway-0"]
    ports.demand("gateway-0", demanded)
    assert ports.free("gateway-0") == demanded
    with somebody_listens(demanded), pytest.raises(PortTaken, match=str(demanded)):
        ports.free("gateway-0")
    assert Ports(tmp_path / "ports.json")["gateway-0"] == usual


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_port_is_not_free_if_any_program_listens_on_it(tmp_path: Path, host: str) -> None:
    port = Ports(tmp_path / "ports.json")["any"]
    assert is_free(port)
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
        assert not is_free(port)


async def test_a_server_whose_port_was_taken_starts_on_another(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    tried: list[int] = []
    with socket.socket() as thief:

        async def start() -> None:
            tried.append(ports["amqp"])
            if len(tried) == 1:
                thief.bind(("127.0.0.1", ports["amqp"]))
                thief.listen()
                raise ProcessDied("could not bind")

        await on_free_ports(ports, ["amqp"], start, nothing)
    assert len(set(tried)) == 2


async def test_a_server_that_fails_on_free_ports_is_not_retried(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    tried = 0

    async def start() -> None:
        nonlocal tried
        tried += 1
        raise ProcessDied("broken configuration")

    with pytest.raises(ProcessDied, match="broken configuration"):
        await on_free_ports(ports, ["amqp"], start, nothing)
    assert tried == 1
