"""Everything that is held about people, as data: where, why, how long, and what becomes of it when somebody is erased.

One line for each table that points at a person or holds a name or an address (UK GDPR art. 5(1)(e), 13, 15, 17, 30).
The copy that people download, the public page and erasure all read this; a test walks the database and fails on a
column that nobody has listed.
"""

from dataclasses import dataclass
from enum import StrEnum

from fund.kernel.policy import Policy


class Fate(StrEnum):
    """What erasing its person does to a row."""

    DELETE = "delete"
    KEEP = "keep"  # the row stays, and points at "Former person 41"
    CHANGE = "change"  # the row stays, and `fund.privacy.erasing` empties what names the person


@dataclass(frozen=True)
class Ground:
    """Why something is kept, and how long (handbook §13), in words for people.

    Where it is kept for a time, `setting` says how many years, as "{years}" in `how_long`, and `fund.privacy.keeping`
    forgets it then.
    """

    why: str
    how_long: str
    setting: str = ""

    def lasts(self, policy: Policy) -> str:
        """How long, by the settings in force."""
        if not self.setting:
            return self.how_long
        years = int(getattr(policy, self.setting))
        return self.how_long.format(years=f"{years} {'year' if years == 1 else 'years'}")


ACCOUNT = Ground("So that you can sign in, act for your organisation, and hear from us.", "As long as your account.")
REGISTERS = Ground(
    "The law asks a society to keep registers of its members and of who acts for them "
    "(Co-operative and Community Benefit Societies Act 2014, section 30).",
    "As long as the society exists.",
)
DECISIONS = Ground(
    "Members and the public must be able to see who decided what, and why.",
    "At least {years} after it. What was voted on or resolved can't be altered, so it stays.",
    "keep_board_decisions_years",
)
CONTACTS = Ground(
    "To know whom we asked to join and what they answered, and what an organisation could show of itself.",
    "{years} after it.",
    "keep_board_decisions_years",
)
AWARDS = Ground(
    "To show how a grant was asked for, agreed, paid and reported; a contract and public money depend on it.",
    "At least {years} after the grant is closed.",
    "keep_awards_years",
)
SEARCHES = Ground(
    "So that members find partners, and can look back at what they wrote to each other.",
    "What was written, {years} after the request is closed; that there was a request, as long as its proposal.",
    "keep_awards_years",
)
WORDS = Ground(
    "To hear from people themselves whether they shaped the work.",
    "Their words, {years} after a proposal ended without a grant, or after the grant is closed; what is counted stays.",
    "keep_attestations_years",
)
BOOKS = Ground(
    "The law asks for proper books of account; ours can't be altered by anybody.",
    "At least 7 years. The books are one chain, so they stay whole.",
)
TRAIL = Ground(
    "To show who did what and when, so that nobody can act in secret.",
    "As long as the society exists: nobody can alter it or take anything out.",
)
SIGN_IN = Ground(
    "To keep your account safe from others.",
    "{years} after it was last used; what you sign in with, as long as you use it.",
    "keep_access_logs_years",
)
MAIL = Ground(
    "To prove that notices were given, and to answer questions about them.", "{years}.", "keep_messages_years"
)
REQUESTS = Ground(
    "To show that we answered you in the time the law gives us.", "{years} after our answer.", "keep_requests_years"
)
SAFETY = Ground(
    "To show that somebody acted when a person might have been at risk.",
    "{years} after it was closed.",
    "keep_concerns_years",
)


@dataclass(frozen=True)
class Holding:
    """One table with something about people.

    Attributes:
        table: its name.
        title: what the copy calls it.
        ground: why and how long.
        mine: columns that hold the number of a person.
        address: a column that holds their e-mail address instead.
        hidden: columns left out of the copy: secrets, and what is about somebody else.
        theirs: columns about whom the row is about, left out of the copy of anybody else that it points at.
        names: (column that names a person, column with their number), written over on erasure.
        fate: what erasure does.
        stays: why a name that erasure leaves has to stay.
    """

    table: str
    title: str
    ground: Ground
    mine: tuple[str, ...] = ()
    address: str | None = None
    hidden: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    fate: Fate = Fate.KEEP
    stays: str = ""


