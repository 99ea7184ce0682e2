"""A body's history: smoothing, units, charts and the blood-pressure diary. Pure, no I/O.

Values come in SI units as ``weighbridge.core.measures`` has them, instants in UTC seconds.
"""
