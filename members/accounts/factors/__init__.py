"""Second steps of signing in: authenticator apps, passkeys, recovery codes, and the way back when all are lost."""
