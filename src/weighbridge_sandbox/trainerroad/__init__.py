"""The sandbox's TrainerRoad: see ``cloud``."""

from weighbridge_sandbox.trainerroad.cloud import TrainerRoadCloud

__all__ = ["TrainerRoadCloud"]
