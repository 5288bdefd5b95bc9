"""What one member's money did: for its own books and its auditors. Reads, and the paper made of them.

Everything is straight from the books and by the rule of the public pages (`fund.public.tracing`): what was given for a
restricted fund is followed within it, all other money is shared.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from fund.documents.layer import Block, Facts, Heading, Paper, Table, Text, render
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.society import society
from fund.public import organisation as public
from fund.public.tracing import TracedYear, filled, together
from ledger.models import Account, Entry, Transfer
from ledger.money import format_pence
from ledger.rules import AccountKind
from members import queries as members
from members.models import Organisation

MOST_PAYMENTS = 500


@dataclass(frozen=True)
class PaidIn:
    """One payment of the member, or back to it (below nought)."""

    on: date
    year: int
    description: str
    restriction: str | None
    pence: int
    transfer_id: int


@dataclass(frozen=True)
class Year:
    """One fund year. `parts` are its money for any award and for each restricted fund that it paid into."""

    name: str
    traced: TracedYear
    parts: tuple[tuple[str | None, TracedYear], ...]
    payments: tuple[PaidIn, ...]


@dataclass(frozen=True)
class MemberStatement:
    """The whole statement, the newest year first. `left_out` payments are older than those that are listed."""

    organisation: Organisation
    years: tuple[Year, ...]
    titles: dict[str, str]
    left_out: bool

    @property
    def paid_in_pence(self) -> int:
        return sum(year.traced.paid_in_pence for year in self.years)

    @property
    def used_pence(self) -> int:
        return sum(year.traced.used_pence for year in self.years)

    @property
    def left_pence(self) -> int:
        """Still in the pot."""
        return self.years[0].traced.left_pence if self.years else 0


def statement(reference: str, actor: Actor) -> MemberStatement:
    """The statement of a member, for its own people and for those who read the books.

    Raises:
        NotFound: for all others, and where there is no such member.
    """
    found = members.public_organisation(reference, actor)
    own = actor.organisation_id == found.id and actor.may(Permission.SEE_OWN_ORGANISATION)
    if not own and not actor.may(Permission.READ_BOOKS):
        raise NotFound
    apart = filled(public.traced_apart(found))
    payments = _payments(found.owner)
    listed, called = payments[:MOST_PAYMENTS], public.year_names()
    years = tuple(
        Year(
            called(one.year),
            one,
            tuple(
                (restriction, part) for restriction, parts in apart.items() for part in parts if part.year == one.year
            ),
            tuple(payment for payment in listed if payment.year == one.year),
        )
        for one in reversed(together(apart))
    )
    return MemberStatement(found, years, public.titles([year.traced for year in years]), len(payments) > MOST_PAYMENTS)


def _payments(owner: str) -> list[PaidIn]:
    """What it paid in and got back, newest first; one more than is listed tells that there are more.

    A reversal stands in the fund year of what it undoes, as in the tracing.
    """
    owned, undone = society(), aliased(Transfer)
    rows = db.session.execute(
        select(
            Transfer.occurred_on,
            func.coalesce(undone.occurred_on, Transfer.occurred_on),
            Transfer.description,
            Account.restriction,
            -Entry.amount_pence,
            Transfer.id,
        )
        .join(Entry, Entry.transfer_id == Transfer.id)
        .join(Account, Account.id == Entry.account_id)
        .outerjoin(undone, undone.id == Transfer.reverses_id)
        .where(Account.kind.in_((AccountKind.CONTRIBUTIONS, AccountKind.REFUNDS)), Account.owner == owner)
        .order_by(Transfer.occurred_on.desc(), Transfer.id.desc(), Entry.leg)
        .limit(MOST_PAYMENTS + 1)
    )
    return [
        PaidIn(on, public.year_of(counts_on, owned), description, restriction, pence, transfer_id)
        for on, counts_on, description, restriction, pence, transfer_id in rows
    ]


# --- the paper

RULE = (
    "Money in the pot isn't told apart. In each fund year we take what was left of every member's money and what it "
    "paid in since. What is paid out that year is shared in those proportions, in whole pence, and then among the "
    "year's awards in the same way. Money given for a restricted fund is followed within that fund alone."
)


def fund_name(restriction: str | None) -> str:
    """What the money was given for."""
    return "Any award" if restriction is None else f"Restricted fund {restriction}"


def paper(found: MemberStatement, now: datetime) -> bytes:
    """The statement as a PDF."""
    owned = society()
    member = found.organisation
    blocks: list[Block] = [
        Text(f"What the contributions of {member.name} paid for, up to {in_words(london_day(now))}."),
        Facts(
            (
                ("Member", f"{member.name} ({member.reference})"),
                ("Paid in", format_pence(found.paid_in_pence)),
                ("Used for awards", format_pence(found.used_pence)),
                ("Still in the pot", format_pence(found.left_pence)),
            )
        ),
    ]
    for year in found.years:
        blocks += _year(year, found.titles)
    if not found.years:
        blocks.append(Text("It has paid nothing in yet. That takes nothing from its vote."))
    if found.left_out:
        blocks.append(Text(f"Payments before the newest {MOST_PAYMENTS} are in the sums and not listed.", quiet=True))
    blocks += [Heading("How we know"), Text(RULE), Text("A contribution isn't a share and gives no votes.", quiet=True)]
    return render(
        Paper(
            title="What your money did",
            reference=member.reference,
            issuer=owned.name if owned else "",
            issuer_address=owned.address if owned else "",
            made_at=now,
            blocks=tuple(blocks),
        )
    )


def _year(year: Year, titles: dict[str, str]) -> list[Block]:
    awards = [
        (f"{titles[reference]} ({reference})" if reference in titles else reference, format_pence(pence))
        for reference, pence in year.traced.awards
    ]
    return [
        Heading(f"Fund year {year.name}"),
        Table(
            (("Given for", 4), ("Paid in", 2), ("Used", 2), ("Left at its end", 2)),
            (
                *(
                    (
                        fund_name(restriction),
                        format_pence(part.paid_in_pence),
                        format_pence(part.used_pence),
                        format_pence(part.left_pence),
                    )
                    for restriction, part in year.parts
                ),
                (
                    "All",
                    format_pence(year.traced.paid_in_pence),
                    format_pence(year.traced.used_pence),
                    format_pence(year.traced.left_pence),
                ),
            ),
            figures=frozenset({1, 2, 3}),
            total=True,
        ),
        *(
            [
                Table(
                    (("Where it went", 7), ("Its part", 3)),
                    (*awards, ("Used in the year", format_pence(year.traced.used_pence))),
                    figures=frozenset({1}),
                    total=True,
                )
            ]
            if awards
            else [Text("Nothing was paid out of its money in this year.")]
        ),
        *(
            [
                Table(
                    (("Day", 3), ("Payment", 6), ("Given for", 3), ("Amount", 2)),
                    tuple(
                        (in_words(one.on), one.description, fund_name(one.restriction), format_pence(one.pence))
                        for one in year.payments
                    ),
                    figures=frozenset({3}),
                )
            ]
            if year.payments
            else []
        ),
    ]
