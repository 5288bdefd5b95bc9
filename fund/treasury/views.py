"""Pages of the treasurer's desk, and the papers that the pages of the books show."""

from flask import Blueprint

from fund.kernel.pages import actor
from fund.treasury.documents import Document, documents_of
from ledger.models import Transfer

bp = Blueprint("treasury", __name__)


@bp.app_context_processor
def _papers() -> dict[str, object]:
    """For the page of a transfer, which stands below and knows no papers."""

    def papers_of(transfer: Transfer) -> list[Document]:
        return documents_of(transfer.id, transfer.key, actor())

    return {"papers_of": papers_of}
