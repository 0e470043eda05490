"""Contracts of deliveries: columns, types, ranges, patterns, uniqueness, freshness and volume, which hold or warn."""

from __future__ import annotations

from layers.contracts.delivery_checks import Expected, due_at, judge_delivery
from layers.contracts.findings import MOST_KEPT, Findings
from layers.contracts.row_checks import RowChecks
from layers.contracts.table_schema import Contract, contract_from, read_contract, read_duration

__all__ = [
    "MOST_KEPT",
    "Contract",
    "Expected",
    "Findings",
    "RowChecks",
    "contract_from",
    "due_at",
    "judge_delivery",
    "read_contract",
    "read_duration",
]
