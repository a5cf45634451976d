"""The guarded client against real servers on loopback.

127.0.0.2 stands for the public internet: the policy allows it. 127.0.0.1 stands for the private network, with a
server on the same port that must not be reached.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
import uvloop

from shared.outbound import (
    BadResponse,
    GuardedClient,
    IncompleteBody,
    NameNotResolved,
    TlsError,
    open_guarded_client,
)
from shared.outbound import client as client_module
from shared.outbound.resolver import Resolve, ThreadedResolver
from shared.url_policy import AddressPolicy, BlockedAddress, parse_url
from tests.support.certificates import Authority, new_authority
from tests.support.origin import Origin, Response, image, open_origin, open_server, redirect
from tests.support.waiting import until

PUBLIC, PRIVATE = "127.0.0.2", "127.0.0.1"
POLICY = AddressPolicy(allow_networks=(ip_network(f"{PUBLIC}/32"),))
TIMEOUT = httpx.Timeout(5, connect=2)


@dataclass
class Names:
    """A resolver that returns the answers of each name in turn; the last one repeats."""

    answers: Mapping[str, Sequence[Sequence[str] | socket.gaierror]]
    resolved: list[str] = field(default_factory=list)

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        turn = self.resolved.count(host)
        self.resolved.append(host)
        answers = self.answers[host]
        answer = answers[min(turn, len(answers) - 1)]
        if isinstance(answer, socket.gaierror):
            raise answer
        return answer


@dataclass
class Client:
    """A guarded client, and requests whose whole responses are read."""

    guarded: GuardedClient

    def stream(
        self, method: str, url: str, content: bytes | None = None
    ) -> AbstractAsyncContextManager[httpx.Response]:
        return self.guarded.stream(method, parse_url(url), {}, content)

    async def get(self, url: str) -> httpx.Response:
        return await self._read("GET", url)

    async def post(self, url: str, content: bytes = b"") -> httpx.Response:
        return await self._read("POST", url, content)

    async def head(self, url: str) -> httpx.Response:
        return await self._read("HEAD", url)

    async def _read(self, method: str, url: str, content: bytes | None = None) -> httpx.Response:
        async with self.stream(method, url, content) as response:
            await response.aread()
        return response


@asynccontextmanager
async def client(
    resolve: Resolve | None = None,
    *,
    policy: AddressPolicy = POLICY,
    max_idle: int = 10,
    timeout: httpx.Timeout = TIMEOUT,  # noqa: ASYNC109 - the client's setting
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Client]:
    guarded = open_guarded_client(
        policy, user_agent="imagemill-test", timeout=timeout, max_idle=max_idle, resolve=resolve, tls=tls
    )
    async with guarded:
        yield Client(guarded)


@pytest.fixture
async def public_origin() -> AsyncIterator[Origin]:
    async with open_origin(host=PUBLIC) as origin:
        origin.serve("/a.jpg", image(b"public"))
        yield origin


@pytest.fixture
async def private_origin(public_origin: Origin) -> AsyncIterator[Origin]:
    """On the port of `public_origin`, at the blocked address."""
    async with open_origin(host=PRIVATE, port=public_origin.port) as origin:
        origin.serve("/a.jpg", image(b"secret"))
        yield origin


async def test_a_name_is_resolved_once_and_sent_to_the_host(public_origin: Origin) -> None:
    names = Names({"shop.test": [[PUBLIC]]})
    async with client(names) as http:
        answer = await http.get(f"http://shop.test:{public_origin.port}/a.jpg")
    assert answer.content == b"public"
    assert names.resolved == ["shop.test"]
    assert public_origin.requests[0].headers["host"] == f"shop.test:{public_origin.port}"
    assert public_origin.requests[0].headers["user-agent"] == "imagemill-test"


async def test_a_name_that_resolves_to_a_private_address_later_is_blocked(
    public_origin: Origin, private_origin: Origin
) -> None:
    names = Names({"shop.test": [[PUBLIC], [PRIVATE]]})
    url = f"http://shop.test:{public_origin.port}/a.jpg"
    async with client(names, max_idle=0) as http:
        assert (await http.get(url)).content == b"public"
        with pytest.raises(BlockedAddress):
            await http.get(url)
    assert private_origin.connections == 0


@pytest.mark.parametrize("answer", [[PUBLIC, PRIVATE], [PRIVATE, PUBLIC], [PUBLIC, "10.0.0.1"], [PUBLIC, "::1"]])
async def test_one_private_address_among_public_ones_blocks_the_name(
    public_origin: Origin, private_origin: Origin, answer: list[str]
) -> None:
    async with client(Names({"shop.test": [answer]})) as http:
        with pytest.raises(BlockedAddress):
            await http.get(f"http://shop.test:{public_origin.port}/a.jpg")
    assert (public_origin.connections, private_origin.connections) == (0, 0)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "127.0.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.1",
        "0x7f.0x0.0x0.0x1",
        "0177.0.0.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
        "\uff11\uff12\uff17\u30020\u30020\u30021",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "168.63.129.16",
    ],
)
async def test_no_spelling_of_a_private_address_is_dialled(private_origin: Origin, host: str) -> None:
    """With the system's resolver, which understands them. The port is allowed, so only the address is blocked."""
    policy = AddressPolicy(ports=frozenset({private_origin.port}))
    async with client(policy=policy) as http:
        with pytest.raises(BlockedAddress, match="blocked address"):
            await http.get(f"http://{host}:{private_origin.port}/a.jpg")
    assert private_origin.connections == 0


