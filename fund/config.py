"""Settings from the environment. Each has a default that is safe; none is needed to run on one machine."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How this process runs.

    Attributes:
        database_url: SQLAlchemy address; `postgresql+psycopg://…` for many users.
        secret_key: signs cookies; every process of one fund needs the same.
        base_url: the address that people reach the site by; mailed links are built from it, never from a request.
        smtp_url: `smtp://user:password@host:587` or `smtps://…`; without it mail waits in the outbox.
        mail_from: sender of mails.
        trusted_proxies: how many web servers stand before this one and may say whom they speak for. With a wrong number
            either everybody seems to come from one network, or anybody may name any network as theirs.
        stripe_secret_key: speaks to Stripe for card and Direct Debit payments; without it, bank transfers only.
        stripe_webhook_secret: proves that a message comes from Stripe; needed with the key.
        secure_cookies: cookies only over HTTPS; on unless the base address is plain http.
    """

    database_url: str
    secret_key: str
    base_url: str = "http://127.0.0.1:8000"
    smtp_url: str | None = None
    mail_from: str = "fund@localhost"
    trusted_proxies: int = 0
    stripe_secret_key: str | None = None
    stripe_webhook_secret: str | None = None

    @property
    def secure_cookies(self) -> bool:
        return self.base_url.startswith("https:")


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the embedded database and the secret are kept: `SICF_HOME`, or `var` in the present folder."""
    return Path(environ.get("SICF_HOME", "var")).absolute()


def settings_from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `DATABASE_URL`, `SECRET_KEY`, `BASE_URL`, `PORT`, `SMTP_URL`, `MAIL_FROM`, `TRUSTED_PROXIES`,
    `STRIPE_SECRET_KEY` and `STRIPE_WEBHOOK_SECRET`.

    Without DATABASE_URL the database is a file in the data folder. Without SECRET_KEY one is made there once, readable
    by this user alone.

    Raises:
        ValueError: when TRUSTED_PROXIES is no small whole number, or one of Stripe's two secrets is missing.
    """
    proxies = environ.get("TRUSTED_PROXIES") or "0"
    if not (proxies.isascii() and proxies.isdigit() and len(proxies) == 1):
        raise ValueError(f"TRUSTED_PROXIES is the number of web servers before this one, 0 to 9, not {proxies!r}.")
    stripe_key, stripe_secret = (environ.get(f"STRIPE_{name}") or None for name in ("SECRET_KEY", "WEBHOOK_SECRET"))
    if (stripe_key is None) is not (stripe_secret is None):
        raise ValueError("STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET are needed together. Set both, or neither.")
    folder = data_folder(environ)
    database_url = environ.get("DATABASE_URL") or f"sqlite:///{folder / 'fund.db'}"
    if database_url.startswith(("postgres://", "postgresql://")):
        database_url = "postgresql+psycopg://" + database_url.split("://", 1)[1]
    return Settings(
        database_url=database_url,
        secret_key=environ.get("SECRET_KEY") or _kept_secret(folder),
        base_url=(environ.get("BASE_URL") or f"http://127.0.0.1:{environ.get('PORT') or '8000'}").rstrip("/"),
        smtp_url=environ.get("SMTP_URL") or None,
        mail_from=environ.get("MAIL_FROM") or "fund@localhost",
        trusted_proxies=int(proxies),
        stripe_secret_key=stripe_key,
        stripe_webhook_secret=stripe_secret,
    )


def _kept_secret(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "secret"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text()
