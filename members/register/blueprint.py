"""The folder's blueprint; its pages are in `application_views`, `membership_views` and `views`."""

from flask import Blueprint

bp = Blueprint("register", __name__)
