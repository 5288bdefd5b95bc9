"""The five answers that `sicf init` needs: read from its options, or asked for until they can be read."""

import re
from collections.abc import Callable
from typing import TypeVar

import click
from email_validator import EmailNotValidError, validate_email

from fund import founding
from fund.founding import Plan
from fund.kernel.society import SocietyType

Answer = TypeVar("Answer")


def plan(
    name: str | None, society_type: str | None, year_end: str | None, steward: str | None, address: str | None
) -> Plan:
    """The plan, with what no option gave asked for."""
    kinds = ", ".join(kind.value for kind in SocietyType)
    return Plan(
        name=answer("--name", name, "1 of 5. What is the fund called?", read_name),
        society_type=answer(
            "--society-type",
            society_type,
            f"2 of 5. What kind of body owns it? ({kinds})",
            read_society_type,
            SocietyType.COMMUNITY_BENEFIT.value,
        ),
        year_end=answer(
            "--year-end", year_end, "3 of 5. On which day does its year of account end?", read_year_end, "31 March"
        ),
        steward=answer("--steward", steward, "4 of 5. Who is the first steward? Name <e-mail address>", read_person),
        address=answer("--address", address, "5 of 5. Which postal address can the fund be written to?", read_address),
    )


def read_name(text: str) -> str:
    name = " ".join(text.split())
    if not 2 <= len(name) <= 120:
        raise click.BadParameter("Give the fund's name, up to 120 letters.")
    return name


def read_society_type(text: str) -> SocietyType:
    try:
        return SocietyType(text.strip().lower().replace("-", "_").replace(" ", "_"))
    except ValueError:
        raise click.BadParameter(f"Choose one of: {', '.join(kind.value for kind in SocietyType)}.") from None


def read_year_end(text: str) -> tuple[int, int]:
    try:
        return founding.parse_year_end(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def read_person(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"\s*(?P<name>[^<>]{2,120}?)\s*<(?P<email>[^<>]+)>\s*", text)
    if match is None:
        raise click.BadParameter("Write the name and then the e-mail address, such as: Sam Lee <sam@example.org>")
    try:
        address = validate_email(match["email"].strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise click.BadParameter(f"That e-mail address can't be right. {error}") from error
    return match["name"], address.normalized


def read_address(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.replace("\\n", "\n").split("\n")]
    address = "\n".join(line for line in lines if line)
    if not 5 <= len(address) <= 400:
        raise click.BadParameter("Give the postal address that the fund can be written to.")
    return address


def answer(
    option: str, given: str | None, question: str, read: Callable[[str], Answer], default: str | None = None
) -> Answer:
    """The answer that an option gave, or else asked for until it can be read."""
    if given is not None:
        try:
            return read(given)
        except click.BadParameter as error:
            raise click.BadParameter(error.message, param_hint=option) from error
    answered: Answer = click.prompt(question, default=default, value_proc=read)
    return answered
