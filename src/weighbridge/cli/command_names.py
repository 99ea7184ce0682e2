"""The commands and what each of them does, in the order of ``--help``."""

from __future__ import annotations

COMMANDS = {
    "init": "Write a commented configuration file.",
    "login": "Connect a Withings account or a target.",
    "sync": "Read new measurements and deliver them.",
    "serve": "Run as a server that is notified and delivers at once.",
    "status": "Show the state of each person and target.",
    "check": "Test the connection to Withings and the targets.",
    "show": "Show the last readings with a small trend chart.",
    "why": "Explain why a reading was delivered or not.",
    "export": "Write readings as JSON lines, CSV or FIT.",
    "import": "Take over the logins of withings-sync or trumpet.",
    "deliveries": "List deliveries, and retry, skip or accept them.",
    "subscriptions": "Show and repair the subscriptions at Withings.",
    "config": "Check or show the configuration.",
    "sandbox": "Run stand-ins for the clouds of Withings and of the targets.",
    "demo": "Try everything with invented people. No account needed.",
}
