"""Pages of an agreement: its text with its hash, its signatures, and the form that signs it."""

from flask import Response, url_for

from fund.grants.agreements import queries, service
from fund.grants.agreements.forms import SignForm
from fund.grants.agreements.rules import AgreementState, read_text
from fund.grants.awards import queries as awards
from fund.grants.blueprint import bp
from fund.grants.models import Agreement, Award
from fund.kernel.access import Permission, access
from fund.kernel.errors import NotFound
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit


@bp.get("/grants/<reference>/agreement")
@access(Permission.SIGNED_IN)
def agreement(reference: str) -> Response:
    award = awards.award(reference, actor())
    found = queries.current(award.id)
    if found is None:
        return page("grants/no_agreement.html", award=award)
    return _agreement_page(award, found, SignForm(data={"sha256": found.sha256}))


@bp.get("/grants/<reference>/agreement/<int:number>")
@access(Permission.SIGNED_IN)
def agreement_text(reference: str, number: int) -> Response:
    award = awards.award(reference, actor())
    return _agreement_page(award, queries.text_by_number(award.id, number), SignForm())


@bp.post("/grants/<reference>/agreement/sign")
@access(Permission.BIND_ORGANISATION)
def sign(reference: str) -> Response:
    award = awards.award(reference, actor())
    form = SignForm()

    def work() -> Done:
        service.sign(reference=reference, sha256=form.sha256.data or "", actor=actor(), now=now())
        return Done(
            f"Signed for {actor().organisation_name}. We write to you when the grant is live.",
            url_for("grants.agreement", reference=reference),
        )

    if (done := submit(form, work)) is not None:
        return done
    found = queries.current(award.id)
    if found is None:
        raise NotFound
    return _agreement_page(award, found, form)


def _agreement_page(award: Award, found: Agreement, form: SignForm) -> Response:
    signatures = queries.signatures(found.id)
    signed = {signature.organisation_id for signature in signatures}
    own = actor().organisation_id
    parties = awards.parties(award)
    return page(
        "grants/agreement.html",
        form,
        award=award,
        agreement=found,
        text=read_text(found.text),
        signatures=signatures,
        unsigned=[party for party in parties if party.id not in signed],
        texts=queries.texts(award.id),
        may_sign=(
            found.state is AgreementState.DRAFT
            and actor().may(Permission.BIND_ORGANISATION)
            and own in {party.id for party in parties} - signed
        ),
    )
