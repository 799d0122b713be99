"""The settings, each `NHACVIEC_…` in the environment or else in `.env`; the only reader of the environment.

Guarantees:
- A wrong or misspelt name or value is refused by name, with the nearest right one.
- No error shows a secret. A secret may also come from a file, named by its twin `…_FILE`.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from bot.errors import AdminError
from data.os_errors import explain_os_error

PREFIX = "NHACVIEC_"
ENV_FILE = Path(".env")
DEFAULT_DATABASE_URL = "sqlite+aiosqlite:///var/nhacviec.db"
SHIPPED_REGISTRY = Path(__file__).resolve().parents[1] / "data"
TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
TELEGRAM_BASE_URL = "https://api.telegram.org"
ZALO_BOT_BASE_URL = "https://bot-api.zaloplatforms.com"

_MOST_SECRET_BYTES = 4096
_DATABASES = ("sqlite+aiosqlite:///", "postgresql+psycopg://")


class SettingsRefused(AdminError):
    """Settings are wrong; str() is Vietnamese, a line a fault, and never holds a secret."""


class Settings(BaseModel):
    """Every setting of the program, checked; `.env.example` explains each."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: str = Field(default=DEFAULT_DATABASE_URL, repr=False)  # may hold a password
    database_url_file: Path | None = None
    telegram_token: SecretStr | None = None
    telegram_token_file: Path | None = None
    telegram_base_url: str = TELEGRAM_BASE_URL
    zalo_bot_tokens: SecretStr | None = None
    zalo_bot_tokens_file: Path | None = None
    zalo_bot_base_url: str = ZALO_BOT_BASE_URL
    zalo_bot_people: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    zalo_bot_messages: Annotated[int, Field(ge=1, le=100_000_000)] = 3000
    zalo_photo_hosts: str = ""
    public_url: str | None = None
    web_host: str = "127.0.0.1"
    web_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    ping_url: SecretStr | None = None
    ping_url_file: Path | None = None
    registry_dir: Path | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def registry(self) -> Path:
        """The folder of the registry: the office's own, or the shipped one."""
        return self.registry_dir or SHIPPED_REGISTRY

    @property
    def has_account(self) -> bool:
        """Whether a bot on a messenger is set."""
        return bool(self.bot_tokens)

    @property
    def zalo_tokens(self) -> tuple[str, ...]:
        """The token of every Zalo bot, in the order written."""
        if self.zalo_bot_tokens is None:
            return ()
        written = self.zalo_bot_tokens.get_secret_value().replace("\n", ",").split(",")
        return tuple(dict.fromkeys(token.strip() for token in written if token.strip()))

    @property
    def photo_hosts(self) -> tuple[str, ...]:
        """The hosts of Zalo's photos that are set besides the known ones."""
        written = self.zalo_photo_hosts.lower().replace("\n", ",").split(",")
        return tuple(host.strip().strip(".") for host in written if host.strip(" ."))

    @property
    def bot_tokens(self) -> tuple[str, ...]:
        """The token of every bot, on whichever messenger."""
        if self.telegram_token is None:
            return self.zalo_tokens
        return (self.telegram_token.get_secret_value(), *self.zalo_tokens)

    @functools.cached_property
    def secrets(self) -> tuple[str, ...]:
        """Every secret in clear, for the log's redaction alone."""
        password = urlsplit(self.database_url).password
        found = [password, unquote(password)] if password else []
        for token in self.bot_tokens:
            found += [token, webhook_secret(token)]
        if self.ping_url is not None:
            found.append(self.ping_url.get_secret_value())
        return tuple(found)

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _is_known_database(cls, value: str) -> str:
        return check_database_url(value)

    @field_validator("telegram_token")
    @classmethod
    def _looks_like_a_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(
            r"\d+:[A-Za-z0-9_-]{20,}", value.get_secret_value()
        ):
            raise ValueError("không giống khoá của bot (dạng số:chữ, do @BotFather cấp)")
        return value

    @field_validator("zalo_bot_tokens")
    @classmethod
    def _look_like_tokens(cls, value: SecretStr | None) -> SecretStr | None:
        for token in value.get_secret_value().replace("\n", ",").split(",") if value else ():
            if token.strip() and not re.fullmatch(r"\d+:[^\s/?#]{6,}", token.strip()):
                raise ValueError("có khoá không giống khoá của bot Zalo (dạng số:chữ)")
        return value

    @field_validator("telegram_base_url", "zalo_bot_base_url", "public_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
            raise ValueError("phải là địa chỉ dạng https://tên-miền")
        if value is not None and not _has_sound_host(value):
            raise ValueError("tên máy hoặc cổng trong địa chỉ không đúng")
        return value.rstrip("/") if value else value

    @field_validator("zalo_photo_hosts")
    @classmethod
    def _are_hosts(cls, value: str) -> str:
        for host in value.replace("\n", ",").split(","):
            if host.strip() and not re.fullmatch(r"\.?([\w-]+\.)+[\w-]+", host.strip(), re.ASCII):
                raise ValueError("phải là tên máy chủ, cách nhau bằng dấu phẩy: anh.zdn.vn")
        return value

    @field_validator("ping_url")
    @classmethod
    def _can_be_pinged(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/]+\S*", value.get_secret_value()):
            raise ValueError("phải là địa chỉ dạng https://tên-miền/…")
        if value is not None and not _has_sound_host(value.get_secret_value()):
            raise ValueError("tên máy hoặc cổng trong địa chỉ không đúng")
        return value

    @field_validator("registry_dir")
    @classmethod
    def _is_a_folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("không có thư mục này; tạo bằng «nhacviec registry init THƯ_MỤC»")
        return value

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: Any) -> Any:
        return {**values, **_from_files(values)}

    @model_validator(mode="after")
    def _webhook_is_possible(self) -> Settings:
        telegram_itself = self.telegram_base_url == TELEGRAM_BASE_URL
        if self.public_url and telegram_itself and not self.public_url.startswith("https://"):
            raise ValueError("NHACVIEC_PUBLIC_URL: Telegram và Zalo chỉ gửi đến địa chỉ https://")
        return self


