"""SageMaker's instance types: which exist for what, which have local disks, are burstable, or have Arm processors.

``make golden`` writes the list of types anew from botocore's model of SageMaker.
"""

import json
import re
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("instance_types.json")


@cache
def types(use: str) -> frozenset[str]:
    """Return the instance types that SageMaker admits for ``training``, ``processing`` or ``serving``."""
    return frozenset(json.loads(FILE.read_text(encoding="utf-8"))[use])


def has_local_disk(instance_type: str) -> bool:
    """Return whether instances of this type have NVMe disks: families with a d (ml.m5d), and most with a GPU.

    The instances encrypt these disks themselves, and SageMaker refuses a request that names a key for the volume.

    Examples
    --------
    >>> [has_local_disk(kind) for kind in ("ml.m5.large", "ml.m5d.large", "ml.g5.xlarge")]
    [False, True, True]
    """
    family, suffix = _family(instance_type)
    return family.startswith(("g4", "g5", "g6", "p4", "p5", "trn1")) or "d" in suffix


def is_burstable(instance_type: str) -> bool:
    """Return whether instances of this type gather CPU credits. SageMaker does not scale their number.

    Examples
    --------
    >>> [is_burstable(kind) for kind in ("ml.t2.medium", "ml.trn1.2xlarge")]
    [True, False]
    """
    return re.match("t[0-9]", _family(instance_type)[0]) is not None


def has_arm_processor(instance_type: str) -> bool:
    """Return whether instances of this type have AWS's Graviton processors: families with a g (ml.m7g, ml.c6gn).

    Examples
    --------
    >>> [has_arm_processor(kind) for kind in ("ml.m7g.large", "ml.c6gn.large", "ml.g5.xlarge", "ml.m5.large")]
    [True, True, False, False]
    """
    return "g" in _family(instance_type)[1]


def _family(instance_type: str) -> tuple[str, str]:
    """Return the family, such as m5d, and the part of it after the generation, such as d."""
    family = instance_type.split(".")[1]
    generation = re.match(r"[a-z]+[0-9]+", family)
    return family, family[generation.end() :] if generation else ""
