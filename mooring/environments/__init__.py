"""The life of an environment and its models: retire, take down, adopt. All act with the caller's own credentials.

No persona may delete a stack, an endpoint or a bucket; those who deploy an environment may.
"""
