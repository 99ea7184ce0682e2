"""A home directory as ``withings-sync`` left it: its files, its environment, its crontab line."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import forerunner
from house import ACCOUNTS, RIDERS, TIME_LIMIT, House, Result, text_of

from weighbridge.garmin.library import Place
from weighbridge.garmin.sign_in import sign_in

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "withings-sync")
"""The command as it is installed (on Windows its name goes on with .exe)."""

HOSTED_CALLBACK = "https://example.test/withings-sync/contrib/withings.html"
"""A page that only shows the code, like the one that the original's own application has."""

FEATURES = ("--features", "BLOOD_PRESSURE")


class OldHome:
    """The home directory of somebody who has used ``withings-sync`` so far."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.folder = folder
        self.user_file = folder / ".withings_user.json"
        self.garmin_file = folder / ".garmin_session.json"
        self.app_file = folder / "withings_app.json"
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        self.variables: dict[str, str] = {}

    # What the old program left

    def register(self, callback_url: str = HOSTED_CALLBACK) -> None:
        """An application of one's own, as ``WITHINGS_APP`` names it."""
        self.house.callback_url = callback_url
        tokens = self.house.withings.tokens
        content = {
            "callback_url": callback_url,
            "client_id": tokens.client_id,
            "consumer_secret": tokens.client_secret,
        }
        self.app_file.write_text(json.dumps(content), "utf-8")
        self.variables["WITHINGS_APP"] = str(self.app_file)

    def connect(self, profile: str, **days: int) -> dict[str, Any]:
        """A login at Withings; ``days`` are ``last_sync`` and ``last_sync_tr``."""
        userid = self.house.withings.household.profiles[profile].userid
        issued = self.house.withings.tokens.issue(userid, "user.metrics")
        content = {
            "access_token": issued["access_token"],
            "authentification_code": "spent-long-ago",
            "refresh_token": issued["refresh_token"],
            "userid": str(userid),
            **days,
        }
        self.user_file.write_text(json.dumps(content, indent=4, sort_keys=True), "utf-8")
        return content

    def lose_login(self, **days: int) -> None:
        """As the old program leaves its file after a refresh that failed."""
        names = ("access_token", "authentification_code", "refresh_token", "userid")
        self.user_file.write_text(json.dumps({**dict.fromkeys(names), **days}), "utf-8")

    def sign_in_at_garmin(self, name: str) -> dict[str, str]:
        """The session file of garminconnect."""
        email, password, code = ACCOUNTS[name]
        place = Place(url=self.house.sandbox.url)
        signed_in = sign_in(place, email, password, ask_mfa=lambda: str(code))
        names = ("di_token", "di_refresh_token", "di_client_id")
        content = {one: signed_in.tokens[one] for one in names}
        self.garmin_file.write_text(json.dumps(content), "utf-8")
        self.house.admin.clear_requests()
        return content

    def know_garmin(self, name: str = "anna", password: str | None = None) -> None:
        """User name and password in the environment."""
        email, right, _ = ACCOUNTS[name]
        self.variables |= {"GARMIN_USERNAME": email, "GARMIN_PASSWORD": password or right}

    def know_trainerroad(self, name: str = "anna", password: str | None = None) -> None:
        """The same for TrainerRoad."""
        known = {"TRAINERROAD_USERNAME": f"{name}@example.test"}
        self.variables |= known | {"TRAINERROAD_PASSWORD": password or RIDERS[name]}

    # Running

    def environment(self, extra: Mapping[str, str] = {}) -> dict[str, str]:
        """What the command sees: this home directory, and the sandbox for all clouds."""
        clouds = ("WITHINGS_URL", "GARMIN_URL", "TRAINERROAD_URL")
        urls = dict.fromkeys(clouds, self.house.sandbox.url)
        homes = {"HOME": str(self.folder), "USERPROFILE": str(self.folder)}
        return self.house.environment({**homes, **urls, **self.variables, **extra})

    def run_bytes(
        self, *arguments: str, env: Mapping[str, str] = {}
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the command without a terminal, in the working folder."""
        command, environment = [PROGRAM, *arguments], self.environment(env)
        return forerunner.run(command, environment, timeout=TIME_LIMIT, cwd=self.work)

    def sync(self, *arguments: str, expect: int | None = 0, env: Mapping[str, str] = {}) -> Result:
        """``withings-sync`` as cron runs it."""
        done = self.run_bytes(*arguments, env=env)
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in result.err, result.err
        assert expect is None or result.code == expect, result
        return result

    def weighbridge(self, *arguments: str, **more: Any) -> Result:
        """``weighbridge`` in the same environment."""
        command = [sys.executable, "-m", "weighbridge", *arguments]
        environment = {**self.environment(), **more.pop("env", {})}
        done = forerunner.run(command, environment, timeout=TIME_LIMIT)
        result = Result(done.returncode, text_of(done.stdout), text_of(done.stderr))
        assert "Traceback" not in result.err, result.err
        assert more.get("expect") in (None, result.code), result
        return result

    # Looking

    def signs_in(self, cloud: str = "garmin") -> int:
        """How many sign-ins were tried."""
        paths = [request["path"] for request in self.house.requests(cloud=cloud)]
        marks = ("/mobile/api/login", "/app/api/login/login")
        return sum(path in marks for path in paths)
