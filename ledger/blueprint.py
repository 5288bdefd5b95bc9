"""What the pages of the books hang on."""

from flask import Blueprint

bp = Blueprint("ledger", __name__)