def check_database_url(url: str) -> str:
    """Return a database's address; ValueError for one that the program has no driver for."""
    if not url.startswith(_DATABASES):
        raise ValueError("phải bắt đầu bằng «sqlite+aiosqlite:///» hoặc «postgresql+psycopg://»")
    try:
        urlsplit(url).port  # noqa: B018 - it raises for one that is no number
    except ValueError:
        raise ValueError("cổng hoặc tên máy trong địa chỉ không đúng") from None
    if url.startswith("sqlite") and url.partition(":///")[2] in ("", ":memory:"):
        raise ValueError("cần một tệp; cơ sở dữ liệu trong bộ nhớ mất khi dừng chương trình")
    return url


def _has_sound_host(address: str) -> bool:
    """Tell whether an address names a machine, and a port only as a number that a port can have."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def webhook_secret(token: str) -> str:
    """Derive the secret of a bot's webhook calls from its token, so that there is nothing to set."""
    return hmac.new(token.encode(), b"nhacviec webhook", hashlib.sha256).hexdigest()


def load_settings(env_file: Path = ENV_FILE) -> Settings:
    """Return the settings of the environment and of `.env`; the environment wins.

    Raises SettingsRefused with every fault, each by the setting's name.
    """
    try:
        written = dotenv_values(env_file) if env_file.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"Không đọc được {env_file}: cần tệp chữ UTF-8 đọc được.") from error
    faults = [
        *find_misspelt_settings(os.environ, "môi trường"),
        *find_misspelt_settings(written, str(env_file)),
    ]
    if faults:
        raise SettingsRefused("\n".join(faults))
    variables = (*written.items(), *os.environ.items())
    values = {name: value for name, value in variables if value}  # an empty setting is not set
    fields = {field: PREFIX + field.upper() for field in Settings.model_fields}
    try:
        return Settings.model_validate(
            {field: values[name] for field, name in fields.items() if name in values}
        )
    except ValidationError as error:
        raise SettingsRefused(
            "\n".join(_describe_setting_fault(item) for item in error.errors())
        ) from None


def list_setting_names() -> list[str]:
    """Return the name of every setting, as in the environment."""
    return [PREFIX + field.upper() for field in Settings.model_fields]


def find_misspelt_settings(variables: Iterable[str], where: str) -> list[str]:
    """Return a sentence for each variable that looks like a setting and is none."""
    known = list_setting_names()
    faults = []
    for name in variables:
        if name in known:
            continue
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.6)
        if name.upper().startswith(PREFIX):
            hint = f" Có phải {near[0]}?" if near else " Xem .env.example."
            faults.append(f"{name} ({where}): không có cài đặt này.{hint}")
        elif difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.93):
            faults.append(f"{name} ({where}): có phải {near[0]}?")
    return faults


def make_default_folder(settings: Settings) -> None:
    """Make `var/` for the default database; raises SettingsRefused where that fails.

    The folder of another database is the office's to make.
    """
    if settings.database_url == DEFAULT_DATABASE_URL:
        try:
            Path("var").mkdir(mode=0o700, exist_ok=True)  # it holds what people said
        except OSError as error:
            raise SettingsRefused(
                f"Không tạo được thư mục var ({explain_os_error(error)}). Hãy chạy ở thư mục ghi được,"
                " hoặc đặt NHACVIEC_DATABASE_URL."
            ) from None


def _from_files(values: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for twin in (field for field in Settings.model_fields if field.endswith("_file")):
        if not values.get(twin):
            continue
        field = twin.removesuffix("_file")
        name = PREFIX + twin.upper()
        if values.get(field):
            raise ValueError(f"{name}: đã đặt cả {PREFIX + field.upper()}; chỉ giữ một.")
        try:
            with Path(values[twin]).open("rb") as file:
                raw = file.read(_MOST_SECRET_BYTES + 1)
        except OSError as error:
            raise ValueError(
                f"{name}: không đọc được tệp này ({explain_os_error(error)})."
            ) from None
        secret = raw.decode("utf-8", "replace").strip()
        if not secret or len(raw) > _MOST_SECRET_BYTES:
            raise ValueError(f"{name}: tệp phải chứa đúng một khoá.")
        found[field] = secret
    return found


_WORDS = {
    "int_parsing": "phải là số nguyên",
    "greater_than_equal": "phải từ {ge} trở lên",
    "less_than_equal": "nhiều nhất là {le}",
    "literal_error": "chỉ nhận DEBUG, INFO, WARNING hoặc ERROR",
}


def _describe_setting_fault(item: Any) -> str:
    """Describe a fault without the value, which may be a secret."""
    limits = item.get("ctx", {})
    known = _WORDS.get(item["type"])
    words = known.format(**limits) if known else None
    if item["type"] == "value_error":
        words = str(limits["error"])
    if not item["loc"]:
        return words or "Cài đặt không hợp lệ."
    return f"{PREFIX}{str(item['loc'][0]).upper()}: {words or 'giá trị không hợp lệ'}."
