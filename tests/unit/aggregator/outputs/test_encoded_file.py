"""Whatever an upload's encoding, its text is written to the last character."""

import encodings
import pkgutil
from pathlib import Path

import pytest

from services.aggregator.outputs.encoded_file import open_encoded
from services.gateway.catalogue import codec_of

TEXTS = [
    *(("big5hkscs", text) for text in ("1,\u00ca", "1,\u00ea\u0304", "1,\u6a61")),
    *(("euc_jis_2004", text) for text in ("1,\u304b", "1,\u304b\u309a", "1,\u30c8\n", "1,\u02e9")),
    *(("iso2022_jp", text) for text in ("1,\u304b", "1,\u304b\n", "1,a")),
    *((codec, "1,\u304b\r\n") for codec in ("cp932", "gb18030", "utf-8", "utf-16-le")),
    *((codec, "1,\u00e9") for codec in ("cp1252", "mac-roman")),
]


@pytest.mark.parametrize(("encoding", "text"), TEXTS)
def test_the_last_character_is_written(tmp_path: Path, encoding: str, text: str) -> None:
    with open_encoded(tmp_path / "x.csv", encoding) as file:
        file.write("S. No.,\u304b\n" if encoding not in {"cp1252", "mac-roman", "big5hkscs"} else "S. No.\n")
        file.write(text)
        file.write("")
    data = (tmp_path / "x.csv").read_bytes()
    assert data.endswith(text.encode(encoding))
    assert data.decode(encoding).endswith("\n" + text)


ACCEPTED = sorted({codec for module in pkgutil.iter_modules(encodings.__path__) if (codec := codec_of(module.name))})
LETTERS = "a\xe9\u03a9\u0436\u00ca\u304b\u6a61\u02e9\uac00\u4e2d"


@pytest.mark.parametrize("encoding", ACCEPTED)
def test_a_last_letter_is_written_in_every_encoding_that_an_upload_may_have(tmp_path: Path, encoding: str) -> None:
    for letter in LETTERS:
        with open_encoded(tmp_path / "x.csv", encoding) as file:
            file.write(letter)
        assert (tmp_path / "x.csv").read_bytes() == letter.encode(encoding, errors="backslashreplace")


def test_what_does_not_fit_is_escaped(tmp_path: Path) -> None:
    with open_encoded(tmp_path / "x.csv", "iso2022_jp") as file:
        file.write("\U0001f600")
    assert (tmp_path / "x.csv").read_bytes() == b"\\U0001f600"
