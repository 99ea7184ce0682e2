"""``weighbridge serve``: the process that is told, that looks by itself, and that stays."""
