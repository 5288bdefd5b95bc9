"""What officers do with settings, rules and texts."""

from datetime import date, datetime
from hashlib import sha256

from sqlalchemy import func, select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day, start_of_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.policy import RuleText, Setting
from fund.kernel.references import next_reference
from fund.kernel.settings.catalogue import SOCIETY_FACTS, SPECS, together
from fund.kernel.settings.shape import SettingSpec, Tier, Value, ValueKind, from_text, read, show, to_text
from fund.kernel.society import Society, SocietyType, society
from fund.rulebook import queries, rules
from fund.rulebook.models import ChangeStep, RulesClause, SettingChange
from fund.rulebook.rules import NEXT_OF_RULES, STATE_NAMES, UNDER_WAY, WAYS, ChangeState


def enter_change(
    *,
    key: str,
    typed: str,
    body: str,
    effective_on: date | None,
    reason: str,
    resolution: str,
    resolution_link: str,
    seen: int,
    actor: Actor,
    now: datetime,
) -> SettingChange:
    """Enter a change of a setting. A steward's own is in force from its date; any other waits for what its tier asks.

    Args:
        typed: the new value as it was typed.
        body: of a version that isn't kept here yet, its text.
        effective_on: the first day on which it holds; a change of the rules has none, it holds once registered.
        seen: the newest decided value that the person's page showed, by id, or 0.

    Raises:
        NotFound: there is no such setting. NotAllowed: another role enters changes of this tier.
        Conflict: a change of it is under way, or its value was changed since the page was shown.
        RuleBroken: the value is out of range, goes ill with others, or would reach back.
    """
    actor.require(Permission.KEEP_RULES)
    spec = queries.spec_of(key)
    if not rules.may_enter(spec, actor.roles):
        raise NotAllowed(rules.who_enters(spec))
    reference = next_reference("RC", year=london_day(now).year)  # from here on, one change is entered at a time
    _expect_unmoved(key, seen)
    before = queries.values_at(now)
    value = _checked(spec, typed, body, effective_on, reason, resolution, resolution_link, before, now)
    if value == before[key]:
        raise RuleBroken([Finding("This is the value already. Write another, or leave it as it is.", "value")])
    starts = None if effective_on is None or spec.tier is Tier.RULES else max(start_of_day(effective_on), now)
    _check_together(key, value, starts or now)
    if rules.has_text(spec) and str(value) not in queries.known_versions(key):
        _keep_text(key, str(value), body, actor, now)
    change = SettingChange(
        reference=reference,
        key=key,
        tier=spec.tier,
        state=rules.first_state(spec.tier),
        before=to_text(before[key]),
        value=to_text(value),
        reason=reason,
        resolution=resolution,
        resolution_link=resolution_link,
        effective_from=starts,
        entered_at=now,
        entered_by_id=actor.person_id,
    )
    db.session.add(change)
    db.session.flush()
    _write_step(change, london_day(now), reason, actor, now)
    if change.state is ChangeState.CONFIRMED:
        _put_in_force(change, starts or now, actor, now)
    _record(actor, "setting.change_entered", change, now)
    return change


def confirm(*, reference: str, actor: Actor, now: datetime) -> SettingChange:
    """The second person confirms a change of a policy or of the board's; it holds from its day, or from now if that
    day has passed.

    Raises:
        NotAllowed: without the role. RuleBroken: by the person who entered it, or when it goes ill with other settings
            now. Conflict: it was confirmed or withdrawn since.
    """
    change = _locked(reference)
    _expect(change, ChangeState.PROPOSED)
    _require_second(change, actor)
    starts = max(change.effective_from or now, now)
    _check_together(change.key, from_text(change.value), starts)
    change.state, change.effective_from = ChangeState.CONFIRMED, starts
    _write_step(change, london_day(now), "", actor, now)
    _put_in_force(change, starts, actor, now)
    _record(actor, "setting.change_confirmed", change, now)
    return change


