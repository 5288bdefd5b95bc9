"""The society is founded and its members join."""

from datetime import timedelta

from sqlalchemy import select

from fund.demo.cast import OFFICIALS, ORGANISATIONS, PASSPHRASE, Cast, email
from fund.demo.teller import BOARD_MEMBER, CAST, SECRETARY, STEWARD, Teller
from fund.kernel.access import Role
from fund.kernel.db import db
from fund.kernel.outbox import OutboxMessage
from fund.kernel.places import DISTRICT_NAMES
from fund.kernel.society import Society, SocietyType
from fund.reporting import service as reporting
from members import service as members
from members.accounts import service as accounts
from members.register import admission_service as admission
from members.register import queries as register
from members.register import service as keeping
from members.rules import LegalForm, PublicControl, Register, Sector, SectorFacts, SocialTest

_CONTROLLED = {LegalForm.PUBLICLY_CONTROLLED_COMPANY: frozenset({PublicControl.OWNERSHIP})}


def found(teller: Teller, day: int) -> None:
    """The society, its starter framework and the people who work for it."""
    now = teller.at(day)
    # The year of account begins with the month of founding, so that whenever the story is told, its first payments and
    # rounds lie in one year and its latest in the next.
    year_end = teller.date(day).replace(day=1) - timedelta(days=1)

    def act() -> None:
        db.session.add(
            Society(
                id=1,
                name="Irwell Collaboration Fund",
                society_type=SocietyType.COMMUNITY_BENEFIT,
                address="The Weighbridge, 3 Example Wharf, Manchester",
                year_end_month=year_end.month,
                year_end_day=year_end.day,
                is_demo=True,
                founded_at=now,
            )
        )
        reporting.load_starter_framework(now)
        for official in OFFICIALS:
            person = accounts.add_person(
                name=official.name, email=official.email, passphrase=PASSPHRASE, actor=None, now=now
            )
            for role in official.roles:
                accounts.grant_fund_role(person_id=person.id, role=role, actor=None, now=now)

    teller.do(act)


