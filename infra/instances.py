"""The local disks of SageMaker's instance types, which decide whether a job or endpoint may name a KMS key."""

import re


def has_local_disk(instance_type: str) -> bool:
    """Return whether instances of this type have NVMe disks: families with a d (ml.m5d), and most with a GPU.

    The instances encrypt these disks themselves, and SageMaker refuses a request that names a key for the volume.

    Examples
    --------
    >>> [has_local_disk(kind) for kind in ("ml.m5.large", "ml.m5d.large", "ml.g5.xlarge")]
    [False, True, True]
    """
    family = instance_type.split(".")[1]
    generation = re.match(r"[a-z]+[0-9]+", family)
    suffix = family[generation.end() :] if generation else ""
    return family.startswith(("g4", "g5", "g6", "p4", "p5", "trn1")) or "d" in suffix
