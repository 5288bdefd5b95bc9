"""A pound from three sectors becomes a grant and a published story, in a browser, on both databases.

Everything that people do is done by them on their own pages; the clock is moved, and the scheduler's sweep does the
rest. At each step the pounds on the public pages are those in the ledger.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select

import ledger.service
from fund.demo.bank_statement import Line, statement
from fund.grants.awards import queries as awards
from fund.kernel.access import Role
from fund.kernel.calendar import london_day
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from fund.reporting.service import load_starter_framework
from ledger.bank.models import PaymentFile
from ledger.money import format_pence, parse_pounds
from ledger.queries import pot
from members.accounts.rules import hash_passphrase
from members.models import Organisation
from members.rules import Sector
from tests.journeys.person import Person, Site
from tests.world import appoint, found_society, member, person

pytestmark = pytest.mark.browser

PASSPHRASE = "a bridge of many hands"

COUNCIL, FIRM, CHARITY = "Bridgefold Council", "Tenterhook Textiles", "Welcome Table"


@dataclass
class Member:
    """An organisation of the journey and its two people's browsers."""

    name: str
    certifier: Person
    reference: str = ""
    voter: Person | None = None


@dataclass
class Life:
    """The people of the journey, and what they have made so far."""

    site: Site
    steward: Person
    second_steward: Person
    secretary: Person
    board: Person
    public: Person
    members: dict[str, Member] = field(default_factory=dict)
    others: list[Person] = field(default_factory=list)
    statements: int = 0
    bank_pence: int = 0

    def newest_mail(self, address: str, about: str) -> OutboxMessage:
        """What the person finds in their mailbox."""
        with self.site.app.app_context():
            return db.session.scalars(
                select(OutboxMessage)
                .where(OutboxMessage.recipient == address, OutboxMessage.subject.contains(about))
                .order_by(OutboxMessage.id.desc())
                .limit(1)
            ).one()

    def pounds_agree(self) -> None:
        """The front page and the page of the pot show what the ledger holds."""
        with self.site.app.app_context():
            held = pot()
            assert ledger.service.check() == []
        self.public.open("/").sees(format_pence(held.contributed_pence))
        self.public.open("/money").sees(
            format_pence(held.contributed_pence),
            format_pence(held.committed_pence),
            format_pence(held.paid_pence),
            format_pence(held.available_pence),
        )

    def bank_says(self, *lines: Line) -> None:
        """The bank's next statement arrives and the steward imports it."""
        today = london_day(self.site.clock.now())
        self.statements += 1
        content = statement(self.statements, today, today, self.bank_pence, lines)
        self.bank_pence += sum(line.pence for line in lines)
        self.steward.open("/bank/import").attach("Statement file", f"{self.statements}.xml", content)
        self.steward.press("Import the statement").sees(f"{len(lines)}")
        self.site.wait(days=1)


def test_life_of_a_grant(site: Site) -> None:
    life = _found(site)
    _join(life)
    _pay_in(life)
    reference = _propose(life)
    _assess(life, reference)
    ballot = _vote(life, reference)
    grant = _award(life, ballot)
    _pay_out(life, grant)
    _report(life, grant)
    _follow_the_money(life, grant)


# --- the fund and its members


def _account(site: Site, name: str, *roles: Role) -> Person:
    """Somebody of the fund, signed in with their passphrase."""
    with site.app.app_context():
        somebody = person(name, *roles)
        address = somebody.email
        with transaction() as session:
            session.merge(somebody).password_hash = hash_passphrase(PASSPHRASE)
    return site.somebody().sign_in(address, PASSPHRASE)


def _found(site: Site) -> Life:
    with site.app.app_context():
        found_society()
        with transaction():
            load_starter_framework(site.clock.now())
    life = Life(
        site,
        steward=_account(site, "Ada Steward", Role.STEWARD),
        second_steward=_account(site, "Bea Steward", Role.STEWARD),
        secretary=_account(site, "Cem Secretary", Role.SECRETARY),
        board=_account(site, "Dot Board", Role.BOARD),
        public=site.somebody(width=360),
    )
    life.public.open("/").sees("pay in")
    return life


_KINDS = {COUNCIL: "council", FIRM: "company", CHARITY: "charity"}


