"""The words for the actions, objects and users of the audit log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from flask_babel import LazyString, gettext, lazy_gettext

from precast_app.auth.audit import COMMAND, Action
from precast_app.importing.reference_schema import REFERENCE_SPECS, STAGES, ItemChange
from precast_app.languages import gettext_noop
from precast_app.web import labels

_JOB = re.compile(r"^job (?P<job>\d+)(?:: (?P<name>.+))?\Z", re.DOTALL)
_NUMBER = re.compile(r"^number (?P<number>\d+)\Z")
_STAGES = re.compile(r"^(?P<count>\d+) stages\Z")

# What is done to an item of reference data.
_ITEM_CHANGES: Mapping[ItemChange, str] = {
    "create": gettext_noop("%(item)s created"),
    "change": gettext_noop("%(item)s changed"),
    "delete": gettext_noop("%(item)s deleted"),
}


def _item_change(words: str, singular: str) -> str:
    """Return the words for a change of an item of reference data, such as "Stage created"."""
    return str(gettext(words, item=labels.capitalized(gettext(singular))))


def _reference_actions() -> Iterator[tuple[str, LazyString]]:
    """Yield the actions on reference data with their words, in the order of its pages."""
    for spec in REFERENCE_SPECS.values():
        for change, words in _ITEM_CHANGES.items():
            yield spec.audit_action(change), LazyString(_item_change, words, spec.singular)
        if spec is STAGES:
            yield Action.STAGE_ORDER, lazy_gettext("Stages reordered")


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
    **dict(_reference_actions()),
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
