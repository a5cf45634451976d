"""A form is parsed the same however its bytes are split into chunks, and any bytes are at worst refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.upload.multipart import UploadForm
from services.gateway.web import Problem

NAME = st.text(st.characters(codec="utf-8", exclude_characters='"\\\r\n\0', categories=["L", "N", "Zs"]), min_size=1)
# The alphabet contains the boundary of the parts below, so that contents resemble it.
CONTENT = st.binary(max_size=60) | st.lists(st.sampled_from([b"\r\n", b"--", b"--edge", b"x"])).map(b"".join)


def body_of(fields: list[tuple[str, bytes]], filename: str, catalogue: bytes, at: int) -> bytes:
    parts = [(f'form-data; name="{name}"', value) for name, value in fields]
    parts.insert(at, (f'form-data; name="file"; filename="{filename}"', catalogue))
    return b"".join(
        f"--edge\r\nContent-Disposition: {disposition}\r\nX: y\r\n\r\n".encode() + content + b"\r\n"
        for disposition, content in parts
    ) + (b"--edge--\r\n")


def read(body: bytes, size: int) -> UploadForm:
    form = UploadForm(b"edge")
    for start in range(0, len(body), size):
        form.feed(body[start : start + size])
    form.finish()
    return form


@given(
    fields=st.lists(
        st.tuples(NAME.filter(lambda name: name != "file"), st.text(max_size=20).map(str.encode)), max_size=4
    ),
    filename=NAME,
    catalogue=CONTENT.filter(lambda content: b"\r\n--edge" not in b"\r\n" + content),
    at=st.integers(0, 4),
    size=st.integers(1, 80),
)
def test_fields_and_file_are_read_as_they_were_sent(
    fields: list[tuple[str, bytes]], filename: str, catalogue: bytes, at: int, size: int
) -> None:
    form = read(body_of(fields, filename, catalogue, at), size)

    assert form.file_bytes == catalogue
    assert form.fields == [(name, value.decode()) for name, value in fields]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("autumn.csv", "autumn.csv"),
        ("C:\\Users\\me\\autumn.csv", "autumn.csv"),
        ("/home/me/autumn.csv", "autumn.csv"),
        ("../../etc/passwd", "passwd"),
        ("herbst übersicht.csv", "herbst übersicht.csv"),
        ("a\tb\x7f.csv", "ab.csv"),
        ("x" * 400, "x" * 255),
        ("/", None),
    ],
)
def test_folders_are_removed_from_the_file_name(sent: str, kept: str | None) -> None:
    assert read(body_of([], sent, b"x", 0), 1000).filename == kept


@given(
    body=st.one_of(st.binary(max_size=200), st.text('-edg\r\n:;"= name', max_size=80).map(str.encode)),
    size=st.integers(1, 50),
)
def test_arbitrary_bytes_are_refused_with_400(body: bytes, size: int) -> None:
    with pytest.raises(Problem) as refused:
        read(b"--edge\r\n" + body, size)

    assert refused.value.document.status == 400


def part(disposition: str, content_type: str | None, content: bytes) -> bytes:
    headers = f"Content-Disposition: form-data; {disposition}\r\n"
    headers += f"Content-Type: {content_type}\r\n" if content_type else ""
    return b"--edge\r\n" + headers.encode() + b"\r\n" + content + b"\r\n"


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ("name=\"catalogue\"; filename*=UTF-8''K%C3%A4se%20%E8%A1%A8.csv", "Käse 表.csv"),
        ("name=upload; filename*=iso-8859-1'de'K%E4se.csv", "Käse.csv"),
        ('name="csv"; filename="plain.csv"; filename*=UTF-8\'\'other.csv', "plain.csv"),
        ("name=\"x\"; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("name=\"x\"; filename*=nonsense''a%ff.csv", "aÿ.csv"),
    ],
)
def test_a_file_may_have_any_field_name_and_an_extended_file_name(disposition: str, filename: str) -> None:
    """Python's requests and Node send `filename*` for names beyond ASCII."""
    form = read(part('name="percent"', None, b"40") + part(disposition, "text/csv", b"x") + b"--edge--\r\n", 7)

    assert (bytes(form.file_bytes), form.filename, form.fields) == (b"x", filename, [("percent", "40")])


@pytest.mark.parametrize(
    "parameter",
    ["*=a; filename*0=b", "*=idna''%ff", "*=undefined''%ff", "*=a%00b''%ff"],
)
def test_an_odd_extended_file_name_is_no_fault_of_the_server(parameter: str) -> None:
    form = read(part(f'name="file"; filename{parameter}', "text/csv", b"x") + b"--edge--\r\n", 1000)

    assert bytes(form.file_bytes) == b"x"


def test_a_part_with_the_type_of_csv_is_the_file_even_without_a_file_name() -> None:
    body = part('name="catalogue"', "text/csv; charset=koi8-r", b"x") + part('name="mode"', "text/plain", b"size")
    form = read(body + b"--edge--\r\n", 1000)

    assert (bytes(form.file_bytes), form.filename, form.charset, form.fields) == (
        b"x",
        None,
        "koi8-r",
        [("mode", "size")],
    )
