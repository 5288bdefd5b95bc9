"""The one blueprint that the pages of every part of grants hang on."""

from flask import Blueprint

bp = Blueprint("grants", __name__)
