"""People and organisations for tests, made directly where how they came about is not what is tested."""

from datetime import UTC, date, datetime
from itertools import count

from fund.kernel.access import Actor, Role
from fund.kernel.db import db, transaction
from fund.kernel.places import DISTRICTS
from fund.kernel.society import Society, SocietyType
from members.accounts.models import FundAppointment, Person
from members.accounts.queries import actor_of
from members.models import Appointment, Organisation
from members.rules import LegalForm, MembershipStatus, Sector

_numbers = count(1)
LONG_AGO = datetime(2025, 4, 1, 9, tzinfo=UTC)

_FORMS = {
    Sector.PUBLIC: LegalForm.COUNCIL,
    Sector.PRIVATE: LegalForm.COMPANY,
    Sector.VCSE: LegalForm.CHARITY,
}


def found_society() -> Society:
    """The society that `sicf init` would make."""
    with transaction() as session:
        session.add(
            Society(
                id=1,
                name="Irwell Collaboration Fund",
                society_type=SocietyType.COMMUNITY_BENEFIT,
                address="1 Example Street, Manchester",
                year_end_month=3,
                year_end_day=31,
                is_demo=False,
                founded_at=LONG_AGO,
            )
        )
    return db.session.get_one(Society, 1)


def person(name: str, *fund_roles: Role) -> Person:
    """Somebody with an account and these roles for the fund."""
    number = next(_numbers)
    with transaction() as session:
        somebody = Person(
            name=name,
            email=f"person{number}@example.org",
            email_key=f"person{number}@example.org",
            created_at=LONG_AGO,
        )
        session.add(somebody)
        session.flush()
        session.add_all(FundAppointment(person_id=somebody.id, role=role, started_at=LONG_AGO) for role in fund_roles)
    return somebody


def member(
    name: str, sector: Sector, *, district: str = DISTRICTS[2].code, group_id: int | None = None
) -> Organisation:
    """A member organisation of long standing."""
    number = next(_numbers)
    with transaction() as session:
        organisation = Organisation(
            reference=f"GM-{9000 + number}",
            name=name,
            legal_form=_FORMS[sector],
            district=district,
            address="1 Example Street",
            group_id=group_id,
            proposed_sector=sector,
            sector=sector,
            status=MembershipStatus.MEMBER,
            applied_at=LONG_AGO,
            contact_name="Contact",
            contact_email=f"contact{number}@example.org",
            decided_at=LONG_AGO,
            joined_on=date(2025, 4, 1),
        )
        session.add(organisation)
    return organisation


def appoint(somebody: Person, organisation: Organisation, *roles: Role) -> None:
    """Give `somebody` these roles in `organisation`."""
    person_id, organisation_id = somebody.id, organisation.id
    with transaction() as session:
        session.add_all(
            Appointment(person_id=person_id, organisation_id=organisation_id, role=role, started_at=LONG_AGO)
            for role in roles
        )


def acting(somebody: Person, organisation: Organisation | None = None) -> Actor:
    """The actor that services take."""
    return actor_of(somebody.id, somebody.name, organisation.id if organisation else None)


def officer(organisation: Organisation, *roles: Role, name: str | None = None) -> tuple[Person, Actor]:
    """Somebody new with these roles (certifier, unless named) in `organisation`, as person and as actor."""
    somebody = person(name or f"Officer of {organisation.name}")
    appoint(somebody, organisation, *(roles or (Role.CERTIFIER,)))
    return somebody, acting(somebody, organisation)


def official(name: str, *roles: Role) -> tuple[Person, Actor]:
    """Somebody with these roles for the fund, as person and as actor."""
    somebody = person(name, *roles)
    return somebody, acting(somebody)
