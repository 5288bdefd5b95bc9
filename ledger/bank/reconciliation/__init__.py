"""Each month of the bank compared with the books, and signed by somebody who had no hand in it."""
