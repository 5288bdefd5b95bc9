"""People come and go: whom the fund would like to have, a role that waits for a second person, duties handed on."""

from dataclasses import dataclass

from fund.demo import joining
from fund.demo.cast import email
from fund.demo.teller import CAST, SECRETARY, STEWARD, Teller
from fund.kernel.access import Role
from members import handover_service
from members.accounts import queries as accounts
from members.offices import service as offices
from members.prospects import service as prospects
from members.prospects.rules import Anchor, Answer, Details, Way
from members.rules import LegalForm


@dataclass(frozen=True)
class _Wanted:
    """An organisation that the fund would like to have: what it is, and what it said when a steward rang."""

    name: str
    form: LegalForm
    district: str
    anchor: Anchor
    contact: str
    said: str = ""
    answer: Answer | None = None
    next_step: str = ""
    invited: bool = False

    @property
    def address(self) -> str:
        domain = self.name.lower().replace(" ", "-")
        return f"{self.contact.lower().replace(' ', '.')}@{domain}.example"


_WANTED = (
    _Wanted(
        "Irk Meadows Football Club", LegalForm.COMPANY, "E08000003", Anchor.FOOTBALL_CLUB, "Callum Reid",
        "Their community team works with the same young people as Tandem Youth. They ask what a member has to pay.",
        Answer.INTERESTED, "Send the page about what members pay in",
    ),
    _Wanted(
        "Spodden College", LegalForm.SCHOOL_OR_COLLEGE, "E08000005", Anchor.COLLEGE, "Wendy Parr",
        "The governors meet in the new term and won't decide before.", Answer.NOT_NOW, invited=True,
    ),
    _Wanted("Brook Street Mosque Trust", LegalForm.CHARITY, "E08000001", Anchor.FAITH, "Yasin Daud", invited=True),
    _Wanted("Beal Homes Together", LegalForm.NON_PROFIT_HOUSING_ASSOCIATION, "E08000004", Anchor.HOUSING, "Lorna Kay"),
)  # fmt: skip
_INVITATION = (
    "Members of three sectors pay into one pot and decide together what it is for. "
    "We would like your voice in it. The link fills in most of the form."
)


def invite(teller: Teller, day: int) -> None:
    """A steward writes down whom the fund lacks, rings some and writes to others."""
    for number, wanted in enumerate(_WANTED):
        _ask(teller, wanted, day + number)


def _ask(teller: Teller, wanted: _Wanted, day: int) -> None:
    steward = teller.official(STEWARD)
    added = teller.do(
        lambda: (
            prospects.add(
                details=Details(
                    name=wanted.name,
                    legal_form=wanted.form,
                    district=wanted.district,
                    anchor=wanted.anchor,
                    contact_name=wanted.contact,
                    contact_email=wanted.address,
                ),
                actor=steward,
                now=teller.at(day),
            ).id
        )
    )
    if wanted.invited:
        teller.do(
            lambda: prospects.invite(organisation_id=added, message=_INVITATION, actor=steward, now=teller.at(day + 1))
        )
    if wanted.said:
        teller.do(
            lambda: prospects.write_down(
                organisation_id=added,
                way=Way.CALL,
                day=teller.date(day + 3),
                note=wanted.said,
                answer=wanted.answer,
                ask_again_on=teller.date(day + 60) if wanted.answer is Answer.NOT_NOW else None,
                next_step=wanted.next_step,
                next_step_on=teller.date(day + 25) if wanted.next_step else None,
                actor=steward,
                now=teller.at(day + 3, 16),
            )
        )


def propose_a_board_member(teller: Teller, day: int) -> None:
    """The secretary proposes; it waits for somebody of the board."""
    teller.do(
        lambda: offices.propose_giving(
            name="Farah Lindley",
            email="farah.lindley@fund.example",
            role=Role.BOARD,
            reasons="Elected at the members' meeting at the Weighbridge, item 7.",
            actor=teller.official(SECRETARY),
            now=teller.at(day),
        )
    )


def hand_over(teller: Teller, name: str, leaving: str, taker: str, day: int) -> None:
    """Somebody helps with the words for a while, then leaves; a colleague takes over."""
    cast = CAST[name]
    joining.appoint(teller, cast, leaving, Role.EDITOR, day - 30)
    ids = [person.id for who in (leaving, taker) if (person := accounts.person_by_email(email(who, cast)))]
    teller.do(
        lambda: handover_service.hand_over(
            organisation_id=teller.organisations[name],
            person_id=ids[0],
            takers={Role.EDITOR: ids[1]},
            duties={},
            actor=teller.certifier(name),
            now=teller.at(day),
        )
    )
    teller.forget_roles()
