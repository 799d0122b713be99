"""Settings: named, checked, and never shown where they are secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config import (
    ENV_FILE,
    Settings,
    SettingsRefused,
    list_setting_names,
    load_settings,
    make_default_folder,
    webhook_secret,
)
from bot.service.logs import configure_logging, redact
from data.log import get_logger

TOKEN = "7700123456:AAHk3vQy0x9ZzPq-fake_token_of_tests"
EXAMPLE = Path(__file__).parents[2] / ".env.example"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list_setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def refusal() -> str:
    with pytest.raises(SettingsRefused) as refused:
        load_settings()
    return str(refused.value)


def test_without_any_setting_the_service_has_no_account_and_a_local_database() -> None:
    settings = load_settings()
    assert not settings.has_account
    assert settings.database_url == "sqlite+aiosqlite:///var/nhacviec.db"
    assert (settings.registry / "plans").is_dir()


def test_a_setting_is_read_from_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ENV_FILE).write_text(f"NHACVIEC_TELEGRAM_TOKEN={TOKEN}\nNHACVIEC_WEB_PORT=9000\n")
    settings = load_settings()
    assert settings.has_account
    assert settings.web_port == 9000


def test_the_environment_wins_over_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ENV_FILE).write_text("NHACVIEC_WEB_PORT=9000\n")
    monkeypatch.setenv("NHACVIEC_WEB_PORT", "9001")
    assert load_settings().web_port == 9001


def test_an_empty_setting_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN", "")
    monkeypatch.setenv("NHACVIEC_WEB_PORT", "")
    assert not load_settings().has_account


def test_the_example_copied_as_it_is_sets_nothing(tmp_path: Path) -> None:
    (tmp_path / ENV_FILE).write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("NHACVIEC_TELEGRAM_TOKN", "NHACVIEC_TELEGRAM_TOKEN"),
        ("NHACVIEC_DATABASE", "NHACVIEC_DATABASE_URL"),
        ("nhacviec_web_port", "NHACVIEC_WEB_PORT"),
        ("NHACVIET_WEB_PORT", "NHACVIEC_WEB_PORT"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest_right_one(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    words = refusal()
    assert name in words
    assert meant in words


def test_a_misspelt_name_in_the_env_file_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / ENV_FILE).write_text("NHACVIEC_WEB_PROT=1\nPATH_OF_ANOTHER_PROGRAM=x\n")
    words = refusal()
    assert "NHACVIEC_WEB_PROT (.env)" in words
    assert "PATH_OF_ANOTHER_PROGRAM" not in words


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NHACVIEC_WEB_PORT", "cổng"),
        ("NHACVIEC_WEB_PORT", "70000"),
        ("NHACVIEC_LOG_LEVEL", "LOUD"),
        ("NHACVIEC_DATABASE_URL", "mysql://someone:hush-hush@host/db"),
        ("NHACVIEC_DATABASE_URL", "sqlite+aiosqlite:///:memory:"),
        ("NHACVIEC_PUBLIC_URL", "bot.example.vn"),
        ("NHACVIEC_PUBLIC_URL", "http://bot.example.vn"),
        ("NHACVIEC_REGISTRY_DIR", "no/such/folder"),
        ("NHACVIEC_TELEGRAM_TOKEN", "hush-hush"),
        ("NHACVIEC_TELEGRAM_TOKEN_FILE", "no/such/file"),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_not_repeated(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    words = refusal()
    assert words.startswith(name)
    assert "hush-hush" not in words


def test_every_wrong_value_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NHACVIEC_WEB_PORT", "x")
    monkeypatch.setenv("NHACVIEC_LOG_LEVEL", "x")
    assert len(refusal().splitlines()) == 2


def test_a_secret_is_read_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN_FILE", str(tmp_path / "token"))
    token = load_settings().telegram_token
    assert token is not None
    assert token.get_secret_value() == TOKEN


def test_a_secret_given_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN_FILE", str(tmp_path / "token"))
    words = refusal()
    assert "NHACVIEC_TELEGRAM_TOKEN_FILE" in words
    assert TOKEN not in words


def test_an_empty_secret_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("\n")
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN_FILE", str(tmp_path / "token"))
    assert "NHACVIEC_TELEGRAM_TOKEN_FILE" in refusal()


def test_no_secret_shows_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", "postgresql+psycopg://bot:hush-hush@db/nhacviec")
    settings = load_settings()
    assert TOKEN not in f"{settings} {settings!r}"
    assert "hush-hush" not in f"{settings} {settings!r}"


def test_the_webhook_secret_follows_from_the_token_and_does_not_hold_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN", TOKEN)
    secret = webhook_secret(*load_settings().bot_tokens)
    assert secret == webhook_secret(*load_settings().bot_tokens)
    assert TOKEN not in secret
    assert 1 <= len(secret) <= 256


def test_var_is_made_for_the_default_database_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", "sqlite+aiosqlite:///elsewhere/nhacviec.db")
    make_default_folder(load_settings())
    assert not list(tmp_path.iterdir())
    monkeypatch.delenv("NHACVIEC_DATABASE_URL")
    make_default_folder(load_settings())
    assert [path.name for path in tmp_path.iterdir()] == ["var"]


@pytest.mark.usefixtures("restored_logging")
def test_no_token_reaches_the_log_in_a_message_an_address_or_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN", TOKEN)
    settings = load_settings()
    configure_logging(settings)
    another = "8800999999:BBcdefghijklmnopqrstuvwxyz012345"
    logging.getLogger("elsewhere").warning("GET https://api.telegram.org/bot%s/getMe", another)
    get_logger("here").info("started", address=f"https://x/bot{TOKEN}/getMe")
    try:
        raise ValueError(f"secret {webhook_secret(TOKEN)}")
    except ValueError:
        get_logger("here").exception("failed")
    logged = capsys.readouterr().err
    assert len(logged.splitlines()) >= 3
    assert "info started" in logged
    assert "ValueError" in logged
    for secret in (TOKEN, another, webhook_secret(TOKEN)):
        assert secret not in logged


def test_a_database_password_is_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", "postgresql+psycopg://bot:hush%21hush@db/nhacviec")
    words = redact("cannot reach bot:hush%21hush@db or hush!hush", load_settings())
    assert "hush" not in words