def _join(life: Life) -> None:
    for name in (COUNCIL, FIRM, CHARITY):
        _join_one(life, name)
    # Enough other members for a quorum; how members join is shown above.
    for sector in Sector:
        for number in range(3):
            with life.site.app.app_context():
                organisation = member(f"{sector.value.title()} member {number}", sector)
                somebody = person(f"Voter {number} of {sector.value}")
                appoint(somebody, organisation, Role.REPRESENTATIVE)
                with transaction() as session:
                    session.merge(somebody).password_hash = hash_passphrase(PASSPHRASE)
                address = somebody.email
            life.others.append(life.site.somebody(width=360).sign_in(address, PASSPHRASE))


def _join_one(life: Life, name: str) -> None:
    slug = name.split()[0].lower()
    visitor = life.site.somebody(width=360)
    visitor.open("/join").press("Check your answers").sees("There is a problem", "Give the name of your organisation.")
    visitor.type("Name of your organisation", name)
    visitor.pick("What kind of organisation are you?", _KINDS[name])
    visitor.choose("District where you mostly work", "Manchester")
    visitor.type("Postal address", "1 Example Street, Manchester")
    visitor.type("Name of the person we may write to", f"{slug.title()} Certifier")
    visitor.type("Their e-mail address", f"certifier@{slug}.example")
    visitor.tick("We share the fund's aim").press("Check your answers").sees("We would count you in")
    visitor.press("Send application")

    life.steward.open("/tasks").follow(f"Check {name}'s application")
    life.steward.type("How you checked who it is", "Called back.")
    life.steward.type("Basis", "By what it is for and who controls it.")
    life.steward.type("Evidence for the sector", "Governing document read.")
    life.steward.type("Connected organisations", "None found.").press("Put it to the board")
    life.board.open("/tasks").follow(f"Decide on {name}'s application")
    life.board.page.locator("form", has_text="Why it is admitted").get_by_label("Reasons").fill("Shares the aims.")
    life.board.press("Admit as a member")

    invitation = life.newest_mail(f"certifier@{slug}.example", "")
    certifier = life.site.somebody()
    certifier.credentials = (f"certifier@{slug}.example", PASSPHRASE)
    certifier.open(invitation.path).type("New passphrase", PASSPHRASE).press("Accept and make my account")
    with life.site.app.app_context():
        reference = db.session.scalars(select(Organisation.reference).where(Organisation.name == name)).one()
    joined = Member(name, certifier, reference)
    life.members[name] = joined

    certifier.open(f"/members/{reference}/people").follow("Invite somebody")
    certifier.type("Name", f"{slug.title()} Voter").type("E-mail address", f"voter@{slug}.example")
    certifier.tick("Representative").press("Send invitation")
    joined.voter = life.site.somebody(width=360)
    joined.voter.credentials = (f"voter@{slug}.example", PASSPHRASE)
    joined.voter.open(life.newest_mail(f"voter@{slug}.example", "").path)
    joined.voter.type("New passphrase", PASSPHRASE).press("Accept and make my account")


# --- money in


def _pay_in(life: Life) -> None:
    life.steward.open("/bank/account").type("Name on the account", "Irwell Collaboration Fund")
    life.steward.type("Sort code", "00-99-01").type("Account number", "10203040").press("Keep this account")
    _plan_round(life)
    lines = []
    for name, amount in ((COUNCIL, "50,000.00"), (CHARITY, "£500")):
        lines.append(_pledge(life, name, amount))
    life.bank_says(*lines)
    life.steward.open("/money-in").sees("Everything that came in is matched")  # both quoted their reference
    life.pounds_agree()
    # R03: no round opens until all three sectors have cleared money.
    life.steward.open("/rounds/R-2026-1").press("Open this round").sees("Private sector has paid £0")
    life.bank_says(_pledge(life, FIRM, "12500.50", quotes="with thanks"))
    life.steward.open("/money-in").presses("^Confirm")  # so a person looks at what the amount and the name suggest
    life.pounds_agree()
    receipt = life.newest_mail("certifier@tenterhook.example", "Receipt")
    assert receipt.document is not None
    answer = life.members[FIRM].certifier.page.request.get(f"/documents/{receipt.document.replace(':', '/')}.pdf")
    assert answer.status == 200
    assert answer.body().startswith(b"%PDF-")
    life.steward.open("/rounds/R-2026-1").press("Open this round").sees("Members can propose now")


