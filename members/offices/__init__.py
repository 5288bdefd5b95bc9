"""Changes of who may do what that take two people: roles for the fund, and a new certifier for an organisation that
has none who can act.
"""
