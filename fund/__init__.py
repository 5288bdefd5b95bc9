"""The fund, in two storeys.

`fund.kernel` is the ground floor: database, clock, errors, access, audit, outbox. It knows no domain, and every folder
stands on it. Everything else in `fund` is the top floor: the web application, the command line, the scheduler, grants,
reporting, documents and the public pages. Between the storeys lie, from the top down, `voting`, `proposals`, `members`
and `ledger`. Imports go down only; `pyproject.toml` holds that as contracts.
"""