def take_step(
    *, reference: str, to: ChangeState, happened_on: date, evidence: str, actor: Actor, now: datetime
) -> SettingChange:
    """Record the next step of a change of the rules, with its day and what shows it. Registered, it is in force.

    Raises:
        NotAllowed: without the role. RuleBroken: for a day to come or out of order, or when registration is recorded by
            somebody who took an earlier step. Conflict: the change has moved since.
    """
    change = _locked(reference)
    if change.state not in NEXT_OF_RULES or NEXT_OF_RULES[change.state] is not to:
        raise Conflict(
            f"{change.reference} has moved: {STATE_NAMES[change.state].lower()}. Reload it to see its steps."
        )
    if to is ChangeState.REGISTERED:
        _require_second(change, actor)
    elif not rules.may_enter(SPECS[change.key], actor.roles):
        raise NotAllowed(rules.who_enters(SPECS[change.key]))
    require(rules.happened_faults(happened_on, change.steps[-1].happened_on, now))
    change.state = to
    if to is ChangeState.RESOLVED:
        change.resolution = evidence
    _write_step(change, happened_on, evidence, actor, now)
    if to is ChangeState.REGISTERED:
        _check_together(change.key, from_text(change.value), now)
        change.effective_from = now
        _put_in_force(change, now, actor, now)
    _record(actor, "setting.change_stepped", change, now)
    return change


def step_back(*, reference: str, reason: str, actor: Actor, now: datetime) -> SettingChange:
    """Take a change of the rules one step back, such as when the registrar sends it back. Raises as `take_step`."""
    actor.require(Permission.KEEP_RULES)
    change = _locked(reference)
    earlier = {later: state for state, later in NEXT_OF_RULES.items()}
    if change.state not in UNDER_WAY or change.state not in earlier:
        raise Conflict(
            f"{change.reference} can't go back: {STATE_NAMES[change.state].lower()}. Reload it to see its steps."
        )
    change.state = earlier[change.state]
    _write_step(change, london_day(now), reason, actor, now)
    _record(actor, "setting.change_stepped_back", change, now)
    return change


def withdraw(*, reference: str, reason: str, actor: Actor, now: datetime) -> SettingChange:
    """Withdraw a change that is not finished, with a reason that everybody can read."""
    actor.require(Permission.KEEP_RULES)
    change = _locked(reference)
    if change.state not in UNDER_WAY:
        raise Conflict(
            f"{change.reference} is finished: {STATE_NAMES[change.state].lower()}. "
            "Enter a new change to alter the value again."
        )
    change.state = ChangeState.WITHDRAWN
    _write_step(change, london_day(now), reason, actor, now)
    _record(actor, "setting.change_withdrawn", change, now)
    return change


def name_clauses(*, clauses: dict[str, str], actor: Actor, now: datetime) -> int:
    """Say in which clause the rules cover each matter; how many answers changed."""
    actor.require(Permission.KEEP_RULES)
    found = society()
    if found is None:
        raise NotFound
    known, held = {one.code for one in rules.matters(found.society_type.value)}, queries.clauses()
    changed = {
        matter: clause for matter, clause in clauses.items() if matter in known and held.get(matter, "") != clause
    }
    for matter, clause in changed.items():
        db.session.add(RulesClause(matter=matter, clause=clause, recorded_at=now, recorded_by_id=actor.person_id))
        audit.record(
            actor,
            "rules.clause_named",
            matter,
            at=now,
            before={"clause": held.get(matter, "")},
            after={"clause": clause},
        )
    return len(changed)


def _expect_unmoved(key: str, seen: int) -> None:
    moving = db.session.scalar(
        select(SettingChange.reference).where(SettingChange.key == key, SettingChange.state.in_(UNDER_WAY))
    )
    if moving is not None:
        raise Conflict(f"{moving} changes this setting already. Finish or withdraw it first, then enter yours.")
    newest = db.session.scalar(select(func.max(Setting.id)).where(Setting.key == key)) or 0
    if newest != seen:
        raise Conflict("Somebody changed this setting since you opened the page. Reload it to see the present value.")


