"""The sandbox's Withings: see ``cloud``."""

from weighbridge_sandbox.withings.cloud import CLIENT_ID, CLIENT_SECRET, WithingsCloud

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "WithingsCloud"]
