"""The words of the fund (handbook §2), in plain English, for the page that explains them. Pure data."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A term, what it means here, and what it is easily taken for."""

    term: str
    meaning: str
    unlike: str = ""

    @property
    def anchor(self) -> str:
        """The id of its entry, such as "in-kind"."""
        return re.sub(r"[^a-z0-9]+", "-", self.term.lower()).strip("-")


WORDS = (
    Word(
        "Society",
        "The co-operative or community benefit society that owns the fund.",
        "the fund, which is its programme",
    ),
    Word(
        "Member",
        "An organisation that has joined the society and holds one share.",
        "a person with an account; a supporter",
    ),
    Word(
        "Representative",
        "The person whom a member names to vote for it. A deputy is the stand-in.",
        "a proxy, whom a member names for one meeting and who may be anyone",
    ),
    Word(
        "Deputy",
        "The person who stands in when a member's representative can't vote.",
        "a second vote: a member has one",
    ),
    Word("Sector", "Private, public or VCSE. A rule decides which one an organisation is in.", "an industry"),
    Word(
        "VCSE",
        "Voluntary, community and social enterprise: charities, community groups and businesses that exist "
        "for a social purpose.",
        "charity, which is only one form of it",
    ),
    Word("Steward", "A person who runs rounds, grants, payments and reports for the society.", "a board member"),
    Word("Secretary", "The person who keeps the registers, gives notice of ballots and declares results.", "a steward"),
    Word(
        "Rules",
        "The society's registered constitution. It takes a special vote to change, and the change must be registered.",
        "policies",
    ),
    Word(
        "Policies",
        "Everything that members or the board may change without registering it. Also called standing orders.",
        "rules",
    ),
    Word("Standing orders", "Another name for policies.", "rules"),
    Word(
        "Contribution",
        "Money paid into the pot. It buys no share and gives no votes, and is not paid back unless its terms say so.",
        "a share; a subscription",
    ),
    Word(
        "Accreditation",
        "What another body has certified of a member, such as that it pays a living wage. The fund records it once.",
        "a mark given by the fund, which gives none",
    ),
    Word(
        "Partner request",
        "A lead asks all members for a partner of a sector that its proposal lacks. Answers are private.",
        "an invitation, which names one organisation",
    ),
    Word("Pledge", "A promise to pay in. It never counts as money until it has arrived.", "a contribution"),
    Word(
        "In-kind",
        "Space, goods, equipment, staff time or volunteering given to a proposal. It has a value but can't be spent.",
        "a contribution in cash",
    ),
    Word(
        "Restricted",
        "A contribution that may be spent only on one purpose or in one district.",
        "designated, which is the society's own mark and can be undone",
    ),
    Word("Unrestricted", "A contribution that may be spent on any award.", "restricted"),
    Word("Programme", "The fund's plan over several years, made of rounds.", "a round"),
    Word("Round", "One invitation to propose, with dates and a budget. Some call it a call.", "the whole programme"),
    Word("Strand", "A part of a round, such as one for early ideas and one for full proposals.", "a round"),
    Word(
        "Expression of interest",
        "A short first step before a full proposal. It is never scored on polish.",
        "a proposal",
    ),
    Word("Proposal", "The full application: what partners from the three sectors want to do together.", "a project"),
    Word("Lead partner", "The partner that answers for the proposal and holds the agreement.", "a sole applicant"),
    Word(
        "Partner",
        "An organisation with a confirmed part in a proposal, which gives something to it.",
        "a supporter; a subcontractor",
    ),
    Word("People to be supported", "The groups of people whom a proposal is for.", "customers, clients or users"),
    Word(
        "Co-producer",
        "A person with lived experience who shaped the work and is not paid staff of a partner.",
        "somebody who was only consulted",
    ),
    Word(
        "Attestation",
        "A co-producer's own statement to the fund about how they were involved.",
        "a testimonial that staff collected",
    ),
    Word(
        "Gate",
        "A condition that a proposal meets or does not meet. Money can be drawn only when all four are met.",
        "a score",
    ),
    Word("Assessment", "A judgement by people, with scores from 0 to 4 for each gate.", "the gates' checks of facts"),
    Word("Due diligence", "Checks, as large as the sum calls for, on those who are to be paid.", "assessment"),
    Word(
        "Ballot",
        "A vote of the members with notice, a roll, an opening, a close, a count and a declared result.",
        "a poll or survey",
    ),
    Word("Roll", "The frozen list of who may vote in a ballot.", "the list of members, which changes"),
    Word(
        "Conflict of interest",
        "An interest that could sway a decision, or could seem to. Whoever has one takes no part in that decision.",
        "being shut out of everything",
    ),
    Word("Award", "The decision to make a grant.", "the grant agreement"),
    Word(
        "Grant agreement",
        "The contract behind a grant: what it is for, how much, when it is paid, and on what terms.",
        "the letter that tells of an award",
    ),
    Word("Conditions precedent", "What must be there before the first payment.", "special conditions"),
    Word("Special conditions", "Extra terms of one award.", "conditions precedent"),
    Word(
        "Instalment",
        "One scheduled payment of a grant, with a date, an amount and conditions.",
        "a claim, which is paid afterwards against evidence of spending",
    ),
    Word("Milestone", "A promised event with a date that can release an instalment.", "an outcome"),
    Word("Retention", "A part of a grant held back until the last report.", "a fine"),
    Word("Variation", "An agreed change to a grant agreement.", "a small move between budget lines"),
    Word("Underspend", "Money that was paid and turned out not to be needed.", "a saving"),
    Word("Suspension", "Pausing the payments of a grant.", "the end of a grant"),
    Word("Clawback", "Asking for money back. Also called recovery.", "suspension"),
    Word("Closure", "The last report is accepted, the spending is settled and nothing is left open.", "the end date"),
    Word("Legacy check", "A short look back, a year or more after closure: is it still different?", "a report"),
    Word("Theme", "A broad area of change, such as good work or strong communities.", "an outcome"),
    Word("Outcome", "A change that is hoped for, such as people in settled homes.", "an output, which is work done"),
    Word("Measure", "What is observed to see whether an outcome came about: a number or a story.", "a target"),
    Word("Proxy value", "An estimate in pounds of what a change is worth, with its source and year.", "money received"),
    Word(
        "Story",
        "A first-hand account of change, told with the person's agreement and read by a steward.",
        "a quote or an advertisement",
    ),
    Word(
        "Social value",
        "Good that comes of something beyond what was bought: for people, places and the climate. "
        "People mean different things by it, so we try to say what changed instead.",
        "profit",
    ),
    Word(
        "MFA",
        "Minimal Financial Assistance: a small subsidy under section 36 of the Subsidy Control Act 2022.",
        "de minimis, the former European rule",
    ),
)
"""Every term of the handbook's list. The page shows them by the alphabet."""
