"""Photos: size, place and time of their EXIF, and the copies that are served, without any EXIF."""

from __future__ import annotations

import datetime as dt
import io
import math
import threading
import warnings
from dataclasses import dataclass
from typing import Any

import pillow_heif
from PIL import Image, ImageOps

from layers.attachments.file_kinds import UnfitFile

MAX_PIXELS = 50_000_000
SERVED_PIXELS = 2_048
PREVIEW_PIXELS = 320
"""Longest side of the copies."""
_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_TAKEN, _TAKEN_OFFSET = 36867, 36881
_decoding = threading.BoundedSemaphore(2)
"""A photo of the largest size takes 200 MB while it is decoded."""

pillow_heif.register_heif_opener()


@dataclass(frozen=True)
class Photo:
    """Size of a photo, and the place and time of its EXIF.

    Attributes
    ----------
    width, height : int
        Pixels.
    place : tuple of float or None
        Longitude and latitude in degrees (WGS-84) of the EXIF.
    taken_at : datetime or None
        Of the EXIF; without a zone when the EXIF names none.
    faults : tuple of str
        What of the EXIF is there and cannot be right: ``exif``, ``place``, ``time``.
    """

    width: int
    height: int
    place: tuple[float, float] | None = None
    taken_at: dt.datetime | None = None
    faults: tuple[str, ...] = ()


def read_photo(content: bytes) -> Photo:
    """Decode a photo, and read its place and time; wrong or missing EXIF is told, not refused.

    Raises
    ------
    UnfitFile
        It cannot be decoded, or it has too many pixels.
    """
    with _decoding:
        image = _opened(content)
        width, height = image.size
        place, taken_at, faults = _exif(image)
        image.draft("RGB", (SERVED_PIXELS, SERVED_PIXELS))
        _load(image)
    return Photo(width, height, place, taken_at, faults)


def served_photo(content: bytes) -> bytes:
    """Return the photo as it is served: JPEG of at most 2,048 pixels a side, without metadata."""
    return _copy(content, SERVED_PIXELS)


def preview_of(content: bytes) -> bytes:
    """Return a small JPEG of at most 320 pixels a side, without metadata."""
    return _copy(content, PREVIEW_PIXELS)


def _opened(content: bytes) -> Image.Image:
    """Open a photo; its pixels are counted before any is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except Exception as error:  # whatever a hostile header makes of a decoder
        raise _unreadable() from error
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()
    return image


def _load(image: Image.Image) -> None:
    try:
        image.load()
    except Exception as error:  # whatever hostile data make of a decoder
        raise _unreadable() from error


def _copy(content: bytes, most_pixels: int) -> bytes:
    with _decoding:
        image = _opened(content)
        image.draft("RGB", (most_pixels, most_pixels))
        _load(image)
        turned = ImageOps.exif_transpose(image)
        turned.thumbnail((most_pixels, most_pixels))
        plain = Image.new("RGB", turned.size, "white")  # a new image has no metadata of the old one
        clear = turned.convert("RGBA") if turned.has_transparency_data else None
        plain.paste(turned.convert("RGB") if clear is None else clear, mask=clear)
    written = io.BytesIO()
    plain.save(written, "JPEG", quality=85)
    return written.getvalue()


def _unreadable() -> UnfitFile:
    return UnfitFile("file: the photo cannot be decoded", "照片无法解码")


def _too_many_pixels() -> UnfitFile:
    return UnfitFile(f"file: the photo has more than {MAX_PIXELS:,} pixels", f"照片超过 {MAX_PIXELS:,} 像素")


def _exif(image: Image.Image) -> tuple[tuple[float, float] | None, dt.datetime | None, tuple[str, ...]]:
    try:
        exif = image.getexif()
        details, gps = exif.get_ifd(_EXIF_IFD), exif.get_ifd(_GPS_IFD)
    except Exception:  # EXIF is free of any form: what cannot be read is told
        return None, None, ("exif",)
    place = taken_at = None
    faults = []
    if {1, 2, 3, 4} & set(gps):
        place = _place(gps)
        if place is None:
            faults.append("place")
    if details.get(_TAKEN):
        taken_at = _moment(str(details[_TAKEN]), str(details.get(_TAKEN_OFFSET, "")))
        if taken_at is None:
            faults.append("time")
    return place, taken_at, tuple(faults)


def _place(gps: dict[int, Any]) -> tuple[float, float] | None:
    """Return longitude and latitude; None when they cannot be a place. 0°, 0° is what cameras without a fix write."""
    try:
        lat = _degrees(gps[2]) * {"N": 1, "S": -1}[str(gps[1]).strip("\x00 ").upper()]
        lon = _degrees(gps[4]) * {"E": 1, "W": -1}[str(gps[3]).strip("\x00 ").upper()]
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    inside = math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90
    return (lon, lat) if inside and (lon, lat) != (0.0, 0.0) else None


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600


def _moment(written: str, offset: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.strptime(written.strip("\x00 "), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    try:
        return dt.datetime.fromisoformat(f"{moment.isoformat()}{offset.strip(chr(0) + ' ')}")
    except ValueError:
        return moment
