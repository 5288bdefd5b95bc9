"""The open book: empty and full, its figures against raw rows of the books, and its three clicks."""

from collections import deque

import pytest
from flask import Flask
from sqlalchemy import select

from fund.grants.models import AwardShare
from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.public import queries
from fund.reporting import service
from fund.reporting.rules import Basis, Consent, ConsentHow, Voice
from ledger.models import Account, Entry
from ledger.money import format_pence
from ledger.rules import AccountKind
from members.models import Organisation
from members.rules import Sector
from tests import world
from tests.fund.grants import awarding
from tests.fund.grants.awarding import Grant
from tests.fund.public.conftest import contribute
from tests.visitor import Page, Visitor

OPEN_PAGES = ("/", "/money", "/awards", "/stories", "/words", "/ballots", "/rounds")


def agreed(**uses: bool) -> Consent:
    return Consent(
        by="Joanna Brookfield",
        how=ConsentHow.SIGNED_FORM,
        fund=True,
        members=uses.get("members", True),
        public=uses.get("public", True),
        press=False,
        named=True,
        shown_name="Jo B.",
        review_on=None,
    )


def report(grant: Grant, *stories: tuple[str, Consent], value: str = "42") -> list[str]:
    """Send and accept the first report with these stories; gives their withdraw codes."""
    writer, where = grant.actors["lead editor"], {"award_reference": grant.reference, "number": 1}
    committed = queries.reporting.commitments(grant.reference)[0]
    measure_id, outcome_id = committed.measure_id, committed.measure.outcome_id
    codes = []
    with transaction():
        service.add_reading(
            **where,
            measure_id=measure_id,
            value=value,
            basis=Basis.COUNTED,
            attribution_percent=100,
            note="",
            actor=writer,
            now=grant.now,
        )
        for title, consent in stories:
            told = service.Told(
                title=title,
                before="Nothing warm to eat.",
                changed="A kitchen at the corner.",
                matters="I meet people.",
                voice=Voice.OWN_WORDS,
            )
            codes.append(
                service.add_story(
                    **where, outcome_id=outcome_id, told=told, consent=consent, actor=writer, now=grant.now
                )[1]
            )
        service.submit_report(**where, unwanted_change="Two cooks left.", actor=writer, now=grant.now)
    with transaction():
        service.accept_report(**where, feedback="Thank you.", actor=grant.actors["second steward"], now=grant.now)
    return codes


# --- a new fund


@pytest.mark.parametrize("founded", [False, True])
def test_a_new_fund_invites(app: Flask, visitor: Visitor, founded: bool) -> None:
    if founded:
        world.found_society()
    page = visitor.get("/")
    for words in ("£0 paid in", "£0 granted", "£0 paid out", "Nothing has been funded yet", "It is too early to say"):
        assert words in page.text
    assert "Ready for the first pound" in page.text
    assert "Nothing has been paid in yet" in visitor.get("/money").text
    assert "Nothing has been funded yet" in visitor.get("/awards").text
    assert "Nothing has been reported yet" in visitor.get("/stories").text
    assert "No award matches that yet" in visitor.get("/awards?district=E08000001").text


@pytest.mark.parametrize("query", ["district=nowhere", "sector=nobody", "district=%00", "sector=" + "x" * 5000])
def test_nonsense_in_the_address_shows_everything(visitor: Visitor, query: str) -> None:
    assert "Nothing has been funded yet" in visitor.get(f"/awards?{query}").text
    visitor.get(f"/stories?{query.replace('district', 'outcome').replace('sector', 'outcome')}")


@pytest.mark.parametrize("reference", ["G-2026-999", "nonsense", "%00", "x" * 3000])
def test_an_award_that_is_not_there_is_not_found(visitor: Visitor, reference: str) -> None:
    visitor.get(f"/awards/{reference}", status=404)


def test_an_award_that_nobody_accepted_is_not_public(app: Flask, clock: MovableClock, visitor: Visitor) -> None:
    made = awarding.lay(clock)
    made.offer()
    visitor.get(f"/awards/{made.reference}", status=404)
    assert "Kitchens on wheels" not in visitor.get("/awards").text
    made.accept()
    assert "being signed" in visitor.get(f"/awards/{made.reference}").text
    assert "still choosing what to measure" in visitor.get(f"/awards/{made.reference}").text