HOLDINGS: tuple[Holding, ...] = (
    Holding("person", "Your account", ACCOUNT, ("id",), hidden=("password_hash", "email_key"), fate=Fate.CHANGE),
    Holding("person_session", "Browsers you signed in with", SIGN_IN, ("person_id",), hidden=("token_hash",),
            fate=Fate.DELETE),
    Holding("passphrase_reset", "Links for a new passphrase", SIGN_IN, ("person_id",), hidden=("token_hash",),
            fate=Fate.DELETE),
    Holding("known_device", "Browsers we know as yours", SIGN_IN, ("person_id",), hidden=("token_hash",),
            fate=Fate.DELETE),
    Holding("held_form", "Forms kept for you until you signed in again", SIGN_IN, ("person_id",),
            hidden=("token_hash",), fate=Fate.DELETE),
    Holding("authenticator_app", "Your authenticator app", SIGN_IN, ("person_id",), hidden=("sealed_secret",),
            fate=Fate.DELETE),
    Holding("passkey", "Your passkeys", SIGN_IN, ("person_id",), hidden=("credential_id", "public_key", "name"),
            fate=Fate.DELETE),
    Holding("passkey_challenge", "Passkeys that were being used", SIGN_IN, ("person_id",), hidden=("challenge",),
            fate=Fate.DELETE),
    Holding("recovery_code", "Your recovery codes", SIGN_IN, ("person_id",), hidden=("code_hash",), fate=Fate.DELETE),
    Holding("email_change", "Changes of your address", SIGN_IN, ("person_id",),
            hidden=("confirm_hash", "undo_hash", "old_email", "new_email"), fate=Fate.DELETE),
    Holding("letting_in", "When officers let somebody in who had lost their second step", TRAIL,
            ("person_id", "asked_by_id", "decided_by_id"), theirs=("how_checked", "second_check")),
    Holding("contact_choice", "How you want to hear from us", ACCOUNT, ("person_id",), hidden=("address_hash",),
            fate=Fate.DELETE),
    Holding("fund_appointment", "Your roles for the fund", REGISTERS, ("person_id", "appointed_by_id"),
            fate=Fate.CHANGE),
    Holding("appointment", "Your roles in organisations", REGISTERS, ("person_id", "appointed_by_id"),
            fate=Fate.CHANGE),
    Holding("invitation", "Invitations to you, and by you", REGISTERS, ("invited_by_id",), address="email",
            hidden=("token_hash",), theirs=("name", "email"), fate=Fate.CHANGE),
    Holding("organisation", "Organisations whose contact you are, or whose application you decided", REGISTERS,
            ("decided_by_id", "checked_by_id"), address="contact_email", hidden=("name_key",),
            theirs=("contact_name", "contact_email"), fate=Fate.CHANGE),
    Holding("role_change", "Roles proposed for you, or proposed and decided by you", REGISTERS,
            ("proposed_by_id", "decided_by_id"), address="email", hidden=("email_key",), theirs=("name", "email"),
            fate=Fate.CHANGE),
    Holding("officer_address", "Your address in the register of officers", REGISTERS, ("person_id", "entered_by_id"),
            theirs=("address",)),
    Holding("membership_event", "What you did about memberships", REGISTERS, ("by_id",)),
    Holding("group_decision", "Connected organisations you decided on", DECISIONS, ("decided_by_id",)),
    Holding("share", "Payments for shares that you recorded", REGISTERS, ("paid_recorded_by_id",)),
    Holding("other_property", "Other property that you entered in the register", REGISTERS, ("entered_by_id",)),
    Holding("appeal", "Appeals whose result you recorded", DECISIONS, ("recorded_by_id",), hidden=("token_hash",)),
    Holding("suspension", "Suspensions you decided or lifted", DECISIONS, ("decided_by_id", "lifted_by_id")),
    Holding("expulsion", "Expulsions you gave notice of, heard or closed", DECISIONS,
            ("noticed_by_id", "heard_by_id", "closed_by_id")),
    Holding("prospect_import", "Lists of organisations you brought in", DECISIONS, ("sent_by_id",), hidden=("rows",)),
    Holding("prospect_contact", "Talks with organisations that you wrote down", CONTACTS, ("by_id",),
            hidden=("email", "token_hash")),
    Holding("profile", "What you wrote of your organisation", ACCOUNT, ("updated_by_id",)),
    Holding("accreditation", "Accreditations you recorded or saw", CONTACTS, ("recorded_by_id", "seen_by_id"),
            stays="The name is the accreditation's."),
    Holding("partner_request", "Partner requests you posted", SEARCHES, ("posted_by_id",)),
    Holding("partner_reply", "Replies to partner requests that you wrote or answered", SEARCHES,
            ("replied_by_id", "exchanged_by_id", "answered_by_id"), hidden=("contact", "lead_contact"),
            fate=Fate.CHANGE),
    Holding("sector_decision", "Sectors you decided", DECISIONS, ("decided_by_id",)),
    Holding("outbox_message", "Mails we sent you", MAIL, address="recipient",
            hidden=("key", "last_error", "next_attempt_at"), fate=Fate.CHANGE),
    Holding("form_submission", "Forms you sent, kept so that one press has one effect", SIGN_IN, ("person_id",),
            hidden=("form_id",), fate=Fate.DELETE),
    Holding("audit_entry", "What you did", TRAIL, ("actor_id",)),
    Holding("setting", "Settings you changed", DECISIONS, ("set_by_id",)),
    Holding("setting_change", "Changes of rules and policies you entered", DECISIONS, ("entered_by_id",)),
    Holding("setting_change_step", "Steps of such changes you recorded", DECISIONS, ("recorded_by_id",)),
    Holding("rule_text", "Texts of rules you recorded", DECISIONS, ("recorded_by_id",), hidden=("body",)),
    Holding("rules_clause", "Clauses of the rules you recorded", DECISIONS, ("recorded_by_id",)),
    Holding("privacy_request", "What you asked about your data, and what you answered", REQUESTS,
            ("person_id", "asked_by_id", "decided_by_id", "confirmed_by_id"),
            theirs=("words", "before", "after", "reasons"), fate=Fate.CHANGE),
    Holding("pledge", "Pledges you made", BOOKS, ("pledged_by_id",)),
    Holding("receipt", "Receipts you issued", BOOKS, ("issued_by_id",)),
    Holding("line_match", "Payments you matched to pledges, or undid", BOOKS, ("matched_by_id", "undone_by_id")),
    Holding("payer_name", "Names of payers that you had remembered", BOOKS, ("learned_by_id",),
            hidden=("name", "name_key")),
    Holding("invoice", "Invoices you asked for", BOOKS, ("issued_by_id",),
            hidden=("billed_name", "billed_address"),
            stays="The name and address on an invoice are the organisation's."),
    Holding("credit_note", "Credit notes you issued", BOOKS, ("issued_by_id",)),
    Holding("write_off", "Write-offs you proposed or decided", BOOKS, ("proposed_by_id", "decided_by_id")),
    Holding("card_checkout", "Payments by card or Direct Debit you began", BOOKS, ("made_by_id",),
            hidden=("url", "provider_id", "payment")),
    Holding("direct_debit", "Direct Debits you set up or ended", BOOKS, ("made_by_id", "ended_by_id"),
            hidden=("url", "provider_id", "customer", "source", "mandate")),
    Holding("debited_pledge", "Pledges you had paid by Direct Debit", BOOKS, ("agreed_by_id",)),
    Holding("card_refund", "Refunds you asked for or decided", BOOKS, ("asked_by_id", "decided_by_id"),
            hidden=("provider_id",)),
    Holding("payout", "Payouts you matched", BOOKS, ("matched_by_id", "returned_by_id")),
    Holding("restricted_fund", "Terms of restricted money that you wrote down or accepted", BOOKS,
            ("proposed_by_id", "accepted_by_id")),
    Holding("fit_judgement", "What you said of a proposal and restricted money", DECISIONS, ("judged_by_id",)),
    Holding("transfer", "Entries you made in the books", BOOKS, ("actor_id",)),
    Holding("closing", "Closings of the books you prepared", BOOKS, ("prepared_by_id",)),
    Holding("closed_period", "Closings of the books you confirmed", BOOKS, ("confirmed_by_id",), hidden=("hash",)),
    Holding("reconciliation", "Months of the bank that you compared with the books", BOOKS, ("prepared_by_id",),
            hidden=("items", "reasons", "lasting", "hash")),
    Holding("reconciliation_decision", "Reconciliations you signed or sent back", BOOKS, ("decided_by_id",)),
    Holding("statement", "Bank statements you brought in", BOOKS, ("imported_by_id",)),
    Holding("statement_line", "Bank lines you settled", BOOKS, ("settled_by_id",),
            hidden=("counterparty", "remittance", "details", "identity", "bank_reference", "end_to_end")),
    Holding("waiting_file", "Statement files you sent or answered for", BOOKS, ("sent_by_id", "closed_by_id"),
            hidden=("content", "answers", "open_sha256")),
    Holding("bank_layout", "What you told about a bank's files", BOOKS, ("told_by_id",)),
    Holding("payee", "Bank details you gave or checked for an organisation", BOOKS,
            ("given_by_id", "verified_by_id", "name_checked_by_id", "name_agreed_by_id"),
            hidden=("account_name", "sort_code", "account_number", "name_returned"),
            stays="The name on a bank account is the organisation's, and a payment is proved by it."),
    Holding("modulus_weights", "Tables for checking account numbers that you loaded", BOOKS, ("loaded_by_id",),
            hidden=("weights", "substitutions")),
    Holding("payment_file", "Payment files you made", BOOKS, ("made_by_id",), hidden=("content",)),
    Holding("payment_order", "Payments you ordered", BOOKS, ("ordered_by_id",)),
    Holding("round", "Rounds you planned", DECISIONS, ("created_by_id",),
            stays="A senior officer answers for a round in public, and is named with it."),
    Holding("proposal", "Proposals you began or checked", AWARDS, ("created_by_id", "eligibility_by_id")),
    Holding("answer", "Answers you wrote in proposals", AWARDS, ("saved_by_id",)),
    Holding("partner", "Partners you invited or confirmed", AWARDS, ("invited_by_id", "confirmed_by_id")),
    Holding("proposal_version", "Proposals you sent", AWARDS, ("submitted_by_id",), hidden=("content",),
            stays="What members voted on is frozen, and a fingerprint proves it."),
    Holding("lever", "Changes you promised for your organisation", AWARDS, ("confirmed_by_id",)),
    Holding("card_request", "Cards you asked for", AWARDS, ("asked_by_id",)),
    Holding("code_batch", "Cards you issued", AWARDS, ("issued_by_id",)),
    Holding("attestation", "Answers on cards that you looked into", WORDS, ("looked_into_by_id",),
            hidden=("told", "who", "took_part", "changed", "decisions", "offered", "verdict", "code_id")),
    Holding("safeguarding_concern", "Concerns that you closed", SAFETY, ("closed_by_id",),
            hidden=("told", "reach_me", "outcome", "proposal_id"),
            stays="How to reach a person at risk belongs to them, and is never linked to an account."),
    Holding("assessment", "Your assessments and what you declared", DECISIONS, ("assessor_id",)),
    Holding("moderation", "Meetings of assessors that you recorded", DECISIONS, ("recorded_by_id",),
            hidden=("took_part", "notes"),
            stays="Who took part in a decision is part of its record, as in minutes."),
    Holding("ballot", "Ballots you drew up or declared", DECISIONS, ("drafted_by_id", "declared_by_id"),
            hidden=("policy_json",)),
    Holding("ballot_void", "Ballots you helped to declare void", DECISIONS, ("asked_by_id", "seconded_by_id")),
    Holding("conflict_declaration", "Links that you declared before voting", DECISIONS, ("person_id",)),
    Holding("vote", "Votes you cast for organisations", DECISIONS, ("cast_by_id",)),
    Holding("vote_change", "Votes you cast for organisations, each change", DECISIONS, ("cast_by_id",)),
    Holding("award", "Grants you offered or answered", AWARDS, ("offered_by_id", "answered_by_id")),
    Holding("agreement", "Agreements you made live", AWARDS, ("live_by_id",), hidden=("text",),
            stays="A signed agreement is a contract, and a fingerprint proves its text."),
    Holding("signature", "Agreements you signed", AWARDS, ("person_id",),
            stays="A signature is part of a contract, and proves who could bind the organisation."),
    Holding("instalment", "Payments you prepared", AWARDS, ("prepared_by_id",)),
    Holding("payment_run", "Payment runs you prepared or ended", AWARDS, ("prepared_by_id", "ended_by_id"),
            names=(("prepared_by_name", "prepared_by_id"), ("ended_by_name", "ended_by_id"))),
    Holding("approval", "Payments you approved", AWARDS, ("person_id",),
            stays="Who approved a payment is part of its proof, which nobody can alter."),
    Holding("due_diligence", "Checks you made on organisations", AWARDS, ("checked_by_id", "second_by_id"),
            names=(("checked_by_name", "checked_by_id"), ("second_by_name", "second_by_id"))),
    Holding("subsidy_record", "Subsidy routes you recorded, answered or confirmed", AWARDS,
            ("recorded_by_id", "answered_by_id", "confirmed_by_id"),
            names=(("recorded_by_name", "recorded_by_id"), ("answered_by_name", "answered_by_id"))),
    Holding("commitment", "Measures you committed to", AWARDS, ("committed_by_id",)),
    Holding("report", "Reports you sent", AWARDS, ("submitted_by_id",)),
    Holding("report_review", "Reports you reviewed", AWARDS, ("reviewer_id",)),
    Holding("evidence_item", "Numbers and stories you entered", AWARDS, ("made_by_id",)),
)  # fmt: skip
"""In the order of the copy. A new table with people in it gets a line here; erasure then knows it too."""

NOT_ABOUT_ACCOUNTS: dict[str, str] = {
    "account.name": "The name of an account in the books.",
    "ballot_item.lead_name": "An organisation's name.",
    "bank_account.name": "The name of the society's own account.",
    "code_batch.help_phone": "An organisation's number, printed on cards.",
    "connected_group.name": "The name of a group of organisations.",
    "invitation_stop.email_key": "Kept so that we never write there again, which is what its owner asked.",
    "organisation.name": "An organisation's name.",
    "organisation.name_key": "An organisation's name.",
    "roll_entry.name": "An organisation's name.",
    "signature.organisation_name": "An organisation's name.",
    "society.name": "The society's name.",
    "story.named": "Whether a storyteller wants a name shown.",
    "story.shown_name": "A storyteller's own choice; they take it back with their code, without an account.",
    "sweep_turn.name": "The name of a job.",
}
"""Columns that look like a person's and aren't, "table.column" → why."""

HOLDING_OF: dict[str, Holding] = {holding.table: holding for holding in HOLDINGS}
