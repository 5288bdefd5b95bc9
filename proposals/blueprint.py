"""The one blueprint that the pages of rounds, drafts and partners hang on."""

from datetime import datetime

from flask import Blueprint

from fund.kernel.db import db
from fund.kernel.pages import clock

bp = Blueprint("proposals", __name__)


def judged_now() -> datetime:
    """The instant that deadlines are judged by, inside a transaction: the database's, so that all hosts agree."""
    return clock().at_database(db.session())
