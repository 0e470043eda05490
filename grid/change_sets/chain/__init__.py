"""Chains: the steps of a draft, each on the result of those before it, as one plan."""

from __future__ import annotations

from grid.change_sets.chain.steps import Chain, make_plan

__all__ = ["Chain", "make_plan"]
