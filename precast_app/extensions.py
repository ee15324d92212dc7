"""The Flask extensions, created here and bound to an application in `create_app`, and access to its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, current_app
from flask_smorest import Api
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from precast_app.config import Settings


class Base(DeclarativeBase):
    """Base class of all models; names constraints after their tables and columns."""

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

# Flask-SQLAlchemy creates the class at run time, which type checkers can't follow.
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


def settings_of(app: Flask) -> Settings:
    """Return the settings that the application was created with."""
    settings: Settings = app.config["PRECAST"]
    return settings


def current_settings() -> Settings:
    """Return the settings of the current application; needs an application context."""
    return settings_of(current_app)
