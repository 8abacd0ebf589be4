"""What a deployment would change: stacks compared as CloudFormation compares them, and told in the words of ML.

``rules`` says what an update of a property does to its resource, ``resolved`` evaluates a template as far as it is
known before a deployment, ``differences`` compares two of them, ``words`` names what a change means for a model, and
``build`` makes the plan of ``records``. Nothing here changes anything.
"""