@pytest.mark.parametrize(
    ("written", "target", "host"),
    [
        ("http://Stra\u00dfe.test{port}\\a b.jpg", "/a%20b.jpg", "xn--strae-oqa.test"),
        ("http://shop.test.{port}/a.jpg", "/a.jpg", "shop.test."),
        ("http://sh\top.test{port}/a\n.jpg", "/a.jpg", "shop.test"),
        ("http://i\u2764.test{port}/\u00fc?\u00fc='\"", "/%C3%BC?%C3%BC=%27%22", "xn--i-7iq.test"),
        ("http://shop.test{port}/%7E%zz/../100%|^[]'?%2e|^`{{}}", "/100%%7C%5E[]'?%2e|^`{}", "shop.test"),
        ("http://me:secret@shop.test{port}?x#y", "/?x", "shop.test"),
    ],
)
async def test_the_request_is_for_the_url_as_browsers_read_it_to_the_byte(
    public_origin: Origin, written: str, target: str, host: str
) -> None:
    port = public_origin.port
    public_origin.serve(target, image(b"public"))
    names = Names({host: [[PUBLIC]]})
    async with client(names) as http:
        assert (await http.get(written.format(port=f":{port}"))).content == b"public"
    assert names.resolved == [host]
    assert public_origin.requests[0].path == target
    assert public_origin.requests[0].headers["host"] == f"{host}:{port}"
    assert "authorization" not in public_origin.requests[0].headers


async def test_a_public_address_in_another_spelling_is_dialled(public_origin: Origin) -> None:
    async with client() as http:
        for host in ("0x7f.2", "0177.0.0.2", "2130706434"):
            assert (await http.get(f"http://{host}:{public_origin.port}/a.jpg")).content == b"public"
    assert public_origin.connections == 1
    assert {request.headers["host"] for request in public_origin.requests} == {f"{PUBLIC}:{public_origin.port}"}


async def test_redirects_cookies_and_proxies_are_ignored(
    public_origin: Origin, private_origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, private_origin.base_url)
    public_origin.serve("/moved", redirect(private_origin.url("/a.jpg")))
    public_origin.serve("/cookie", Response(headers={"Set-Cookie": "seen=1; Path=/"}))
    async with client() as http:
        assert (await http.get(public_origin.url("/moved"))).status_code == 302
        assert (await http.get(public_origin.url("/cookie"))).headers["set-cookie"]
        await http.get(public_origin.url("/a.jpg"))
    assert "cookie" not in public_origin.requests[-1].headers
    assert private_origin.connections == 0