def _pledge(life: Life, name: str, amount: str, *, quotes: str | None = None) -> Line:
    certifier = life.members[name].certifier
    certifier.open("/pledges/new").type("Amount", "1e5").press("Pledge").sees("Write the amount in pounds")
    certifier.type("Amount", amount).press("Pledge").sees("How to pay")
    heading = certifier.page.locator("h1").inner_text()
    today = london_day(life.site.clock.now())
    return Line(today, parse_pounds(amount), name.upper(), quotes or heading.removeprefix("Pledge "))


# --- a round and a proposal


def _plan_round(life: Life) -> None:
    today = london_day(life.site.clock.now())
    steward = life.steward.open("/rounds/new")
    for label, text in (
        ("Title", "Doors and tables"),
        ("Purpose", "Work that no one sector can do alone."),
        ("Written case", "Members asked for it."),
        ("Senior officer", "Ada Steward"),
        ("Budget", "60,000"),
        ("Smallest grant", "1,000"),
        ("Largest grant", "50,000"),
        ("Opens on", (today + timedelta(days=1)).isoformat()),
        ("Closes on", (today + timedelta(days=30)).isoformat()),
        ("Decided by", (today + timedelta(days=90)).isoformat()),
    ):
        steward.type(label, text)
    steward.press("Save the draft")
    steward.press("Publish this round")


_ANSWERS = {
    "idea": {
        "Your proposal in short": "A table that is set every evening, by those who eat at it.",
        "What will you do together?": "Cook, eat, and change who decides about school kitchens.",
        "How many months": "12",
        "How do you know?": "We counted 210 parcels a week.",
    },
    "people": {
        "Who are the people to be supported?": "Families who have used food parcels",
        "About how many people": "400",
        "How did you tell people": "We read it back at the next table.",
        "What did you offer": "Bus fares, childcare, payment for time.",
    },
    "power": {
        "How many people with lived experience": "5",
        "How does sharing power work": "Two chairs; half of the votes.",
    },
    "change": {
        "What stops or is replaced": "Two parcel rounds.",
        "After the money": "The council's holiday budget, from 2027.",
        "What would make you stop?": "If nobody comes after nine months.",
    },
}
_TICKS = {
    "idea": ("There are solutions, but they fail",),
    "people": ("Manchester", "Salford"),
    "power": ("They co-chair the group that decides",),
    "change": ("Up: rules and institutions change",),
}


def _propose(life: Life) -> str:
    lead = life.members[CHARITY].certifier
    lead.open("/rounds/R-2026-1").follow("Start a proposal")
    lead.type("What is the proposal called?", "An open table").press("Start")
    reference = "P-2026-001"
    base = f"/proposals/{reference}"
    for section, answers in _ANSWERS.items():
        lead.open(f"{base}/section/{section}")
        for label, text in answers.items():
            lead.type(label, text)
        for label in _TICKS[section]:
            lead.tick(label)
        if section == "change":
            lead.page.get_by_role("group", name="Does the change end when the money ends?").get_by_label("No").check()
            lead.page.get_by_role("group", name=re.compile("Do you agree to short looks back")).get_by_label(
                "Yes"
            ).check()
        lead.press("Save and go on")
    _autosave(lead, base)
    _budget_and_partners(life, lead, base)
    _evidence(life, lead, base)
    _attest(life, lead, base)
    _send(life, lead, base)
    return reference


def _autosave(lead: Person, base: str) -> None:
    """What is typed is kept without a button."""
    lead.open(f"{base}/section/people")
    box = lead.page.get_by_label("Which neighbourhoods")
    box.press_sequentially("Ancoats and Kersal")
    box.blur()
    lead.page.get_by_text(re.compile("Saved at")).first.wait_for()
    lead.open(base).open(f"{base}/section/people")
    assert lead.page.get_by_label("Which neighbourhoods").input_value() == "Ancoats and Kersal"