# --- figures


def raw_totals() -> dict[tuple[AccountKind, str | None], int]:
    """Every account's balance, added up from the entries themselves."""
    sums: dict[tuple[AccountKind, str | None], int] = {}
    rows = db.session.execute(
        select(Account.kind, Account.owner, Entry.amount_pence).join(Entry, Entry.account_id == Account.id)
    )
    for kind, owner, pence in rows:
        sums[kind, owner] = sums.get((kind, owner), 0) + pence
    return sums


def kind_total(raw: dict[tuple[AccountKind, str | None], int], kind: AccountKind) -> int:
    return sum(pence for (of, _), pence in raw.items() if of is kind)


def rows(page: Page, caption: str) -> dict[str, list[str]]:
    """A table by its caption: first cell → the others."""
    for table in page.tree.iter("table"):
        if " ".join("".join(table.find("caption").itertext()).split()) == caption:
            found = {}
            for row in table.iter("tr"):
                cells = [" ".join("".join(cell.itertext()).split()) for cell in row if cell.tag in ("th", "td")]
                found[cells[0]] = cells[1:]
            return found
    raise AssertionError(f"no table {caption!r}")


def test_every_figure_is_the_ledgers(grant: Grant, visitor: Visitor) -> None:
    raw = raw_totals()
    paid_in = -kind_total(raw, AccountKind.CONTRIBUTIONS)
    committed, paid = kind_total(raw, AccountKind.COMMITTED), kind_total(raw, AccountKind.GRANTS_PAID)
    available = kind_total(raw, AccountKind.AVAILABLE)
    assert (paid_in, committed, paid) == (51_234_59, 4_000_01, 6_000_00)
    front, money = visitor.get("/"), visitor.get("/money")

    assert f"{format_pence(paid_in)} paid in" in front.text
    assert f"{format_pence(committed + paid)} granted" in front.text
    assert f"{format_pence(paid)} paid out" in front.text
    assert rows(front, "Who has paid in, by sector") == {
        "Sector": ["Members", "Paid in"],
        "Private": ["1", "£20,000"],
        "Public": ["1", "£30,000.03"],
        "VCSE": ["1", "£1,234.56"],
        "All": ["3", format_pence(paid_in)],
    }
    assert rows(money, "Money by sector") == {
        "Sector": ["Paid in", "Granted", "Paid out"],
        "Private": ["£20,000", "£4,000.01", "£0"],
        "Public": ["£30,000.03", "£0", "£0"],
        "VCSE": ["£1,234.56", "£6,000", "£6,000"],
        "All": [format_pence(paid_in), format_pence(committed + paid), format_pence(paid)],
    }
    by_member = rows(money, "Contributions by member, in alphabetical order")
    for organisation in (grant.lead, grant.firm, grant.council):
        pence = -raw[AccountKind.CONTRIBUTIONS, organisation.owner]
        assert by_member[organisation.name][1] == format_pence(pence)
    assert format_pence(available) in money.text
    title = f"Kitchens on wheels {grant.reference}"
    assert rows(money, "Grants with a live agreement, newest first")[title] == ["£10,000.01", "£6,000", "£4,000.01"]
    assert f"{format_pence(paid)} is on its way" in money.text


def test_parts_by_sector_sum_to_the_whole(grant: Grant) -> None:
    found = queries.money()
    assert sum(found.paid_in.values()) == found.pot.contributed_pence
    assert sum(found.granted.values()) == found.granted_pence
    assert sum(found.paid_out.values()) == found.pot.paid_pence
    assert found.pot.contributed_pence == found.pot.available_pence + found.granted_pence
    assert list(found.paid_in) == list(Sector)


