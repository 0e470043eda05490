"""Files that a report carries inside: a folium map that asks no other host.

Every link of a folium map goes through the header of its figure. :class:`LocalHeader` puts the shipped file
in its place, or nothing where no report needs it, and refuses a name that nobody decided about: a new plugin
then fails in a test and not on a user's desk.
"""

from __future__ import annotations

import base64
import mimetypes
import re
from functools import lru_cache
from importlib import resources
from pathlib import PurePosixPath
from typing import Any

import folium
from branca.element import Element, Figure, Link

from maps.errors import MissingAsset

FILES = {"leaflet": "leaflet/leaflet.js", "leaflet_css": "leaflet/leaflet.css"}
"""folium's own name of a link, to a file under ``maps/assets``."""
LEFT_OUT = frozenset(
    {
        "jquery",
        "bootstrap",
        "bootstrap_css",
        "awesome_markers",
        "awesome_markers_css",
        "awesome_markers_font_css",
        "awesome_rotate_css",
        "glyphicons_css",
    }
)
"""Links that folium adds to every map and that the reports do not use (no popups, no icon markers)."""

_CSS_URL = re.compile(r"url\((?!['\"]?(?:data:|#))['\"]?([^)'\"]+)['\"]?\)")
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)


class Verbatim(Element):
    """Text that goes into the page as it is; branca would read it as a template."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self._content = content

    def render(self, **kwargs: Any) -> str:
        """Return the text."""
        return self._content


class LocalHeader(Element):
    """A header in which links become shipped files."""

    def add_child(self, child: Element, name: str | None = None, index: int | None = None) -> Element:
        """Add an element; a link is replaced by its file.

        Raises
        ------
        MissingAsset
            For a link that no file is shipped for.
        """
        if isinstance(child, Link):
            if name in LEFT_OUT:
                return self
            if name not in FILES:
                raise MissingAsset(str(name), child.url)
            child = Verbatim(inlined(FILES[name]))
        elif not isinstance(child, Verbatim) and re.search(r"(src|href)=['\"]https?:", child.render()):
            raise MissingAsset(str(name), "an address inside an element")
        return super().add_child(child, name=name, index=index)


def localise(chart: folium.Map) -> Figure:
    """Return the figure of a map, with every link replaced by its shipped file.

    Raises
    ------
    MissingAsset
        At once or at rendering, for a link that no file is shipped for.
    """
    for name, child in chart._children.items():
        if isinstance(child, folium.TileLayer):
            raise MissingAsset(name, child.tiles)
    figure, header = chart.get_root(), LocalHeader()
    header._parent = figure
    for name, child in figure.header._children.items():
        header.add_child(child, name=name)
    figure.header = header
    return figure


@lru_cache
def inlined(path: str) -> str:
    """One shipped file as a ``<script>`` or ``<style>`` element, pictures of sheets as data URIs."""
    text = (resources.files("maps") / "assets" / path).read_text(encoding="utf-8")
    if path.endswith(".js"):
        script = _SOURCE_MAP.sub("", text).replace("</script", "<\\/script")
        return f"<script>{script}</script>"
    folder = PurePosixPath(path).parent
    return f"<style>{_CSS_URL.sub(lambda found: f'url({data_uri(str(folder / found[1]))})', text)}</style>"


def data_uri(path: str) -> str:
    """Return a shipped picture as a data URI."""
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    content = (resources.files("maps") / "assets" / path).read_bytes()
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


__all__ = ["FILES", "LEFT_OUT", "LocalHeader", "Verbatim", "data_uri", "inlined", "localise"]