def _budget_and_partners(life: Life, lead: Person, base: str) -> None:
    lead.open(f"{base}/budget")
    for row, (what, cost, grant, shared) in enumerate(
        (
            ("Paying and supporting co-producers", "4,000", "4,000", True),
            ("Cooks and organiser", "16,000", "16,000", False),
            ("Given by partners", "9,000", "0", False),
        ),
        1,
    ):
        lead.type(f"Line {row}: what it pays for", what).type(f"Line {row}: whole cost", cost)
        lead.type(f"Line {row}: of that, from the grant", grant)
        if shared:
            lead.tick(f"Line {row} pays or supports co-producers")
    lead.press("Save the budget")
    for name in (COUNCIL, FIRM):
        lead.open(f"{base}/partners?q={name.split()[0]}").press(f"Invite {name}")
    for name, role, share in (
        (CHARITY, "Leads and answers for it", "14,000"),
        (COUNCIL, "Decides or commissions", "0"),
        (FIRM, "Delivers part of the work", "6,000"),
    ):
        lead.open(f"{base}/partners")
        lead.page.get_by_role("link", name=f"Change this part of {name}").click()
        lead.look().choose("Role", role)
        lead.pick("What does it give?", "staff_time")
        lead.type("Describe what it gives", "A day a week").type("What is that worth?", "3,000")
        lead.type("How was the value worked out?", "Salary by the hour").type("Its share of the grant", share)
        lead.press("Save this part")
    lead.open(base).sees("0 of 3 confirmed")
    for name in (CHARITY, COUNCIL, FIRM):
        partner = life.members[name].certifier
        partner.open("/tasks")
        partner.follows("[Cc]onfirm").tick("We accept these principles of co-production").press(f"Confirm for {name}")
    lead.open(base).sees("3 of 3 confirmed")


def _evidence(life: Life, lead: Person, base: str) -> None:
    today = london_day(life.site.clock.now())
    for days in (40, 12):
        lead.open(f"{base}/engagement/new").type("On which day was it?", (today - timedelta(days=days)).isoformat())
        lead.type("What did you do together?", "Ate together").type("Where was it?", "A school hall")
        lead.type("How many of the people to be supported spoke?", "9").press("Save the activity")
    lead.open(f"{base}/engagement/heard/new").type("What did you hear?", "I'd rather pay two pounds than queue.")
    lead.type("What did you change because of it?", "Meals have a price that members set.").press("Save")
    lead.open(f"{base}/coproduction")
    for phase, level in (
        ("Deciding what the problem is", "4"),
        ("Designing what to do about it", "4"),
        ("Deciding how money and power are used", "5"),
        ("Doing the work", "4"),
        ("Judging how well it went", "4"),
    ):
        lead.page.get_by_label(phase, exact=True).select_option(value=level)
        lead.type(f"What shows it? ({phase.lower()})", "Half of the votes.")
    lead.press("Save the levels")
    lead.open(f"{base}/change/new")
    lead.pick("What kind of thing will be different?", "money_flows")
    lead.type("How is it today?", "Holiday money pays for parcels.")
    lead.type("How will it be afterwards?", "Holiday money pays for open kitchens.")
    lead.choose("Which partner is able to make this change?", COUNCIL).press("Save the lever")
    council = life.members[COUNCIL].certifier
    council.open("/tasks")
    council.follows("change").press("We will make this change")


def _attest(life: Life, lead: Person, base: str) -> None:
    life.steward.open(f"{base}/codes").type("How many cards?", "4").type("Which phone number", "0161 496 0000")
    life.steward.press("Make cards")
    codes = life.steward.page.locator(".attest-code").all_inner_texts()
    assert len(codes) == 4
    for number, code in enumerate(codes[:3], 1):
        teller = life.site.somebody(javascript=False, width=360)
        teller.page.goto("/attest")
        teller.page.get_by_label("Your code").fill(code)
        teller.page.get_by_role("button", name="Go on").click()
        for label in (
            "Yes, in meetings or workshops",
            "Yes, I could join in deciding",
            "Yes, expenses such as bus fares",
            "I agree with what they say",
        ):
            teller.page.get_by_label(label).check()
        teller.page.get_by_role("group", name="Did what you said change the plan?").get_by_label("Yes").check()
        teller.page.get_by_role("button", name="Send my answers").click()
        teller.sees("Thank you")
        lead.open(f"{base}/coproduction")
        lead.sees("3 answers") if number == 3 else lead.does_not_see(f"{number} answer")


