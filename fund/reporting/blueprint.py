"""The blueprint that the pages of this folder hang on."""

from flask import Blueprint

bp = Blueprint("reporting", __name__)
