"""Weighbridge carries body measurements from the Withings cloud to where people use them."""

__version__ = "0.1.0"
