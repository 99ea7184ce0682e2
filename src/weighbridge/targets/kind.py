"""What a kind of target is: one typed descriptor, read by everything that lists or uses kinds.

``init``, the set-up in the browser, the configuration and the environment, the connect pages,
``check``, the reference and the sandbox know a kind by its descriptor alone. So adding a kind,
in this package or in another one, edits nothing that exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from weighbridge.core.secret import Secret
from weighbridge.targets.base import Context, SignedIn, SignInAnswers, Target

Holds = Literal["samples", "day records", "latest only"]
"""What the other side keeps:

``samples``      each reading with its own instant
``day records``  one record for each local day, which the newest reading of the day fills
``latest only``  one value and no date
"""

SignIn = Callable[[Any, SignInAnswers], SignedIn]
"""``sign_in(options, answers)``: one attempt. Raises WrongPassword, WrongCode, WrongTicket or
another LoginNeeded, SignInBlocked, RetryLater and ConfigProblem."""


class PasswordLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A person signs in with user name and password; only the session is kept."""

    sign_in: SignIn
    mfa: bool = False
    """The other side may ask for the code of a second factor."""
    ticket: bool = False
    """A sign-in in the person's own browser is another way in."""


class TicketLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A person signs in with a browser and brings back what it ended at."""

    sign_in: SignIn


class OAuthLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A person agrees in a browser and brings back the address at which it ended.

    ``sign_in`` is usually that of an ``OAuthClient`` (``targets.oauth_login``), whose tokens are
    refreshed under a lease and stored before they are used.
    """

    sign_in: SignIn


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """The login is a secret of the configuration: there is nothing to sign in."""

    option: str = "api_key"


type Login = PasswordLogin | TicketLogin | OAuthLogin | ApiKey


class StandIn(msgspec.Struct, frozen=True, kw_only=True):
    """A stand-in for the other side that ``weighbridge sandbox`` runs."""

    cloud: str
    """``module:Class``; made with ``clock`` and ``seed`` by keyword."""
    options: Mapping[str, str] = {}
    """Option → value in the sandbox's configuration; ``{person}`` and ``{url}`` are filled in."""
    chosen: bool = True
    """False: the lines are comments."""
    remark: str = ""
    """Whom it knows, in one sentence."""


# --- What init and the set-up ask -----------------------------------------------------------------


class WizardField(msgspec.Struct, frozen=True, kw_only=True):
    """One question."""

    option: str
    """The option that it fills; a field that a kind's own ``read_form`` takes may be none."""
    shape: Literal["text", "number", "choice", "secret"] = "text"
    example: str = ""
    """A TOML value, written as a comment in a new configuration; "" for no line."""
    note: str = ""
    """What follows behind the line; "" for the choices."""
    label: str = ""
    """The question in English, for a kind that brings no texts; at a terminal as well."""
    choices: tuple[str, ...] = ()
    """Of the shape ``choice``; one that is no option's default is always written."""
    unique: bool = False
    """Two people must not give the same."""
    longest: int = 200
    """Characters."""
    suggests: bool = False
    """What was entered for others is offered."""
    spoken: bool = False
    """A choice of a language: that of the page is proposed."""
    flag: str = ""
    """The option of ``weighbridge init``, like ``--csv``; only the first field has one, and
    without its own it is ``--<kind>``. A secret has none: other accounts could see it."""
    metavar: str = "VALUE"
    help: str = ""
    """What ``weighbridge init --help`` says."""


class FormFault(msgspec.Struct, frozen=True):
    """Why a field cannot be used."""

    option: str
    reason: str
    """The text is found under ``wrong_<reason>``, of the kind or else of the catalogue."""
    said: str = ""
    """What to say, in English, when there is no such text."""


class FormAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed for one target, understood."""

    options: Mapping[str, str] = {}
    """Option → text, without what is usual. Empty: no target is wanted."""
    secrets: Mapping[str, Secret] = {}
    """Option → secret, for a file of its own."""
    shown: Mapping[str, str] = {}
    """Field → what the form shows from now on, where it differs from what was typed."""
    faults: tuple[FormFault, ...] = ()

    def __repr__(self) -> str:
        return f"FormAnswer({list(self.options)}, {self.faults})"


type FormReader = Callable[["TargetKind", Mapping[str, str]], FormAnswer]
type FormShower = Callable[[Mapping[str, str]], dict[str, str]]


class TargetAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A target that was chosen, as it is written into a new configuration."""

    kind: str
    options: Mapping[str, str]
    """Option → text."""
    secret_files: Mapping[str, str] = {}
    """Option → the file that holds the secret."""

    def __repr__(self) -> str:
        return f"TargetAnswer({self.kind!r})"


# --- The descriptor -------------------------------------------------------------------------------


class TargetKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of target."""

    name: str
    """What follows ``kind =`` in the configuration: lower case, digits and ``_``."""
    service: str
    """How people call the other side."""
    options: type[msgspec.Struct]
    """A frozen Struct with ``forbid_unknown_fields``: what a person may write."""
    create: Callable[[Any, Context], Target]
    """``create(options, context)`` makes the target and touches nothing outside."""
    takes: str
    """What is delivered, in one sentence that ends with a full stop."""
    page: str
    """Its page of the reference: a docstring with an indented sample of ``[[person.target]]``."""
    holds: Holds = "samples"
    connected: bool = False
    """It keeps a connection open while the server runs."""
    login: Login | None = None
    settle: float | None = None
    """Seconds for which a new reading waits for what the scale sends later; None: as usual."""
    requires: tuple[str, ...] = ()
    """Modules that must be importable besides Weighbridge."""
    install: str = ""
    """What ``pip install`` needs for them; "" for the extra of the same name."""
    place: int = 100
    """Its place in lists for people: smaller comes first, then the name decides."""

    wizard: tuple[WizardField, ...] = ()
    """What ``init`` and the set-up ask. The first one decides whether there is a target at all;
    it is no secret, and may be no option: then it is only what a person calls the account."""
    remark: str = ""
    """What else is said above its lines in a new configuration."""
    also: str = ""
    """Further example lines of a new configuration, each behind a comment sign."""
    read_form: FormReader | None = None
    """Makes options of what was typed; None when each field is an option."""
    show_form: FormShower | None = None
    """The opposite: what a form shows of options."""

    environment: Mapping[str, str] = {}
    """Option → environment variable. Each begins with the name of the kind and ``_``, like
    ``GARMIN_USERNAME``; of another package's kind with ``WEIGHBRIDGE_`` before that. Without the
    first there is no target."""
    from_environment: Callable[[Mapping[str, str]], dict[str, Any]] = dict
    """Makes options of what the variables hold."""

    secret_is_needed: Callable[[Mapping[str, str]], bool] = bool
    """Whether options of a new configuration want the kind's secret; any do."""

    stand_in: StandIn | None = None
    texts: Path | None = None
    """A TOML file with a table of texts for each language; English is what another one falls
    back to. ``[<language>.problems]`` words the codes of the kind's problems, ``<name>.<code>``."""

    def __post_init__(self) -> None:
        if self.wizard and self.wizard[0].shape == "secret":
            raise ValueError("the first question must not be a secret: init shows the answer")

    @property
    def sign_in(self) -> SignIn | None:
        """How a person signs in; None when there is nothing to sign in at."""
        if self.login is None or isinstance(self.login, ApiKey):
            return None
        return self.login.sign_in

    @property
    def signs_in(self) -> bool:
        """Whether a person must sign in before anything is sent."""
        return self.sign_in is not None

    @property
    def has_password(self) -> bool:
        """Whether user name and password are a way in."""
        return isinstance(self.login, PasswordLogin)

    @property
    def has_ticket(self) -> bool:
        """Whether a person's own browser is a way in."""
        if isinstance(self.login, PasswordLogin):
            return self.login.ticket
        return isinstance(self.login, TicketLogin | OAuthLogin)

    @property
    def lead(self) -> WizardField | None:
        """The field that decides whether there is a target."""
        return self.wizard[0] if self.wizard else None