def test_a_sector_not_confirmed_is_not_left_out_of_the_sum(app: Flask, clock: MovableClock) -> None:
    made = awarding.lay(clock)
    contribute(made.lead, 5_00, clock, "a")
    with transaction() as session:
        session.get_one(Organisation, made.lead.id).sector = None
    found = queries.by_sector([(None, 5_00), (Sector.PUBLIC, 7)])
    assert list(found) == [*Sector, None]
    assert sum(found.values()) == 5_07
    assert queries.paid_in_by_sector()[None] == 5_00


def test_an_award_shows_its_partners_decision_and_payments(grant: Grant, visitor: Visitor) -> None:
    page = visitor.get("/awards").follow("Kitchens on wheels")
    assert "Warm food where people are." in page.text
    assert "Manchester, Wigan" in page.text
    assert "Passed: seven for and none against." in page.text
    assert rows(page, "Votes on this proposal by sector")["VCSE"] == ["7", "0", "0"]
    partners = rows(page, "Partners by sector")
    assert list(partners) == ["Partner", "Bee Bikes", "Examplebury Council", "Irwell Kitchens", "All"]
    assert [partners[name][2] for name in ("Bee Bikes", "Examplebury Council", "Irwell Kitchens", "All")] == [
        "£4,000.01",
        "£0",
        "£6,000",
        "£10,000.01",
    ]
    payments = rows(page, f"Payments of {grant.reference}")
    assert payments["1"] == ["Irwell Kitchens", "1 July 2026", "Sent to the bank", "£6,000"]
    assert payments["2"][0] == "Bee Bikes"
    assert sum(one.pence for one in db.session.scalars(select(AwardShare))) == 10_000_01
    result = page.follow(f"The whole result of ballot {queries.award_lines()[0].award.ballot_reference}")
    assert result.heading.startswith("Result of ballot")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("district=E08000003", True),
        ("district=E08000010", True),
        ("district=E08000001", False),
        ("sector=vcse", True),
        ("sector=private", False),
        ("district=E08000003&sector=vcse", True),
        ("district=E08000003&sector=public", False),
    ],
)
def test_awards_are_filtered_by_the_address(grant: Grant, visitor: Visitor, query: str, shown: bool) -> None:
    page = visitor.get(f"/awards?{query}")
    assert ("Kitchens on wheels" in page.links()) is shown
    if shown:
        assert "1 award, £10,000.01 in all" in page.text


# --- numbers and stories


def test_numbers_and_stories_stand_side_by_side(grant: Grant, visitor: Visitor) -> None:
    assert "No report is in yet" in visitor.get(f"/awards/{grant.reference}").text
    report(grant, ("The corner", agreed()))
    for path in ("/", f"/awards/{grant.reference}"):
        page = visitor.get(path)
        kinds = [
            "".join(element.itertext()).split(" ")[0]
            for element in page.tree.iter("p")
            if element.get("class") == "kicker" and "".join(element.itertext()).startswith(("Number", "Story"))
        ]
        assert sorted(kinds) == ["Number", "Story"], path
        assert "42 people" in page.text
        assert "A kitchen at the corner." in page.text
        assert "Jo B., in their own words" in page.text
        assert "Joanna" not in page.text
    page = visitor.get("/stories")
    assert "The corner" in page.links()
    assert rows(page, "Numbers of all awards, by measure")
    assert "Two cooks left." in visitor.get(f"/awards/{grant.reference}").text
    assert "The corner" in visitor.get("/stories?outcome=A1").text


def test_what_is_not_for_the_public_is_on_no_open_page(app: Flask, grant: Grant, visitor: Visitor) -> None:
    report(grant, ("For members", agreed(public=False)), ("For the fund", agreed(public=False, members=False)))
    for path in reachable(visitor):
        assert "For members" not in visitor.get(path).response.get_data(as_text=True), path
        assert "For the fund" not in visitor.get(path).response.get_data(as_text=True), path
    page = visitor.get(f"/awards/{grant.reference}")
    assert "2 stories were told. 0 are shown" in page.text
    assert "No story yet." in page.text

    member = Visitor(app).sign_in(grant.people["council"])
    assert "For members" in member.get("/stories").text
    assert "For the fund" not in member.get("/stories").text
    nobody = Visitor(app).sign_in(world.person("Nora Newcomer"))
    assert "For members" not in nobody.get("/stories").text


