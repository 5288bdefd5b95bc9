"""The journal of a period as a file, for spreadsheets and for other programs that keep books."""
