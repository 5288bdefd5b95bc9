"""The statement of an account: its entries, sifted by what the reader asks for."""
