"""The places of objects in the environment's buckets: keys without bucket and leading slash."""

from dataclasses import dataclass


def object_key(dataset: str, digest: str) -> str:
    """Return the key in the data bucket of one distinct content of a dataset, by its SHA-256 in hexadecimal."""
    return f"datasets/{dataset}/objects/{digest}"


def commit_key(dataset: str, commit_id: str) -> str:
    """Return the key in the data bucket of one commit's manifest."""
    return f"datasets/{dataset}/commits/{commit_id}.json"


def places_key(dataset: str, commit_id: str) -> str:
    """Return the key in the data bucket of the record of a commit's bytes: their bucket, and VersionIds by digest."""
    return f"datasets/{dataset}/places/{commit_id}.json"


FORGETTINGS = "forgettings/"
"""Prefix in the audit bucket of the records of forgettings."""


def forgetting_key(dataset: str, forgetting_id: str, stage: str) -> str:
    """Return the key in the audit bucket of the record of a forgetting; ``stage`` is ``begun`` or ``ended``."""
    return f"{FORGETTINGS}{dataset}/{forgetting_id}/{stage}.json"


SCRATCH = "scratch/"
"""Prefix in the artifacts bucket of what runs leave and nothing refers to afterwards; it expires."""


def code_key(sha256: str) -> str:
    """Return the key in the artifacts bucket of a code bundle, which the runs of the same code share."""
    return f"code/{sha256}.tar.gz"


def packages_key(sha256: str) -> str:
    """Return the key in the artifacts bucket of an archive of the packages that the container lacks."""
    return f"packages/{sha256}.tar.gz"


@dataclass(frozen=True)
class RunFiles:
    """The keys in the artifacts bucket of one retraining run's files.

    What is below ``prefix`` is kept; what is below ``scratch`` expires.

    Examples
    --------
    >>> RunFiles("late-arrival", "20260301T100000Z-0a1b2c3d4e5f").evaluation
    'runs/late-arrival/20260301T100000Z-0a1b2c3d4e5f/evaluation/evaluation.json'
    """

    model: str
    run_id: str

    @property
    def prefix(self) -> str:
        """The prefix of the run's reports, and of the artifact that it registers; ends in a slash."""
        return f"runs/{self.model}/{self.run_id}/"

    @property
    def scratch(self) -> str:
        """The prefix of the run's rows and of its training jobs' outputs; ends in a slash."""
        return f"{SCRATCH}{self.model}/{self.run_id}/"

    @property
    def commit(self) -> str:
        """The commit that the run was planned from."""
        return f"{self.scratch}commit.json"

    @property
    def manifest(self) -> str:
        """The commit's objects, as SageMaker reads them."""
        return f"{self.scratch}manifest.json"

    @property
    def training_data(self) -> str:
        """The prefix of the training rows; ends in a slash."""
        return f"{self.scratch}data/training/"

    @property
    def holdout_data(self) -> str:
        """The prefix of the held-out rows; ends in a slash."""
        return f"{self.scratch}data/holdout/"

    @property
    def models(self) -> str:
        """The prefix of the training jobs' outputs, ``<job>/output/model.tar.gz``; ends in a slash."""
        return f"{self.scratch}model/"

    @property
    def artifact(self) -> str:
        """The registered artifact, a copy of one training job's output."""
        return f"{self.prefix}model.tar.gz"

    @property
    def validation(self) -> str:
        return f"{self.prefix}validation/validation.json"

    @property
    def evaluation(self) -> str:
        return f"{self.prefix}evaluation/evaluation.json"

    @property
    def baseline(self) -> str:
        return f"{self.prefix}evaluation/baseline.json"

    @property
    def golden(self) -> str:
        return f"{self.prefix}evaluation/golden.json"

    @property
    def copies_of_rows(self) -> tuple[str, ...]:
        """Keys and prefixes of files with rows of the commit, or with digests of its files; forgetting erases them."""
        examples = f"{self.prefix}validation/examples.json"
        return (f"{self.scratch}data/", self.golden, examples, self.commit, self.manifest)


RELEASES = "releases/"
"""Prefix in the artifacts bucket of release records and their signatures."""


@dataclass(frozen=True)
class PromotedFiles:
    """The keys in the artifacts bucket of one release record, whose ``digest`` is its SHA-256.

    The files that the record names are the run's (``RunFiles``), under the same keys in every environment.
    """

    model: str
    digest: str

    @property
    def record(self) -> str:
        return f"{RELEASES}{self.model}/{self.digest}/record.json"

    @property
    def signature(self) -> str:
        return f"{RELEASES}{self.model}/{self.digest}/signature.json"


RECORD_MEMBERS = ("record.json", "signature.json")
"""The members of a record's archive, and no others."""


def carried_record_key(digest: str) -> str:
    """Return the key in the tooling environment's records bucket of an archive with record.json and signature.json."""
    return f"records/{digest}.zip"


def capture_prefix(model: str, version: int | str) -> str:
    """Return the prefix in the capture bucket of a version's traffic; SageMaker appends endpoint, variant and hour."""
    return f"{model}/v{version}"


CHECKS = "checks/"
"""Prefix in the artifacts bucket of the documents of checks; they expire."""


def check_prefix(model: str, check_id: str) -> str:
    """Return the prefix in the artifacts bucket of one drift check's documents; it ends in a slash."""
    return f"{CHECKS}{model}/{check_id}/"


def checked_windows_prefix(model: str) -> str:
    """Return the prefix in the artifacts bucket of the lists of files that each window's check has read."""
    return f"{CHECKS}{model}/windows/"


def quarantine_prefix(model: str, check_id: str) -> str:
    """Return the prefix in the capture bucket of lines and files that a drift check could not read; ends in a slash."""
    return f"quarantine/{model}/{check_id}/"


def labels_prefix(model: str) -> str:
    """Return the prefix in the capture bucket of labels, by their predictions' hour: ``yyyy/mm/dd/hh/*.csv``."""
    return f"labels/{model}/"


def quality_key(model: str, window: str, version: int) -> str:
    """Return the key in the artifacts bucket of the quality of one version's predictions of a window."""
    return f"{CHECKS}{model}/quality/{window}-v{version}.json"


def measured_labels_key(model: str) -> str:
    """Return the key in the artifacts bucket of the digest of the labels that each hour was measured with."""
    return f"{CHECKS}{model}/labels.json"
