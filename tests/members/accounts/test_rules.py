"""Passphrases, waiting times, networks, and addresses to go on to."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from members.accounts import rules

GOOD = "heather over moorland"


@pytest.mark.parametrize(
    "phrase", [GOOD, "x7!kQ2#pL9@w+Z4", "пароль из четырёх слов", "a b c d e f g h", "e" * 6 + "fghijklmno"]
)
def test_passphrases_that_may_be_used(phrase: str) -> None:
    assert list(rules.passphrase_faults(phrase)) == []


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "only-14-signs.",
        "Manchester United",
        "Manchester United 2026!",
        "pass word 12 34",
        "password 1234",
        "CORRECT horse battery staple",
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "x" * 5 + "abcd" * 50,
        "Ada Alder-Thorne",
        "ada@alder.example",
    ],
)
def test_passphrases_that_may_not(phrase: str) -> None:
    faults = list(rules.passphrase_faults(phrase, known=("Ada Alder-Thorne", "ada@alder.example")))
    assert [fault.field for fault in faults] == ["passphrase"]


def test_nobody_is_made_to_mix_signs_and_long_phrases_fit() -> None:
    """NIST SP 800-63B-4 §3.1.1.2: 15 characters where it is the only factor, at least 64 fit, no composition rules."""
    assert rules.SHORTEST_PASSPHRASE == 15
    assert rules.LONGEST_PASSPHRASE >= 64
    assert list(rules.passphrase_faults("onlysmallletters")) == []
    assert list(rules.passphrase_faults("moor " * 12 + "heather")) == []


def test_none_of_the_common_ones_may_be_used() -> None:
    assert len(rules.common_passphrases()) > 150
    assert all(list(rules.passphrase_faults(phrase)) for phrase in rules.common_passphrases())


def test_passphrases_are_kept_as_argon2id_and_salted() -> None:
    stored = rules.hash_passphrase(GOOD)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert stored != rules.hash_passphrase(GOOD)
    assert rules.passphrase_matches(stored, GOOD)
    assert not rules.passphrase_matches(stored, GOOD + " ")
    assert not rules.passphrase_matches(None, GOOD)
    assert not rules.passphrase_matches("not a hash", GOOD)


def test_one_phrase_typed_on_two_keyboards_is_one_phrase() -> None:
    assert rules.passphrase_matches(rules.hash_passphrase("caf\u00e9 over moorland"), "cafe\u0301 over moorland")


def test_nobody_costs_as_much_work_as_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []

    class Counting:
        def verify(self, stored: str, phrase: bytes) -> bool:
            checked.append(stored)
            return True

    rules._nobodys_hash()
    monkeypatch.setattr(rules, "_hasher", Counting())
    assert rules.passphrase_matches(None, GOOD) is False
    assert rules.passphrase_matches("$argon2id$of-somebody", GOOD) is True
    assert len(checked) == 2
    assert checked[0].startswith("$argon2id$")


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (3, 0), (4, 5), (5, 10), (6, 20), (11, 640), (12, 900), (13, 900), (10**6, 900)]
)
def test_waiting_grows_and_stops_growing(failures: int, seconds: int) -> None:
    assert rules.wait_after(failures) == timedelta(seconds=seconds)


def test_a_network_waits_only_after_very_many_failures() -> None:
    assert rules.network_wait_after(99) == timedelta(0)
    assert rules.network_wait_after(100) == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "unknown"),
        ("junk", "unknown"),
    ],
)
def test_networks(address: str | None, network: str) -> None:
    assert rules.network_of(address) == network


def test_an_address_is_one_person_however_it_is_written() -> None:
    assert rules.email_key(" Ada@Alder.Example ") == rules.email_key("ada@alder.example")


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/tasks", "/tasks"),
        ("/members?sector=vcse&page=2", "/members?sector=vcse&page=2"),
        ("/a?next=//evil", "/a?next=//evil"),
        ("/invitations/abc#part", "/invitations/abc"),
        ("/%5cevil", "/%5cevil"),
    ],
)
def test_paths_to_go_on_to(target: str, path: str) -> None:
    assert rules.safe_path(target) == path


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "tasks",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "http:/evil.example",
        "http:evil.example",
        "http://evil.example/",
        "https:///evil.example",
        "javascript:alert(1)",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\x00/tasks",
        " /tasks",
        "/tasks\u202e",
        "/\ud800",
        "//[evil",
        "?next=/tasks",
    ],
)
def test_addresses_that_lead_elsewhere_are_refused(target: str | None) -> None:
    assert rules.safe_path(target) is None


NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("idle", "is_remembered", "lives"),
    [
        (timedelta(minutes=59), False, True),
        (timedelta(hours=1), False, False),
        (timedelta(days=9), True, True),
        (timedelta(days=9), False, False),
    ],
)
def test_a_browser_that_is_not_remembered_ends_when_left_alone(
    idle: timedelta, is_remembered: bool, lives: bool
) -> None:
    expires_at = NOON + timedelta(days=1)
    assert (
        rules.session_is_live(expires_at=expires_at, last_seen_at=NOON - idle, is_remembered=is_remembered, now=NOON)
        is lives
    )
    assert not rules.session_is_live(expires_at=NOON, last_seen_at=NOON - idle, is_remembered=is_remembered, now=NOON)


def test_a_step_counts_for_half_an_hour() -> None:
    assert rules.is_fresh(NOON - timedelta(minutes=30), NOON)
    assert not rules.is_fresh(NOON - timedelta(minutes=31), NOON)
    assert not rules.is_fresh(None, NOON)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Version/17.4 Safari/604.1", "Safari on an iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on a Mac"),
        ("curl/8", "A browser"),
        (None, "A browser"),
    ],
)
def test_browsers_are_told_in_plain_words(agent: str | None, words: str) -> None:
    assert rules.device_of(agent) == words


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("192.0.2.7", "192.0.x.x"),
        ("::ffff:192.0.2.7", "192.0.x.x"),
        ("2001:db8:1:2::7", "2001:0db8:x"),
        ("nonsense", "unknown"),
        (None, "unknown"),
    ],
)
def test_networks_are_told_roughly(address: str | None, shown: str) -> None:
    assert rules.coarse_network(address) == shown


def test_no_secret_of_a_form_is_ever_kept() -> None:
    pairs = [("name", "Vera"), ("x-passphrase", "s"), ("present", "s"), ("code", "1"), ("p-credential", "{}")]
    assert rules.held_fields([*pairs, ("csrf_token", "t"), ("form_id", "f")]) == [("name", "Vera"), ("form_id", "f")]


def test_every_passphrase_field_is_among_those_never_kept() -> None:
    root = Path(__file__).parents[3]
    named = {
        name
        for folder in ("fund", "members", "proposals", "voting", "ledger")
        for path in (root / folder).rglob("forms.py")
        for name in re.findall(r"(\w+) = PasswordField\(", path.read_text())
    }
    assert named
    assert rules.held_fields([(name, "x") for name in named]) == []
