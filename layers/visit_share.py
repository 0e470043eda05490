"""The share from which a visit serves a site: models count by it, cards and findings show by it."""

from __future__ import annotations

LEAST_SHARE = 0.2
"""A visit with a smaller share serves another site: a hundred deliveries next door are not two visits."""
