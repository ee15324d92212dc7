"""The extensions, made once here and bound to the application in `create_app`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_migrate import Migrate
from flask_smorest import Api
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

# Constraints get names that follow from tables and columns, so that migrations can speak of them.
_metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

db = SQLAlchemy(metadata=_metadata, model_class=DeclarativeBase, disable_autonaming=True)
migrate = Migrate()
api = Api()

if TYPE_CHECKING:

    class Model(DeclarativeBase):
        """What type checkers see of `db.Model`, which is made at run time."""
else:
    Model = db.Model
