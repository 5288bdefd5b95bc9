"""Triggers that keep the database honest whoever writes to it, as text for both databases.

A guard is laid down by the migration that makes its table. What has been laid is history: a guard that must change is
a new function here, laid by a new migration.
"""


def append_only(table: str, dialect: str) -> list[str]:
    """Statements that refuse UPDATE and DELETE (and TRUNCATE) of `table`."""
    sentence = f"{table} is append-only: write a new row instead"
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{sentence}' USING ERRCODE = 'restrict_violation'; END $$",
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
    ]


_FRAMEWORK_SENTENCE = "a published framework is never edited: make a new version"


def published_framework(dialect: str) -> list[str]:
    """Statements that refuse every change to a framework once it is no longer a draft, but for retiring it (R16)."""
    tables = ("framework_theme", "framework_outcome", "framework_measure")
    not_draft = "(SELECT status FROM framework WHERE id = {row}.framework_id) <> 'draft'"
    kept = ("id", "code", "version", "title", "owner", "licence", "source", "locked", "published_at")
    differs = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
    changed = " OR ".join(f"NEW.{name} {differs} OLD.{name}" for name in kept)
    edited = f"OLD.status <> 'draft' AND ({changed} OR NEW.status = 'draft')"
    if dialect == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{_FRAMEWORK_SENTENCE}'); END"
        statements = [
            f"CREATE TRIGGER {table}_published_{verb.lower()} BEFORE {verb} ON {table} "
            f"WHEN {' OR '.join(not_draft.format(row=row) for row in rows)} {refuse}"
            for table in tables
            for verb, rows in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",)))
        ]
        return [
            *statements,
            f"CREATE TRIGGER framework_published_update BEFORE UPDATE ON framework WHEN {edited} {refuse}",
            f"CREATE TRIGGER framework_published_delete BEFORE DELETE ON framework WHEN OLD.status <> 'draft' {refuse}",
        ]
    refuse = f"RAISE EXCEPTION '{_FRAMEWORK_SENTENCE}' USING ERRCODE = 'restrict_violation';"
    return [
        "CREATE FUNCTION framework_part_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP <> 'INSERT' THEN IF {not_draft.format(row='OLD')} THEN {refuse} END IF; END IF; "
        f"IF TG_OP <> 'DELETE' THEN IF {not_draft.format(row='NEW')} THEN {refuse} END IF; RETURN NEW; END IF; "
        "RETURN OLD; END $$",
        *(
            f"CREATE TRIGGER {table}_published BEFORE INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION framework_part_refuse()"
            for table in tables
        ),
        "CREATE FUNCTION framework_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' THEN IF OLD.status <> 'draft' THEN {refuse} END IF; RETURN OLD; END IF; "
        f"IF {edited} THEN {refuse} END IF; RETURN NEW; END $$",
        "CREATE TRIGGER framework_published BEFORE UPDATE OR DELETE ON framework "
        "FOR EACH ROW EXECUTE FUNCTION framework_refuse()",
    ]


_ACCOUNT_IS_FIXED = "an account keeps its name and limits, is never deleted, and moves one entry at a time"
_ACCOUNT_CHANGED = (
    "NEW.entry_count <> OLD.entry_count + 1 OR NEW.id <> OLD.id OR NEW.code <> OLD.code OR NEW.kind <> OLD.kind "
    "OR COALESCE(NEW.owner, '') <> COALESCE(OLD.owner, '') "
    "OR NEW.may_go_below <> OLD.may_go_below OR NEW.may_go_above <> OLD.may_go_above"
)


def account_guards(dialect: str) -> list[str]:
    """An account's balance moves only together with one new entry, and an account stays.

    The foreign key from `account` to its newest entry does the rest: it demands that the entry exists at the end.
    """
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER account_moves_by_entry BEFORE UPDATE ON account WHEN {_ACCOUNT_CHANGED} "
            f"BEGIN SELECT RAISE(ABORT, '{_ACCOUNT_IS_FIXED}'); END",
            "CREATE TRIGGER account_no_delete BEFORE DELETE ON account "
            f"BEGIN SELECT RAISE(ABORT, '{_ACCOUNT_IS_FIXED}'); END",
        ]
    return [
        "CREATE FUNCTION account_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_ACCOUNT_IS_FIXED}' USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE TRIGGER account_moves_by_entry BEFORE UPDATE ON account FOR EACH ROW "
        f"WHEN ({_ACCOUNT_CHANGED}) EXECUTE FUNCTION account_refuse()",
        "CREATE TRIGGER account_no_delete BEFORE DELETE ON account FOR EACH ROW EXECUTE FUNCTION account_refuse()",
        "CREATE TRIGGER account_no_truncate BEFORE TRUNCATE ON account "
        "FOR EACH STATEMENT EXECUTE FUNCTION account_refuse()",
    ]


# Money may be taken back after it was paid out as grants; what is short then outweighs what is committed.
_AUTHORITY_BOTH_WAYS = "UPDATE account SET may_go_above = TRUE WHERE kind = 'authority'"


