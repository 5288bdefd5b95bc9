"""What the folder's two modules of views hang on."""

from flask import Blueprint

bp = Blueprint("evidence", __name__)
