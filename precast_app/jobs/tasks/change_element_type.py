"""The change of one element type by a user: new values, or its deletion. One transaction."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import update

from precast_app.errors import JobFailed, RequestError
from precast_app.extensions import db
from precast_app.importing import atomic, batch_runner, reference_data
from precast_app.importing.batch_sql import BatchTarget
from precast_app.importing.counts import Counts
from precast_app.importing.element_type_edit import ElementTypeEdit
from precast_app.jobs import element_type_edits
from precast_app.jobs.context import JobContext, Outcome
from precast_app.jobs.element_type_edits import PlannedEdit
from precast_app.messages import Message, as_message
from precast_app.models import ImportJob, Phase


def run_update(context: JobContext) -> Outcome:
    """Give an element type new values and return the outcome; raise `JobFailed` if that is not possible any more."""
    parameters = context.parameters
    element_type_id, edit = parameters["element_type_id"], ElementTypeEdit.from_json(parameters["set"])

    def plan() -> PlannedEdit:
        return element_type_edits.plan_edit(
            db.session(), context.project_id, element_type_id, edit, context.settings, context.job_id
        )

    return _run(context, plan, Message("Changed"))


def run_deletion(context: JobContext) -> Outcome:
    """Delete an element type with its planned pieces; raise `JobFailed` if one of them is no longer planned."""
    element_type_id = context.parameters["element_type_id"]

    def plan() -> PlannedEdit:
        return element_type_edits.plan_deletion(db.session(), context.project_id, element_type_id, context.job_id)

    return _run(context, plan, Message("Deleted"))


def _run(context: JobContext, plan: Callable[[], PlannedEdit], result: Message) -> Outcome:
    context.report_progress(Phase.PLANNING, total=1)
    # If an earlier attempt was lost after its commit, only the result is reported again.
    if done := batch_runner.stored_results(context.job_id):
        context.report_progress(Phase.WRITING, processed=1, counts=done[0].counts)
        return Outcome(Message("%(result)s the element type", result=result))
    context.fence(db.session())
    try:
        edit = plan()
    except RequestError as refusal:
        raise JobFailed(Message("%(problem)s Nothing was changed.", problem=as_message(refusal.message))) from refusal
    # The headings of the job's changes are those of its reference data.
    reference = reference_data.to_json(edit.reference)
    db.session.execute(update(ImportJob).where(ImportJob.id == context.job_id).values(reference=reference))
    counts = _write(context, edit)
    db.session.commit()
    context.report_progress(Phase.WRITING, processed=1, counts=counts)
    return Outcome(
        Message("%(element_type)s is like that already", element_type=edit.full_name)
        if counts.unchanged
        else Message("%(result)s %(element_type)s", result=result, element_type=edit.full_name)
    )


def _write(context: JobContext, edit: PlannedEdit) -> Counts:
    """Write the plan and return the counts; raise `JobFailed` if the database rejects it. The caller commits."""
    conventions = edit.reference.naming_conventions
    target = BatchTarget(context.project_id, context.job_id, edit.plan.columns, conventions)
    try:
        results = atomic.run_atomically(edit.plan, target, done=frozenset(), fence=context.fence)
    except atomic.RowsRejected as rejected:
        raise JobFailed(" ".join(issue.message for issue in rejected.issues)) from None
    if any(result.issues for result in results):
        raise JobFailed(
            Message(
                "%(element_type)s was not deleted: pieces of it have gone into production meanwhile.",
                element_type=edit.full_name,
            )
        )
    return sum((result.counts for result in results), Counts(unchanged=len(edit.plan.unchanged_ids)))
