"""Safety of a report as a file.

Text in the scripts of the map, and the policy that lets no other script run.
"""

from __future__ import annotations

import base64
import hashlib
import re

_REFERENCES = str.maketrans({mark: f"&#{ord(mark)};" for mark in "\\`${}"})
_SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<text>.*?)</script>", re.DOTALL | re.IGNORECASE)
_HEAD = "<head>"


def in_map_script(html: str) -> str:
    r"""Return HTML that may stand in the script of a map.

    The text of a tooltip, a property, the name of a layer.

    folium puts it into a template literal of JavaScript and reads the script as a template of Jinja once
    more, so that ``${…}`` would run in the browser and ``{{…}}`` on the server. The characters that mean
    something to either become character references, which HTML shows as what they were.

    Examples
    --------
    >>> in_map_script(r"A ${document.title} `B` \u{41} {{7*7}}")
    'A &#36;&#123;document.title&#125; &#96;B&#96; &#92;u&#123;41&#125; &#123;&#123;7*7&#125;&#125;'
    """
    return html.translate(_REFERENCES)


def with_policy(html: str) -> str:
    """Put a content security policy into the head of a page.

    Its own inline scripts run, by their hashes, no others.

    The policy holds for a file that was saved, too. Nothing is loaded from anywhere, no form is sent.
    """
    scripts = sorted({_hash(found["text"]) for found in _SCRIPT.finditer(html)})
    policy = (
        f"default-src 'none'; script-src {' '.join(scripts) or chr(39) + 'none' + chr(39)}; "
        "style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    before, head, after = html.partition(_HEAD)
    return f"{before}{head}{meta}{after}"


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.replace("\r\n", "\n").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
