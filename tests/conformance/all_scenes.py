"""All the scenes that are filed. Importing the modules that show them files them."""

from tests.conformance import scenes_of_callers, scenes_of_leases, scenes_of_upkeep
from tests.conformance.scenes import SCENES

SHOWN_BY = (scenes_of_callers, scenes_of_leases, scenes_of_upkeep)

__all__ = ["SCENES", "SHOWN_BY"]
