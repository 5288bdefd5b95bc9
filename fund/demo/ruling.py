"""Members and the board change settings, and a change of the rules waits at the registrar's."""

from dataclasses import dataclass

from fund.demo.teller import BOARD_MEMBER, SECRETARY, STEWARD, Teller
from fund.rulebook import service
from fund.rulebook.rules import ChangeState


@dataclass(frozen=True)
class _Change:
    """Entered on `day` by `enters`, confirmed the day after by `confirms`, to hold from `starts`."""

    key: str
    typed: str
    reason: str
    resolution: str
    enters: str
    confirms: str
    day: int
    starts: int


_CHANGES = (
    _Change(
        "keep_board_decisions_years",
        "12",
        "The first grants may run for ten years, and decisions on them must outlast them.",
        "Members' meeting at the Weighbridge, item 5",
        SECRETARY,
        STEWARD,
        -250,
        -240,
    ),
    _Change(
        "offer_lapse_days",
        "45",
        "Small leads asked for time to take an offer to their own trustees.",
        "Minutes of the board, third meeting, item 2",
        BOARD_MEMBER,
        STEWARD,
        -150,
        -148,
    ),
    _Change(
        "notice_clear_days_grant_ballot",
        "10",
        "Members whose boards meet weekly want to talk before they vote.",
        "Members' meeting online, item 3",
        SECRETARY,
        BOARD_MEMBER,
        -9,
        40,
    ),
)


def change_settings(teller: Teller) -> None:
    """Two changes in force, one to come, and one of the rules that is sent for registration."""
    for one in _CHANGES:
        reference = _enter(teller, one)
        teller.do(
            lambda one=one, reference=reference: service.confirm(  # type: ignore[misc]
                reference=reference, actor=teller.official(one.confirms), now=teller.at(one.day + 1)
            )
        )
    _send_a_rule(teller)


def _enter(teller: Teller, one: _Change) -> str:
    return teller.do(
        lambda: (
            service.enter_change(
                key=one.key,
                typed=one.typed,
                body="",
                effective_on=teller.date(one.starts),
                reason=one.reason,
                resolution=one.resolution,
                resolution_link="",
                seen=0,
                actor=teller.official(one.enters),
                now=teller.at(one.day),
            ).reference
        )
    )


def _send_a_rule(teller: Teller) -> None:
    rule = _Change(
        "quorum_percent",
        "25",
        "With 24 members, five voices are too few to speak for all.",
        "",
        SECRETARY,
        "",
        -60,
        -60,
    )
    reference = _enter(teller, rule)
    for to, day, evidence in (
        (ChangeState.RESOLVED, -40, "Special meeting: 17 for, 3 against, and more for than against in each sector."),
        (ChangeState.SENT, -20, "Sent to the registrar by post, with the two copies signed."),
    ):
        teller.do(
            lambda to=to, day=day, evidence=evidence: service.take_step(  # type: ignore[misc]
                reference=reference,
                to=to,
                happened_on=teller.date(day),
                evidence=evidence,
                actor=teller.official(SECRETARY),
                now=teller.at(day),
            )
        )
