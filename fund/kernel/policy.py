"""Settings of the fund (handbook §13): defaults, and dated records of every change.

A default that nobody changed needs no row. A change is a new row with the instant it takes effect, never retroactive;
a ballot or round keeps the policy it began under by storing `as_json` and `version` of the policy then in force.
"""

import json
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Index, select
from sqlalchemy.orm import Mapped

from fund.kernel.db import Base, Id, Key, db


@dataclass(frozen=True)
class Policy:
    """The settings in force at an instant. Names are the handbook's keys; units stand last in a name."""

    # ballots
    special_majority_percent: int = 75
    notice_clear_days_general: int = 14
    notice_clear_days_grant_ballot: int = 7
    ballot_open_days: int = 10
    quorum_percent: int = 20
    quorum_min: int = 5
    quorum_per_sector: int = 2
    reserve_list_months: int = 6
    # the pot
    pot_all_sectors_required: bool = True
    pot_warn_sector_percent: int = 60
    pot_warn_contributor_percent: int = 33
    # gates
    coproduction_principles_version: str = "1.0"
    g1_min_sectors: int = 3
    g2_min_people: int = 5
    g2_min_activities: int = 2
    g2_months: int = 12
    g3_min_define: int = 3
    g3_min_design: int = 4
    g3_min_planned: int = 4
    g3_min_planned_once: int = 5
    g3_min_attestations: int = 3
    assessors_min: int = 2
    lived_experience_min: int = 1
    gate_human_min_mean: int = 2
    deadline_grace_minutes: int = 15
    # grants
    approvals_per_payment: int = 2
    extra_approval_over_pence: int = 100_000_00
    due_diligence_light_to_pence: int = 10_000_00
    due_diligence_standard_to_pence: int = 50_000_00
    pay_within_days: int = 30
    offer_lapse_days: int = 30
    bank_detail_pause_days: int = 3
    report_one_to_pence: int = 10_000_00
    report_two_to_pence: int = 50_000_00
    mfa_limit_pence: int = 315_000_00
    # people
    consent_review_months: int = 24
    digest_hour: int = 8
    access_log_months: int = 12

    def as_json(self) -> str:
        """Canonical text: the same settings give the same bytes."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Policy":
        """The policy that `as_json` wrote. A setting that did not exist then has its default."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})

    @property
    def version(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of `as_json`."""
        return sha256(self.as_json().encode()).hexdigest()[:12]


class Setting(Base):
    """A change of one setting, from an instant on. `value` is JSON text."""

    __tablename__ = "setting"
    __table_args__ = (Index("ix_setting_key_effective_from", "key", "effective_from"),)

    id: Mapped[Id]
    key: Mapped[str]
    value: Mapped[str]
    effective_from: Mapped[datetime]
    set_at: Mapped[datetime]
    set_by_id: Mapped[Key | None]


def policy_at(now: datetime) -> Policy:
    """The policy in force at `now`."""
    rows = db.session.execute(
        select(Setting.key, Setting.value)
        .where(Setting.effective_from <= now)
        .order_by(Setting.effective_from, Setting.id)
    )
    known = {field.name for field in fields(Policy)}
    return replace(Policy(), **{key: json.loads(value) for key, value in rows if key in known})
