"""What the fund holds about people: their copy of it, mending it, and erasing it. Stands above every domain, for it
must read them all."""