async def test_a_missing_name_and_silent_name_servers_are_distinguished(public_origin: Origin) -> None:
    names = Names(
        {
            "gone.test": [socket.gaierror(socket.EAI_NONAME, "Name or service not known")],
            "none.test": [[]],
            "silent.test": [socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")],
        }
    )
    async with client(names) as http:
        for host, temporary in (("gone.test", False), ("none.test", False), ("silent.test", True)):
            with pytest.raises(NameNotResolved) as caught:
                await http.get(f"http://{host}:{public_origin.port}/")
            assert caught.value.temporary is temporary


async def test_the_system_resolver_reports_an_invalid_name() -> None:
    with pytest.raises(socket.gaierror) as caught:
        await ThreadedResolver(1)("a..b", 80)
    assert caught.value.errno == socket.EAI_NONAME


async def test_after_a_refused_connection_the_next_address_is_tried(public_origin: Origin) -> None:
    policy = AddressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))
    url = f"http://shop.test:{public_origin.port}/a.jpg"
    async with client(Names({"shop.test": [["127.0.0.3", PUBLIC]]}), policy=policy) as http:
        assert (await http.get(url)).content == b"public"
    async with client(Names({"shop.test": [["127.0.0.3"]]}), policy=policy) as http:
        with pytest.raises(httpx.ConnectError, match=r"^Connection refused$"):
            await http.get(url)


async def test_a_silent_address_leaves_time_for_the_next_one(public_origin: Origin) -> None:
    async with silent_server("127.0.0.3", public_origin.port):
        names = Names({"shop.test": [["127.0.0.3", PUBLIC], ["127.0.0.3"]]})
        policy = AddressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))
        async with client(names, policy=policy, max_idle=0, timeout=httpx.Timeout(5, connect=0.6)) as http:
            assert (await http.get(f"http://shop.test:{public_origin.port}/a.jpg")).content == b"public"
            with pytest.raises(httpx.ConnectTimeout):
                await http.get(f"http://shop.test:{public_origin.port}/a.jpg")


@asynccontextmanager
async def silent_server(host: str, port: int) -> AsyncIterator[None]:
    """Accepts no connection: its backlog is full."""
    loop = asyncio.get_running_loop()
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind((host, port))
        listener.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await loop.sock_connect(waiting, (host, port))
        yield


async def test_requests_to_one_host_reuse_the_connection(public_origin: Origin) -> None:
    public_origin.serve("/missing", Response(status=404, body=b"not here"))
    async with client() as http:
        for path in ("/a.jpg", "/missing", "/a.jpg"):
            await http.get(public_origin.url(path))
    assert [request.connection for request in public_origin.requests] == [1, 1, 1]


async def test_idle_connections_are_limited(public_origin: Origin) -> None:
    async with client(max_idle=2) as http:
        for _ in range(2):
            await asyncio.gather(*(http.get(public_origin.url("/a.jpg")) for _ in range(5)))
    assert public_origin.connections == 5 + 3


