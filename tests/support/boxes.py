"""Boxes of an AVIF file, with each kind of size."""


def box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return (8 + len(content)).to_bytes(4, "big") + name + content


def wide_box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return b"\0\0\0\1" + name + (16 + len(content)).to_bytes(8, "big") + content


def endless_box(name: bytes, *parts: bytes) -> bytes:
    return b"\0\0\0\0" + name + b"".join(parts)
