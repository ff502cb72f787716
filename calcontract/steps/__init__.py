"""
From Gherkin's sentences to calls.

No rules live here: what is acceptable is said by `calcontract.judges`, what is sent is made by
`mock_calcom` and `calcontract.stimuli`.  The modules are pytest plugins, since that is how
pytest-bdd finds step functions outside a test module.
"""

#: Every module that holds steps.
MODULES = (
    "calcontract.steps.happenings",
    "calcontract.steps.spoiling",
    "calcontract.steps.authenticity",
    "calcontract.steps.sending",
    "calcontract.steps.transport",
    "calcontract.steps.robustness",
    "calcontract.steps.abuse",
    "calcontract.steps.floods",
    "calcontract.steps.answers",
    "calcontract.steps.orders",
    "calcontract.steps.surroundings",
    "calcontract.steps.effects",
    "calcontract.steps.seats",
    "calcontract.steps.processing",
    "calcontract.steps.failing",
    "calcontract.steps.crashes",
    "calcontract.steps.configuring",
    "calcontract.steps.logs",
)
