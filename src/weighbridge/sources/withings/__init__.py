"""The source Withings: its client, its consent, its notifications, and what its answers mean."""

CALLBACK_URL = "http://localhost:9473/callback"
"""Where the consent page of Withings leads the browser, unless the configuration says otherwise."""
