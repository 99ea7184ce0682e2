"""The configuration: ``weighbridge.toml`` and the environment, read into frozen settings.

``models`` has the tables with their defaults, ``loader`` reads them, ``environment`` adds what
environment variables and secret files give. The file wins over the environment.
"""

from weighbridge.config.loader import SECRET_FOLDER, home_folder, load
from weighbridge.config.models import (
    CONFIG_FILE,
    AlertSettings,
    Ambiguous,
    Directory,
    FileDirectory,
    Person,
    ServerSettings,
    TargetSettings,
    WithingsSettings,
    everyone,
    only_person,
)
from weighbridge.config.settings import ConfigProblems, Mistake, Settings

__all__ = [
    "CONFIG_FILE",
    "SECRET_FOLDER",
    "AlertSettings",
    "Ambiguous",
    "ConfigProblems",
    "Directory",
    "FileDirectory",
    "Mistake",
    "Person",
    "ServerSettings",
    "Settings",
    "TargetSettings",
    "WithingsSettings",
    "everyone",
    "home_folder",
    "load",
    "only_person",
]
