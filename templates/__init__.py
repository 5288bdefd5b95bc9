"""The pages. A package, so that they are found once installed."""
