"""An index of the words of organisations' names, as text for both databases: FTS5 on SQLite, GIN on PostgreSQL.

It answers which names have words that begin in several given ways without reading every name that has one of them.
Names are kept in small letters and digits already (`members.rules.name_key`), so both read words alike.
"""

from sqlalchemy.engine import Connection

_SQLITE = (
    "CREATE VIRTUAL TABLE organisation_search USING fts5("
    "name_key, content='organisation', content_rowid='id', columnsize=0, tokenize='ascii')",
    "CREATE TRIGGER organisation_search_added AFTER INSERT ON organisation BEGIN "
    "INSERT INTO organisation_search (rowid, name_key) VALUES (NEW.id, NEW.name_key); END",
    "CREATE TRIGGER organisation_search_changed AFTER UPDATE OF name_key ON organisation BEGIN "
    "INSERT INTO organisation_search (organisation_search, rowid, name_key) VALUES ('delete', OLD.id, OLD.name_key); "
    "INSERT INTO organisation_search (rowid, name_key) VALUES (NEW.id, NEW.name_key); END",
    "CREATE TRIGGER organisation_search_removed AFTER DELETE ON organisation BEGIN "
    "INSERT INTO organisation_search (organisation_search, rowid, name_key) VALUES ('delete', OLD.id, OLD.name_key); "
    "END",
    "INSERT INTO organisation_search (organisation_search) VALUES ('rebuild')",
)
_POSTGRESQL = (
    # In plpgsql, or it would be written out in place and lose its cost: without that the planner sometimes prefers to
    # split every name of the table into words.
    "CREATE FUNCTION organisation_words(name_key text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE STRICT "
    "PARALLEL SAFE COST 100 AS $$ BEGIN RETURN array_to_tsvector(string_to_array(name_key, ' ')); END $$",
    "CREATE INDEX ix_organisation_search ON organisation USING gin (organisation_words(name_key)) "
    "WITH (fastupdate = off)",
)


def index_names(bind: Connection) -> None:
    """Lay the index, with the names that are there."""
    for statement in _SQLITE if bind.dialect.name == "sqlite" else _POSTGRESQL:
        bind.exec_driver_sql(statement)
