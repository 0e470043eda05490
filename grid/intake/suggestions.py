"""Matters for the text of a clue: BM25 over pairs of characters of matters, of past cases and of everyday words.

Who calls does not say what the law says. ``everyday_words.csv`` has words of callers for words of the law
(``official``, ``everyday``, by semicolon): a matter whose name or keywords have one of the former is found by
the latter.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
import re
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.local_time import local_day

MOST_TITLES = 5_000
"""Titles of past cases, and texts of clues that became cases, that are read: the newest."""
MOST_SUGGESTED = 5
MOST_CHARACTERS = 2_000
_OTHER = re.compile(r"[^0-9a-z㐀-鿿]+")


@dataclass(frozen=True)
class MatterSuggestion:
    """A matter that a text may be about.

    Attributes
    ----------
    score : float
        Share of the best suggestion's score.
    matched : tuple of str
        Pairs of characters of the text that the matter has, in the order of the text.
    """

    item_code: str
    name: str
    domain: str
    score: float
    matched: tuple[str, ...]


def text_pairs(written: str) -> list[str]:
    """Return every two characters that follow each other in a word.

    Examples
    --------
    >>> text_pairs("夜间 焚烧秸秆!"), text_pairs("")
    (['夜间', '焚烧', '烧秸', '秸秆'], [])
    """
    words = _OTHER.split(unicodedata.normalize("NFKC", written[:MOST_CHARACTERS]).lower())
    return [word[i : i + 2] for word in words for i in range(max(len(word) - 1, 0))]


@functools.cache
def _everyday_words() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    written = resources.files(__package__).joinpath("everyday_words.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(written.splitlines())
    return tuple((tuple(row["official"].split(";")), tuple(row["everyday"].split(";"))) for row in rows)


def everyday_words(names: Sequence[str]) -> list[str]:
    """Return the words by which callers name a matter of these names and keywords.

    Examples
    --------
    >>> everyday_words(["露天焚烧秸秆"])[:3], everyday_words(["其他事项"])
    (['稻草', '麦秆', '麦草'], [])
    """
    return [
        word
        for officials, everyday in _everyday_words()
        if any(official in name for official in officials for name in names)
        for word in everyday
    ]


class MatterSuggester:
    """An index of the matters in force.

    Parameters
    ----------
    matters : sequence of tuple
        Item code, name, domain, and the texts about each matter.
    """

    def __init__(self, matters: Sequence[tuple[str, str, str, Sequence[str]]]) -> None:
        import bm25s  # only for who takes in clues

        self._matters = list(matters)
        tokens = [
            [pair for each in (*texts, *everyday_words(texts)) for pair in text_pairs(each)]
            for *_, texts in self._matters
        ]
        self._pairs = [frozenset(found) for found in tokens]
        self._index = bm25s.BM25(k1=1.2, b=0.5)
        if any(tokens):
            self._index.index(tokens, show_progress=False)
        self._empty = not any(tokens)

    def suggest(self, written: str, most: int = MOST_SUGGESTED) -> list[MatterSuggestion]:
        """Return the matters whose texts are most like a text, the best first; those with nothing in common are not."""
        asked = list(dict.fromkeys(text_pairs(written)))
        known = [pair for pair in asked if any(pair in pairs for pairs in self._pairs)]
        if self._empty or not known:
            return []
        scores = self._index.get_scores(known)
        best = sorted(range(len(self._matters)), key=lambda i: (-scores[i], self._matters[i][0]))[:most]
        highest = float(scores[best[0]])
        return [
            MatterSuggestion(
                *self._matters[i][:3],
                round(float(scores[i]) / highest, 3),
                tuple(pair for pair in known if pair in self._pairs[i]),
            )
            for i in best
            if scores[i] > 0
        ]


_kept: dict[str, tuple[tuple[object, ...], MatterSuggester]] = {}
_lock = threading.Lock()


def suggest_matters(
    db: Session, written: str, *, at: dt.datetime, most: int = MOST_SUGGESTED
) -> list[MatterSuggestion]:
    """Return the matters in force that a text may be about; the index is made when it is first needed.

    It is made anew when a matter or a hundred cases have come. What was said of past cases is read in the caller's
    scope, but one index serves all: ask with the rights of the service. Only pairs of the asked text are answered.
    """
    state = tuple(db.execute(_STATE, {"day": local_day(at)}).one())
    address = str(db.get_bind().engine.url)
    with _lock:
        kept = _kept.get(address)
        if kept is None or kept[0] != state:
            rows = db.execute(_MATTERS, {"day": local_day(at), "most": MOST_TITLES})
            kept = _kept[address] = (state, MatterSuggester([(r[0], r[1], r[2], r[3]) for r in rows]))
            while len(_kept) > 4:
                _kept.pop(next(iter(_kept)))
    return kept[1].suggest(written, most)


_STATE = text(
    "SELECT CAST(:day AS date), (SELECT (count(*), max(id), max(batch_id))::text FROM matters),"
    " (SELECT COALESCE(max(id), 0) / 100 FROM cases)"
)
_MATTERS = text("""
SELECT m.item_code, m.name, m.domain,
       ARRAY[m.name, m.name] || m.keywords || m.keywords || COALESCE(t.titles, '{}') || COALESCE(s.said, '{}')
FROM matters m LEFT JOIN (
    SELECT c.item_code, array_agg(DISTINCT split_part(c.title, '：', 1)) AS titles
    FROM (SELECT item_code, title FROM cases ORDER BY id DESC LIMIT :most) c GROUP BY c.item_code) t USING (item_code)
LEFT JOIN (
    SELECT c.item_code, array_agg(left(k.text, 200) ORDER BY k.id) AS said
    FROM (SELECT id, text, case_id FROM clues WHERE case_id IS NOT NULL ORDER BY id DESC LIMIT :most) k
    JOIN cases c ON c.id = k.case_id GROUP BY c.item_code) s USING (item_code)
WHERE m.valid_from <= :day AND (m.valid_to IS NULL OR m.valid_to > :day) ORDER BY m.item_code
""")
