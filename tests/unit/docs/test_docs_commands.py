"""What the pages tell people to type exists: commands, flags, make targets, settings, users and numbers."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from mediaserver.app.commands.calling import _key_plan
from mediaserver.app.config import load_settings
from mediaserver.app.demo_users import demo_subscribers
from mediaserver.app.drawing import commands, options_of, setting_defaults
from mediaserver.call.services import SERVICES

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")] if path.name != "cli.md")
README = (ROOT / "README.md").read_text(encoding="utf-8")
KNOWN = dict(commands())
GROUPS = {name.rpartition(" ")[0] for name in KNOWN}
BLOCK = re.compile(r"^```(?:sh|toml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
TO_COME = {"mediaserver scenario"}
"""Named in the known limits as missing."""


def typed(page: Path) -> list[str]:
    """Command lines of ``mediaserver`` on a page, in blocks and in the text."""
    text = page.read_text(encoding="utf-8")
    lines = [
        line.partition("# ")[2] if line.startswith("# ") else line
        for b in BLOCK.findall(text)
        for line in b.splitlines()
    ]
    lines = [line.partition(": ")[2] if re.match(r"[\w.]+: mediaserver", line) else line for line in lines]
    return [line.strip() for line in [*lines, *INLINE.findall(text)] if line.strip().startswith("mediaserver ")]


def command_of(words: list[str]) -> str:
    """The longest start of a command line that is a command or a group of them."""
    names = [" ".join(words[:length]) for length in range(len(words), 1, -1)]
    return next((name for name in names if name in KNOWN or name in GROUPS), "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_exists_with_its_flags(page: Path) -> None:
    wrong = []
    for line in typed(page):
        words = shlex.split(line.partition(" > ")[0])
        name = command_of(words)
        flags = {word for word in words if word.startswith("--")}
        known = options_of(KNOWN[name]) if name in KNOWN else {"--help"}
        if " ".join(words[:2]) not in TO_COME and (not name or flags - known):
            wrong.append(line)
    assert wrong == []


def test_every_command_is_in_the_readmes_table() -> None:
    """A row names a group once and its other commands by their last word."""
    rows = [
        re.findall(r"`([^`]+)`", line.split("|")[1])
        for line in README.splitlines()
        if line.startswith("| `mediaserver ")
    ]
    named = set()
    for first, *others in rows:
        name = command_of(shlex.split(first))
        named |= {name, *(f"{name.rpartition(' ')[0]} {other}" for other in others)}
    assert named == set(KNOWN)


def test_every_flag_in_the_text_belongs_to_a_command() -> None:
    flags = {flag for _, command in commands() for flag in options_of(command)} | {"--cacert", "--only", "--golden"}
    named = {word for text in INLINE.findall(README) for word in re.findall(r"--[a-z][a-z-]*", text)}
    assert named - flags == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_of_a_page_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    told = [line for text in [*BLOCK.findall(text), *INLINE.findall(text)] for line in text.splitlines()]
    named = {match[1] for line in told if (match := re.match(r"make ([a-z]+)", line.strip()))}
    assert named - targets == set()


def test_the_configuration_of_the_readme_is_accepted(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    file = tmp_path / "media.toml"
    file.write_text(block, encoding="utf-8")
    settings = load_settings(file, {})
    assert settings.model_dump(mode="json", exclude_unset=True) == tomllib.loads(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_variable_of_a_page_is_a_setting(page: Path) -> None:
    settings = {name.replace(".", "__").upper() for name in setting_defaults()} | {"CONFIG", "CORPORA"}
    named = set(re.findall(r"MEDIASERVER_([A-Z_]+[A-Z])\b", page.read_text(encoding="utf-8")))
    assert named - settings == set()


def test_the_readmes_users_and_numbers_are_there() -> None:
    users = {subscriber.number for subscriber in demo_subscribers("x")}
    assert set(re.findall(r"\b(1\d{3})\b(?! Hz)", README)) - users == set()
    assert set(re.findall(r"\b(900\d)\b", README)) == set(SERVICES)


def test_the_keys_of_the_readmes_call_are_understood() -> None:
    assert [_key_plan(text).digits for text in re.findall(r'--dtmf "([^"]+)"', README)] == ["*44"]
