"""Officers of the bodies of a case, in the register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class OfficerFacts:
    """Facts of the register about an officer; the certificate is valid for centuries unless told otherwise."""

    name: str
    body: str
    area: str = "320601001"
    certified_until: str = "2999-01-01"
    domain: str = "ecology"
    on_duty: bool = True
    username: str | None = None
    phone: str | None = None


def code_of_body(db: Session, body: str, code: str) -> None:
    """Give a body of the register a code, so that officers can belong to it."""
    db.execute(
        text("UPDATE bodies SET code = :code, valid_from = '2020-01-01' WHERE body_id = body_named(:body)"),
        {"code": code, "body": body},
    )


def add_officer(db: Session, facts: OfficerFacts) -> int:
    """Write an officer; the id of the register."""
    values: dict[str, Any] = vars(facts)
    return int(
        db.execute(
            text(
                "INSERT INTO officers (certificate_no, name, certificate_from, certificate_to, body_code, area_codes,"
                " domains, on_duty, username, phone, valid_from)"
                " SELECT :name, :name, '2020-01-01', :certified_until, b.code, ARRAY[:area], ARRAY[:domain], :on_duty,"
                " :username, :phone, '2020-01-01' FROM bodies b WHERE b.body_id = body_named(:body) LIMIT 1"
                " RETURNING officer_id"
            ),
            values,
        ).scalar_one()
    )
