"""The extensions, made once here and bound to the application in `create_app`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_smorest import Api
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """What every model stands on; constraints get names that follow from tables and columns."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


db = SQLAlchemy(model_class=Base, disable_autonaming=True)
api = Api()

# Flask-SQLAlchemy makes the class at run time, which type checkers can't follow.
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model
