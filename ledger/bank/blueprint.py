"""The one blueprint that all pages of the bank hang on."""

from flask import Blueprint

bp = Blueprint("bank", __name__)