def join(teller: Teller, first_day: int) -> None:
    """Every organisation applies, is admitted, and its certifier names a representative and perhaps a deputy."""
    for number, cast in enumerate(ORGANISATIONS):
        _admit(teller, cast, first_day + number // 4)
    for group in sorted({cast.group for cast in ORGANISATIONS if cast.group}):
        one, other = [cast.name for cast in ORGANISATIONS if cast.group == group]
        teller.do(
            lambda one=one, other=other: members.connect(  # type: ignore[misc]
                organisation_id=teller.organisations[one],
                other_id=teller.organisations[other],
                reason="The club founded the foundation and names most of its trustees.",
                actor=teller.official(STEWARD),
                now=teller.at(first_day + 8),
            )
        )


def wait_to_join(teller: Teller, day: int) -> None:
    """Two applications: one waits for a steward, the other for the board."""
    _apply(teller, "Tib Lane Makers", "Robin Tate", "E08000003", day)
    _check(
        teller,
        _apply(teller, "Rook Street Football Club Women", "Asha Bello", "E08000010", day - 4),
        Sector.PRIVATE,
        day - 2,
        "A company that trades for a social purpose, and has not shown all four tests.",
    )


def _apply(teller: Teller, name: str, contact: str, district: str, day: int) -> int:
    return teller.do(
        lambda: (
            members.apply(
                name=name,
                facts=SectorFacts(LegalForm.SOCIAL_ENTERPRISE_COMPANY, tests=frozenset({SocialTest.MISSION})),
                register=Register.NONE,
                register_number="",
                district=district,
                address=f"Unit 4, Example Yard, {DISTRICT_NAMES[district]}",
                contact_name=contact,
                contact_email=f"{contact.lower().replace(' ', '.')}@{name.lower().replace(' ', '-')}.example",
                actor=None,
                now=teller.at(day),
            ).id
        )
    )


def _admit(teller: Teller, cast: Cast, day: int) -> None:
    applied = teller.do(
        lambda: (
            members.apply(
                name=cast.name,
                facts=SectorFacts(cast.form, control=_CONTROLLED.get(cast.form, frozenset())),
                register=Register.NONE,
                register_number="",
                district=cast.district,
                address=f"{len(teller.organisations) + 1} Example Street, {DISTRICT_NAMES[cast.district]}",
                contact_name=cast.certifier,
                contact_email=email(cast.certifier, cast),
                actor=None,
                now=teller.at(day, 9),
            ).id
        )
    )
    teller.organisations[cast.name] = applied
    _check(
        teller, applied, cast.sector, day + 1,
        "By who controls it and what it is for, as the rules of the society say.",
    )  # fmt: skip
    teller.do(
        lambda: admission.admit(
            organisation_id=applied,
            reasons="Agrees with the aims of the society and meets the rules of membership.",
            actor=teller.official(BOARD_MEMBER),
            now=teller.at(day + 2, 11),
        )
    )
    _accept(teller, email(cast.certifier, cast), day + 3)
    for name, role in ((cast.representative, Role.REPRESENTATIVE), (cast.deputy, Role.DEPUTY)):
        if name:
            appoint(teller, cast, name, role, day + 4)
    teller.forget_roles()


def _check(teller: Teller, applied: int, sector: Sector, day: int, basis: str) -> None:
    """A steward looks at who it is and puts it to the board."""
    teller.do(
        lambda: admission.put_to_board(
            organisation_id=applied,
            identity="Called back on a number found elsewhere; invented for this demonstration.",
            sector=sector,
            basis=basis,
            evidence="Governing document seen; invented for this demonstration.",
            connections="Asked, and looked at the names of its board.",
            actor=teller.official(STEWARD),
            now=teller.at(day, 15),
        )
    )


def keep_registers(teller: Teller, day: int) -> None:
    """Members pay for their shares, all but the last; the secretary enters the officers' addresses."""
    for share, organisation in register.unpaid_shares()[:-1]:
        share_id, paid_on = share.id, min(organisation.joined_on or teller.date(day), teller.date(day))
        teller.do(
            lambda share_id=share_id, paid_on=paid_on: keeping.record_share_payment(  # type: ignore[misc]
                share_id=share_id, paid_on=paid_on, actor=teller.official(STEWARD), now=teller.at(day)
            )
        )
    for person_id in sorted({officer.person_id for officer in register.officers()}):
        teller.do(
            lambda person_id=person_id: keeping.enter_officer_address(  # type: ignore[misc]
                person_id=person_id,
                address="The Weighbridge, 3 Example Wharf, Manchester",
                actor=teller.official(SECRETARY),
                now=teller.at(day),
            )
        )


def appoint(teller: Teller, cast: Cast, name: str, role: Role, day: int) -> None:
    """The certifier asks somebody to take a role, who accepts."""
    token = teller.do(
        lambda: members.appoint(
            organisation_id=teller.organisations[cast.name],
            name=name,
            email=email(name, cast),
            role=role,
            actor=teller.certifier(cast.name),
            now=teller.at(day, 12),
        )
    )
    known = name == CAST[cast.name].certifier
    actor = teller.certifier(cast.name) if known else None
    teller.do(
        lambda: accounts.accept_invitation(
            token=token, passphrase=None if known else PASSPHRASE, actor=actor, now=teller.at(day, 15)
        )
    )


def _accept(teller: Teller, address: str, day: int) -> None:
    """Follow the link in the mail."""
    path = db.session.scalars(
        select(OutboxMessage.path)
        .where(OutboxMessage.recipient == address, OutboxMessage.path.like("/invitations/%"))
        .order_by(OutboxMessage.id.desc())
        .limit(1)
    ).one()
    teller.do(
        lambda: accounts.accept_invitation(
            token=path.rsplit("/", 1)[1], passphrase=PASSPHRASE, actor=None, now=teller.at(day, 9)
        )
    )
