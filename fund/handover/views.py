"""The page on which a person's duties in an organisation are handed over by name."""

from dataclasses import replace

from flask import Blueprint, Response, url_for

from fund.handover.forms import handover_form, taker
from fund.kernel.access import ORGANISATION_ROLES, Permission, Role, access
from fund.kernel.errors import NotFound
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.tasks import Task
from fund.tasks import tasks_of
from members import handover_service
from members import queries as members
from members.accounts.queries import actor_of

bp = Blueprint("handover", __name__)


def _duties(person_id: int, name: str, organisation_id: int) -> dict[Role, list[Task]]:
    """What waits for the person in the organisation, by role."""
    whole = actor_of(person_id, name, organisation_id)
    return {
        role: tasks_of(replace(whole, roles=frozenset({role})), now())
        for role in sorted(whole.roles & ORGANISATION_ROLES, key=list(Role).index)
    }


@bp.route("/members/<reference>/people/<int:person_id>/handover", methods=["GET", "POST"])
@access(Permission.MANAGE_OWN_ORGANISATION)
def hand_over(reference: str, person_id: int) -> Response:
    person = actor()
    own = members.own_organisation(reference, person)
    held = members.appointments(own.id)
    leaving = next((one.person for one in held if one.person_id == person_id), None)
    if leaving is None:
        raise NotFound
    colleagues = {
        one.person_id: one.person for one in held if one.person_id != person_id and not one.person.disabled_at
    }
    duties = _duties(person_id, leaving.name, own.id)
    own_id, name, roles = own.id, leaving.name, list(duties)
    form = handover_form(roles, list(colleagues.values()))

    def work() -> Done:
        handover_service.hand_over(
            organisation_id=own_id,
            person_id=person_id,
            takers={role: taker(form, role) for role in roles},
            duties={role: [task.title for task in waiting] for role, waiting in duties.items()},
            actor=person,
            now=now(),
        )
        is_own = person_id == person.person_id
        path = url_for("tasks.what_needs_you") if is_own else url_for("members.people", reference=reference)
        return Done(f"{name}'s roles are ended, and who takes over has been told.", path)

    return submit(form, work) or page(
        "handover/hand_over.html",
        form,
        organisation=members.own_organisation(reference, person),
        name=name,
        duties=duties,
        alone=not colleagues,
    )