async def test_an_idle_connection_is_closed_in_time_although_no_request_follows(
    public_origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_IDLE_SECONDS", 0.1)
    async with client() as http:
        await http.get(public_origin.url("/a.jpg"))
        assert public_origin.open_connections
        await until(lambda: not public_origin.open_connections)


async def test_a_connection_with_an_unread_response_is_not_reused(public_origin: Origin) -> None:
    public_origin.serve("/long", Response(body=b"x" * 1000, endless=True))
    async with client() as http:
        async with http.stream("GET", public_origin.url("/long")):
            pass
        await http.get(public_origin.url("/a.jpg"))
    assert [request.connection for request in public_origin.requests] == [1, 2]


async def test_an_idle_connection_that_the_host_closed_or_wrote_to_is_not_reused(public_origin: Origin) -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    public_origin.serve("/closes", Response(raw=ok))
    public_origin.serve("/says-more", Response(raw=ok + b" and more than it declared"))
    async with client() as http:
        for path in ("/closes", "/says-more"):
            assert (await http.get(public_origin.url(path))).content == b"ok"
            assert (await http.get(public_origin.url("/a.jpg"))).content == b"public"


async def test_an_idle_connection_that_the_host_closed_is_not_reused_for_a_post(public_origin: Origin) -> None:
    public_origin.serve("/closes", Response(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    public_origin.serve("/hook", Response())
    async with client() as http:
        await http.get(public_origin.url("/closes"))
        await until(lambda: not public_origin.open_connections)
        assert (await http.post(public_origin.url("/hook"))).status_code == 200


async def test_a_get_on_an_idle_connection_that_the_host_closes_is_repeated(public_origin: Origin) -> None:
    public_origin.serve("/a.jpg", image(b"first"), Response(raw=b""), image(b"second"))
    async with client() as http:
        assert (await http.get(public_origin.url("/a.jpg"))).content == b"first"
        assert (await http.get(public_origin.url("/a.jpg"))).content == b"second"


async def test_a_new_connection_that_the_host_closes_is_an_error(public_origin: Origin) -> None:
    public_origin.serve("/closes", Response(raw=b""))
    async with client() as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(public_origin.url("/closes"))
    assert public_origin.request_count("/closes") == 1


async def test_a_post_is_never_sent_twice(public_origin: Origin) -> None:
    public_origin.serve("/hook", Response(), Response(raw=b""), Response())
    async with client() as http:
        await http.post(public_origin.url("/hook"), content=b"{}")
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(public_origin.url("/hook"), content=b"{}")
    assert public_origin.request_count("/hook") == 2


async def test_a_get_whose_response_began_on_an_idle_connection_is_not_repeated(public_origin: Origin) -> None:
    public_origin.serve("/a.jpg", image(b"first"), Response(raw=b"HTTP/1.1 200"), image(b"second"))
    async with client() as http:
        await http.get(public_origin.url("/a.jpg"))
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(public_origin.url("/a.jpg"))
    assert public_origin.request_count("/a.jpg") == 2


async def test_what_a_host_sends_on_an_idle_connection_is_no_response() -> None:
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    received: list[bytes] = []

    async def speak_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nreal")
        await writer.drain()
        await asyncio.sleep(0.1)  # so that the forged response comes after the real one was read
        writer.write(forged)
        received.append(await reader.read())

    async with open_server(speak_early, host=PUBLIC) as port, client() as http:
        assert (await http.get(f"http://{PUBLIC}:{port}/")).content == b"real"
        await until(lambda: received == [b""])  # the client has closed the connection
        assert (await http.get(f"http://{PUBLIC}:{port}/")).content == b"real"


async def test_a_response_without_length_ends_with_the_connection(public_origin: Origin) -> None:
    body = os.urandom(300_000)
    public_origin.serve("/old", Response(raw=b"HTTP/1.0 200 OK\r\n\r\n" + body))
    async with client() as http:
        assert (await http.get(public_origin.url("/old"))).content == body


async def test_the_response_to_a_head_has_no_body(public_origin: Origin) -> None:
    public_origin.serve("/head", Response(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"))
    async with client() as http:
        answer = await http.head(public_origin.url("/head"))
    assert (answer.headers["content-length"], answer.content) == ("9", b"")


async def test_interim_responses_are_skipped(public_origin: Origin) -> None:
    raw = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    public_origin.serve("/hints", Response(raw=raw))
    async with client() as http:
        answer = await http.get(public_origin.url("/hints"))
    assert (answer.status_code, answer.content, "link" in answer.headers) == (200, b"ok", False)


@pytest.mark.parametrize(
    ("start", "flood"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nA: ", b"b"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
    ],
)
async def test_a_flood_ends_with_an_error_and_the_connection(start: bytes, flood: bytes) -> None:
    sent, refused = 0, False

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent, refused
        await reader.readuntil(b"\r\n\r\n")
        writer.write(start)
        try:
            while True:
                writer.write(flood * 1000)
                await writer.drain()
                sent += len(flood) * 1000
        except ConnectionError:
            refused = True

    async with open_server(endless, host=PUBLIC) as port, client() as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(f"http://{PUBLIC}:{port}/")
        await until(lambda: refused)
    assert sent < 16_000_000, "more than what the sockets hold"


async def test_a_head_that_trickles_ends_with_the_read_timeout() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"A: b\r\n")
            await writer.drain()
            await asyncio.sleep(0.1)  # a slow host

    async with open_server(trickle, host=PUBLIC) as port, client(timeout=httpx.Timeout(0.4)) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get(f"http://{PUBLIC}:{port}/")


async def test_a_body_that_nobody_reads_is_not_received() -> None:
    """At most what the sockets and the buffer hold."""
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    async def sent_nothing_more() -> bool:
        before = sent
        await asyncio.sleep(0.2)  # shows that nothing happens
        return sent == before

    async with (
        open_server(endless, host=PUBLIC) as port,
        client() as http,
        http.stream("GET", f"http://{PUBLIC}:{port}/") as answer,
    ):
        await until(sent_nothing_more)
        assert sent < 64_000_000
        held, received = sent, 0
        async for piece in answer.aiter_raw():
            received += len(piece)
            if received > 2 * held + 1_000_000:
                break


async def test_a_value_that_would_end_its_line_is_refused(public_origin: Origin) -> None:
    async with client() as http:
        with pytest.raises(httpx.LocalProtocolError):
            async with http.guarded.stream("GET", parse_url(public_origin.url("/a.jpg")), {"X": "a\r\nY: b"}):
                pytest.fail("it was sent")
    assert not public_origin.requests


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok", BadResponse),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nok", BadResponse),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n", BadResponse),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", BadResponse),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok", IncompleteBody),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", IncompleteBody),
    ],
)
async def test_a_response_that_cannot_be_read_is_not_taken_for_a_host_without_any_response(
    public_origin: Origin, raw: bytes, error: type[httpx.TransportError]
) -> None:
    public_origin.serve("/odd", Response(raw=raw))
    async with client() as http:
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            await http.get(public_origin.url("/odd"))
    assert type(caught.value) is error


