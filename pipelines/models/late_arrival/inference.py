"""SageMaker's four functions, which the inference container imports from this file."""

import os
import sys

# The container may import this file from its own copy; the variable names the folder of the pipelines package.
if "SAGEMAKER_SUBMIT_DIRECTORY" in os.environ:
    sys.path.append(os.environ["SAGEMAKER_SUBMIT_DIRECTORY"])

from pipelines.jobs.training.serving import input_fn, model_fn, output_fn, predict_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]