def _checked(
    spec: SettingSpec,
    typed: str,
    body: str,
    effective_on: date | None,
    reason: str,
    resolution: str,
    resolution_link: str,
    before: dict[str, Value],
    now: datetime,
) -> Value:
    """The value that was typed, if nothing at all is wrong; raises RuleBroken with everything that is."""
    found = rules.date_faults(effective_on, spec.tier, now) + rules.proof_faults(
        spec.tier, reason, resolution, resolution_link
    )
    value = before[spec.key]
    try:
        value = read(spec, typed)
    except ValueError as wrong:
        found.append(Finding(str(wrong), "value"))
    else:
        if spec.kind is ValueKind.VERSION:
            found += rules.version_faults(spec, str(value), body, queries.known_versions(spec.key))
    require(found)
    return value


def _check_together(key: str, value: Value, starts: datetime) -> None:
    """Settings must go together on the day this one takes effect, and on each later day that brings another."""
    later = db.session.scalars(
        select(Setting.effective_from)
        .where(Setting.effective_from > starts)
        .distinct()
        .order_by(Setting.effective_from)
    )
    for instant in (starts, *later):
        require(Finding(sentence, "value") for sentence in together(queries.values_at(instant) | {key: value}))


def _keep_text(key: str, version: str, body: str, actor: Actor, now: datetime) -> None:
    db.session.add(
        RuleText(
            key=key,
            version=version,
            body=body,
            sha256=sha256(body.encode()).hexdigest(),
            recorded_at=now,
            recorded_by_id=actor.person_id,
        )
    )


def _put_in_force(change: SettingChange, starts: datetime, actor: Actor, now: datetime) -> None:
    db.session.add(
        Setting(
            key=change.key,
            value=change.value,
            effective_from=starts,
            set_at=now,
            set_by_id=actor.person_id,
            change_reference=change.reference,
        )
    )
    if change.key in SOCIETY_FACTS:
        found = db.session.scalars(select(Society).with_for_update()).one()
        _change_society(found, change.key, str(from_text(change.value)))
    db.session.flush()


def _change_society(found: Society, key: str, value: str) -> None:
    match key:
        case "society_name":
            found.name = value
        case "society_type":
            found.society_type = SocietyType(value)
        case "society_address":
            found.address = value
        case _:
            month, _, day = value.partition("-")
            found.year_end_month, found.year_end_day = int(month), int(day)


def _locked(reference: str) -> SettingChange:
    found = db.session.scalar(select(SettingChange).where(SettingChange.reference == reference).with_for_update())
    if found is None:
        raise NotFound
    return found


def _expect(change: SettingChange, state: ChangeState) -> None:
    if change.state is not state:
        raise Conflict(
            f"{change.reference} has moved: {STATE_NAMES[change.state].lower()}. Reload it to see its steps."
        )


def _require_second(change: SettingChange, actor: Actor) -> None:
    if not actor.roles & WAYS[change.tier].confirms:
        raise NotAllowed("A steward, the secretary or a member of the board takes this step. Ask one of them.")
    require(rules.second_person_faults(actor.person_id, frozenset(step.recorded_by_id for step in change.steps)))


def _write_step(change: SettingChange, happened_on: date, evidence: str, actor: Actor, now: datetime) -> None:
    change.steps.append(
        ChangeStep(
            state=change.state,
            happened_on=happened_on,
            evidence=evidence,
            recorded_at=now,
            recorded_by_id=actor.person_id,
        )
    )
    db.session.flush()


def _record(actor: Actor, action: str, change: SettingChange, now: datetime) -> None:
    spec = SPECS[change.key]
    audit.record(
        actor,
        action,
        change.reference,
        at=now,
        before={change.key: show(spec, from_text(change.before))},
        after={
            change.key: show(spec, from_text(change.value)),
            "state": change.state.value,
            "from": in_words(london_day(change.effective_from)) if change.effective_from else None,
        },
    )
