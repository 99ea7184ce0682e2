"""The sandbox's Garmin: see ``cloud``."""

from weighbridge_sandbox.garmin.cloud import GarminCloud

__all__ = ["GarminCloud"]
