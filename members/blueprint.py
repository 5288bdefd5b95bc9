"""The one blueprint that the pages of members hang on.

The page of an organisation tells of grants and ballots too, so it is laid on this blueprint by `fund.public`, which may
read all of them.
"""

from flask import Blueprint

bp = Blueprint("members", __name__)
