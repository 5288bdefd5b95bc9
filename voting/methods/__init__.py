"""Pure counts, in integers and fractions, with the standard library only.

A sector is any piece of text here, so that a count can be repeated with nothing but this folder and the votes.
"""
