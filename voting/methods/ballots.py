"""From members and what each said to the tallies by sector: recusal and proxies.

Source: handbook §5.2 (a proxy is in writing, at most five per holder), §5.5 (a conflicted member is in no base).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from voting.methods.resolution import Choice, Tally


def tally(
    members: Mapping[str, str], ballots: Mapping[str, Choice], *, sectors: Iterable[str], recused: Collection[str] = ()
) -> dict[str, Tally]:
    """Tallies by sector, in the order of `sectors`.

    Args:
        members: member → sector; everybody on the roll.
        ballots: member → choice; those not on the roll and those recused are left out.
        sectors: every sector of the society.
        recused: members who may not vote on this question.
    """
    counted = {sector: [0, 0, 0, 0, 0] for sector in sectors}
    place = {Choice.FOR: 0, Choice.AGAINST: 1, Choice.ABSTAIN: 2}
    for member, sector in members.items():
        said = place[ballots[member]] if member in ballots else 3
        counted[sector][4 if member in recused else said] += 1
    return {sector: Tally(*numbers) for sector, numbers in counted.items()}


def with_proxies(
    ballots: Mapping[str, Choice],
    proxies: Sequence[tuple[str, str]],
    *,
    recused: Collection[str] = (),
    most_per_holder: int,
) -> dict[str, Choice]:
    """Ballots with those that proxies cast for others.

    A member's own ballot wins over a proxy. A proxy never chains: the holder must cast a ballot of their own. A recused
    member neither gives nor carries one. Those over the cap are refused in the order given.

    Args:
        ballots: member → choice, cast by themselves.
        proxies: (giver, holder), in the order received.
        recused: members who may not vote on this question.
        most_per_holder: how many a holder may carry.
    """
    cast = {member: choice for member, choice in ballots.items() if member not in recused}
    carried: dict[str, int] = {}
    given: dict[str, Choice] = {}
    for giver, holder in proxies:
        if giver in cast or giver in given or giver in recused or holder not in cast:
            continue
        if carried.get(holder, 0) < most_per_holder:
            carried[holder] = carried.get(holder, 0) + 1
            given[giver] = cast[holder]
    return cast | given
