"""The form of handing over: one question for each role that the person holds."""

from collections.abc import Iterable, Sequence

from wtforms import SelectField

from fund.kernel.access import Role
from fund.kernel.forms import BaseForm, Needed
from members.accounts.models import Person
from members.rules import ROLE_NAMES

NOBODY = "nobody"


def handover_form(roles: Iterable[Role], colleagues: Sequence[Person]) -> BaseForm:
    """A form with a field for each of `roles`, named like the role."""
    choices = {"": "Choose one"} | {str(one.id): one.name for one in colleagues} | {NOBODY: "Nobody for now"}
    fields = {
        role.value: SelectField(
            f"Who takes over as {ROLE_NAMES[role].lower()}?",
            choices=choices,
            validators=[Needed(f"Choose who takes over as {ROLE_NAMES[role].lower()}, or nobody.")],
        )
        for role in roles
    }
    form: BaseForm = type("HandoverForm", (BaseForm,), fields)()
    return form


def taker(form: BaseForm, role: Role) -> int | None:
    """The colleague chosen for a role, of a form that was found right."""
    chosen = str(form[role.value].data)
    return None if chosen == NOBODY else int(chosen)
