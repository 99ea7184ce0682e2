"""The sandbox's Garmin: see ``cloud``."""

from weighbridge.sandbox.garmin.cloud import GarminCloud

__all__ = ["GarminCloud"]
