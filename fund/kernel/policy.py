"""Settings of the fund (handbook §13): defaults, and dated records of every change.

A default that nobody changed needs no row. A change is a new row with the instant it takes effect, never retroactive;
a ballot or round keeps the policy it began under by storing `as_json` and `version` of the policy then in force.
"""

import json
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Index, ScalarSelect, UniqueConstraint, func, select
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
    invoice_terms_days: int = 30
    invoice_before_days: int = 30
    reminder_before_days: int = 7
    reminder_after_days: tuple[int, ...] = (14, 30)
    card_most_pence: int = 5_000_00
    direct_debit_most_pence: int = 20_000_00
    direct_debit_notice_days: int = 10
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
    pay_target_working_days: int = 10
    offer_lapse_days: int = 30
    bank_detail_pause_days: int = 3
    statement_file_days: int = 30
    bank_cut_off_hour: int = 15
    reconcile_within_working_days: int = 10
    report_one_to_pence: int = 10_000_00
    report_two_to_pence: int = 50_000_00
    mfa_limit_pence: int = 315_000_00
    # people
    consent_review_months: int = 24
    digest_hour: int = 8
    replies_a_day: int = 5
    invite_again_days: int = 90
    invite_again_fewest_days: int = 30
    # the society, its meetings and its board
    sector_safeguard: str = "two_of_three"
    sector_weight_cap: str = "1/3"
    proxies_per_holder: int = 5
    short_notice_consent_percent: int = 90
    requisition_percent: int = 10
    board_size: int = 9
    board_per_sector_min: int = 2
    board_max_sector_share: str = "1/2"
    board_term_years: int = 3
    board_rotation: str = "1/3"
    board_max_terms: int = 3
    connected_members_one_vote: bool = True
    share_value_pence: int = 1_00
    shares_per_member: int = 1
    dissolution: str = "Asset lock: what is left goes to a body with like purposes."
    rules_version: str = ""
    standing_orders_version: str = ""
    # plans and measures
    priorities: tuple[str, ...] = (
        "Children who start school ready to learn",
        "Young people equipped for life",
        "Good jobs",
        "An economy that works everywhere",
        "Getting about and being connected",
        "Decent homes that people can afford",
        "A green city region with culture for all",
        "Safer, stronger communities",
        "Healthy lives and good care",
        "A good place to grow older",
    )
    framework_version: str = "SICF 1.0"
    pilot_months: int = 18
    main_years: int = 10
    review_years: tuple[int, ...] = (1, 3, 5, 8)
    # terms of grants
    payment_basis: str = "advance"
    retention_percent: int = 0
    virement_free_percent: int = 10
    legacy_check_months: tuple[int, ...] = (12, 36)
    publish_threshold_pence: int = 100_000_00
    publish_months: int = 3
    # headings of the statement of the year
    heading_of_contributions: str = "donations"
    heading_of_interest: str = "investments"
    heading_of_fees: str = "raising_funds"
    # how long records are kept
    keep_awards_years: int = 7
    keep_board_decisions_years: int = 10
    keep_attestations_years: int = 1
    keep_access_logs_years: int = 1
    keep_messages_years: int = 7
    keep_requests_years: int = 6
    keep_concerns_years: int = 10

    def as_json(self) -> str:
        """Canonical text: the same settings give the same bytes."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Policy":
        """The policy that `as_json` wrote. A setting that did not exist then has its default."""
        return cls(**_known(json.loads(text)))

    @property
    def version(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of `as_json`."""
        return sha256(self.as_json().encode()).hexdigest()[:12]


POLICY_KEYS = frozenset(field.name for field in fields(Policy))


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """The values that are settings of this version; a JSON list becomes a tuple, so that a policy stays fixed."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if name in POLICY_KEYS
    }


class Setting(Base):
    """A change of one setting, from an instant on. `value` is JSON text.

    Rows are only ever added. Of the rows that have taken effect the newest decision holds, so a change that was decided
    and then overtaken before its day never takes effect, and stays on record. `change_reference` names the decision.
    """

    __tablename__ = "setting"
    __table_args__ = (Index("ix_setting_key_effective_from", "key", "effective_from"),)

    id: Mapped[Id]
    key: Mapped[str]
    value: Mapped[str]
    effective_from: Mapped[datetime]
    set_at: Mapped[datetime]
    set_by_id: Mapped[Key | None]
    change_reference: Mapped[str | None]


class RuleText(Base):
    """One version of a text that people are held to: the rules, the standing orders, the principles. Append-only.

    Which version is in force says the setting of that name. `sha256` is of the text as UTF-8.
    """

    __tablename__ = "rule_text"
    __table_args__ = (UniqueConstraint("key", "version"),)

    id: Mapped[Id]
    key: Mapped[str]
    version: Mapped[str]
    body: Mapped[str]
    sha256: Mapped[str]
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[Key | None]


def in_force(now: datetime) -> ScalarSelect[int]:
    """The newest row of each setting that has taken effect by `now`, by id."""
    return select(func.max(Setting.id)).where(Setting.effective_from <= now).group_by(Setting.key).scalar_subquery()


def policy_at(now: datetime) -> Policy:
    """The policy in force at `now`: one query that gives at most one row for each setting."""
    rows = db.session.execute(
        select(Setting.key, Setting.value).where(Setting.id.in_(in_force(now)), Setting.key.in_(POLICY_KEYS))
    )
    return replace(Policy(), **_known({key: json.loads(value) for key, value in rows}))


def rule_text(key: str, version: str) -> str | None:
    """The text of a version, where it was recorded."""
    return db.session.scalar(select(RuleText.body).where(RuleText.key == key, RuleText.version == version))
