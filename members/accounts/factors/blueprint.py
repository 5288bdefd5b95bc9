"""The one blueprint that the pages of second steps hang on."""

from flask import Blueprint

bp = Blueprint("factors", __name__)
