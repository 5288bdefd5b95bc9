"""People and how they sign in: accounts, sessions on the server, invitations, and the fund's own roles."""
