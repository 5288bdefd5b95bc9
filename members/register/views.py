"""Pages of the registers of members and officers, and the copy of them that members may inspect (handbook §4.3)."""

import csv
from io import StringIO

from flask import Response, request, url_for

import ledger.bank.queries
from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.errors import NotAllowed, RuleBroken
from fund.kernel.forms import ActionForm, BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from members import queries as organisations
from members.register import application_views, membership_views, queries, service
from members.register.blueprint import bp
from members.register.forms import AddressForm, EntryForm, ExistingSharesForm, PaidForm, PropertyForm
from members.register.rules import ELECTRONIC_PURPOSES
from members.rules import ROLE_NAMES, MembershipStatus

__all__ = ["application_views", "bp", "membership_views"]


def _page_number() -> int:
    return max(1, min(request.args.get("page", default=1, type=int), 1_000_000))


@bp.get("/registers")
@access(Permission.READ_REGISTERS)
def registers() -> Response:
    """The register of members, whole: with shares, what was paid, and other property."""
    number = _page_number()
    found, total = queries.entries(page=number)
    return page(
        "register/members.html",
        entries=found,
        total=total,
        number=number,
        more=number * queries.PAGE < total,
        purposes=ELECTRONIC_PURPOSES,
    )


@bp.get("/registers/officers")
@access(Permission.READ_REGISTERS)
def officers() -> Response:
    return page("register/officers.html", officers=queries.officers())


@bp.route("/registers/officers/<int:person_id>", methods=["GET", "POST"])
@access(Permission.KEEP_REGISTERS)
def officer_address(person_id: int) -> Response:
    form = AddressForm(data={"address": queries.officer(person_id).address})

    def work() -> Done:
        service.enter_officer_address(person_id=person_id, address=form.address.data or "", actor=actor(), now=now())
        return Done("The address is entered.", url_for("register.officers"))

    return submit(form, work) or page("register/officer_address.html", form, officer=queries.officer(person_id))


# --- a member's entry


def _entry_page(reference: str, sent: BaseForm | None = None) -> Response:
    entry = queries.entry(reference)
    return page(
        "register/entry.html",
        sent,
        entry=entry,
        property_form=sent or PropertyForm(None, data={"held_from": london_day(now())}),
        end_forms={one.id: ActionForm(None, prefix=f"end-{one.id}") for one in entry.holdings},
        purposes=ELECTRONIC_PURPOSES,
    )


@bp.get("/registers/members/<reference>")
@access(Permission.READ_REGISTERS)
def entry(reference: str) -> Response:
    return _entry_page(reference)


@bp.post("/registers/members/<reference>/property")
@access(Permission.KEEP_REGISTERS)
def enter_property(reference: str) -> Response:
    """Other property that a member has in the society, such as a loan (2014 Act s.30)."""
    form, member_id = PropertyForm(), queries.entry(reference).organisation.id

    def work() -> Done:
        assert form.held_from.data is not None
        service.enter_property(
            organisation_id=member_id,
            description=form.description.data or "",
            pence=form.amount.data or 0,
            held_from=form.held_from.data,
            actor=actor(),
            now=now(),
        )
        return Done("It is entered in the register.", url_for("register.entry", reference=reference))

    return submit(form, work) or _entry_page(reference, form)


@bp.post("/registers/members/<reference>/property/<int:property_id>/end")
@access(Permission.KEEP_REGISTERS)
def end_property(reference: str, property_id: int) -> Response:
    form, member_id = ActionForm(prefix=f"end-{property_id}"), queries.entry(reference).organisation.id

    def work() -> Done:
        service.end_property(property_id=property_id, organisation_id=member_id, actor=actor(), now=now())
        return Done("The entry has its last day now.", url_for("register.entry", reference=reference))

    answer = submit(form, work)
    if answer is None:
        raise RuleBroken("Open the entry again and press the button there.")
    return answer


@bp.route("/registers/members/<reference>/correct", methods=["GET", "POST"])
@access(Permission.KEEP_REGISTERS)
def correct(reference: str) -> Response:
    found = queries.entry(reference).organisation
    form, member_id = EntryForm(obj=found), found.id

    def work() -> Done:
        service.correct_entry(
            organisation_id=member_id,
            address=form.address.data or "",
            contact_name=form.contact_name.data or "",
            contact_email=form.contact_email.data or "",
            actor=actor(),
            now=now(),
        )
        return Done("The register is up to date.", url_for("register.entry", reference=reference))

    return submit(form, work) or page("register/correct.html", form, organisation=queries.entry(reference).organisation)


