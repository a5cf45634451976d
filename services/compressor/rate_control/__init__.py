"""Rate control: choose how an image is encoded so that its file fits a number of bytes. Pure.

`Ladder` is the contract that every encoder fulfils: the steps from few to many bytes, an encode function and predicted
sizes. `fit_to_size` searches a ladder. The samples and predictions help encoders to fill in the predicted sizes.
It imports no encoder; encoders import it.
"""

from services.compressor.rate_control.activity_sampling import activity_sample
from services.compressor.rate_control.animation_size_prediction import SAMPLE_FRAMES, predict_animation_sizes
from services.compressor.rate_control.equal_quality import equivalent_quality
from services.compressor.rate_control.ladder import QUALITIES, Ladder
from services.compressor.rate_control.size_prediction import RateModel, predict_sizes, typical_curve
from services.compressor.rate_control.target_size import SizedPicture, fit_to_size
from services.compressor.rate_control.tile_sampling import colourful_tiles, tile_sample

__all__ = [
    "QUALITIES",
    "SAMPLE_FRAMES",
    "Ladder",
    "RateModel",
    "SizedPicture",
    "activity_sample",
    "colourful_tiles",
    "equivalent_quality",
    "fit_to_size",
    "predict_animation_sizes",
    "predict_sizes",
    "tile_sample",
    "typical_curve",
]
