"""What the processes have measured about themselves."""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, String, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from precast_app.extensions import Model


class DurationBucket(Model):
    """A bucket of a histogram in the metrics: how many durations were between the bound below and `upper_bound`.

    The bound of the last bucket is infinity. `labels` are the values of the labels, in the order of their declaration.
    """

    __tablename__ = "duration_buckets"

    metric: Mapped[str] = mapped_column(String(60), primary_key=True)
    labels: Mapped[list[str]] = mapped_column(ARRAY(Text), primary_key=True)
    upper_bound: Mapped[float] = mapped_column(Double, primary_key=True, autoincrement=False)
    observations: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float] = mapped_column(Double)
