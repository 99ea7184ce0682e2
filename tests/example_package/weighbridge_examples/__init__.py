"""Two kinds of targets of another package, for services that do not exist."""
