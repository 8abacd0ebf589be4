"""What the inference container imports: SageMaker's four functions."""

import os
import sys

# The container may import this file from a copy of its own; the pipelines package lies where the variable says.
if "SAGEMAKER_SUBMIT_DIRECTORY" in os.environ:
    sys.path.append(os.environ["SAGEMAKER_SUBMIT_DIRECTORY"])

from pipelines.jobs.training.serving import input_fn, model_fn, output_fn, predict_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]
