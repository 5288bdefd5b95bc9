"""Errors that people can meet. Each carries a sentence that says what to do next.

The mapping to HTTP is in `fund.web`. Anything that is not one of these is a bug.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that is missing or wrong.

    Attributes:
        message: a sentence for people that says what to do next.
        field: the form field or question code it belongs beside, if any.
        fix: path of the page where it can be mended, if another than the present one.
    """

    message: str
    field: str | None = None
    fix: str | None = None


class FundError(Exception):
    """Base of the errors that people can meet."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAllowed(FundError):
    """The person may not do this."""

    status = 403


class NotFound(FundError):
    """There is nothing here for this person; whether it exists for somebody else is not told."""

    status = 404

    def __init__(
        self, message: str = "We can't find that page. Check the address, or start again from the front page."
    ) -> None:
        super().__init__(message)


class Conflict(FundError):
    """Somebody was first: the page shown is no longer how things stand."""

    status = 409


class RuleBroken(FundError):
    """A rule of the fund says no; `findings` names every reason at once."""

    status = 422

    def __init__(self, findings: str | Iterable[Finding]) -> None:
        self.findings = (Finding(findings),) if isinstance(findings, str) else tuple(findings)
        super().__init__(" ".join(finding.message for finding in self.findings))


def require(findings: Iterable[Finding]) -> None:
    """Raise RuleBroken with all of `findings`, if there are any."""
    if found := tuple(findings):
        raise RuleBroken(found)