def test_a_withdrawn_story_is_on_no_page_at_all(app: Flask, grant: Grant, visitor: Visitor) -> None:
    codes = report(grant, ("The corner", agreed()))
    page = visitor.get("/stories").follow("Take your story back").send("Go on", code=codes[0])
    page.send("Take my story back")
    steward = Visitor(app).sign_in(grant.people["steward"])
    writer = Visitor(app).sign_in(grant.people["lead editor"])
    for browser in (visitor, steward, writer):
        for path in [*reachable(browser), f"/reports/{grant.reference}/1"]:
            if browser is visitor and path.startswith("/reports"):
                continue
            text = browser.get(path).response.get_data(as_text=True)
            for words in ("The corner", "A kitchen at the corner", "Nothing warm to eat", "Jo B.", "Joanna"):
                assert words not in text, (path, words)
    assert "1 story was told. 0 are shown" in visitor.get(f"/awards/{grant.reference}").text


# --- three clicks


def reachable(visitor: Visitor, clicks: int = 3) -> dict[str, int]:
    """Pages within so many clicks of the front page → how many it takes."""
    found, waiting = {"/": 0}, deque(["/"])
    while waiting:
        path = waiting.popleft()
        if found[path] == clicks:
            continue
        page = visitor.get(path)
        for href in page.links().values():
            target = href.split("#")[0]
            if (
                target.startswith("/")
                and "." not in target
                and not target.startswith("/static")
                and target not in found
            ):
                if target.startswith(("/sign-in", "/sign-out", "/demo")):
                    continue
                found[target] = found[path] + 1
                waiting.append(target)
    return found


def test_everything_public_is_within_three_clicks(grant: Grant, visitor: Visitor) -> None:
    report(grant, ("The corner", agreed()))
    found = reachable(visitor)
    ballot = queries.award_lines()[0].award.ballot_reference
    for path in (*OPEN_PAGES, f"/awards/{grant.reference}", f"/ballots/{ballot}/result", "/stories/withdraw"):
        assert path in found, path
    assert found["/money"] == found["/awards"] == found["/stories"] == found["/words"] == 1
    for organisation in (grant.lead, grant.firm, grant.council):
        assert f"/members/{organisation.reference}" in found


def test_the_front_page_offers_the_four_ways_in(visitor: Visitor) -> None:
    page = visitor.get("/")
    for link, heading in (
        ("Join as a member", None),
        ("See the rounds", None),
        ("See what members decide", None),
        ("Open the books", "Follow the money"),
    ):
        opened = page.follow(link)
        assert heading is None or opened.heading == heading


def test_sectors_stand_in_the_order_of_the_enum_everywhere(grant: Grant, visitor: Visitor) -> None:
    for path in ("/", "/money"):
        drawing = next(one for one in visitor.get(path).tree.iter() if str(one.tag).endswith("}svg"))
        names = [one.text for one in drawing.iter() if one.text in ("Private", "Public", "VCSE")]
        assert names == ["Private", "Public", "VCSE"]


def test_pages_take_a_bounded_number_of_queries(grant: Grant, visitor: Visitor, app: Flask) -> None:
    from sqlalchemy import event

    report(grant, ("The corner", agreed()), ("The stall", agreed()), ("The bench", agreed()))
    count = {"queries": 0}

    def counted(*_: object) -> None:
        count["queries"] += 1

    event.listen(db.engine, "before_cursor_execute", counted)
    try:
        for path, most in (
            ("/", 30),
            ("/money", 25),
            ("/awards", 20),
            ("/stories", 15),
            (f"/awards/{grant.reference}", 50),
        ):
            count["queries"] = 0
            visitor.get(path)
            assert count["queries"] <= most, (path, count["queries"])
    finally:
        event.remove(db.engine, "before_cursor_execute", counted)


def test_stewards_see_the_same_book(app: Flask, grant: Grant) -> None:
    _, _ = world.official("Sam", Role.STEWARD)
    assert "paid in" in Visitor(app).sign_in(grant.people["steward"]).get("/").text
