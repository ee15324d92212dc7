"""The enumerations of the tables. This module imports nothing of ours, no SQLAlchemy and no Flask."""

from __future__ import annotations

from enum import StrEnum


class JobStatus(StrEnum):
    """The four states of a job."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Phase(StrEnum):
    """What a job is doing, in more detail than its state."""

    WAITING_FOR_FILE = "waiting_for_file"
    WAITING_FOR_MAPPING = "waiting_for_mapping"
    QUEUED = "queued"
    READING = "reading"
    CHECKING = "checking"
    PLANNING = "planning"
    WRITING = "writing"
    CANCELLING = "cancelling"
    UNDOING = "undoing"
    DONE = "done"


class FailureReason(StrEnum):
    """Why a job failed.

    `rejected`: every row was rejected; `aborted`: some rows were rejected and `on_error` was `abort`; `gave_up`: the
    job was interrupted too often; `expired`: no file was attached in time, or nobody mapped its columns in time.
    """

    ERROR = "error"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    ABORTED = "aborted"
    GAVE_UP = "gave_up"
    EXPIRED = "expired"


class OnError(StrEnum):
    """What happens to a file with invalid rows: the valid rows are imported (`skip`), or nothing is (`abort`)."""

    SKIP = "skip"
    ABORT = "abort"


class Mapping(StrEnum):
    """What happens to a file with unknown headings: it is refused, or its job waits for a mapping (`ask`)."""

    REFUSE = "refuse"
    ASK = "ask"


class Missing(StrEnum):
    """What happens to element types that a file lacks: they stay (`keep`), or go where no piece is in production."""

    KEEP = "keep"
    REMOVE = "remove"


class Renames(StrEnum):
    """What happens to probable renames: a preview shows them (`ask`), they are renamed, or created as new.

    `ask` stands for `ignore` in a job that changes something.
    """

    ASK = "ask"
    ACCEPT = "accept"
    IGNORE = "ignore"


class Severity(StrEnum):
    """How serious an issue is: an `error` rejects its row, a `warning` or `info` doesn't."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class PieceStatus(StrEnum):
    """How far a piece is on its way from the drawing to the building, in order; or that it was scrapped."""

    PLANNED = "planned"
    IN_PRODUCTION = "in_production"
    PRODUCED = "produced"
    DISPATCHED = "dispatched"
    ERECTED = "erected"
    SCRAPPED = "scrapped"


# The way of a piece, in order, without `scrapped`, which is the end of it.
PIECE_STEPS = (
    PieceStatus.PLANNED,
    PieceStatus.IN_PRODUCTION,
    PieceStatus.PRODUCED,
    PieceStatus.DISPATCHED,
    PieceStatus.ERECTED,
)


class ReachedStatus(StrEnum):
    """The statuses that a piece can reach by passing a stage."""

    IN_PRODUCTION = "in_production"
    PRODUCED = "produced"
    DISPATCHED = "dispatched"
    ERECTED = "erected"


class NotificationEvent(StrEnum):
    """What webhooks and e-mails are about: a job has ended, or has begun to wait for a person."""

    JOB_COMPLETED = "job.completed"
    JOB_FAILED = "job.failed"
    JOB_WAITING = "job.waiting"


class DeliveryStatus(StrEnum):
    """How far a message is: it is being sent or will be tried again, has arrived, or was given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class PieceEventKind(StrEnum):
    """What an event of a piece's history is about."""

    STATUS = "status"
    STAGE = "stage"
    NOTE = "note"


class Role(StrEnum):
    """What a member may do in a project; each role includes the ones before it."""

    VIEWER = "viewer"
    EDITOR = "editor"
    MANAGER = "manager"
