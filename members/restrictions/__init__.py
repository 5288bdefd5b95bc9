"""Restricted funds: money given for a purpose, places, a priority or a time, and which award it may pay for."""
