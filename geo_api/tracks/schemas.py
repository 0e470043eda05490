"""Answers to fixes that are sent."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from geo_api.http.schemas import Answer, RowFault, UnregisteredVehicles


class BatchReport(Answer):
    """Report of a batch of fixes."""

    accepted: Annotated[int, Field(description="Written now")]
    duplicate: Annotated[int, Field(description="There before, or twice in the batch")]
    rejected: Annotated[int, Field(description="Rows with a fault")]
    reasons: Annotated[list[RowFault], Field(description="The first 100 faults")]
    unregistered_vehicles: UnregisteredVehicles
