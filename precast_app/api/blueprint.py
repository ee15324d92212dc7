"""How every resource's blueprint is made."""

from __future__ import annotations

from flask_smorest import Blueprint as SmorestBlueprint

from precast_app.api.schemas import Parser


class Blueprint(SmorestBlueprint):
    """A blueprint that reads requests strictly."""

    ARGUMENTS_PARSER = Parser()


# Ids are of the database's integers; a larger one is no address of ours.
PROJECT = "/api/project/<int(max=2147483647):project_id>"
JOB = "/api/jobs/<int(max=2147483647):job_id>"
