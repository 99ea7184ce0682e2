"""The set-up in the browser, for a home folder without a configuration."""
