"""The books: accounts, transfers, balances and seals.

`ledger` knows nobody; an account names its owner by a reference string.

`ledger.bank` holds statements, payees and payment files.
"""
