"""The rulebook: how settings, rules and policies are changed, by whom, and what held when."""
