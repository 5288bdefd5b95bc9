"""How people hear from the fund: which kinds of message they have at once, once a day, or not at all."""
