"""Payment runs: what a preparer puts together, others approve as one, and one file asks of the bank."""
