"""An award that reports, for tests."""

from dataclasses import dataclass
from datetime import date, datetime

from fund.kernel.access import Actor, Role
from fund.kernel.db import transaction
from fund.reporting import queries, service
from fund.reporting.models import Measure, Story
from fund.reporting.rules import Basis, Consent, ConsentHow, Voice
from members.accounts.models import Person
from members.models import Organisation
from members.rules import Sector
from tests import world
from tests.scenes import laid_once

REFERENCE = "G-2026-001"


@dataclass
class Reporting:
    """A lead with its people, a steward, and an award with two reports, committed to C1.1 and B1.1."""

    lead: Organisation
    writer_person: Person
    writer: Actor
    steward_person: Person
    steward: Actor
    now: datetime

    def measure(self, code: str) -> Measure:
        framework = queries.current_framework()
        assert framework is not None
        return next(one for one in queries.measures(framework.id) if one.code == code)

    def commit(self, *codes: str) -> None:
        ids = [self.measure(code).id for code in codes]
        with transaction():
            service.commit_measures(award_reference=REFERENCE, measure_ids=ids, actor=self.writer, now=self.now)

    def read(self, code: str, value: str = "12", number: int = 1) -> None:
        measure_id = self.measure(code).id
        with transaction():
            service.add_reading(
                award_reference=REFERENCE,
                number=number,
                measure_id=measure_id,
                value=value,
                basis=Basis.COUNTED,
                attribution_percent=100,
                note="From the register.",
                actor=self.writer,
                now=self.now,
            )

    def tell(
        self, code: str, consent: Consent | None = None, title: str = "The kettle", number: int = 1
    ) -> tuple[int, str]:
        """Add a story to the outcome of a measure; gives its id and its withdraw code."""
        outcome_id = self.measure(code).outcome_id
        with transaction():
            story, withdraw_code = service.add_story(
                award_reference=REFERENCE,
                number=number,
                outcome_id=outcome_id,
                told=told(title),
                consent=consent or agreed(),
                actor=self.writer,
                now=self.now,
            )
            return story.id, withdraw_code

    def send(self, number: int = 1) -> None:
        with transaction():
            service.submit_report(
                award_reference=REFERENCE, number=number, unwanted_change="", actor=self.writer, now=self.now
            )

    def accept(self, number: int = 1) -> None:
        with transaction():
            service.accept_report(
                award_reference=REFERENCE,
                number=number,
                feedback="Thank you: the kettle says it all.",
                actor=self.steward,
                now=self.now,
            )


def told(title: str = "The kettle") -> service.Told:
    return service.Told(
        title=title,
        before="Seven addresses in a year.",
        changed="A key of my own, and a kettle that stays.",
        matters="I sleep now.",
        voice=Voice.OWN_WORDS,
    )


def agreed(**changes: object) -> Consent:
    """Consent to every use, named Jo."""
    values: dict[str, object] = {
        "by": "Joanna Brookfield",
        "how": ConsentHow.SIGNED_FORM,
        "fund": True,
        "members": True,
        "public": True,
        "press": False,
        "named": True,
        "shown_name": "Jo B.",
        "review_on": None,
    }
    return Consent(**{**values, **changes})  # type: ignore[arg-type]


@laid_once
def a_reporting_award(now: datetime, *, committed: tuple[str, ...] = ("C1.1",)) -> Reporting:
    """Everything up to the first report being due."""
    world.found_society()
    lead = world.member("Harbour Trust", Sector.VCSE)
    writer_person, writer = world.officer(lead, Role.EDITOR)
    steward_person, steward = world.official("Sam Steward", Role.STEWARD)
    with transaction():
        service.load_starter_framework(now)
        service.schedule_reports(
            award_reference=REFERENCE,
            organisation_id=writer.organisation_id or 0,
            due_dates=[date(2027, 1, 31), date(2026, 7, 31)],
            actor=steward,
            now=now,
        )
    made = Reporting(lead, writer_person, writer, steward_person, steward, now)
    if committed:
        made.commit(*committed)
    return made


def story(story_id: int) -> Story:
    from fund.kernel.db import db

    db.session.rollback()
    return db.session.get_one(Story, story_id)
