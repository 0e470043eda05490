"""Search of names by parts and by pinyin, of plates and of case numbers: readings, keys and their indexes."""

from __future__ import annotations

from importlib import resources
from itertools import chain
from typing import Any

from alembic import op
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT
from pypinyin.contrib.tone_convert import to_normal

revision = "0066"
down_revision = "0064"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_areas_name_keys": "areas USING gin (name_keys(name))",
    "ix_enterprises_name_keys": "enterprises USING gin (name_keys(name))",
    "ix_vehicles_plate_keys": "vehicles USING gin (plate_keys(plate))",
    "ix_cases_number_ends": "cases USING gin (number_ends(number))",
    "ix_areas_code_start": "areas (code text_pattern_ops)",
    "ix_enterprises_uscc_start": "enterprises (uscc text_pattern_ops)",
    "ix_sites_site_id_start": "sites (site_id text_pattern_ops)",
    "ix_cases_number_start": "cases (number text_pattern_ops)",
    "ix_vehicles_vehicle_id_start": "vehicles (vehicle_id text_pattern_ops)",
}
_HAN = range(0x3400, 0xA000)


def upgrade() -> None:
    driver: Any = op.get_bind().connection.driver_connection
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0066_search.sql").read_text())
    with driver.cursor() as cursor, cursor.copy("COPY pinyin_readings (written, reading) FROM STDIN") as copy:
        characters = {
            chr(code): _plain(said.split(",")[0]) for code, said in PINYIN_DICT.items() if code in _HAN
        }
        for row in chain(characters.items(), _other_words(characters).items()):
            copy.write_row(row)
    driver.execute("ANALYZE pinyin_readings")
    for name, on in _INDEXES.items():
        driver.execute(f"CREATE INDEX {name} ON {on}")


def _other_words(characters: dict[str, str]) -> dict[str, str]:
    """Return words of two to four characters that are read otherwise than these alone."""
    words = {}
    for written, said in PHRASES_DICT.items():
        if 2 <= len(written) == len(said) <= 4 and all(each in characters for each in written):
            reading = " ".join(_plain(each[0]) for each in said)
            if reading != " ".join(characters[each] for each in written):
                words[written] = reading
    return words


def _plain(said: str) -> str:
    return str(to_normal(said))


def downgrade() -> None:
    for name in _INDEXES:
        op.execute(f"DROP INDEX {name}")
    op.execute("DROP FUNCTION name_keys, pinyin_of, plate_keys, number_ends, plain_code")
    op.execute("DROP TABLE pinyin_readings")
