"""``weighbridge login``: connect a Withings account, or sign in at a target."""

from __future__ import annotations

import click

from weighbridge.cli.cli_context import CliContext, chosen_person, is_configured
from weighbridge.cli.output import say
from weighbridge.core.errors import ConfigProblem, ExitCode


@click.command("login")
@click.argument("where", metavar="withings|TARGET")
@click.option("--person", metavar="NAME", help="Whose account it is; needed with several people.")
@click.option("--code", metavar="CODE", help="Withings: the code, for scripts. It expires soon.")
@click.option(
    "--paste", is_flag=True, help="Withings: paste the address at which your browser ends."
)
@click.option("--no-browser", is_flag=True, help="Withings: print the link, do not open a browser.")
@click.option("--username", metavar="NAME", help="Target: user name or e-mail.")
@click.option("--password-stdin", is_flag=True, help="Target: read the password from a pipe.")
@click.option(
    "--password-file",
    type=click.Path(dir_okay=False),
    help="Target: read the password from a file.",
)
@click.option("--mfa-code", metavar="CODE", help="Target: the code of the second factor.")
@click.option(
    "--ticket",
    is_flag=False,
    flag_value="",
    metavar="[TICKET]",
    help="Target: complete a sign-in from a browser; - reads the ticket from a pipe.",
)
@click.pass_obj
def command(  # noqa: PLR0913  one parameter an option
    context: CliContext,
    where: str,
    person: str | None,
    code: str | None,
    paste: bool,
    no_browser: bool,
    username: str | None,
    password_stdin: bool,
    password_file: str | None,
    mfa_code: str | None,
    ticket: str | None,
) -> int:
    """Log in once; after that everything runs without you.

    Withings opens in your browser and returns by itself. A target asks for its password, which is
    used only for this login. The session is stored, the password is not.

    \b
    Examples:
      weighbridge login withings --person anna
      weighbridge login withings --paste
      weighbridge login garmin --person anna --username anna@example.org
      weighbridge login garmin --password-stdin < password.txt
      weighbridge login trainerroad --ticket
    """
    settings = context.settings()
    if not is_configured(settings):
        say("There is no configuration yet. Write one with: weighbridge init")
    someone = chosen_person(settings, person)
    from weighbridge.sync.services import Services

    with Services(settings) as services:
        if where == "withings":
            from weighbridge.cli.login_withings import connect

            connect(services, someone, code=code, paste=paste, browser=not no_browser)
            return _what_next(settings.withings.url)
        from weighbridge.cli.login_target import Given, sign_in

        if where not in {target.name for target in someone.targets}:
            names = ", ".join(["withings", *(target.name for target in someone.targets)])
            raise ConfigProblem(
                f'{someone.name} has no target called "{where}".',
                remedy=f"Choose one of these: {names}; or add it to weighbridge.toml.",
            )
        given = Given(
            username=username,
            password_stdin=password_stdin,
            password_file=password_file,
            code=mfa_code,
            ticket=ticket,
            environ=context.environ,
        )
        sign_in(services, someone, someone.target(where), given)
        return _what_next(settings.withings.url)


def _what_next(url: str | None) -> int:
    say("Next: weighbridge sync")
    if url:
        say(f"(This is not the real Withings: the configuration names {url}.)")
    return ExitCode.DONE
