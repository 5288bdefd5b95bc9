"""Reads a request as Stripe does, and refuses whatever its own SDK's types don't know."""

import collections.abc
import re
import sys
import types
import typing
from typing import Any
from urllib.parse import parse_qsl


class WrongParameter(Exception):
    """A parameter that Stripe would refuse, by its path."""


def read_form(body: str) -> dict[str, Any]:
    """ "line_items[0][quantity]=1" as {"line_items": [{"quantity": "1"}]}."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body)):
        path = re.findall(r"[^\[\]]+", name)
        place = tree
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
    return {name: _lists(value) for name, value in tree.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.isdigit() for name in value):
        return [_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _lists(one) for name, one in value.items()}


_OF_THE_SDK = {"api_key", "stripe_version", "stripe_account", "stripe_context", "max_network_retries"} | {
    "idempotency_key",
    "content_type",
    "headers",
}
"""What the SDK's types hold beside the parameters themselves; none of it goes over the wire as one."""


def checked(given: dict[str, Any], shape: type, path: str = "") -> dict[str, Any]:
    """The parameters with whole numbers and truth values read, or WrongParameter: unknown, missing, or of a wrong type.

    Args:
        given: what `read_form` made.
        shape: the SDK's TypedDict of the request.
    """
    names = vars(typing) | vars(collections.abc) | {"StripeContext": str} | vars(sys.modules[shape.__module__])
    hints = typing.get_type_hints(shape, None, names, include_extras=True)
    read = {}
    for name, value in given.items():
        if name not in hints or (not path and name in _OF_THE_SDK):
            raise WrongParameter(f"Received unknown parameter: {path}{name}")
        read[name] = _value(value, hints[name], f"{path}{name}")
    for name, hint in hints.items():
        if typing.get_origin(hint) is not typing.NotRequired and name not in given and name not in _OF_THE_SDK:
            raise WrongParameter(f"Missing required param: {path}{name}")
    return read


def _value(value: Any, hint: Any, path: str) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.NotRequired or origin is typing.Annotated:
        return _value(value, inner[0], path)
    if origin in (typing.Union, types.UnionType):
        literals = [one for one in inner if typing.get_origin(one) is typing.Literal]
        if literals:  # the SDK lets any text through beside its list; Stripe doesn't
            inner = tuple(one for one in inner if one is not str)
        for one in inner:
            try:
                return _value(value, one, path)
            except WrongParameter:
                continue
        raise WrongParameter(f"Invalid {path}: {value!r}")
    if origin is typing.Literal:
        if value in inner:
            return value
    elif origin in (list, collections.abc.Sequence):
        if isinstance(value, list):
            return [_value(one, inner[0], f"{path}[{number}]") for number, one in enumerate(value)]
    elif origin is dict:
        if isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
            return value
    elif hint is int:
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}", value, re.ASCII):
            return int(value)
    elif hint is bool:
        if value in ("true", "false"):
            return value == "true"
    elif hint is str:
        if isinstance(value, str):
            return value
    elif hasattr(hint, "__total__") and isinstance(value, dict):  # a TypedDict, of either typing module
        return checked(value, hint, f"{path}.")
    raise WrongParameter(f"Invalid {path}: {value!r}")
