"""Page of the codes old and new of a change set, to be printed and hung up; it opens without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from maps.formats import Formats
from maps.glossary import Language, names
from maps.report_policy import with_policy
from maps.reports.page import environment


def codes_report(
    change_set: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    *,
    language: Language = "zh",
    time_zone: str,
) -> str:
    """Return the table of codes old and new as one HTML file, in both languages.

    Parameters
    ----------
    change_set : mapping
        ``change_set_id``, ``title``, ``status``, ``effective_at``.
    rows : sequence of mapping
        ``old_code``, ``old_name``, ``new_code``, ``new_name``, ``kind``, ``share`` (0 to 1).
    time_zone : str
        Zone in which the time is written.
    """
    template = environment(time_zone).get_template("codes.html")
    return with_policy(
        template.render(
            change_set=change_set,
            rows=rows,
            status=names("change", change_set["status"]),
            kinds={row["kind"]: names("kind", row["kind"]) for row in rows},
            note=Formats(language, time_zone).zone_note(),
            tag="zh-CN" if language == "zh" else "en",
        )
    )
