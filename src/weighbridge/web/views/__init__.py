"""Connecting people: with Withings and with targets that sign in."""
