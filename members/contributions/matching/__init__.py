"""Which payment at the bank pays which pledge: what is sure by itself, what a person confirms, and what was wrong."""
