"""Codes on cards."""

from hypothesis import given
from hypothesis import strategies as st

from proposals.evidence import codes


def test_codes_use_only_signs_that_look_like_nothing_else() -> None:
    assert len(set(codes.ALPHABET)) == len(codes.ALPHABET) == 30
    assert not set("01OILU") & set(codes.ALPHABET)
    made = {codes.new_code() for _ in range(500)}
    assert len(made) == 500
    assert all(codes.read(code) == code for code in made)


@given(st.text(codes.ALPHABET, min_size=8, max_size=8), st.sampled_from([" ", "-", "  ", "\u00a0"]))
def test_a_code_is_read_however_it_is_typed(code: str, gap: str) -> None:
    assert codes.read(f" {code[:4].lower()}{gap}{code[4:]} ") == code
    assert codes.read(codes.as_printed(code)) == code


@given(st.text(max_size=20))
def test_anything_else_is_no_code_and_no_error(typed: str) -> None:
    code = codes.read(typed)
    assert code is None or (len(code) == 8 and set(code) <= set(codes.ALPHABET))


def test_what_is_kept_depends_on_the_secret() -> None:
    assert codes.digest("ABCDEFGH", "one") != codes.digest("ABCDEFGH", "two")
    assert "ABCDEFGH" not in codes.digest("ABCDEFGH", "one")


@given(st.text(max_size=50), st.text(max_size=10))
def test_buckets_are_bounded(address: str, salt: str) -> None:
    assert 0 <= codes.bucket(address, salt) < codes.BUCKETS
