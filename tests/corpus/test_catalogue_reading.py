"""The independent reading of a catalogue, and the rewriting of its URLs."""

import pytest

from tests.corpus.catalogue_reading import led_to, read, rows_of

HOST = "127.0.0.1:9999"
TEXT = 'id;name;image\n1;Stuhl für "aussen";https://shop.example/a.jpg\n\n2;Käse;http://cdn.example:8080/b.PNG?x=1\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_rows_and_urls_are_counted_in_each_encoding(encoding: str) -> None:
    reading = read(TEXT.encode(encoding))

    assert (reading.delimiter, reading.rows, reading.urls) == (";", 2, 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_url_is_led_to_the_host_and_the_rest_stays(encoding: str) -> None:
    data = led_to(HOST, TEXT.encode(encoding))

    expected = TEXT.replace("https://shop.example", f"http://{HOST}").replace("cdn.example:8080", HOST)
    assert data == expected.encode(encoding)


def test_escaped_slashes_are_kept() -> None:
    assert led_to(HOST, rb"https:\/\/shop.example\/a.jpg") == rb"http:\/\/127.0.0.1:9999\/a.jpg"


def test_rows_without_text_do_not_count() -> None:
    assert rows_of('a,b\n,\n"x\ny",1\n', ",") == 2


def test_a_first_line_that_names_the_delimiter_is_no_row() -> None:
    reading = read(b"sep=;\r\nid;image\r\n1;https://shop.example/a.jpg\r\n")

    assert (reading.delimiter, reading.rows) == (";", 1)
