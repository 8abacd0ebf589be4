"""``python -m infra.fleet`` prints the JSON Schema of ``fleet.yaml`` for editors."""

import json

from infra.fleet.fleet import Fleet

print(json.dumps(Fleet.model_json_schema(), indent=2, sort_keys=True))
