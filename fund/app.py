"""Puts the application together."""

from importlib.resources import files
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate
from sqlalchemy.engine import make_url
from werkzeug.middleware.proxy_fix import ProxyFix

import fund.demo.views
import fund.documents.views
import fund.grants.views
import fund.handover.views
import fund.kernel.audit
import fund.kernel.outbox
import fund.kernel.policy
import fund.kernel.sweeps
import fund.privacy.views
import fund.public.views
import fund.reporting.views
import fund.rulebook.views
import fund.tasks
import fund.treasury.views
import ledger.bank.questions.views
import ledger.bank.reconciliation.views
import ledger.bank.views
import ledger.statements.views
import ledger.views
import ledger.years.views
import members.accounts.factors.views
import members.accounts.views
import members.contact.views
import members.contributions.cards.mandates.views
import members.contributions.cards.views
import members.contributions.invoices.views
import members.contributions.matching.views
import members.contributions.views
import members.contributions.writeoffs.views
import members.offices.views
import members.profile.views
import members.prospects.views
import members.register.views
import members.restrictions.views
import members.views
import proposals.assessment.views
import proposals.brokerage.views
import proposals.evidence.views
import proposals.views
import voting.views
from fund import web
from fund.config import Settings, settings_from_environment
from fund.demo.clock import FundClock
from fund.kernel.access import check_every_view_declares_access
from fund.kernel.clock import Clock
from fund.kernel.db import db, prepare_engine
from fund.mail import Mailer, SmtpMailer
from fund.payments import stripe_payments
from members.contributions.cards.gateway import Payments

LARGEST_REQUEST_BYTES = 12 * 1024 * 1024

_BLUEPRINTS = (
    fund.public.views.bp,
    fund.privacy.views.bp,
    fund.tasks.bp,
    fund.handover.views.bp,
    members.accounts.views.bp,
    members.contact.views.bp,
    members.accounts.factors.views.bp,
    members.views.bp,
    members.register.views.bp,
    members.contributions.views.bp,
    members.contributions.invoices.views.bp,
    members.contributions.matching.views.bp,
    members.contributions.writeoffs.views.bp,
    members.contributions.cards.views.bp,
    members.contributions.cards.mandates.views.bp,
    members.restrictions.views.bp,
    members.profile.views.bp,
    members.prospects.views.bp,
    members.offices.views.bp,
    ledger.views.bp,
    ledger.statements.views.bp,
    ledger.years.views.bp,
    ledger.bank.views.bp,
    ledger.bank.questions.views.bp,
    ledger.bank.reconciliation.views.bp,
    proposals.views.bp,
    proposals.brokerage.views.bp,
    proposals.evidence.views.bp,
    proposals.assessment.views.bp,
    voting.views.bp,
    fund.grants.views.bp,
    fund.treasury.views.bp,
    fund.reporting.views.bp,
    fund.rulebook.views.bp,
    fund.documents.views.bp,
    fund.demo.views.bp,
)


def create_app(
    settings: Settings, clock: Clock | None = None, mailer: Mailer | None = None, payments: Payments | None = None
) -> Flask:
    """The application.

    Args:
        settings: how this process runs.
        clock: tells the time; the system's, moved on where the fund is a demonstration, unless given.
        mailer: sends mail; by SMTP where settings name a server, else mail waits in the outbox.
        payments: takes payments online; Stripe where settings hold its keys, else the fund takes bank transfers alone.

    Raises:
        RuntimeError: when a view declares no access.
    """
    app = Flask("fund", template_folder=str(files("templates")), static_folder=str(files("fund") / "static"))
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        MAX_CONTENT_LENGTH=LARGEST_REQUEST_BYTES,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        WTF_CSRF_TIME_LIMIT=None,  # a long proposal outlives any hour; the token ends with the session
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    Migrate(app, db, directory=str(files("fund") / "migrations"), render_as_batch=False)
    app.extensions["sicf_settings"] = settings
    app.extensions["sicf_clock"] = clock or FundClock()
    app.extensions["sicf_mailer"] = mailer or (
        SmtpMailer(settings.smtp_url, settings.mail_from) if settings.smtp_url else None
    )
    app.extensions["sicf_payments"] = payments or stripe_payments(
        settings.stripe_secret_key, settings.stripe_webhook_secret
    )
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    web.prepare(app, settings)
    check_every_view_declares_access(app)
    return app


def from_environment() -> Flask:
    """The application as the environment says, for a web server that starts it by name."""
    return create_app(settings_from_environment())
