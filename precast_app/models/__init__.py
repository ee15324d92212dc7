"""The tables. Rules that keep data right under concurrency stand here, as constraints of the database."""

from precast_app.models.account import ApiToken, AuditEntry, Membership, Role, User, UserSession
from precast_app.models.catalogue import (
    BomLine,
    Drawing,
    ElementType,
    Piece,
    PieceStatus,
    Quantity,
    StagePassed,
)
from precast_app.models.job import (
    Batch,
    Change,
    FailureReason,
    FileChunk,
    ImportJob,
    Issue,
    JobStatus,
    OnError,
    Phase,
    PlannedChange,
    Severity,
)
from precast_app.models.project import BomProduct, DrawingType, HierarchyNode, Project, Stage

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Batch",
    "BomLine",
    "BomProduct",
    "Change",
    "Drawing",
    "DrawingType",
    "ElementType",
    "FailureReason",
    "FileChunk",
    "HierarchyNode",
    "ImportJob",
    "Issue",
    "JobStatus",
    "Membership",
    "OnError",
    "Phase",
    "Piece",
    "PieceStatus",
    "PlannedChange",
    "Project",
    "Quantity",
    "Role",
    "Severity",
    "Stage",
    "StagePassed",
    "User",
    "UserSession",
]
