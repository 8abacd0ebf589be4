"""Events on the environment's own bus. Delivery is at least once; consumers are idempotent."""

SOURCE = "mooring"

DRIFT_FOUND = "Drift Found"
"""detail: model, version, check_id, worst (list of columns). Starts the retraining state machine."""
QUALITY_LOST = "Quality Lost"
"""detail: model, version, window, metric, value, evaluated, rows. Starts the retraining state machine."""
RETRAINING_REQUESTED = "Retraining Requested"
"""detail: model, trigger {kind, id, by, reason}. Starts the retraining state machine."""
RUN_FINISHED = "Run Finished"
"""detail: model, run_id, outcome, cause, package_arn."""
RELEASE_FINISHED = "Release Finished"
"""detail: model, release_id, outcome, package_arn, cause."""

TRIGGER_KINDS = ("drift", "quality", "commit", "schedule", "person")
"""What may start a retraining; each model's settings list those that it accepts. A person may always."""
REPRODUCTION = "reproduction"
"""The kind of a trigger that carries ``package_arn`` and asks for that package to be trained again and compared. No
event can carry one: a person starts it."""
