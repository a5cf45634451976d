"""WebPs and GIFs with secrets."""

from tests.zoo.secrets.planted import COORDINATES, secret


def _riff_chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)


def webp(webp: bytes) -> bytes:
    at, chunks = 12, []
    while at < len(webp):
        size = int.from_bytes(webp[at + 4 : at + 8], "little")
        data = webp[at + 8 : at + 8 + size]
        if webp[at : at + 4] in (b"VP8 ", b"VP8L"):
            data += secret("after the pixels")
        if webp[at : at + 4] == b"ANMF":
            data += _riff_chunk(b"UNKN", secret("chunk in a frame"))
        chunks.append(_riff_chunk(webp[at : at + 4], data))
        at += 8 + size + size % 2
    body = b"WEBP" + b"".join(chunks) + _riff_chunk(b"UNKN", secret("unknown chunk"))
    return b"RIFF" + len(body).to_bytes(4, "little") + body + secret("trailing data")


def gif(gif: bytes) -> bytes:
    colours = 3 << (gif[10] & 7) + 1 if gif[10] & 0x80 else 0

    def blocks(*texts: bytes) -> bytes:
        return b"".join(bytes((len(text),)) + text for text in texts) + b"\0"

    planted = [
        b"!\xfe" + blocks(secret("comment"), COORDINATES.encode()),
        b"!\xff" + blocks(b"XMP DataXMP", secret("XMP")),
        b"!\xff" + blocks(b"ICCRGBG1012", secret("no profile")),
        b"!\xff" + blocks(b"SECRET appl", secret("application")),
        b"!\x01" + blocks(bytes(12), secret("plain text")),
        b"!\xce" + blocks(secret("unknown extension")),
    ]
    start = 13 + colours
    loop = gif.replace(
        b"NETSCAPE2.0\x03\x01\0\0", b"NETSCAPE2.0\x03\x01\0\0" + blocks(secret("second loop block"))[:-1]
    )
    body = loop[start:-2] + blocks(secret("after the pixels"))
    empty = b"," + bytes(9) + b"\x08" + blocks(secret("frame without pixels"))
    return loop[:start] + b"".join(planted) + body + empty + planted[0] + b";" + secret("trailing data")
