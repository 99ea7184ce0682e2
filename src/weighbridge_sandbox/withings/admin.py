"""What ``/sandbox/withings/<action>`` offers: JSON in, JSON out.

profiles                                       who is there
add_profile    name, userid?, timezone?, groups?
add_groups     profile, groups, notify?        groups are served exactly as given
weigh_in       profile, kg, seed?, notify?     a fresh reading; answers its groups
edit_group     grpid, changes, notify?         delete_group grpid · move_group grpid, to
groups         profile                         everything that is stored
code           profile, redirect_uri, scope?   a code without the consent page
expire_tokens  profile, refresh?               revoke_tokens profile
page_size      groups
duplicates     seconds, refresh_seconds?       identical data calls answered with 601
goals          profile, goals
schedule       delays                          seconds before each notification attempt
subscriptions  profile                         notifications: what was posted so far
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weighbridge_sandbox.cloud_actions import CloudActions
from weighbridge_sandbox.household import weigh_in
from weighbridge_sandbox.withings.answers import Repetitions
from weighbridge_sandbox.withings.household import Household, Profile, StoredGroup
from weighbridge_sandbox.withings.notify import Subscriptions, news_of
from weighbridge_sandbox.withings.post import PostOffice
from weighbridge_sandbox.withings.tokens import Tokens

ALL_SCOPES = "user.info,user.metrics,user.activity"


class WithingsActions(CloudActions):
    """The actions, on the parts that the cloud has."""

    clock: Callable[[], float]
    household: Household
    tokens: Tokens
    subscriptions: Subscriptions
    post_office: PostOffice
    repetitions: Repetitions
    """The window in which identical data calls are refused with 601; 0: never."""
    page_size: int

    def do_profiles(self) -> list[dict[str, Any]]:
        return [
            {"name": p.name, "userid": p.userid, "timezone": p.timezone, "groups": len(p.groups())}
            for p in self.household.profiles.values()
        ]

    def do_add_profile(self, name: str, **fields: Any) -> dict[str, int]:
        return {"userid": self.household.add_profile(name, **fields).userid}

    def do_add_groups(self, profile: str, groups: list[Any], notify: bool = True) -> None:
        stored = self.household.add_groups(profile, groups)
        self._tell(self.household.profile(profile), stored, notify)

    def do_weigh_in(
        self, profile: str, kg: str, seed: int | None = None, notify: bool = True
    ) -> list[Any]:
        # The seed is part of the ids: two readings of the same second need two seeds below 32.
        seed = len(self.household.profile(profile).groups()) % 32 if seed is None else seed
        groups = weigh_in(int(self.clock()), kg=kg, seed=seed)
        self.do_add_groups(profile, groups, notify)
        return groups

    def do_edit_group(self, grpid: int, changes: dict[str, Any], notify: bool = True) -> None:
        profile, group = self.household.edit_group(grpid, changes)
        self._tell(profile, [group], notify)

    def do_delete_group(self, grpid: int, notify: bool = True) -> None:
        profile, group = self.household.delete_group(grpid)
        self._tell(profile, [group], notify)

    def do_move_group(self, grpid: int, to: str, notify: bool = True) -> None:
        giver, _ = self.household.find(grpid)
        receiver, group = self.household.move_group(grpid, to)
        for profile in (giver, receiver):
            self._tell(profile, [group], notify)

    def _tell(self, profile: Profile, groups: list[StoredGroup], notify: bool) -> None:
        """Notify the subscribers of one person about new, changed or deleted groups, if wanted."""
        subscriptions = self.subscriptions.of(profile.userid) if notify else []
        for appli, body in news_of(profile.userid, groups) if subscriptions else ():
            for subscription in subscriptions:
                if subscription.appli == appli:
                    self.post_office.post(subscription.callbackurl, body)

    def _unlink(self, profile: Profile) -> None:
        """The user removes the application: tokens and subscriptions end, appli 46 is told."""
        for subscription in self.subscriptions.of(profile.userid):
            if subscription.appli == 46:
                body = f"userid={profile.userid}&appli=46&action=unlink"
                self.post_office.post(subscription.callbackurl, body)
        self.tokens.revoke(profile.userid)
        self.subscriptions.forget(profile.userid)

    def do_groups(self, profile: str) -> list[Any]:
        return [group.raw for group in self.household.profile(profile).groups()]

    def do_code(self, profile: str, redirect_uri: str, scope: str = ALL_SCOPES) -> dict[str, str]:
        userid = self.household.profile(profile).userid
        return {"code": self.tokens.issue_code(userid, scope, redirect_uri)}

    def do_expire_tokens(self, profile: str, refresh: bool = False) -> None:
        self.tokens.expire(self.household.profile(profile).userid, refresh=refresh)

    def do_revoke_tokens(self, profile: str) -> None:
        self._unlink(self.household.profile(profile))

    def do_page_size(self, groups: int) -> None:
        if groups < 1:
            raise ValueError("A page holds at least one group.")
        self.page_size = groups

    def do_duplicates(self, seconds: float, refresh_seconds: float | None = None) -> None:
        self.repetitions.window = seconds
        if refresh_seconds is not None:
            self.tokens.repetitions.window = refresh_seconds

    def do_goals(self, profile: str, goals: dict[str, Any]) -> None:
        self.household.profile(profile).goals = goals

    def do_schedule(self, delays: list[float]) -> None:
        self.post_office.schedule = tuple(float(delay) for delay in delays)

    def do_subscriptions(self, profile: str) -> list[dict[str, Any]]:
        userid = self.household.profile(profile).userid
        return [subscription.shown() for subscription in self.subscriptions.of(userid)]

    def do_notifications(self) -> list[dict[str, object]]:
        return self.post_office.letters()
