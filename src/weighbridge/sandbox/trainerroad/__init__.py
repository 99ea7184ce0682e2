"""The sandbox's TrainerRoad: see ``cloud``."""

from weighbridge.sandbox.trainerroad.cloud import TrainerRoadCloud

__all__ = ["TrainerRoadCloud"]
