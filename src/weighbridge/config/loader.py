"""Finding and reading the configuration: the home folder, ``weighbridge.toml``, the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from weighbridge.config.mistakes import ConfigProblems, Mistake
from weighbridge.config.models import CONFIG_FILE
from weighbridge.config.settings import Settings
from weighbridge.core.errors import ConfigProblem

SECRET_FOLDER = Path("/run/secrets")


def home_folder(option: str | Path | None, environ: Mapping[str, str]) -> Path:
    """The home folder: ``--home``, else ``WEIGHBRIDGE_HOME``, else the platform's data folder."""
    chosen = str(option or "") or environ.get("WEIGHBRIDGE_HOME", "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("weighbridge", appauthor=False)


def load(
    home: Path, environ: Mapping[str, str], *, secret_folder: Path = SECRET_FOLDER
) -> Settings:
    """Read ``weighbridge.toml`` in ``home`` and the environment.

    Raises ConfigProblems with everything that is wrong. Secrets are looked up later, when used.
    """
    from weighbridge.config.table_reading import read_settings

    text = _read_text(home / CONFIG_FILE)
    return read_settings(text, home=home, environ=environ, secret_folder=secret_folder)


def _read_text(path: Path) -> str | None:
    """The text of the file; None when there is no file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigProblem(
            f"{path} cannot be read ({error.strerror}).",
            remedy="Make it readable for this account, or choose another folder with --home.",
        ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    # Outside of the except block: the decoding error carries the whole file, secrets included.
    mistake = Mistake(path.name, line, "", "This line is not UTF-8 text.", "Save it as UTF-8.")
    raise ConfigProblems([mistake], path=path)
