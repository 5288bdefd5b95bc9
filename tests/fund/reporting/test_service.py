"""Commitments, evidence, review, withdrawal and reminders, against the database."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from fund.kernel.access import Role
from fund.kernel.audit import AuditEntry
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from fund.reporting import queries, service
from fund.reporting.models import EvidenceItem, Framework, Measure, Outcome, Report, Story, Theme
from fund.reporting.rules import EvidenceKind, EvidenceState, FrameworkStatus, MeasureKind, ReportState
from members.rules import Sector
from tests import world
from tests.fund.reporting.reports import REFERENCE, Reporting, a_reporting_award, agreed, story, told


@pytest.fixture
def made(app: Flask, clock: MovableClock) -> Reporting:
    return a_reporting_award(clock.now())


def state(number: int = 1) -> ReportState | None:
    db.session.rollback()
    return queries.report_state(REFERENCE, number)


# --- framework


def test_the_starter_framework_is_loaded_once_and_whole(app: Flask, clock: MovableClock) -> None:
    with transaction():
        first = service.load_starter_framework(clock.now())
        again = service.load_starter_framework(clock.now())
    assert first is again
    measures = queries.measures(first.id)
    outcomes = {one.outcome.code for one in measures}
    assert len(outcomes) == 16
    assert {one.outcome.code for one in measures if one.kind is MeasureKind.STORY} == outcomes
    assert {one.outcome.code for one in measures if one.kind is not MeasureKind.STORY} == outcomes
    for one in measures:  # R35: every measure shows unit, how to count, example
        assert one.unit
        assert len(one.guidance) > 20
        assert len(one.evidence_hint) > 12
    assert {one.code for one in measures} >= {"A1.1", "A2.2", "C2.1", "E2.1"}  # R49, R50, R51


@pytest.mark.parametrize(
    "edit",
    [
        lambda: update(Measure).where(Measure.code == "A1.1").values(title="Something easier"),
        lambda: update(Outcome).where(Outcome.code == "A1").values(title="Something easier"),
        lambda: update(Theme).where(Theme.code == "A").values(title="Something easier"),
        lambda: update(Framework).values(title="Something easier"),
        lambda: update(Framework).values(status=FrameworkStatus.DRAFT),
        lambda: text("DELETE FROM framework_measure WHERE code = 'A1.1'"),
        lambda: text("DELETE FROM framework"),
        lambda: text(
            "INSERT INTO framework_theme (framework_id, code, title, position) SELECT id, 'Z', 'New', 99 FROM framework"
        ),
    ],
)
def test_a_published_framework_cannot_be_edited_by_anybody(app: Flask, clock: MovableClock, edit) -> None:
    with transaction():
        service.load_starter_framework(clock.now())
    with pytest.raises(DBAPIError, match="published framework is never edited"), transaction() as session:
        session.execute(edit())


def test_a_published_framework_can_be_retired_and_not_published_twice(app: Flask, clock: MovableClock) -> None:
    with transaction():
        framework_id = service.load_starter_framework(clock.now()).id
    with pytest.raises(Conflict, match="make a new version"), transaction():
        service.publish_framework(framework_id=framework_id, actor=None, now=clock.now())
    with transaction() as session:
        session.execute(update(Framework).values(status=FrameworkStatus.RETIRED))
    assert queries.current_framework() is None


def test_a_plan_needs_a_published_framework(app: Flask, clock: MovableClock) -> None:
    world.found_society()
    lead = world.member("Harbour Trust", Sector.VCSE)
    lead_id = lead.id
    with pytest.raises(RuleBroken, match="No measurement framework"), transaction():
        service.open_plan(award_reference=REFERENCE, organisation_id=lead_id, actor=None, now=clock.now())


# --- commitments


def test_measures_may_be_chosen_again_until_they_are_agreed(made: Reporting) -> None:
    made.commit("B1.1", "C2.1")
    assert [one.measure.code for one in queries.commitments(REFERENCE)] == ["B1.1", "C2.1"]
    with transaction():
        service.fix_measures(award_reference=REFERENCE, actor=None, now=made.now)
    with pytest.raises(Conflict, match="agreed"):
        made.commit("C1.1")


def test_measures_cannot_change_once_reporting_has_begun(made: Reporting) -> None:
    made.read("C1.1")
    with pytest.raises(Conflict, match="agreed"):
        made.commit("B1.1")


def test_an_agreement_waits_for_the_choice(app: Flask, clock: MovableClock) -> None:
    made = a_reporting_award(clock.now(), committed=())
    assert not queries.has_commitments(REFERENCE)
    assert [one.title for one in queries.tasks(made.writer, made.now)] == [f"Choose what {REFERENCE} will measure"]
    with pytest.raises(RuleBroken, match="not chosen what to measure"), transaction():
        service.fix_measures(award_reference=REFERENCE, actor=None, now=made.now)
    with pytest.raises(RuleBroken, match="at least one measure"):
        made.commit()


def test_only_the_leads_people_choose_and_stories_are_not_to_be_chosen(made: Reporting) -> None:
    prompt_id, measure_id = made.measure("C1.S").id, made.measure("C1.1").id
    other = world.member("Canal Press", Sector.PRIVATE)
    _, stranger = world.officer(other)
    _, reader = world.officer(made.lead, Role.DEPUTY)
    for actor, wanted, error in (
        (made.writer, prompt_id, NotFound),
        (stranger, measure_id, NotFound),
        (reader, measure_id, NotAllowed),
    ):
        with pytest.raises(error), transaction():
            service.commit_measures(award_reference=REFERENCE, measure_ids=[wanted], actor=actor, now=made.now)


def test_bad_figures_in_a_commitment_are_named_all_at_once(made: Reporting) -> None:
    one = made.measure("C1.1").id
    with pytest.raises(RuleBroken) as caught, transaction():
        service.commit_measures(
            award_reference=REFERENCE,
            measure_ids=[one],
            baselines={one: "many"},
            intentions={one: "1.5"},
            actor=made.writer,
            now=made.now,
        )
    assert [finding.field for finding in caught.value.findings] == [f"baseline_{one}", f"intention_{one}"]


# --- schedule


def test_reports_are_numbered_by_date_and_scheduled_once(made: Reporting) -> None:
    dates = [(one.number, one.due_on) for one in queries.reports_of(REFERENCE)]
    assert dates == [(1, date(2026, 7, 31)), (2, date(2027, 1, 31))]
    lead_id = made.writer.organisation_id or 0

    def schedule(*due: date) -> None:
        with transaction():
            service.schedule_reports(
                award_reference=REFERENCE, organisation_id=lead_id, due_dates=due, actor=None, now=made.now
            )

    schedule(date(2026, 7, 31), date(2027, 1, 31))
    assert len(queries.reports_of(REFERENCE)) == 2
    with pytest.raises(Conflict, match="dates already"):
        schedule(date(2026, 8, 31))


# --- evidence and the equal-evidence rule


def test_numbers_alone_are_refused_kindly(made: Reporting) -> None:
    made.read("C1.1")
    with pytest.raises(RuleBroken) as caught:
        made.send()
    assert caught.value.message.startswith("Thank you for the number. A story counts just as much as a number.")
    assert state() is ReportState.DRAFT


def test_stories_alone_are_refused_just_as_kindly(made: Reporting) -> None:
    made.tell("C1.1")
    with pytest.raises(RuleBroken) as caught:
        made.send()
    assert caught.value.message.startswith("Thank you for the story. A number counts just as much as a story.")


@pytest.mark.parametrize("kind", list(EvidenceKind))
def test_a_reason_stands_in_for_either_kind(made: Reporting, kind: EvidenceKind) -> None:
    if kind is EvidenceKind.STORY:
        made.read("C1.1")
    else:
        made.tell("C1.1")
    outcome_id = made.measure("C1.1").outcome_id

    def say(reason: str) -> None:
        with transaction():
            service.say_why_none(
                award_reference=REFERENCE,
                number=1,
                outcome_id=outcome_id,
                kind=kind,
                reason=reason,
                actor=made.writer,
                now=made.now,
            )

    with pytest.raises(RuleBroken, match="Shorten"):
        say("x" * 601)
    say("It is too early.")
    say("")
    with pytest.raises(RuleBroken):
        made.send()
    say("It is too early.")
    made.send()
    assert state() is ReportState.SUBMITTED


def test_a_number_given_again_replaces_the_first(made: Reporting) -> None:
    made.read("C1.1", "12")
    made.read("C1.1", "1,250")
    page = queries.evidence(queries.report(REFERENCE, 1, made.writer))[0]
    assert [reading.value_scaled for reading in page.readings.values()] == [1250]


def test_evidence_is_only_for_what_the_award_committed_to(made: Reporting) -> None:
    with pytest.raises(NotFound):
        made.read("F1.1")
    with pytest.raises(NotFound):
        made.tell("F1.1")


def test_strangers_cannot_write_or_read(made: Reporting) -> None:
    other = world.member("Canal Press", Sector.PRIVATE)
    _, stranger = world.officer(other)
    mine = made.writer
    made.writer = stranger
    for attempt in (lambda: made.read("C1.1"), lambda: made.tell("C1.1"), made.send):
        with pytest.raises(NotFound):
            attempt()
    with pytest.raises(NotFound):
        queries.report(REFERENCE, 1, stranger)
    with pytest.raises(NotFound):
        queries.plan(REFERENCE, stranger)
    assert queries.report(REFERENCE, 1, mine).number == 1
    assert queries.report(REFERENCE, 1, made.steward).number == 1
    for number in (0, 3, 10**30):
        with pytest.raises(NotFound):
            queries.report(REFERENCE, number, mine)


def test_nothing_changes_after_sending(made: Reporting) -> None:
    made.read("C1.1")
    story_id, _ = made.tell("C1.1")
    made.send()
    for attempt in (lambda: made.read("C1.1", "13"), lambda: made.tell("C1.1"), made.send):
        with pytest.raises(Conflict, match="submitted"):
            attempt()
    with pytest.raises(Conflict), transaction():
        service.remove_item(award_reference=REFERENCE, number=1, item_id=story_id, actor=made.writer, now=made.now)


def test_a_piece_of_another_report_is_not_found(made: Reporting) -> None:
    story_id, _ = made.tell("C1.1", number=2)
    for item_id in (story_id, 0, 2**63, 10**30):
        with pytest.raises(NotFound), transaction():
            service.remove_item(award_reference=REFERENCE, number=1, item_id=item_id, actor=made.writer, now=made.now)
    with transaction():
        service.remove_item(award_reference=REFERENCE, number=2, item_id=story_id, actor=made.writer, now=made.now)
    assert db.session.get(EvidenceItem, story_id) is None


def test_consent_is_reviewed_after_the_policys_months_unless_sooner_is_said(made: Reporting) -> None:
    first, _ = made.tell("C1.1")
    sooner, _ = made.tell("C1.1", agreed(review_on=date(2026, 12, 1)))
    private, _ = made.tell("C1.1", nothing_agreed())
    assert story(first).review_on == date(2028, 6, 1)
    assert story(sooner).review_on == date(2026, 12, 1)
    assert story(private).review_on is None


def test_private_evidence_keeps_no_identity(made: Reporting) -> None:
    private, _ = made.tell("C1.1", agreed(fund=False, members=False, public=False, named=False, shown_name=""))
    assert story(private).consent_by == ""
    assert story(private).consent_how is None


def nothing_agreed():
    return agreed(by="", how=None, fund=False, members=False, public=False, press=False, named=False, shown_name="")


# --- review


def ready(made: Reporting) -> tuple[int, str]:
    made.read("C1.1")
    told_id, code = made.tell("C1.1")
    made.send()
    return told_id, code


def test_acceptance_publishes_the_number_and_the_story_with_consent_to_it(made: Reporting) -> None:
    public_id, _ = made.tell("C1.1")
    members_id, _ = made.tell("C1.1", agreed(public=False), title="The garden")
    private_id, _ = made.tell("C1.1", nothing_agreed(), title="The night bus")
    made.read("C1.1")
    made.send()
    assert queries.published_stories() == []
    assert queries.accepted_readings() == []
    made.accept()
    assert state() is ReportState.ACCEPTED
    assert [one.id for one in queries.published_stories()] == [public_id]
    assert {one.id for one in queries.published_stories(for_members=True)} == {public_id, members_id}
    assert [story(one).state for one in (public_id, members_id, private_id)] == [
        EvidenceState.PUBLISHED,
        EvidenceState.ACCEPTED,
        EvidenceState.ACCEPTED,
    ]
    assert [one.value_scaled for one in queries.accepted_readings(award_references=[REFERENCE])] == [12]
    assert queries.stories_told() == 3
    mail = db.session.scalars(select(OutboxMessage)).one()
    assert "the kettle says it all" in mail.what


def test_feedback_is_never_left_out(made: Reporting) -> None:
    ready(made)
    for act, words in ((service.accept_report, {"feedback": "  "}), (service.query_report, {"words": ""})):
        with pytest.raises(RuleBroken, match="Write a sentence"), transaction():
            act(award_reference=REFERENCE, number=1, actor=made.steward, now=made.now, **words)
    assert state() is ReportState.SUBMITTED


def test_a_question_sends_the_report_back_and_it_can_be_sent_again(made: Reporting) -> None:
    ready(made)
    for question in ("How did you count?", "And in winter?"):
        with transaction():
            service.query_report(award_reference=REFERENCE, number=1, words=question, actor=made.steward, now=made.now)
        assert state() is ReportState.QUERIED
        assert [one.title for one in queries.tasks(made.writer, made.now)] == []
        assert [one.title for one in queries.tasks(made.writer, made.now + timedelta(days=40))] == [
            f"Answer the question on report 1 of {REFERENCE}"
        ]
        made.read("C1.1", "11")
        made.send()
    made.accept()
    report_id = queries.report(REFERENCE, 1, made.steward).id
    assert [one.words for one in queries.reviews(report_id)][:2] == ["How did you count?", "And in winter?"]
    assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 3


def test_nobody_reviews_the_report_of_an_organisation_they_serve(made: Reporting) -> None:
    ready(made)
    world.appoint(made.steward_person, made.lead, Role.DEPUTY)
    both = world.acting(made.steward_person)
    assert both.may("review_reports")
    assert [one for one in queries.tasks(made.steward, made.now) if one.title.startswith("Read report")] == []
    with pytest.raises(NotAllowed, match="another steward"):
        made.accept()
    with pytest.raises(NotAllowed), transaction():
        service.query_report(award_reference=REFERENCE, number=1, words="Why?", actor=both, now=made.now)


def test_the_lead_cannot_accept_its_own_report(made: Reporting) -> None:
    ready(made)
    with pytest.raises(NotAllowed), transaction():
        service.accept_report(award_reference=REFERENCE, number=1, feedback="Fine.", actor=made.writer, now=made.now)


def test_two_stewards_at_once_make_one_answer(app: Flask, made: Reporting) -> None:
    ready(made)
    _, second = world.official("Sue Steward", Role.STEWARD)
    start, outcomes = threading.Barrier(2), []

    def answer(actor) -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    service.accept_report(
                        award_reference=REFERENCE, number=1, feedback="Thank you.", actor=actor, now=made.now
                    )
                outcomes.append("accepted")
            except Conflict:
                outcomes.append("was second")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=answer, args=(one,)) for one in (made.steward, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["accepted", "was second"]
    db.session.rollback()
    report_id = queries.report(REFERENCE, 1, made.steward).id
    assert len(queries.reviews(report_id)) == 1


# --- taking a story back


def test_a_withdrawn_story_is_erased_at_once_and_still_counts(made: Reporting) -> None:
    story_id, code = ready(made)
    made.accept()
    typed = f" {code[:4].lower()}-{code[4:8]} {code[8:]}"
    with transaction():
        service.withdraw_story(code=typed, now=made.now)
        service.withdraw_story(code=code, now=made.now)
    gone = story(story_id)
    kept = [str(getattr(gone, column.key)) for column in Story.__mapper__.columns]
    for words in ("kettle", "addresses", "key of my own", "sleep", "Jo B.", "Joanna"):
        assert not any(words in value for value in kept), words
    assert gone.state is EvidenceState.WITHDRAWN
    assert queries.published_stories() == queries.published_stories(for_members=True) == []
    assert queries.stories_told() == 1
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "story.withdrawn")).all()
    assert len(entries) == 1
    every = str([(one.before, one.after) for one in db.session.scalars(select(AuditEntry))])
    assert "kettle" not in every
    assert "Jo" not in every


def test_withdrawal_before_review_does_not_hold_the_grantee_up(made: Reporting) -> None:
    made.read("C1.1")
    story_id, code = made.tell("C1.1")
    with transaction():
        service.withdraw_story(code=code, now=made.now)
    with pytest.raises(Conflict, match="withdrew"), transaction():
        service.revise_story(
            award_reference=REFERENCE,
            number=1,
            item_id=story_id,
            told=told(),
            consent=agreed(),
            actor=made.writer,
            now=made.now,
        )
    made.send()
    made.accept()
    assert story(story_id).state is EvidenceState.WITHDRAWN
    assert queries.published_stories() == []


def test_a_new_code_replaces_a_lost_one_even_after_acceptance(made: Reporting) -> None:
    story_id, code = ready(made)
    made.accept()
    with transaction():
        new = service.renew_code(award_reference=REFERENCE, number=1, item_id=story_id, actor=made.writer, now=made.now)
    with pytest.raises(NotFound, match="don't know that code"), transaction():
        service.withdraw_story(code=code, now=made.now)
    with transaction():
        service.withdraw_story(code=new, now=made.now)
    assert queries.published_stories() == []


def test_withdrawing_while_a_steward_accepts_never_leaves_the_story_public(app: Flask, made: Reporting) -> None:
    story_id, code = ready(made)
    start = threading.Barrier(2)

    def run(act) -> None:
        with app.app_context():
            start.wait()
            with transaction():
                act()
            db.session.remove()

    def accept() -> None:
        service.accept_report(award_reference=REFERENCE, number=1, feedback="Thanks.", actor=made.steward, now=made.now)

    threads = [
        threading.Thread(target=run, args=(act,))
        for act in (accept, lambda: service.withdraw_story(code=code, now=made.now))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert story(story_id).state is EvidenceState.WITHDRAWN
    assert state() is ReportState.ACCEPTED


# --- reminders


def reminders(now: datetime) -> list[str]:
    with transaction():
        service.sweep(now)
    return sorted(
        one.key.removeprefix(f"report:{REFERENCE}:").rsplit(":", 1)[0]
        for one in db.session.scalars(select(OutboxMessage))
    )


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


def test_reminders_go_out_before_on_and_after_the_day_and_once_each(made: Reporting) -> None:
    due = date(2026, 7, 31)
    assert reminders(at(due - timedelta(days=15))) == []
    assert reminders(at(due - timedelta(days=14))) == ["1:reminder:before"]
    assert reminders(at(due - timedelta(days=1))) == ["1:reminder:before"]
    assert reminders(at(due)) == ["1:reminder:before", "1:reminder:on_the_day"]
    assert reminders(at(due + timedelta(days=6))) == ["1:reminder:before", "1:reminder:on_the_day"]
    everything = ["1:reminder:after", "1:reminder:before", "1:reminder:on_the_day"]
    assert reminders(at(due + timedelta(days=7))) == everything
    assert reminders(at(due + timedelta(days=30))) == everything


def test_after_an_outage_only_the_latest_reminder_is_sent(made: Reporting) -> None:
    assert reminders(at(date(2026, 8, 20))) == ["1:reminder:after"]
    with transaction():
        assert service.sweep(at(date(2026, 8, 21))) == 0


def test_a_report_that_is_sent_is_not_reminded_of(made: Reporting) -> None:
    ready(made)
    assert reminders(at(date(2026, 8, 20))) == []


def test_a_late_report_is_a_task_that_says_so(made: Reporting) -> None:
    late = at(date(2026, 8, 3))
    task = queries.tasks(made.writer, late)[0]
    assert task.title == f"Send the late report 1 of {REFERENCE}"
    assert task.due is not None
    assert task.due < late
    on_the_day = at(date(2026, 7, 31))
    assert queries.tasks(made.writer, on_the_day)[0].title == f"Write report 1 of {REFERENCE}"


def test_reports_to_read_are_tasks_of_stewards(made: Reporting) -> None:
    assert queries.tasks(made.steward, made.now) == []
    ready(made)
    assert [one.title for one in queries.tasks(made.steward, made.now)] == [f"Read report 1 of {REFERENCE}"]
    assert db.session.scalar(select(func.count()).select_from(Report)) == 2