async def test_a_host_that_speaks_no_http_is_not_waited_for() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await asyncio.sleep(60)  # such a host waits for the client

    async with open_server(greet, host=PUBLIC) as port, client() as http:
        with pytest.raises(httpx.RemoteProtocolError, match="not an HTTP response"):
            await http.get(f"http://{PUBLIC}:{port}/")


async def test_a_slow_reader_gets_a_large_body_completely(public_origin: Origin) -> None:
    body = bytes(range(256)) * 40_000
    public_origin.serve("/big.jpg", image(body))
    async with client() as http, http.stream("GET", public_origin.url("/big.jpg")) as answer:
        received = b""
        async for piece in answer.aiter_raw():
            received += piece
            await asyncio.sleep(0)
    assert received == body


@pytest.fixture
def authority() -> Authority:
    return new_authority()


async def test_tls_checks_the_name_and_not_the_address(authority: Authority, tmp_path: Path) -> None:
    server_names: list[str | None] = []
    context = authority.server_context("shop.test", tmp_path)
    context.sni_callback = lambda _socket, name, _context: server_names.append(name)
    async with (
        open_origin(context, host=PUBLIC) as origin,
        client(Names({"shop.test": [[PUBLIC]]}), tls=authority.client_context()) as http,
    ):
        origin.serve("/a.jpg", image(body := os.urandom(300_000)))
        for _ in range(2):
            assert (await http.get(f"https://shop.test:{origin.port}/a.jpg")).content == body
        assert origin.connections == 1
    assert server_names == ["shop.test"]


async def test_tls_knows_a_name_without_the_dot_at_its_end(authority: Authority, tmp_path: Path) -> None:
    async with (
        open_origin(authority.server_context("shop.test", tmp_path), host=PUBLIC) as origin,
        client(Names({"shop.test.": [[PUBLIC]]}), tls=authority.client_context()) as http,
    ):
        origin.serve("/a.jpg", image(b"public"))
        assert (await http.get(f"https://shop.test.:{origin.port}/a.jpg")).content == b"public"


