"""What is forgotten once its time is over: how long each kind of record is kept is a setting (handbook §13).

Only what the registry keeps for a time is here. The law's registers, the books, what was voted on and the trail of who
did what are never touched: the database itself refuses to alter most of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Delete, Update, and_, delete, exists, inspect, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from fund.grants.awards.rules import AwardState
from fund.grants.models import Award
from fund.kernel.calendar import add_months, london_day, start_of_day
from fund.kernel.db import Base, db
from fund.kernel.once import FormSubmission
from fund.kernel.outbox import OutboxMessage
from fund.kernel.policy import Policy
from fund.privacy.models import PrivacyRequest
from members.accounts.factors.models import AuthenticatorApp, Passkey, RecoveryCode
from members.accounts.models import EmailChange, PassphraseReset, PersonSession
from members.profile.models import Accreditation
from members.prospects.models import ProspectContact
from proposals.brokerage.models import PartnerReply, PartnerRequest
from proposals.evidence.models import Attestation, SafeguardingConcern
from proposals.models import Proposal, Round
from proposals.rules import ProposalState

MOST_AT_ONCE = 20_000
"""Of one kind in one sweep: what is left over goes the next day."""


@dataclass(frozen=True)
class Term:
    """How long one kind of record is kept.

    Attributes:
        table: its rows.
        setting: how many years, the name of a setting.
        over: the condition that their time ended before an instant.
        emptied: what is written over which columns; where there is none, the rows go.
    """

    table: type[Base]
    setting: str
    over: Callable[[datetime], ColumnElement[bool]]
    emptied: Mapping[str, object] = field(default_factory=dict)


def _since(column: InstrumentedAttribute[Any]) -> Callable[[datetime], ColumnElement[bool]]:
    """The time runs from the instant in `column`; where it is empty, it has not begun."""
    return lambda before: column < before


def _proposal_over(before: datetime) -> ColumnElement[bool]:
    """Proposals that ended without a grant before an instant: never sent, not eligible, declined, or the offer was.

    While a grant runs its time has not begun. Who is on the reserve list may still be offered one.
    """
    not_sent = and_(Proposal.state.in_((ProposalState.DRAFT, ProposalState.RETURNED)), Round.closed_at < before)
    not_eligible = and_(Proposal.state == ProposalState.INELIGIBLE, Proposal.eligibility_at < before)
    not_chosen = and_(Proposal.state == ProposalState.DECLINED, Proposal.decided_at < before)
    offers = select(Award.id).where(Award.proposal_id == Proposal.id)
    open_still = offers.where(
        or_(
            Award.state.in_((AwardState.OFFERED, AwardState.ACCEPTED)),
            and_(Award.state == AwardState.DECLINED, Award.answered_at >= before),
            and_(Award.state == AwardState.LAPSED, Award.offer_lapses_at >= before),
        )
    )
    offered_in_vain = and_(Proposal.state == ProposalState.APPROVED, offers.exists(), ~open_still.exists())
    return or_(not_sent, not_eligible, not_chosen, offered_in_vain)


def _of_proposal_over(table: type[Attestation]) -> Callable[[datetime], ColumnElement[bool]]:
    def over(before: datetime) -> ColumnElement[bool]:
        ended = select(Proposal.id).join(Round, Proposal.round_id == Round.id).where(_proposal_over(before))
        return table.proposal_id.in_(ended)

    return over


def _request_over(before: datetime) -> ColumnElement[bool]:
    return exists().where(PartnerRequest.id == PartnerReply.request_id, PartnerRequest.closed_at < before)


_LOGS, _AWARDS, _DECISIONS = "keep_access_logs_years", "keep_awards_years", "keep_board_decisions_years"

TERMS = (
    Term(PersonSession, _LOGS, _since(PersonSession.expires_at)),
    Term(PassphraseReset, _LOGS, _since(PassphraseReset.expires_at)),
    Term(EmailChange, _LOGS, _since(EmailChange.asked_at)),
    Term(AuthenticatorApp, _LOGS, _since(AuthenticatorApp.ended_at)),
    Term(Passkey, _LOGS, _since(Passkey.ended_at)),
    Term(RecoveryCode, _LOGS, _since(RecoveryCode.used_at)),
    Term(FormSubmission, _LOGS, _since(FormSubmission.at)),
    Term(OutboxMessage, "keep_messages_years", _since(OutboxMessage.created_at)),
    Term(PrivacyRequest, "keep_requests_years", _since(PrivacyRequest.done_at)),
    Term(SafeguardingConcern, "keep_concerns_years", _since(SafeguardingConcern.closed_at)),
    Term(ProspectContact, _DECISIONS, _since(ProspectContact.recorded_at)),
    Term(Accreditation, _DECISIONS, _since(Accreditation.removed_at)),
    Term(PartnerReply, _AWARDS, _request_over, {"message": "", "contact": "", "lead_contact": None, "answer_note": ""}),
    Term(
        Attestation,
        "keep_attestations_years",
        _of_proposal_over(Attestation),
        {"told": "", "looked_into_note": None},
    ),
)


def forget(policy: Policy, now: datetime) -> dict[str, int]:
    """Forget what the policy says is over at `now`: the table's name → how many rows, where there were any."""
    done = {}
    for term in TERMS:
        day = add_months(london_day(now), -12 * int(getattr(policy, term.setting)))
        if count := _forget(term, start_of_day(day)):
            done[term.table.__tablename__] = count
    return done


def _forget(term: Term, before: datetime) -> int:
    (key,) = inspect(term.table).primary_key
    chosen = select(key).where(term.over(before))
    if term.emptied:
        columns = term.table.__table__.c
        chosen = chosen.where(or_(*(columns[name].is_distinct_from(blank) for name, blank in term.emptied.items())))
    these = key.in_(chosen.order_by(key).limit(MOST_AT_ONCE))
    statement: Update | Delete = (
        update(term.table).where(these).values(**term.emptied) if term.emptied else delete(term.table).where(these)
    )
    result = db.session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount
