"""`make bench-catalogue`: validates and uploads a catalogue of a million rows and three million URLs.

python -m benchmarks.catalogue [--rows 1000000] [--no-stack]
"""

import argparse
import asyncio
import multiprocessing
import resource
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from deploy.local.processes import MARKER
from deploy.local.stack import LocalStack
from services.gateway.catalogue import CatalogueLimits, inspect_catalogue, reopen_catalogue
from shared.catalogue import CatalogueFormat
from shared.url_policy import AddressPolicy

URLS_PER_ROW = 3
_CHUNK_BYTES = 1 << 18
_HOSTS = 200
_SAMPLE_PER_HOST = 5
_ROWS_AT_ONCE = 10_000
_PATIENCE_SECONDS = 3600


@dataclass(frozen=True)
class Spent:
    """Wall-clock seconds, and the process's peak resident memory in bytes."""

    seconds: float
    peak_bytes: int


def make_catalogue(path: Path, rows: int) -> None:
    """Write a catalogue of distinct URLs on 200 hosts, as a shop system would export it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("S. No.,Product Name,Colour,Input Image Urls\r\n")
        lines = (_line(number) for number in range(1, rows + 1))
        while some := "".join(islice(lines, _ROWS_AT_ONCE)):
            file.write(some)


def _line(number: int) -> str:
    base = f"https://images-{number % _HOSTS}.shop.invalid/catalogue/2026/{number:07}"
    urls = ",".join(f"{base}-{view}.jpg" for view in range(URLS_PER_ROW))
    return f'{number},Oak table no. {number},natural,"{urls}"\r\n'


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(partial(file.read, _CHUNK_BYTES), b"")


def inspect(path: Path, sample_per_host: int) -> None:
    inspection = inspect_catalogue(
        partial(chunks, path), CatalogueLimits(), AddressPolicy(), sample_per_host=sample_per_host
    )
    if inspection.images != inspection.rows * URLS_PER_ROW:
        raise RuntimeError(f"{inspection.images} distinct URLs in {inspection.rows} rows")


def read_again(path: Path, catalogue_format: CatalogueFormat) -> None:
    for _ in reopen_catalogue(partial(chunks, path), CatalogueLimits(), catalogue_format).rows():
        pass


def alone(work: Callable[[], object]) -> Spent:
    """Run the work in a new process, so that its memory is measured alone."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(work, sender.send))
    process.start()
    sender.close()
    try:
        spent: Spent = receiver.recv()
    finally:
        process.join()
    return spent


def _measure(work: Callable[[], object], report: Callable[[Spent], None]) -> None:
    started_at = time.perf_counter()
    work()
    spent = time.perf_counter() - started_at
    report(Spent(spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


async def through_the_stack(home: Path, path: Path, rows: int) -> None:
    """Validate and upload over HTTP, kill the gateway during the intake, and wait until the intake is complete."""
    # One image in flight at a time, so that the workers use little of the cores.
    settings = {"LOG_LEVEL": "WARNING", "PUBLIC_BASE_URL": "", "DISPATCH_WINDOW": "1"}
    async with (
        LocalStack(home, settings) as stack,
        httpx.AsyncClient(base_url=stack.gateway_url, timeout=_PATIENCE_SECONDS) as http,
    ):
        for address in ("/validate", "/upload"):
            started_at = time.perf_counter()
            answer = await http.post(address, content=_body(path), headers={"Content-Type": "text/csv"})
            answer.raise_for_status()
            spent, peak = time.perf_counter() - started_at, _peak(_gateway(stack.home)) / 1e6
            _print(
                f"POST {address:10} {answer.status_code} after {spent:.1f} s, peak memory of the gateway {peak:.0f} MB"
            )
        location = answer.headers["location"]
        started_at = time.perf_counter()
        total = rows * URLS_PER_ROW
        await _intake_has(http, location, total // 5)
        await stack.services.kill("gateway")
        _print("a fifth of the images recorded: killed the gateway and started it again")
        await stack.services.start("gateway")
        await _intake_has(http, location, total)
        spent = time.perf_counter() - started_at
        peak = _peak(_gateway(stack.home)) / 1e6
        _print(
            f"all {total:,} images recorded {spent:.0f} s after the response: {rows / spent:,.0f} rows/s, {peak:.0f} MB"
        )


async def _body(path: Path) -> AsyncIterator[bytes]:
    for chunk in chunks(path):
        yield chunk


async def _intake_has(http: httpx.AsyncClient, location: str, images: int) -> None:
    """Wait until this many images are recorded. Retries while the gateway is starting again."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            with suppress(httpx.HTTPError):
                answer = await http.get(location)
                if answer.is_success and answer.json()["progress"]["total"] >= images:
                    return
            await asyncio.sleep(0.5)


def _gateway(home: Path) -> int:
    """The gateway's process id."""
    mark = f"{MARKER}={home}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_gateway = b"services.gateway" in (process / "cmdline").read_bytes()
            if is_gateway and mark in (process / "environ").read_bytes().split(b"\0"):
                return int(process.name)
    raise RuntimeError("no gateway runs")


def _peak(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _print(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.catalogue")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--no-stack", action="store_true", help="measure inspection and reading only, without servers")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="imagemill-bench-") as folder:
        path = Path(folder) / "catalogue.csv"
        make_catalogue(path, options.rows)
        _print(f"{options.rows:,} rows, {options.rows * URLS_PER_ROW:,} URLs, {path.stat().st_size / 1e6:.0f} MB")
        catalogue_format = inspect_catalogue(partial(_first, path), CatalogueLimits(), AddressPolicy()).catalogue_format
        for name, work in (
            ("inspected", partial(inspect, path, 0)),
            ("sampled", partial(inspect, path, _SAMPLE_PER_HOST)),
            ("read again", partial(read_again, path, catalogue_format)),
        ):
            spent = alone(work)
            rate = options.rows / spent.seconds
            _print(
                f"{name:10} {spent.seconds:6.1f} s {rate:10,.0f} rows/s {spent.peak_bytes / 1e6:6.0f} MB peak memory"
            )
        if not options.no_stack:
            asyncio.run(through_the_stack(Path(folder) / "stack", path, options.rows))


def _first(path: Path) -> Iterator[bytes]:
    """The beginning of the file, up to a line end."""
    yield next(chunks(path)).rpartition(b"\n")[0] + b"\n"


if __name__ == "__main__":
    main()