def account_guards_of_restrictions(dialect: str) -> list[str]:
    """Statements that keep an account's restricted fund as fixed as its name (from 0003 on)."""
    changed = f"{_ACCOUNT_CHANGED} OR COALESCE(NEW.restriction, '') <> COALESCE(OLD.restriction, '')"
    if dialect == "sqlite":
        return [
            "DROP TRIGGER account_moves_by_entry",
            _AUTHORITY_BOTH_WAYS,
            f"CREATE TRIGGER account_moves_by_entry BEFORE UPDATE ON account WHEN {changed} "
            f"BEGIN SELECT RAISE(ABORT, '{_ACCOUNT_IS_FIXED}'); END",
        ]
    return [
        "DROP TRIGGER account_moves_by_entry ON account",
        _AUTHORITY_BOTH_WAYS,
        "CREATE TRIGGER account_moves_by_entry BEFORE UPDATE ON account FOR EACH ROW "
        f"WHEN ({changed}) EXECUTE FUNCTION account_refuse()",
    ]


_NOT_A_LEG = "an entry is the next leg of its transfer, and the last leg brings the transfer to nought"
_LEG_MISPLACED = """NOT EXISTS (
    SELECT 1 FROM transfer WHERE transfer.id = NEW.transfer_id
    AND ((NEW.leg < transfer.last_leg) OR (NEW.leg = transfer.last_leg AND NEW.running_pence = 0)))
OR COALESCE(CASE WHEN NEW.leg = 1 THEN 0 ELSE (
    SELECT earlier.running_pence FROM entry AS earlier
    WHERE earlier.transfer_id = NEW.transfer_id AND earlier.leg = NEW.leg - 1) END
    <> NEW.running_pence - NEW.amount_pence, TRUE)"""

_NOT_IN_ACCOUNT = "an entry is the next of its account, and the account shows the balance after it"
_ACCOUNT_DIFFERS = """NOT EXISTS (
    SELECT 1 FROM account WHERE account.id = NEW.account_id
    AND account.entry_count = NEW.sequence AND account.balance_pence = NEW.balance_pence)
OR COALESCE(CASE WHEN NEW.sequence = 1 THEN 0 ELSE (
    SELECT earlier.balance_pence FROM entry AS earlier
    WHERE earlier.account_id = NEW.account_id AND earlier.sequence = NEW.sequence - 1) END
    <> NEW.balance_pence - NEW.amount_pence, TRUE)"""


def entry_guards(dialect: str) -> list[str]:
    """An entry is let in only where it belongs (`ledger.models`): transfers balance and accounts add up.

    The checks read the neighbours by their keys. On PostgreSQL the function turns sequential scans off for itself: a
    plan made while the tables were empty would otherwise read them whole for ever.
    """
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER entry_{name} BEFORE INSERT ON entry WHEN {wrong} "
            f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
            for name, wrong, sentence in (
                ("is_a_leg", _LEG_MISPLACED, _NOT_A_LEG),
                ("in_account", _ACCOUNT_DIFFERS, _NOT_IN_ACCOUNT),
            )
        ]
    return [
        "CREATE FUNCTION entry_belongs() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$ BEGIN "
        f"IF {_LEG_MISPLACED} THEN RAISE EXCEPTION '{_NOT_A_LEG}' USING ERRCODE = 'check_violation'; END IF; "
        f"IF {_ACCOUNT_DIFFERS} THEN RAISE EXCEPTION '{_NOT_IN_ACCOUNT}' USING ERRCODE = 'check_violation'; END IF; "
        "RETURN NEW; END $$",
        "CREATE TRIGGER entry_belongs BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION entry_belongs()",
    ]


_DAY_IS_CLOSED = "this day of the books is closed: book on the first open day"
_IN_CLOSED_DAYS = (
    "NEW.occurred_on < (SELECT open_from FROM closed_period ORDER BY id DESC LIMIT 1) "
    "AND NOT EXISTS (SELECT 1 FROM transfer WHERE key = NEW.key)"
)


def closed_days(dialect: str) -> list[str]:
    """Statements that refuse a transfer of a closed day, by the newest row of `closed_period`.

    A key that is there already is let through to its unique constraint: telling the same again is no new posting.
    """
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER transfer_in_open_day BEFORE INSERT ON transfer WHEN {_IN_CLOSED_DAYS} "
            f"BEGIN SELECT RAISE(ABORT, '{_DAY_IS_CLOSED}'); END"
        ]
    return [
        "CREATE FUNCTION transfer_in_open_day() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {_IN_CLOSED_DAYS} THEN RAISE EXCEPTION '{_DAY_IS_CLOSED}' USING ERRCODE = 'check_violation'; END IF; "
        "RETURN NEW; END $$",
        "CREATE TRIGGER transfer_in_open_day BEFORE INSERT ON transfer "
        "FOR EACH ROW EXECUTE FUNCTION transfer_in_open_day()",
    ]
