"""The treasurer's desk: what the money needs, where it is and where it goes; and the papers behind each transfer."""