def _send(life: Life, lead: Person, base: str) -> None:
    lead.open(base)
    missing = lead.page.locator(".checks li.missing")
    assert missing.count() == 0, missing.all_inner_texts()
    lead.picture("gates")
    lead.open(f"{base}/submit").press("Send the proposal")
    lead.open(f"{base}/versions/1").sees("SHA-256")
    frozen = lead.page.request.get(f"{base}/versions/1.json")
    lead.sees(sha256(frozen.body()).hexdigest())
    paper = lead.page.request.get(f"/documents/proposal/{base.rsplit('/', 1)[1]}-v1.pdf")
    assert paper.status == 200
    assert paper.body().startswith(b"%PDF-")


# --- assessment and ballot


def _assess(life: Life, reference: str) -> None:
    life.site.wait(days=31)
    life.steward.open(f"/proposals/{reference}/eligibility").tick("Eligible").type("Your reasons", "Complete.")
    life.steward.press("Record this and tell the lead")
    for name, role in (("Eve Assessor", Role.ASSESSOR), ("Flo Assessor", Role.LIVED_EXPERIENCE_ASSESSOR)):
        assessor = _account(life.site, name, role)
        assessor.open(f"/assessments/{reference}").tick("No, none").press("Go on")
        for group in assessor.page.get_by_role("group", name=re.compile("^Your score")).all():
            group.get_by_label("3: good").check()
        for box in assessor.page.get_by_label(re.compile("^Your reasons")).all():
            box.fill("Each partner is needed, and people were heard.")
        assessor.pick("Which level of co-production", "4")
        assessor.press("Submit my scores")


def _vote(life: Life, reference: str) -> str:
    secretary = life.secretary.open("/tasks").follows("ballot")
    secretary.presses("^Draft the ballot of")
    ballot = "B-2026-01"
    secretary.open(f"/ballots/{ballot}/notice")
    opens = secretary.page.get_by_label("On which day does voting open?")
    earliest = opens.input_value()
    today = london_day(life.site.clock.now())
    opens.fill((today + timedelta(days=2)).isoformat())
    secretary.press("Give notice").sees("There is a problem")
    # 7 clear days after an e-mail that counts as delivered tomorrow.
    assert earliest == (today + timedelta(days=9)).isoformat()
    secretary.type("On which day does voting open?", earliest).press("Give notice")
    life.site.wait(days=9, hours=1)
    for voter in [*life.others, *(one.voter for one in life.members.values() if one.voter)]:
        voter.open(f"/ballots/{ballot}/vote")
        if "onflicts" in voter.page.locator("h1").inner_text():
            voter.tick("No, none").press("Save and go to the paper")
        if voter in life.others:
            voter.press(f"For {reference}").sees("Your vote: ", "and counted")
            voter.picture("ballot-phone")
        else:
            voter.sees("You can't vote on this one.")
    life.public.open(f"/ballots/{ballot}").does_not_see("Votes for")
    life.site.wait(days=12)
    secretary.open("/tasks").follows("Declare").press("Declare the result")
    life.public.open(f"/ballots/{ballot}/result").sees("Private", "Public", "VCSE").picture("result")
    return ballot


# --- the grant


def _award(life: Life, ballot: str) -> str:
    steward, lead = life.steward, life.members[CHARITY].certifier
    steward.open("/tasks")
    steward.follows("[Oo]ffer").press("Send the offer")
    grant = "G-2026-001"
    lead.open(f"/grants/{grant}/answer").tick("We accept the grant on these terms").press("Send your answer")
    lead.open(f"/reports/{grant}/measures").tick("People supported").press("Save what we measure")
    for name in (CHARITY, FIRM):
        _check(life, grant, life.members[name])
    for name in (CHARITY, FIRM):
        signer = life.members[name].certifier.open(f"/grants/{grant}/agreement")
        signer.press("Sign").sees("Tick the box").tick("I have read this agreement").press("Sign")
    life.pounds_agree()
    steward.open(f"/grants/{grant}")
    steward.presses("live")
    life.pounds_agree()
    with life.site.app.app_context():
        assert pot().committed_pence == 20_000_00
    return grant


