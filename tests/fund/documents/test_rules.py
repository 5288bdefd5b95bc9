"""Names of documents."""

import pytest

from fund.documents.rules import Kind, parse_name, split_version


def test_names_are_read() -> None:
    assert parse_name("proposal:P-2026-001-v1") == (Kind.PROPOSAL, "P-2026-001-v1")
    assert split_version("P-2026-001-v12") == ("P-2026-001", 12)


@pytest.mark.parametrize("name", ["", "receipt", "receipt:", "poem:P-1", "receipt:" + "x" * 41])
def test_what_names_no_document_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        parse_name(name)


@pytest.mark.parametrize(
    "reference", ["", "P-2026-001", "-v1", "P-v", "P-v0", "P-v01", "P-v1x", "P-v-1", "P-v²", "P-v" + "9" * 20]
)
def test_what_names_no_version_is_none(reference: str) -> None:
    assert split_version(reference) is None
