"""Bodies and answers of alerts and cases."""

from __future__ import annotations

from geo_api.cases.schemas.attachments import AttachmentDocument, AttachmentList, TakeBackBody
from geo_api.cases.schemas.case_documents import CaseDocument, CaseEventBody, ChainVerdict
from geo_api.cases.schemas.common import BothLanguages, CaseState
from geo_api.cases.schemas.evidence_card import EvidenceCard, OutcomeBody, RecordedOutcome, SiteMeters
from geo_api.cases.schemas.indicators import FigureCases, IndicatorTable
from geo_api.cases.schemas.publication import PublishedCases, TakeDownBody

__all__ = [
    "AttachmentDocument",
    "AttachmentList",
    "BothLanguages",
    "CaseDocument",
    "CaseEventBody",
    "CaseState",
    "ChainVerdict",
    "EvidenceCard",
    "FigureCases",
    "IndicatorTable",
    "OutcomeBody",
    "PublishedCases",
    "RecordedOutcome",
    "SiteMeters",
    "TakeBackBody",
    "TakeDownBody",
]