# --- shares


@bp.get("/registers/shares")
@access(Permission.ADMIT_MEMBERS)
def shares() -> Response:
    return page("register/shares.html", unpaid=queries.unpaid_shares(), lacking=queries.without_shares(limit=1)[1])


@bp.route("/registers/shares/existing", methods=["GET", "POST"])
@access(Permission.ADMIT_MEMBERS)
def existing_shares() -> Response:
    """Enter the shares of members that joined before shares were kept here: first they are shown, then written."""
    form = ExistingSharesForm()
    form.show(queries.without_shares()[0])

    def work() -> Done:
        entered = service.register_shares(
            references=form.references(), paid=form.paid.data or [], actor=actor(), now=now()
        )
        many = "1 share is" if len(entered) == 1 else f"{len(entered)} shares are"
        return Done(f"{many} entered in the register of members.", url_for("register.shares"))

    answer = submit(form, work)
    if answer is not None:
        return answer
    found, total = queries.without_shares()
    return page("register/existing_shares.html", form, found=found, total=total)


@bp.route("/registers/shares/<int:share_id>", methods=["GET", "POST"])
@access(Permission.ADMIT_MEMBERS)
def share(share_id: int) -> Response:
    """Record that a share was paid for."""
    form = PaidForm(data={"paid_on": london_day(now())})
    keeps_bank = actor().may(Permission.KEEP_BANK)
    value_pence = queries.share(share_id)[0].value_pence
    form.offer(ledger.bank.queries.open_lines_of(value_pence) if keeps_bank else [])

    def work() -> Done:
        assert form.paid_on.data is not None
        paid = service.record_share_payment(
            share_id=share_id,
            paid_on=form.paid_on.data,
            line_id=form.line.data or None,
            actor=actor(),
            now=now(),
        )
        return Done(f"Share {paid.number} is paid for.", url_for("register.shares"))

    answer = submit(form, work)
    if answer is not None:
        return answer
    found, organisation = queries.share(share_id)
    return page("register/share.html", form, share=found, organisation=organisation, keeps_bank=keeps_bank)


# --- the copy for inspection (2014 Act s.103)


def _may_inspect() -> None:
    """Members may inspect, and the office; people of a former member or of an applicant are no members."""
    reader = actor()
    if reader.may(Permission.SEE_APPLICATIONS):
        return
    own = organisations.organisations_by_id([reader.organisation_id or 0]).get(reader.organisation_id or 0)
    if own is None or own.status is not MembershipStatus.MEMBER:
        raise NotAllowed("Only members may inspect the registers. If you think you should, write to the secretary.")


@bp.get("/registers/inspection")
@access(Permission.INSPECT_REGISTERS)
def inspection() -> Response:
    """Both registers without shares and property; prints as it is."""
    _may_inspect()
    number = _page_number()
    found, total = queries.entries(page=number)
    return page(
        "register/inspection.html",
        entries=found,
        total=total,
        number=number,
        more=number * queries.PAGE < total,
        officers=queries.officers(),
        purposes=ELECTRONIC_PURPOSES,
    )


@bp.get("/registers/inspection.csv")
@access(Permission.INSPECT_REGISTERS)
def inspection_csv() -> Response:
    """The same as one file; the whole of it."""
    _may_inspect()
    written = StringIO()
    rows = csv.writer(written)
    rows.writerow(
        [
            "register", "reference", "name", "office", "postal_address", "electronic_address",
            "purposes_of_electronic_address", "entered_on", "ceased_on",
        ]
    )  # fmt: skip
    for one in queries.whole_register():
        rows.writerow(
            _safe(
                "members", one.reference, one.name, "", one.address, one.contact_email, ELECTRONIC_PURPOSES,
                one.joined_on, one.left_on,
            )
        )  # fmt: skip
    for held in queries.officers():
        rows.writerow(
            _safe(
                "officers", "", held.name, ROLE_NAMES[held.office], held.address or "", "", "",
                held.taken_on, held.left_on,
            )
        )  # fmt: skip
    return Response(
        "\ufeff" + written.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": "attachment; filename=registers-for-inspection.csv"},
    )


def _safe(*values: object) -> list[str]:
    """Cells that a spreadsheet doesn't take for formulas."""
    texts = ["" if value is None else str(value) for value in values]
    return [f"'{text}" if text[:1] in "=+-@\t\r" and text else text for text in texts]
