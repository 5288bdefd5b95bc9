"""Pages where two officers let somebody back in who lost every second step."""

from flask import Response, url_for

from fund.kernel.access import Permission, access
from fund.kernel.errors import NotFound
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from members.accounts.factors import letting_in_service, queries, service
from members.accounts.factors.blueprint import bp
from members.accounts.factors.forms import DecideForm, LetInForm


@bp.route("/let-in", methods=["GET", "POST"])
@access(Permission.LET_PEOPLE_IN)
def let_in() -> Response:
    form = LetInForm()

    def work() -> Done:
        asked = letting_in_service.ask(
            email=form.email.data or "", how_checked=form.how_checked.data or "", actor=actor(), now=now()
        )
        return Done(
            f"Another officer now has to confirm that it is {asked.person.name}. They find it under “What needs you”.",
            url_for("factors.let_in"),
        )

    return submit(form, work) or page("factors/let_in.html", form, waiting=queries.open_lettings_in(now()))


@bp.route("/let-in/<int:letting_in_id>", methods=["GET", "POST"])
@access(Permission.LET_PEOPLE_IN)
def decide_letting_in(letting_in_id: int) -> Response:
    if not service.is_id(letting_in_id) or (found := queries.letting_in(letting_in_id)) is None:
        raise NotFound
    form = DecideForm()
    name = found.person.name

    def work() -> Done:
        is_granted = form.decision.data == "yes"
        letting_in_service.decide(
            letting_in_id=letting_in_id,
            is_granted=is_granted,
            second_check=form.second_check.data or "",
            actor=actor(),
            now=now(),
        )
        words = f"{name} may sign in with the passphrase alone, and is told so by mail."
        return Done(
            words if is_granted else f"{name} isn't let in. Their second step stays as it is.",
            url_for("factors.let_in"),
        )

    return submit(form, work) or page("factors/decide.html", form, asked=found)