def _check(life: Life, grant: str, partner: Member) -> None:
    steward = life.steward.open(f"/grants/{grant}/due-diligence/{partner.reference}")
    for choice in steward.page.locator("main select").all():
        choice.select_option(value="met")
    steward.tick("Clear").press("Record due diligence")
    steward.open(f"/grants/{grant}/subsidy/{partner.reference}").tick("Not a subsidy")
    steward.type("Reasons", "Free to people who need it; no market.").press("Record the route")
    partner.certifier.open("/bank/details").type("Name on the account", partner.name)
    partner.certifier.type("Sort code", "00-99-02").type("Account number", "20304050")
    partner.certifier.type("Sort code once more", "00-99-02").type("Account number once more", "20304050")
    partner.certifier.press("Keep these details")
    life.second_steward.open("/bank/payees")
    life.second_steward.follows(partner.name).type(
        "What you did and what they said", "Rang the number we knew; they agree."
    )
    life.second_steward.tick("The name matches").press("The details are right")


def _pay_out(life: Life, grant: str) -> None:
    life.site.wait(days=30)
    with life.site.app.app_context():
        due = [
            (row.number, row.pence, row.organisation.name)
            for row in awards.instalments(awards.award_by_reference(grant).id)
            if row.due_on <= london_day(life.site.clock.now())
        ]
    assert due
    approver = _account(life.site, "Gus Board", Role.BOARD)
    steward = life.steward.open("/tasks").follows("^Prepare a payment run").press("Prepare this run")
    run = steward.page.url
    steward.open(run).does_not_see("Approve exactly this run")
    life.board.open(run).press("Approve exactly this run")
    approver.open(run).press("Approve exactly this run")
    life.steward.open("/bank/payments").sees("PR-2026-001")
    life.steward.press("Make the payment file")
    with life.site.app.app_context():
        content = db.session.scalars(select(PaymentFile.content)).one()
    assert "pain.001" in str(content)
    life.pounds_agree()
    today = london_day(life.site.clock.now())
    life.bank_says(*(Line(today, -pence, name.upper(), f"{grant}-{number}") for number, pence, name in due))
    # the bank's lines quote the payments, so nobody has to match them
    life.second_steward.open("/bank/payments").sees("Nothing is on its way")
    life.pounds_agree()
    with life.site.app.app_context():
        assert pot().paid_pence == sum(pence for _, pence, _ in due)
        assert pot().in_transit_pence == 0


# --- what changed


def _report(life: Life, grant: str) -> None:
    lead = life.members[CHARITY].certifier
    report = f"/reports/{grant}/1"
    lead.open(report)
    lead.open(f"{report}/numbers/C1.1").type("The number", "240").tick("Counted", nth=0).press("Save the number")
    lead.open(report).press("Send the report").sees("story")  # numbers alone are refused, kindly
    lead.follows("story").type("A title", "Two pounds and a table")
    lead.type("What was it like before?", "I used to get the parcel after dark.")
    lead.type("What changed?", "Now I pay two pounds, and nobody knows who pays less.")
    lead.type("Why does that matter?", "My daughter asked a friend to eat with us.")
    lead.page.get_by_role("group", name="Whose words are these?").get_by_role("radio").first.check()
    lead.tick("Anyone may read it on the fund's website").type("Who agreed?", "S., member of the table")
    lead.page.get_by_label("How did they agree?").select_option(index=1)
    lead.press("Save the story")
    lead.open(report).press("Send the report")
    life.public.open("/stories").does_not_see("Two pounds and a table")
    life.second_steward.open(report).type("Your feedback", "Thank you. We learnt that price matters.")
    life.second_steward.press("Accept the report")


def _follow_the_money(life: Life, grant: str) -> None:
    """Who paid in, who decided, where it went and what changed: three clicks from the front page (R26)."""
    public = life.public
    life.pounds_agree()
    public.open("/").follow("The pot").sees(COUNCIL, FIRM, CHARITY, "£50,000", "£12,500.50", "£500")
    public.open("/").follow("Awards").follow("An open table").sees("£20,000", "240", "Two pounds and a table")
    public.open("/").follow("Decisions")
    public.follows("B-2026-01|result")
    public.open("/").follow("Stories").sees("Two pounds and a table")
