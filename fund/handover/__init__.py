"""Handing over: what waits for somebody who leaves an organisation, from every folder, and who takes it."""
