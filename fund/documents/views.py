"""Downloading documents."""

from flask import Blueprint, Response, make_response

from fund.documents import queries, service
from fund.documents.rules import LONGEST_REFERENCE, Kind
from fund.kernel.access import Permission, access
from fund.kernel.db import transaction
from fund.kernel.errors import NotFound
from fund.kernel.pages import actor, now

bp = Blueprint("documents", __name__)


@bp.get("/documents/<kind>/<reference>.pdf")
@access(Permission.SIGNED_IN)
def document(kind: str, reference: str) -> Response:
    """The issued bytes; the first to ask has them made."""
    if (
        kind not in set(Kind)
        or len(reference) > LONGEST_REFERENCE
        or not reference.isascii()
        or not reference.isprintable()
    ):
        raise NotFound
    queries.require_reader(Kind(kind), reference, actor())
    with transaction():
        found = service.issue(kind=Kind(kind), reference=reference, now=now())
        content, filename, sha256 = found.content, found.filename, found.sha256
    answer = make_response(content)
    answer.mimetype = "application/pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    answer.headers["ETag"] = f'"{sha256}"'
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer
