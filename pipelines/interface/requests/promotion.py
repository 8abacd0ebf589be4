"""The inputs and answers of the functions that promote a model to the next stage's accounts."""

from dataclasses import dataclass

from pipelines.interface.names import Environment


@dataclass(frozen=True, kw_only=True)
class PromotionRequest:
    """The champion that ``by`` asks to promote as far as the stage ``to``."""

    model: str
    version: int
    to: str
    by: str


@dataclass(frozen=True, kw_only=True)
class PromotionTicket:
    """The release record that a request wrote; ``digest`` is the SHA-256 of its canonical JSON."""

    digest: str
    record_uri: str


@dataclass(frozen=True, kw_only=True)
class StagePromotion:
    """The input of the machines that a model pipeline runs for one stage.

    ``execution`` is the pipeline execution's id, ``source`` the environment whose bucket the files are copied from,
    ``approval`` whether the stage demands a person's approval, ``two_people`` whether that must be another person than
    the one who requested the promotion or started the training.
    """

    digest: str
    execution: str
    stage: str
    source: Environment
    environments: tuple[Environment, ...]
    ordered: bool
    approval: bool
    two_people: bool


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """The release record that an environment imports.

    ``record`` is its canonical JSON, ``signature`` in base64, ``execution`` the pipeline execution's id.
    """

    digest: str
    record: str
    signature: str
    source: Environment
    execution: str
