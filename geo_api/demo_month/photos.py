"""Invented photos for the cases of a demo: drawn, with the place and time of an EXIF as a phone writes it."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np
from PIL import Image, ImageDraw

from layers.local_time import local_zone

WIDTH, HEIGHT = 320, 240
_GPS_IFD, _EXIF_IFD, _TAKEN, _TAKEN_OFFSET = 0x8825, 0x8769, 36867, 36881


def draw_photo(
    rng: np.random.Generator, place: tuple[float, float] | None = None, taken_at: dt.datetime | None = None
) -> bytes:
    """Return a JPEG of a street as a child draws it: nobody takes it for a photo of a real place.

    Parameters
    ----------
    place : tuple of float or None
        Longitude and latitude in degrees (WGS-84) of the EXIF.
    taken_at : datetime or None
        With zone; the EXIF has it in the city's time. Without both the photo has no EXIF.
    """
    sky, ground = (tuple(int(v) for v in rng.integers(low, low + 60, 3)) for low in (150, 80))
    image = Image.new("RGB", (WIDTH, HEIGHT), sky)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 150, WIDTH, HEIGHT), fill=ground)
    for _ in range(int(rng.integers(2, 5))):
        left, width, height = (int(rng.integers(*span)) for span in ((0, 270), (30, 90), (30, 110)))
        wall = tuple(int(v) for v in rng.integers(90, 220, 3))
        draw.rectangle((left, 160 - height, left + width, 160), fill=wall, outline="black")
    draw.text((6, HEIGHT - 16), "DEMO / drawn, not a photo", fill="white")
    written = io.BytesIO()
    if place is None or taken_at is None:
        image.save(written, "JPEG", quality=70)
    else:
        image.save(written, "JPEG", quality=70, exif=_exif(*place, taken_at))
    return written.getvalue()


def _exif(lon: float, lat: float, taken_at: dt.datetime) -> Image.Exif:
    exif = Image.Exif()
    local = taken_at.astimezone(local_zone())
    exif.get_ifd(_EXIF_IFD).update(
        {_TAKEN: f"{local:%Y:%m:%d %H:%M:%S}", _TAKEN_OFFSET: f"{local:%z}"[:3] + ":" + f"{local:%z}"[3:]}
    )
    exif.get_ifd(_GPS_IFD).update(
        {
            1: "N" if lat >= 0 else "S",
            2: _degrees(abs(lat)),
            3: "E" if lon >= 0 else "W",
            4: _degrees(abs(lon)),
        }
    )
    return exif


def _degrees(value: float) -> tuple[float, float, float]:
    minutes = (value - int(value)) * 60
    return float(int(value)), float(int(minutes)), round((minutes - int(minutes)) * 60, 4)
