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
from typing import TYPE_CHECKING, Any

from weighbridge_sandbox.withings.household import Profile, StoredGroup

if TYPE_CHECKING:
    from weighbridge_sandbox.withings import WithingsCloud

ALL_SCOPES = "user.info,user.metrics,user.activity"


def carry_out(cloud: WithingsCloud, action: str, content: dict[str, Any]) -> Any:
    """Do one action. Raises TypeError for unknown or missing fields, ValueError otherwise."""
    if action not in ACTIONS:
        raise ValueError(f"There is no action {action!r}, only {', '.join(ACTIONS)}.")
    return ACTIONS[action](cloud, **content)


def list_profiles(cloud: WithingsCloud) -> list[dict[str, Any]]:
    return [
        {"name": p.name, "userid": p.userid, "timezone": p.timezone, "groups": len(p.groups())}
        for p in cloud.household.profiles.values()
    ]


def add_profile(cloud: WithingsCloud, name: str, **fields: Any) -> dict[str, int]:
    return {"userid": cloud.household.add_profile(name, **fields).userid}


def add_groups(cloud: WithingsCloud, profile: str, groups: list[Any], notify: bool = True) -> None:
    stored = cloud.household.add_groups(profile, groups)
    tell(cloud, cloud.household.profile(profile), stored, notify)


def weigh_in(
    cloud: WithingsCloud, profile: str, kg: str, seed: int | None = None, notify: bool = True
) -> list[Any]:
    from weighbridge_sandbox.household import weigh_in as fresh

    # The seed is part of the ids: two readings of the same second need two seeds below 32.
    seed = len(cloud.household.profile(profile).groups()) % 32 if seed is None else seed
    groups = fresh(int(cloud.clock()), kg=kg, seed=seed)
    add_groups(cloud, profile, groups, notify)
    return groups


def edit_group(
    cloud: WithingsCloud, grpid: int, changes: dict[str, Any], notify: bool = True
) -> None:
    profile, group = cloud.household.edit_group(grpid, changes)
    tell(cloud, profile, [group], notify)


def delete_group(cloud: WithingsCloud, grpid: int, notify: bool = True) -> None:
    profile, group = cloud.household.delete_group(grpid)
    tell(cloud, profile, [group], notify)


def move_group(cloud: WithingsCloud, grpid: int, to: str, notify: bool = True) -> None:
    giver, _ = cloud.household.find(grpid)
    receiver, group = cloud.household.move_group(grpid, to)
    for profile in (giver, receiver):
        tell(cloud, profile, [group], notify)


def tell(cloud: WithingsCloud, profile: Profile, groups: list[StoredGroup], notify: bool) -> None:
    """Notify the subscribers, unless that is not wanted."""
    if notify:
        cloud.tell(profile, groups)


def list_groups(cloud: WithingsCloud, profile: str) -> list[Any]:
    return [group.raw for group in cloud.household.profile(profile).groups()]


def issue_code(
    cloud: WithingsCloud, profile: str, redirect_uri: str, scope: str = ALL_SCOPES
) -> dict[str, str]:
    userid = cloud.household.profile(profile).userid
    return {"code": cloud.tokens.issue_code(userid, scope, redirect_uri)}


def expire_tokens(cloud: WithingsCloud, profile: str, refresh: bool = False) -> None:
    cloud.tokens.expire(cloud.household.profile(profile).userid, refresh=refresh)


def revoke_tokens(cloud: WithingsCloud, profile: str) -> None:
    cloud.unlink(cloud.household.profile(profile))


def set_page_size(cloud: WithingsCloud, groups: int) -> None:
    if groups < 1:
        raise ValueError("A page holds at least one group.")
    cloud.page_size = groups


def set_duplicates(
    cloud: WithingsCloud, seconds: float, refresh_seconds: float | None = None
) -> None:
    cloud.repetitions.window = seconds
    if refresh_seconds is not None:
        cloud.tokens.repetitions.window = refresh_seconds


def set_goals(cloud: WithingsCloud, profile: str, goals: dict[str, Any]) -> None:
    cloud.household.profile(profile).goals = goals


def set_schedule(cloud: WithingsCloud, delays: list[float]) -> None:
    cloud.post_office.schedule = tuple(float(delay) for delay in delays)


def list_subscriptions(cloud: WithingsCloud, profile: str) -> list[dict[str, Any]]:
    userid = cloud.household.profile(profile).userid
    return [subscription.shown() for subscription in cloud.subscriptions.of(userid)]


def list_notifications(cloud: WithingsCloud) -> list[dict[str, object]]:
    return cloud.post_office.letters()


ACTIONS: dict[str, Callable[..., Any]] = {
    "profiles": list_profiles,
    "add_profile": add_profile,
    "add_groups": add_groups,
    "weigh_in": weigh_in,
    "edit_group": edit_group,
    "delete_group": delete_group,
    "move_group": move_group,
    "groups": list_groups,
    "code": issue_code,
    "expire_tokens": expire_tokens,
    "revoke_tokens": revoke_tokens,
    "page_size": set_page_size,
    "duplicates": set_duplicates,
    "goals": set_goals,
    "schedule": set_schedule,
    "subscriptions": list_subscriptions,
    "notifications": list_notifications,
}
