"""Reads of settings, their changes and the texts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import start_of_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.policy import Policy, RuleText, Setting, in_force
from fund.kernel.settings.catalogue import GROUPS, SOCIETY_FACTS, SPECS
from fund.kernel.settings.shape import SettingSpec, Tier, Value, from_text, show
from fund.kernel.society import Society, society
from fund.kernel.tasks import Task
from fund.reporting.models import Framework
from fund.reporting.rules import FrameworkStatus
from fund.rulebook.models import RulesClause, SettingChange
from fund.rulebook.rules import STATE_NAMES, UNDER_WAY, ChangeState, may_enter
from proposals.principles import PRINCIPLES
from voting.models import Ballot
from voting.rules import BallotState

MOST_SHOWN = 200


@dataclass(frozen=True)
class Line:
    """One setting as it stands at an instant: `since` and `by` are empty where it has its first value."""

    spec: SettingSpec
    shown: str
    since: datetime | None
    by: str | None
    coming: list[Setting]
    under_way: SettingChange | None


def end_of_day(day: date) -> datetime:
    """The last instant of a day in England."""
    return start_of_day(day + timedelta(days=1)) - timedelta(microseconds=1)


def facts_of(found: Society) -> dict[str, Value]:
    """The society's own facts, as settings."""
    return {
        "society_name": found.name,
        "society_type": found.society_type.value,
        "society_address": found.address,
        "year_end": f"{found.year_end_month:02d}-{found.year_end_day:02d}",
    }


def _first_values() -> dict[str, Value]:
    """What held before any change was recorded. A fact of the society stands in its first change as what was before."""
    found = society()
    facts = facts_of(found) if found else dict.fromkeys(SOCIETY_FACTS, cast(Value, ""))
    first = (
        select(func.min(SettingChange.id))
        .where(SettingChange.key.in_(SOCIETY_FACTS), SettingChange.state == ChangeState.REGISTERED)
        .group_by(SettingChange.key)
        .scalar_subquery()
    )
    befores = db.session.execute(select(SettingChange.key, SettingChange.before).where(SettingChange.id.in_(first)))
    return asdict(Policy()) | facts | {key: from_text(before) for key, before in befores}


def values_at(instant: datetime) -> dict[str, Value]:
    """Every setting that can change, and the society's facts, as they are in force at `instant`."""
    rows = db.session.execute(select(Setting.key, Setting.value).where(Setting.id.in_(in_force(instant))))
    return _first_values() | {key: from_text(value) for key, value in rows if key in SPECS}


def lines_at(instant: datetime) -> list[tuple[str, list[Line]]]:
    """All settings in force at `instant`, by group, with what is coming after it. Few queries, however many."""
    held = {row.key: row for row in db.session.scalars(select(Setting).where(Setting.id.in_(in_force(instant))))}
    coming: dict[str, list[Setting]] = {}
    for row in db.session.scalars(
        select(Setting)
        .where(Setting.effective_from > instant)
        .order_by(Setting.effective_from, Setting.id)
        .limit(MOST_SHOWN)
    ):
        coming.setdefault(row.key, []).append(row)
    moving = {change.key: change for change in under_way()}
    first = _first_values()
    return [
        (
            name,
            [_line(spec, first, held.get(spec.key), coming.get(spec.key, []), moving.get(spec.key)) for spec in specs],
        )
        for name, specs in GROUPS
    ]


def _line(
    spec: SettingSpec,
    first: Mapping[str, Value],
    held: Setting | None,
    coming: list[Setting],
    moving: SettingChange | None,
) -> Line:
    if spec.tier is Tier.FIXED:
        return Line(spec, spec.fixed, None, None, [], None)
    value = from_text(held.value) if held else first[spec.key]
    return Line(
        spec,
        show(spec, value),
        held.effective_from if held else None,
        held.change_reference if held else None,
        [row for row in coming if not overtaken(row, coming)],
        moving,
    )


def overtaken(row: Setting, rows: list[Setting]) -> bool:
    """Whether a newer decision takes effect no later, so that this one never does."""
    return any(other.id > row.id and other.effective_from <= row.effective_from for other in rows)