async def test_a_certificate_for_another_name_or_by_an_unknown_authority_is_refused(
    authority: Authority, tmp_path: Path
) -> None:
    names = Names({"shop.test": [[PUBLIC]], "other.test": [[PUBLIC]]})
    async with open_origin(authority.server_context("shop.test", tmp_path), host=PUBLIC) as origin:
        for host, trusted in (("other.test", authority), ("shop.test", new_authority())):
            async with client(names, tls=trusted.client_context()) as http:
                with pytest.raises(TlsError) as caught:
                    await http.get(f"https://{host}:{origin.port}/a.jpg")
                assert caught.value.certificate
        assert not origin.requests


async def test_a_host_without_tls_is_no_certificate_error() -> None:
    async with open_server(complain, host=PUBLIC) as port, client() as http:
        with pytest.raises(TlsError) as caught:
            await http.get(f"https://{PUBLIC}:{port}/a.jpg")
    assert not caught.value.certificate


async def test_a_missing_handshake_ends_with_the_connect_timeout_and_the_connection() -> None:
    closed = asyncio.Event()

    async def notice(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        closed.set()

    async with open_server(notice, host=PUBLIC) as port, client(timeout=httpx.Timeout(5, connect=0.3)) as http:
        with pytest.raises(httpx.ConnectTimeout):
            await http.get(f"https://{PUBLIC}:{port}/a.jpg")
        async with asyncio.timeout(5):
            await closed.wait()


async def test_data_before_the_tls_handshake_is_refused(authority: Authority, tmp_path: Path) -> None:
    """A man in the middle could send it and forward the handshake to the real host."""
    async with open_origin(authority.server_context("shop.test", tmp_path), host=PUBLIC) as real:

        async def inject(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
            upstream_reader, upstream_writer = await asyncio.open_connection(PUBLIC, real.port)
            try:
                await asyncio.gather(pump(reader, upstream_writer), pump(upstream_reader, writer))
            finally:
                upstream_writer.close()

        async with (
            open_server(inject, host=PUBLIC) as port,
            client(Names({"shop.test": [[PUBLIC]]}), tls=authority.client_context()) as http,
        ):
            with pytest.raises(TlsError):
                await http.get(f"https://shop.test:{port}/a.jpg")
        assert not real.requests


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()


async def silence(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def complain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


def test_it_works_on_uvloop(authority: Authority, tmp_path: Path) -> None:
    async def scenario() -> None:
        names = Names({"shop.test": [[PUBLIC]], "evil.test": [[PRIVATE]]})
        async with (
            open_origin(authority.server_context("shop.test", tmp_path), host=PUBLIC) as secure,
            open_origin(host=PUBLIC) as plain,
            open_server(complain, host=PUBLIC) as no_tls,
            open_server(silence, host=PUBLIC) as silent,
            client(names, tls=authority.client_context(), timeout=httpx.Timeout(5, connect=0.5)) as http,
        ):
            body = bytes(range(256)) * 10_000
            for url in (secure.serve("/a.jpg", image(body)), plain.serve("/a.jpg", image(body))):
                named = url.replace(PUBLIC, "shop.test")
                answers = await asyncio.gather(*(http.get(named) for _ in range(8)))
                assert all(answer.content == body for answer in answers)
            with pytest.raises(BlockedAddress):
                await http.get(f"http://evil.test:{plain.port}/a.jpg")
            with pytest.raises(TlsError):
                await http.get(f"https://shop.test:{no_tls}/a.jpg")
            with pytest.raises(httpx.ConnectTimeout):
                await http.get(f"https://shop.test:{silent}/a.jpg")
            async with client(names, timeout=httpx.Timeout(0.2)) as impatient:
                with pytest.raises(httpx.ReadTimeout):
                    await impatient.get(f"http://shop.test:{silent}/a.jpg")

    uvloop.run(scenario())
