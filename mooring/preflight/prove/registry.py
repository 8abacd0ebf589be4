"""All proofs, the quick ones first."""

from mooring.preflight.prove import endpoint, jobs, messages

PROOFS = (*messages.PROOFS, *jobs.PROOFS, *endpoint.PROOFS)
