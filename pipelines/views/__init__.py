"""Read-only views: lineage and exploration, as text, JSON and pages."""
