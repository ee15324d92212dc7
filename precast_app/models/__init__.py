"""The tables, with the constraints that keep the data correct under concurrency."""

from precast_app.enums import (
    DeliveryStatus,
    FailureReason,
    JobStatus,
    Mapping,
    Missing,
    NotificationEvent,
    OnError,
    Phase,
    PieceEventKind,
    PieceStatus,
    Renames,
    Role,
    Severity,
)
from precast_app.models.correction import CorrectionEvent, RejectedRow
from precast_app.models.element_type import BomLine, Drawing, ElementType, ElementTypeStage, Quantity
from precast_app.models.import_profile import ImportProfile, ImportProfileVersion
from precast_app.models.job import (
    ElementTypeChange,
    FileChunk,
    ImportBatch,
    ImportJob,
    Issue,
    MissingElementType,
    OutputChunk,
    PlannedChange,
)
from precast_app.models.notification import OutboxMessage, Webhook
from precast_app.models.piece import Piece, PieceEvent, PieceStage, PlannedPieceMove
from precast_app.models.project import BomProduct, DrawingType, HierarchyNode, Project, Stage
from precast_app.models.project_totals import StoredTotals
from precast_app.models.telemetry import DurationBucket
from precast_app.models.user import ApiToken, AuditEntry, Membership, User, UserSession

__all__ = [
    "ApiToken",
    "AuditEntry",
    "BomLine",
    "BomProduct",
    "CorrectionEvent",
    "DeliveryStatus",
    "Drawing",
    "DrawingType",
    "DurationBucket",
    "ElementType",
    "ElementTypeChange",
    "ElementTypeStage",
    "FailureReason",
    "FileChunk",
    "HierarchyNode",
    "ImportBatch",
    "ImportJob",
    "ImportProfile",
    "ImportProfileVersion",
    "Issue",
    "JobStatus",
    "Mapping",
    "Membership",
    "Missing",
    "MissingElementType",
    "NotificationEvent",
    "OnError",
    "OutboxMessage",
    "OutputChunk",
    "Phase",
    "Piece",
    "PieceEvent",
    "PieceEventKind",
    "PieceStage",
    "PieceStatus",
    "PlannedChange",
    "PlannedPieceMove",
    "Project",
    "Quantity",
    "RejectedRow",
    "Renames",
    "Role",
    "Severity",
    "Stage",
    "StoredTotals",
    "User",
    "UserSession",
    "Webhook",
]