def spec_of(key: str) -> SettingSpec:
    """The setting of this key. Raises NotFound."""
    if key not in SPECS:
        raise NotFound
    return SPECS[key]


def rows_of(key: str) -> list[Setting]:
    """Every value that was decided for a setting, newest first."""
    return list(
        db.session.scalars(select(Setting).where(Setting.key == key).order_by(Setting.id.desc()).limit(MOST_SHOWN))
    )


def changes_of(key: str) -> list[SettingChange]:
    """Every change of a setting, newest first, withdrawn ones too."""
    return list(
        db.session.scalars(
            select(SettingChange)
            .where(SettingChange.key == key)
            .order_by(SettingChange.id.desc())
            .limit(MOST_SHOWN)
            .options(selectinload(SettingChange.steps))
        )
    )


def under_way() -> list[SettingChange]:
    """Changes that somebody still has to act on, the oldest first; at most one for each setting."""
    return list(
        db.session.scalars(
            select(SettingChange)
            .where(SettingChange.state.in_(UNDER_WAY))
            .order_by(SettingChange.id)
            .limit(MOST_SHOWN)
            .options(selectinload(SettingChange.steps))
        )
    )


def change(reference: str) -> SettingChange:
    """A change by its reference. Raises NotFound."""
    found = db.session.scalar(select(SettingChange).where(SettingChange.reference == reference))
    if found is None:
        raise NotFound
    return found


def texts(key: str) -> list[RuleText]:
    """Every recorded version of a text, newest first."""
    return list(
        db.session.scalars(select(RuleText).where(RuleText.key == key).order_by(RuleText.id.desc()).limit(MOST_SHOWN))
    )


def text_of(key: str, version: str) -> RuleText | None:
    """A recorded version of a text."""
    return db.session.scalar(select(RuleText).where(RuleText.key == key, RuleText.version == version))


def known_versions(key: str) -> list[str]:
    """The versions that a setting of versions may name."""
    if key == "framework_version":
        found = db.session.execute(
            select(Framework.code, Framework.version)
            .where(Framework.status == FrameworkStatus.PUBLISHED)
            .order_by(Framework.code, Framework.version)
            .limit(MOST_SHOWN)
        )
        return [f"{code} {version}" for code, version in found]
    own = list(PRINCIPLES) if key == "coproduction_principles_version" else []
    return own + [one.version for one in reversed(texts(key))]


def clauses() -> dict[str, str]:
    """Matter → the clause of the rules that covers it, where one was named."""
    newest = select(func.max(RulesClause.id)).group_by(RulesClause.matter).scalar_subquery()
    rows = db.session.execute(select(RulesClause.matter, RulesClause.clause).where(RulesClause.id.in_(newest)))
    return {matter: clause for matter, clause in rows if clause}


def declared_ballot(resolution: str) -> str | None:
    """The reference of the fund's own declared ballot, where the resolution is one."""
    return db.session.scalar(
        select(Ballot.reference).where(
            Ballot.reference == resolution.strip().upper(), Ballot.state == BallotState.DECLARED
        )
    )


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """Changes that wait for this officer: to confirm, or to take to the registrar."""
    if not actor.may(Permission.KEEP_RULES):
        return []
    waiting = []
    for one in under_way():
        spec = SPECS[one.key]
        earlier = {step.recorded_by_id for step in one.steps}
        if one.state in (ChangeState.PROPOSED, ChangeState.SENT):
            mine, verb = actor.person_id not in earlier, "Confirm" if one.tier is not Tier.RULES else "Register"
        else:
            mine, verb = may_enter(spec, actor.roles), "Take on"
        if mine:
            waiting.append(
                Task(
                    f"{verb} the change of “{spec.title}”",
                    f"{one.reference}: {STATE_NAMES[one.state].lower()}. Nothing changes until it is finished.",
                    f"/rules-and-policies/changes/{one.reference}",
                    one.effective_from if one.state is ChangeState.PROPOSED else None,
                )
            )
    return waiting
