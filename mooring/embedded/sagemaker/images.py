"""Container images: the one whose contract is implemented here."""

import re

from mooring.embedded.sagemaker.errors import unsupported

_SCIKIT_LEARN = re.compile(r"[^/]+/(?:.+/)?[\w.-]*sagemaker-scikit-learn[\w.-]*[:@][\w.:-]+")


def require_scikit_learn(image: str, parameter: str) -> None:
    """Refuse every image but SageMaker's scikit-learn container (or a copy in one's own registry).

    Raises
    ------
    SageMakerError
        The message names the image.
    """
    if not _SCIKIT_LEARN.fullmatch(image):
        raise unsupported(f"{parameter} {image!r} (only SageMaker's scikit-learn container sagemaker-scikit-learn)")
