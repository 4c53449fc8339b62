"""Passwords are argon2id hashes; nobody's password is never right."""

from __future__ import annotations

from webkit.passwords import hash_password, verify_password


def test_only_the_right_password_fits() -> None:
    known = hash_password("correct horse battery")
    assert known.startswith("$argon2id$")
    assert "correct" not in known
    assert verify_password(known, "correct horse battery")
    assert not verify_password(known, "correct horse batter")
    assert not verify_password(known, "")


def test_nobody_has_no_password() -> None:
    assert not verify_password(None, "nobody has this password")
    assert not verify_password("not a hash", "anything")
