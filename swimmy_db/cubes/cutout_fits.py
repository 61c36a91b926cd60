"""FITS files in memory, read twice over: a quick reader of the plain files that the cutout service sends, and astropy.

A plain file is a primary HDU and image extensions, each of 2880-byte blocks, unscaled float32 or int32. Whatever
else a FITS file may be is astropy's to read; a test holds the two to the same result.
"""

import io
import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np

BLOCK = 2880
CARD = 80
_DTYPES = {8: np.dtype("u1"), 32: np.dtype(">i4"), -32: np.dtype(">f4")}
_QUOTED = re.compile(rb"'((?:[^']|'')*)'")
_END = b"END" + b" " * 77


class NotPlain(Exception):
    """A FITS file that the quick reader leaves to astropy."""


class Truncated(Exception):
    """The file ends before its last HDU does."""


class Damaged(Exception):
    """The file begins as FITS does, and astropy cannot read it."""


class Hdu(NamedTuple):
    """Header cards (values of commentary cards left out), data (None if the HDU has none), raw header."""

    cards: dict[str, object]
    data: np.ndarray | None
    header: bytes
    checksum_holds: bool


def read_plain(payload: bytes) -> list[Hdu]:
    """All HDUs. Raises NotPlain or Truncated."""
    hdus = []
    start = 0
    while start < len(payload):
        header = _header_at(payload, start)
        cards = _cards(header)
        data_start = start + len(header)
        shape = _shape(cards, is_primary=not hdus)
        data = None
        stop = data_start
        if shape:
            dtype = _DTYPES.get(cards.get("BITPIX"))
            if dtype is None:
                raise NotPlain(f"BITPIX {cards.get('BITPIX')}")
            n_pixels = int(np.prod(shape))
            stop = data_start + -(-n_pixels * dtype.itemsize // BLOCK) * BLOCK
            if stop > len(payload):
                raise Truncated
            data = np.frombuffer(payload, dtype, n_pixels, data_start).reshape(shape)
        holds = _sums_hold(cards, payload[start:stop], payload[data_start:stop])
        hdus.append(Hdu(cards, data, header, holds))
        start = stop
    return hdus


def read_with_astropy(payload: bytes) -> list[Hdu]:
    """All HDUs, by astropy: compressed, scaled or otherwise unusual images. Raises Truncated or Damaged."""
    import warnings

    from astropy.io import fits

    hdus = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with fits.open(io.BytesIO(payload), checksum=True) as opened:
                for hdu in opened:
                    cards = {key: value for key, value in hdu.header.items() if key not in ("", "COMMENT", "HISTORY")}
                    data = hdu.data if hdu.is_image and hdu.data is not None else None
                    hdus.append(Hdu(cards, data, hdu.header.tostring().encode("ascii"), True))
        except Exception as fault:  # what a damaged header makes astropy raise is not documented
            raise Damaged from fault
    if any("truncated" in str(warning.message).lower() for warning in caught):
        raise Truncated
    if any("verification failed" in str(warning.message) for warning in caught):
        return [hdu._replace(checksum_holds=False) for hdu in hdus]
    return hdus


def _header_at(payload: bytes, start: int) -> bytes:
    for stop in range(start + BLOCK, len(payload) + 1, BLOCK):
        # END is looked for in the newest block only, and only where a card begins.
        for card in range(stop - BLOCK, stop, CARD):
            if payload[card : card + 3] == b"END" and payload[card : card + CARD] == _END:
                return payload[start:stop]
    raise Truncated


def _shape(cards: dict[str, object], is_primary: bool) -> tuple[int, ...]:
    """Of the data, in numpy's order; () without data. Raises NotPlain for what is no unscaled image."""
    if not is_primary and cards.get("XTENSION") != "IMAGE":
        raise NotPlain(f"extension {cards.get('XTENSION')}")
    if cards.keys() & {"BSCALE", "BZERO", "BLANK", "CONTINUE", "GROUPS"} or cards.get("PCOUNT", 0) != 0:
        raise NotPlain("scaled, blanked or grouped")
    try:
        shape = tuple(int(cards[f"NAXIS{k}"]) for k in range(int(cards["NAXIS"]), 0, -1))
    except (KeyError, ValueError, TypeError):
        raise NotPlain("no NAXIS") from None
    if any(length < 1 for length in shape):
        raise NotPlain(f"shape {shape}")
    return shape


def _cards(header: bytes) -> dict[str, object]:
    cards = {}
    for start in range(0, len(header), CARD):
        card = header[start : start + CARD]
        if card == _END:
            break
        parsed = _card(card)
        if parsed is not None:
            cards[parsed[0]] = parsed[1]
    return cards


@lru_cache(maxsize=8192)
def _card(card: bytes) -> tuple[str, object] | None:
    """Keyword and value of a card, None of a commentary one; most cards of a survey's cutouts are alike."""
    if card[8:10] == b"= ":
        key, text = card[:8], card[10:]
    elif card.startswith(b"HIERARCH "):
        key, equals, text = card[9:].partition(b"=")
        if not equals:
            return None
    elif card.startswith(b"CONTINUE"):
        key, text = b"CONTINUE", b"T"
    else:
        return None
    return key.strip().decode("latin-1"), _value(text.strip())


def _value(text: bytes) -> object:
    """str, bool, int, float, or None, as FITS writes them; a comment may follow."""
    if text.startswith(b"'"):
        quoted = _QUOTED.match(text)
        return quoted[1].replace(b"''", b"'").decode("latin-1").rstrip() if quoted else None
    word = text.split(b"/", 1)[0].strip()
    if word in (b"T", b"F"):
        return word == b"T"
    try:
        return int(word)
    except ValueError:
        try:
            return float(word.replace(b"D", b"E"))
        except ValueError:
            return None


def _sums_hold(cards: dict[str, object], hdu: bytes, data: bytes) -> bool:
    """DATASUM and CHECKSUM (FITS standard, appendix J), where the header has them."""
    declared = cards.get("DATASUM") or None
    if declared is not None and str(declared) != str(_sum32(data)):
        return False
    return not cards.get("CHECKSUM") or _sum32(hdu) in (0, 0xFFFFFFFF)


def _sum32(content: bytes) -> int:
    """Sum of the big-endian 32-bit words in ones' complement arithmetic."""
    total = int(np.frombuffer(content, ">u4").sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total
