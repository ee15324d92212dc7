"""The words for the actions, objects and users of the audit log."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask_babel import LazyString, gettext, lazy_gettext

from precast_app.auth.audit import COMMAND, Action
from precast_app.web import labels

_JOB = re.compile(r"^job (?P<job>\d+)(?:: (?P<name>.+))?\Z", re.DOTALL)
_NUMBER = re.compile(r"^number (?P<number>\d+)\Z")
_STAGES = re.compile(r"^(?P<count>\d+) stages\Z")

# In the order of the filter.
ACTIONS: Mapping[str, LazyString] = {
    Action.JOB_CREATE: lazy_gettext("Job created"),
    Action.JOB_FILE: lazy_gettext("File sent to a job"),
    Action.JOB_MAPPING: lazy_gettext("Columns of a file mapped"),
    Action.JOB_CORRECTIONS: lazy_gettext("Rows corrected"),
    Action.JOB_REVALIDATE: lazy_gettext("File checked again"),
    Action.JOB_CHOOSE: lazy_gettext("Changes chosen"),
    Action.JOB_CANCEL: lazy_gettext("Job cancelled"),
    Action.JOB_RETRY: lazy_gettext("Job retried"),
    Action.JOB_UNDO: lazy_gettext("Import undone"),
    Action.PIECE_STATUS: lazy_gettext("Piece changed"),
    Action.IMPORT_PROFILE_CREATE: lazy_gettext("Import profile created"),
    Action.IMPORT_PROFILE_CHANGE: lazy_gettext("Import profile changed"),
    Action.IMPORT_PROFILE_DELETE: lazy_gettext("Import profile deleted"),
    Action.NODE_CREATE: lazy_gettext("Node created"),
    Action.NODE_CHANGE: lazy_gettext("Node changed"),
    Action.NODE_DELETE: lazy_gettext("Node deleted"),
    Action.STAGE_CREATE: lazy_gettext("Stage created"),
    Action.STAGE_CHANGE: lazy_gettext("Stage changed"),
    Action.STAGE_ORDER: lazy_gettext("Stages reordered"),
    Action.STAGE_DELETE: lazy_gettext("Stage deleted"),
    Action.DRAWING_TYPE_CREATE: lazy_gettext("Drawing type created"),
    Action.DRAWING_TYPE_CHANGE: lazy_gettext("Drawing type changed"),
    Action.DRAWING_TYPE_DELETE: lazy_gettext("Drawing type deleted"),
    Action.BOM_PRODUCT_CREATE: lazy_gettext("Product created"),
    Action.BOM_PRODUCT_CHANGE: lazy_gettext("Product changed"),
    Action.BOM_PRODUCT_DELETE: lazy_gettext("Product deleted"),
    Action.WEBHOOK_CREATE: lazy_gettext("Webhook created"),
    Action.WEBHOOK_CHANGE: lazy_gettext("Webhook changed"),
    Action.WEBHOOK_ROTATE: lazy_gettext("Secret of a webhook replaced"),
    Action.WEBHOOK_SEND_AGAIN: lazy_gettext("Webhook message sent again"),
    Action.WEBHOOK_DELETE: lazy_gettext("Webhook deleted"),
    Action.PROJECT_CREATE: lazy_gettext("Project created"),
    Action.PROJECT_RENAME: lazy_gettext("Project renamed"),
    Action.MEMBER_SET: lazy_gettext("Role of a member set"),
    Action.MEMBER_REMOVE: lazy_gettext("Member removed"),
    Action.SESSION_START: lazy_gettext("Signed in"),
    Action.SESSION_REFUSED: lazy_gettext("Sign-in refused"),
    Action.SESSION_END: lazy_gettext("Signed out"),
    Action.TOKEN_CREATE: lazy_gettext("Token created"),
    Action.TOKEN_REVOKE: lazy_gettext("Token revoked"),
    Action.USER_CREATE: lazy_gettext("User created"),
    Action.USER_PASSWORD: lazy_gettext("Password changed"),
    Action.USER_PASSWORD_REFUSED: lazy_gettext("Change of a password refused"),
    Action.USER_DISABLE: lazy_gettext("User disabled"),
    Action.USER_ENABLE: lazy_gettext("User enabled"),
    Action.USER_ADMIN: lazy_gettext("Administrator set or removed"),
    Action.USER_EMAIL: lazy_gettext("E-mail settings changed"),
    Action.USER_EMAIL_STOP: lazy_gettext("E-mails stopped"),
}


def action(act: str) -> str:
    """Return the words for an action such as `job.cancel`."""
    return str(ACTIONS.get(act, act))


def audited_object(about: str, act: str) -> str:
    """Return the words for the object of the action `act`; a name is shown as it is."""
    group, verb = act.split(".", maxsplit=1)
    if group == "job" and (found := _JOB.match(about)):
        job, name = gettext("Job %(id)s", id=found["job"]), found["name"]
        return f"{job}: {labels.job_type(name)}" if name else str(job)
    if act == Action.STAGE_ORDER and (found := _STAGES.match(about)):
        return str(gettext("%(count)s stages", count=found["count"]))
    if verb in ("change", "delete") and (found := _NUMBER.match(about)):
        return str(gettext("number %(number)s", number=found["number"]))
    return about


def user(who: str) -> str:
    """Return the name of the user, or the words for a command on the server."""
    return str(gettext("(command line)")) if who == COMMAND else who
