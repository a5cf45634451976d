"""Find out how many bytes of compressed pixels a decoder reads; what follows them may be anything."""

from collections.abc import Callable

_SPARE = 2  # a last code that tells nothing, or the bits that fill the last byte


def needed_bytes(length: int, decodes: Callable[[int], bool]) -> int:
    """The length without what follows the pixels, except for up to two bytes.

    decodes: whether so many bytes contain all pixels. It is called once if nothing follows them, else some 20 times.
    """
    most = length - _SPARE - 1
    if most <= 0 or not decodes(most):
        return length
    least = 0
    while least < most:
        middle = (least + most) // 2
        if decodes(middle):
            most = middle
        else:
            least = middle + 1
    return least + _SPARE
