"""`flask project`."""

from __future__ import annotations

import click

from precast_app.api.projects import Project
from precast_app.cli import command
from precast_app.cli.command import Group
from precast_app.projects import projects
from precast_app.queries import projects as project_queries
from precast_app.queries.paging import iterate_items

project_group = Group("project", help="Create and list projects.")


@project_group.command("create")
@click.argument("name")
def create_project(name: str) -> None:
    """Create the project NAME and print its id."""
    click.echo(projects.create(name).id)


@project_group.command("list")
@command.json_option
def list_projects(as_json: bool) -> None:
    """List the projects: id and name."""
    found = iterate_items(project_queries.list_all)
    if as_json:
        command.print_json(Project(many=True).dump(found))
        return
    for project in found:
        click.echo(f"{project.id}\t{project.name}")
