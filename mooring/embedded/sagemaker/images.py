"""Check container images: only SageMaker's scikit-learn container is supported."""

import re

from mooring.embedded.sagemaker.errors import unsupported

_SCIKIT_LEARN = re.compile(r"[^/]+/(?:.+/)?[\w.-]*sagemaker-scikit-learn[\w.-]*[:@][\w.:-]+")


def require_scikit_learn(image: str, parameter: str) -> None:
    """Check that the image is SageMaker's scikit-learn container, or a copy of it in another registry.

    Raises
    ------
    SageMakerError
        It is another image; the message names it and ``parameter``.
    """
    if not _SCIKIT_LEARN.fullmatch(image):
        raise unsupported(f"{parameter} {image!r} (only SageMaker's scikit-learn container sagemaker-scikit-learn)")
