"""Column types that several tables share."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, func, text
from sqlalchemy.orm import mapped_column

Id = Annotated[int, mapped_column(primary_key=True)]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.current_timestamp())]
Timestamp = Annotated[datetime, mapped_column(DateTime(timezone=True))]
ProjectId = Annotated[int, mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)]

# The transaction that writes a row, as a number that never comes again in this database.
CURRENT_TRANSACTION = text("((pg_current_xact_id())::text)::bigint")


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """Return a check that the text `column` has one of the enumeration's values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
