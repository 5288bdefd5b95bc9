"""Pages. Importing this lays every page of second steps on the blueprint."""

from members.accounts.factors import letting_in_views, prove_views, set_up_views
from members.accounts.factors.blueprint import bp

__all__ = ["bp", "letting_in_views", "prove_views", "set_up_views"]
