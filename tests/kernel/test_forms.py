"""What every form has."""

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from fund.kernel.errors import Finding
from fund.kernel.forms import BaseForm, LongTextField, Needed, TextField, UpTo, clean
from ledger.fields import AtLeast, MoneyField


class Example(BaseForm):
    name = TextField("Name", validators=[Needed("Give the name."), UpTo(5)])
    story = LongTextField("Story")
    amount = MoneyField("Amount", validators=[Needed("Give the amount."), AtLeast(100)])


@pytest.fixture
def request_context() -> Iterator[None]:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="only for tests", WTF_CSRF_ENABLED=False)
    with app.test_request_context(method="POST"):
        yield


def _sent(**values: str) -> Example:
    return Example(MultiDict({"form_id": "a", "name": "Ada", "amount": "5", **values}))


@pytest.mark.parametrize(
    ("written", "kept"),
    [("  a\r\nb\rc ", "a\nb\nc"), ("a\x00b\x07", "ab"), ("e\u0301", "é"), ("a\tb", "a\tb"), (None, None)],
)
def test_text_is_kept_as_it_was_meant(written: str | None, kept: str | None) -> None:
    assert clean(written) == kept


@pytest.mark.usefixtures("request_context")
@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "", "Give the name."),
        ("name", "abcdefg", "Shorten this by 2 characters; 5 fit."),
        ("amount", "", "Give the amount."),
        ("amount", "1e5", "Write the amount in pounds, such as 12,500 or 12500.50."),
        ("amount", "0.50", "Give at least £1."),
        ("form_id", "", "Reload the page and send this again."),
    ],
)
def test_a_fault_is_told_once_and_by_its_own_sentence(field: str, value: str, says: str) -> None:
    form = _sent(**{field: value})
    assert not form.validate()
    assert form.errors == {field: [says]}
    assert form[field]._value() == value


@pytest.mark.usefixtures("request_context")
def test_what_a_service_finds_stands_beside_its_field_or_above_the_form() -> None:
    form = _sent()
    assert form.validate()
    form.add_findings((Finding("Too much.", "amount"), Finding("Closed.")))
    assert form.amount.errors == ["Too much."]
    assert form.form_errors == ["Closed."]
